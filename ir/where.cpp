// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/where.h"

#include <fmt/format.h>

namespace tapjit::ir {

namespace {

std::string thing_of(const Module &module, const Inst &inst) {
  switch (inst.op) {
  case Op::Div:
    return "operator '/'";
  case Op::Mod:
    return "operator '%'";
  case Op::RegexGroup:
    return "identifier 'matched'";
  case Op::RegexCount:
    return "identifier 'ngroups'";
  case Op::Error:
    return "identifier 'error'";
  default:
    break;
  }
  if (op_info(inst.op).aux == Aux::Global)
    return fmt::format("identifier '{}'", module.globals[inst.aux].name);
  if (op_info(inst.op).aux == Aux::Function)
    return fmt::format("identifier '{}'", module.functions[inst.aux].name);
  return "statement";
}

} // namespace

std::string place_text(const Module &module, LocationId location, const std::string &thing) {
  if (!location.valid())
    return "";
  const Location &place = module.locations[location.index];
  return fmt::format("{} at {}:{}:{}", thing, place.file, place.line, place.column);
}

std::string place_text(const Module &module, const Inst &inst) {
  return place_text(module, inst.loc, thing_of(module, inst));
}

} // namespace tapjit::ir
