// SPDX-License-Identifier: GPL-2.0-or-later
// A tracepoint NAME is `__tracepoint_NAME`, and the function that calls those who listen is `int __traceiter_NAME(void
// *__data, ARGUMENTS)` (since 5.10: d25e37d89dd2 "tracepoint: Optimize using static_call()"), which both DWARF and BTF
// of the module that defines it describe.
#include "frontend/target/described_tracepoints.h"

#include <algorithm>

namespace tapjit::target {

namespace {

constexpr std::string_view point_prefix = "__tracepoint_", caller_prefix = "__traceiter_";

// Integers by their size, so that no header's typedef is needed.
std::string passed_as(const TypeSource &types, TypeRef type) {
  ValueType facts = types.describe(type);
  switch (facts.kind) {
  case TypeKind::Pointer:
  case TypeKind::Array:
  case TypeKind::Function:
    return "void *";
  case TypeKind::Bool:
    return "bool";
  case TypeKind::Struct:
  case TypeKind::Union: // passed like the words that it has
    return "struct { " + std::string(facts.size % 8 ? "char" : "long") + " it[" +
           std::to_string(facts.size % 8 ? facts.size : facts.size / 8) + "]; }";
  default:
    break;
  }
  std::string name = facts.size == 1 ? "char" : facts.size == 2 ? "short" : facts.size == 4 ? "int" : "long";
  return (facts.is_signed ? "signed " : "unsigned ") + name;
}

// nullopt: the file does not describe it.
std::optional<std::vector<TracepointArgument>> arguments_of(DebugFile &file, const DebugIndex &index,
                                                            const std::string &name) {
  const std::string caller = std::string(caller_prefix) + name;
  std::vector<TypeParameter> parameters;
  const TypeSource *types;
  if (file.uses_btf()) {
    const BtfVariables *btf = file.btf();
    TypeRef function = btf->function(caller);
    if (!function)
      return std::nullopt;
    parameters = btf->parameters(function);
    types = &btf->types();
  } else {
    auto rows = index.rows(RowKind::Function, caller);
    auto dwarf = file.dwarf();
    if (rows.empty() || !dwarf)
      return std::nullopt;
    parameters = (*dwarf)->parameters(rows[0].die);
    types = &(*dwarf)->types();
  }
  std::vector<TracepointArgument> arguments;
  for (size_t i = 1; i < parameters.size(); ++i) // behind `__data`
    arguments.push_back({types->name(parameters[i].type),
                         parameters[i].name.empty() ? "arg" + std::to_string(i) : parameters[i].name,
                         parameters[i].type, passed_as(*types, parameters[i].type)});
  return arguments;
}

} // namespace

Result<std::vector<Tracepoint>> described_tracepoints(DebugFile &file, const std::string &module,
                                                      const std::string &pattern, NameGuesser &guesser) {
  auto index = file.index();
  if (!index)
    return index.error();
  std::vector<Tracepoint> points;
  bool any_undescribed = false;
  for (const IndexSymbol &symbol : (*index)->symbols_beginning(point_prefix)) {
    Tracepoint point;
    point.name = (*index)->string(symbol.name).substr(point_prefix.size());
    guesser.consider(point.name);
    if (!matches_wildcard(pattern, point.name))
      continue;
    auto arguments = arguments_of(file, **index, point.name);
    any_undescribed |= !arguments;
    if (!arguments)
      continue;
    point.module = module;
    point.arguments = std::move(*arguments);
    points.push_back(std::move(point));
  }
  if (points.empty() && any_undescribed)
    return Error{"neither debuginfo nor BTF of module `" + module + "` describes its tracepoints", file.paths().advice};
  return points;
}

} // namespace tapjit::target
