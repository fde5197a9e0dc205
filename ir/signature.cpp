// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/signature.h"

namespace tapjit::ir {

namespace {

struct TypeRow {
  Type type;
  const char *spelling;
  char letter;
};

constexpr TypeRow type_rows[] = {
#define TYPE(name, spelling, letter, meaning) {Type::name, spelling, letter},
#include "ir/types.def"
#undef TYPE
};

struct LimitRow {
  std::string_view name;
  int64_t value;
};

constexpr LimitRow limit_rows[] = {
#define LIMIT(name, value, most) {#name, value},
#include "ir/limits.def"
#undef LIMIT
};

Type type_of_letter(char letter) {
  for (const TypeRow &row : type_rows)
    if (row.letter == letter)
      return row.type;
  return Type::Void;
}

const Global *global_at(const Module &module, const Inst &inst) {
  if (op_info(inst.op).aux != Aux::Global || inst.aux >= module.globals.size())
    return nullptr;
  return &module.globals[inst.aux];
}

Type key_type(const Module &module, const Inst &inst) {
  const Global *global = global_at(module, inst);
  if (!global || inst.imm < 0 || size_t(inst.imm) >= global->keys.size())
    return Type::Void;
  return global->keys[size_t(inst.imm)];
}

const Function *callee_at(const Module &module, const Inst &inst) {
  if (op_info(inst.op).aux != Aux::Function || inst.aux >= module.functions.size())
    return nullptr;
  return &module.functions[inst.aux];
}

} // namespace

const char *type_spelling(Type type) { return type_rows[size_t(type)].spelling; }

std::optional<Type> type_from_spelling(std::string_view spelling) {
  for (const TypeRow &row : type_rows)
    if (spelling == row.spelling)
      return row.type;
  return std::nullopt;
}

Type value_type(const Global &global) {
  switch (global.value) {
  case ValueKind::I64:
    return Type::I64;
  case ValueKind::Str:
    return Type::Str;
  case ValueKind::Stat:
    return Type::Void;
  }
  return Type::Void;
}

Type result_type(const Module &module, const Inst &inst) {
  char letter = op_info(inst.op).result[0];
  if (letter == 'p')
    return inst.type;
  if (letter == 'k')
    return key_type(module, inst);
  if (letter == 'r') {
    const Function *callee = callee_at(module, inst);
    return callee ? callee->result : Type::Void;
  }
  if (letter == 'g') {
    const Global *global = global_at(module, inst);
    return global ? value_type(*global) : Type::Void;
  }
  return type_of_letter(letter);
}

OperandTypes operand_types(const Module &module, const Inst &inst) {
  OperandTypes result;
  const Global *global = global_at(module, inst);
  if (inst.op == Op::Call) {
    if (const Function *callee = callee_at(module, inst))
      result.types = callee->params;
    return result;
  }
  if ((inst.op == Op::Print || inst.op == Op::Sprint) && inst.aux < module.formats.size()) {
    result.types = module.formats[inst.aux].args;
    return result;
  }
  for (const char *letter = op_info(inst.op).operands; *letter; ++letter) {
    if (*letter == '*')
      result.rest = true;
    else if (*letter == 'K' && global)
      result.types.insert(result.types.end(), global->keys.begin(), global->keys.end());
    else if (*letter == 'g' && global)
      result.types.push_back(value_type(*global));
    else
      result.types.push_back(type_of_letter(*letter));
  }
  return result;
}

uint64_t bucket_count(const StatSpec &spec) {
  constexpr uint64_t logarithmic = 128; // TAP_HIST_LOG_BUCKETS
  switch (spec.hist) {
  case StatSpec::Hist::None:
    return 0;
  case StatSpec::Hist::Log:
    return logarithmic;
  case StatSpec::Hist::Linear:
    break;
  }
  uint64_t whole =
      (static_cast<uint64_t>(spec.high) - static_cast<uint64_t>(spec.low)) / static_cast<uint64_t>(spec.step);
  return whole < UINT64_MAX - 3 ? whole + 3 : UINT64_MAX;
}

int64_t limit(const Module &module, std::string_view name) {
  int64_t value = 0;
  for (const LimitRow &row : limit_rows)
    if (row.name == name)
      value = row.value;
  if (auto found = module.limits.find(std::string(name)); found != module.limits.end())
    value = found->second;
  if (value == 0 && name == "MAXACTION_INTERRUPTIBLE")
    return 10 * limit(module, "MAXACTION");
  if (value == 0 && (name == "MAP_STRING_LENGTH" || name == "STP_PROCFS_BUFSIZE"))
    return limit(module, "MAXSTRINGLEN");
  return value;
}

int64_t region_actions(const Module &module) { return std::max<int64_t>(limit(module, "MAXACTION"), 10000); }

} // namespace tapjit::ir
