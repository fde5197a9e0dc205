// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/verify_function.h"

#include "ir/regex/regex.h"
#include "ir/signature.h"
#include "ir/views.h"

namespace tapjit::ir {

namespace {

// What follows from the row already (a result `g` of a statistic has no type) is checked by the row.
bool fits(const Global &global, GlobalKind kind) {
  bool is_map = !global.keys.empty();
  switch (kind) {
  case GlobalKind::Any:
    return true;
  case GlobalKind::Value:
    return !is_map && global.value != ValueKind::Stat;
  case GlobalKind::Integer:
    return !is_map && global.value == ValueKind::I64;
  case GlobalKind::Stat:
    return !is_map && global.value == ValueKind::Stat;
  case GlobalKind::Map:
    return is_map;
  case GlobalKind::ValueMap:
    return is_map && global.value != ValueKind::Stat;
  case GlobalKind::IntegerMap:
    return is_map && global.value == ValueKind::I64;
  case GlobalKind::StatMap:
    return is_map && global.value == ValueKind::Stat;
  }
  return false;
}

bool is_width(int64_t bytes, bool with_eight) {
  int64_t size = bytes < 0 ? -bytes : bytes;
  return size == 1 || size == 2 || size == 4 || (with_eight && size == 8);
}

bool fits_imm(const Module &module, const Function &function, const Inst &inst) {
  switch (op_info(inst.op).imm) {
  case Imm::None:
    return true;
  case Imm::Flag:
    return inst.imm == 0 || inst.imm == 1;
  case Imm::Field:
    return inst.imm >= 0 && inst.imm <= int64_t(StatField::Variance);
  case Imm::Sort:
    return inst.imm >= 0 && size_t(inst.imm) < module.sorts.size();
  case Imm::Integer:
    break;
  }
  switch (inst.op) {
  case Op::Trunc:
    return is_width(inst.imm, false);
  case Op::LoadK:
  case Op::LoadU:
    return is_width(inst.imm, true);
  case Op::LocalGet:
  case Op::LocalSet:
    return inst.imm >= 0 && inst.imm <= INT32_MAX;
  case Op::StoreK:
    return inst.imm > 0 && is_width(inst.imm, true);
  case Op::KernelAddress:
    return !module.anchor_symbol.empty();
  case Op::ModuleSlide:
    return inst.imm >= 0 && size_t(inst.imm) < module.module_anchors.size() &&
           module.module_anchors[size_t(inst.imm)].symbol.find(':') != std::string::npos;
  case Op::Param:
    return inst.imm >= 0 && size_t(inst.imm) < function.params.size() && inst.type == function.params[size_t(inst.imm)];
  case Op::IterKey:
    return inst.imm >= 0 && inst.aux < module.globals.size() && size_t(inst.imm) < module.globals[inst.aux].keys.size();
  case Op::Charge:
    return inst.imm > 0;
  case Op::CtxReg:
  case Op::CtxRegSet:
    return inst.imm >= 0 && inst.imm <= 16; // DWARF numbers of x86-64 up to rip
  case Op::CtxNumber:
    return inst.imm >= 0 && size_t(inst.imm) < std::size(number_names);
  case Op::CtxEntry:
  case Op::CtxEntryStr:
  case Op::CtxTpArg:
    return inst.imm >= 0;
  case Op::MapHasSlice:
  case Op::MapDelSlice:
  case Op::IterNextSlice:
    return inst.imm >= 0 && inst.aux < module.globals.size() &&
           inst.imm < int64_t(1) << module.globals[inst.aux].keys.size();
  default:
    return true;
  }
}

size_t table_size(const Module &module, Aux aux) {
  switch (aux) {
  case Aux::Global:
    return module.globals.size();
  case Aux::Function:
    return module.functions.size();
  case Aux::String:
    return module.strings.size();
  case Aux::Format:
    return module.formats.size();
  case Aux::LockSet:
    return module.lock_sets.size();
  case Aux::None:
  case Aux::Block:
    break;
  }
  return SIZE_MAX;
}

void check_pattern(const Module &module, const Inst &inst, Findings &findings) {
  if (inst.op != Op::RegexMatch && inst.op != Op::RegexSearch)
    return;
  regex::Error error;
  if (!regex::compile(module.strings[inst.aux], inst.op == Op::RegexSearch, error))
    findings.add("the pattern of `{}` cannot be compiled: {}", op_info(inst.op).mnemonic, error.message);
}

void check_operands(const Module &module, const Function &function, const Inst &inst, Findings &findings) {
  OperandTypes wanted = operand_types(module, inst);
  if (inst.operands.size() != wanted.types.size() && !(wanted.rest && inst.operands.size() > wanted.types.size())) {
    if (!wanted.rest)
      findings.add("`{}` has {} operands, {} are wanted", op_info(inst.op).mnemonic, inst.operands.size(),
                   wanted.types.size());
    return;
  }
  for (size_t index = 0; index < inst.operands.size(); ++index) {
    Type type = function.insts[inst.operands[index].index].type;
    Type expected = inst.op == Op::Phi ? inst.type : index < wanted.types.size() ? wanted.types[index] : type;
    if (type != expected)
      findings.add("operand {} of `{}` is {}, {} is wanted", index, op_info(inst.op).mnemonic, type_spelling(type),
                   type_spelling(expected));
    if (expected == Type::Elem && function.insts[inst.operands[index].index].aux != inst.aux)
      findings.add("the element is of another map");
    if (expected == Type::Iter && function.insts[inst.operands[index].index].aux != inst.aux)
      findings.add("the iterator goes through another map");
  }
}

void check_local_set(const Function &function, const Inst &inst, Findings &findings) {
  if (inst.operands.size() != 1) {
    findings.add("`local.set` has {} operands, 1 is wanted", inst.operands.size());
    return;
  }
  const Inst &value = function.insts[inst.operands[0].index];
  if (value.type != Type::I64 && value.type != Type::Str)
    findings.add("a local cannot be {}", type_spelling(value.type));
  if (view_source(value).kind != ViewSource::Kind::None)
    findings.add("a local cannot be a view; copy it with `str.copy`");
}

} // namespace

void verify_inst(const Module &module, const Function &function, const Inst &inst, Findings &findings) {
  const OpInfo &info = op_info(inst.op);
  if (info.aux != Aux::None && inst.aux >= table_size(module, info.aux)) {
    findings.add("`{}` names no entry of its table", info.mnemonic);
    return;
  }
  check_pattern(module, inst, findings);
  if (inst.op == Op::ConstStr) {
    const std::string &text = module.strings[inst.aux];
    if (int64_t(text.size()) >= limit(module, "MAXSTRINGLEN") || text.find('\0') != std::string::npos)
      findings.add("a constant string of {} bytes does not fit, or has a NUL", text.size());
  }
  if (!fits_imm(module, function, inst))
    findings.add("`{}` cannot have the constant {}", info.mnemonic, inst.imm);
  if (info.aux == Aux::Global && !fits(module.globals[inst.aux], info.global))
    findings.add("`{}` is not for a global like @{}", info.mnemonic, module.globals[inst.aux].name);
  if (info.aux == Aux::Function && module.functions[inst.aux].kind == FunctionKind::Probe)
    findings.add("calls a probe");
  if (inst.type != result_type(module, inst))
    findings.add("the result of `{}` is {}, {} is wanted", info.mnemonic, type_spelling(inst.type),
                 type_spelling(result_type(module, inst)));
  if (info.result[0] == 'p' && inst.type != Type::I64 && inst.type != Type::Str)
    findings.add("`{}` cannot be {}", info.mnemonic, type_spelling(inst.type));
  check_operands(module, function, inst, findings);
  if (inst.op == Op::LocalSet)
    check_local_set(function, inst, findings);
}

} // namespace tapjit::ir
