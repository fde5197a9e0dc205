// SPDX-License-Identifier: GPL-2.0-or-later
// Folds operations on constants, arguments of formats, reads of globals that nobody writes, phis of one constant, and
// branches on constants. A folded instruction becomes a constant where it stands, so its uses need no change.
#include "ir/builder.h"
#include "ir/cfg.h"
#include "ir/fold.h"
#include "ir/format_parts.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/regex/regex.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

class Folder {
public:
  Folder(Interner &interner, const std::vector<bool> &written, Function &function)
      : interner_(interner), module_(interner.module()), written_(written), function_(function) {}

  void run() {
    for (bool changed = true; changed;) {
      changed = false;
      replaced_.assign(function_.insts.size(), ValueId::none());
      for (BlockId block : reverse_postorder(function_))
        changed |= fold_block(block);
      replace_uses(function_, replaced_);
      for (Block &block : function_.blocks)
        std::erase_if(block.insts,
                      [&](ValueId value) { return value.index < replaced_.size() && replaced_[value.index].valid(); });
      changed |= remove_unreachable_blocks(function_);
    }
  }

private:
  const Inst &inst(ValueId value) const { return function_.insts[value.index]; }
  bool is_integer(ValueId value) const { return inst(value).op == Op::ConstI64; }
  bool is_integer(ValueId value, int64_t number) const { return is_integer(value) && inst(value).imm == number; }
  const std::string *text(ValueId value) const {
    return inst(value).op == Op::ConstStr ? &module_.strings[inst(value).aux] : nullptr;
  }

  bool fold_block(BlockId block) {
    bool changed = false;
    for (ValueId value : std::vector<ValueId>(function_.blocks[block.index].insts)) {
      for (ValueId &operand : function_.insts[value.index].operands)
        while (operand.index < replaced_.size() && replaced_[operand.index].valid())
          operand = replaced_[operand.index];
      if (inst(value).op == Op::Phi)
        changed |= fold_phi(block, value);
      else
        changed |= fold_constant(value) || fold_identity(value);
    }
    Block &here = function_.blocks[block.index];
    if (here.terminator == Terminator::OnFail && !(effects_of(inst(here.insts.back())) & Fail)) {
      replace_with_jump(function_, block, here.successors[0]);
      changed = true;
    }
    if (here.terminator == Terminator::Branch)
      changed |= fold_branch(block, here);
    return changed;
  }

  void become_integer(ValueId value, int64_t number) {
    function_.insts[value.index] = {Op::ConstI64, Type::I64, UINT32_MAX, number, {}, inst(value).loc};
  }
  void become_text(ValueId value, const std::string &text) {
    function_.insts[value.index] = {Op::ConstStr, Type::Str, interner_.string(text).index, 0, {}, inst(value).loc};
  }

  bool fold_constant(ValueId value) {
    const Inst &here = inst(value);
    const Operands operands = here.operands;
    if (here.op == Op::Print || here.op == Op::Sprint)
      return fold_format_of(value);
    if (here.op == Op::GLoad || here.op == Op::MapGet || here.op == Op::MapHas)
      return !written_[here.aux] && fold_read(value);
    if (here.op == Op::StrLen && text(operands[0])) {
      become_integer(value, int64_t(text(operands[0])->size()));
      return true;
    }
    if (here.type == Type::I64 && !operands.empty() && operands.size() <= 2 && is_integer(operands[0]) &&
        is_integer(operands.back())) {
      auto folded = fold_integers(here.op, inst(operands[0]).imm, inst(operands.back()).imm, here.imm);
      if (folded)
        become_integer(value, *folded);
      return folded.has_value();
    }
    if (here.op == Op::StrCopy && text(operands[0])) {
      replaced_[value.index] = operands[0];
      return true;
    }
    if (here.op == Op::RegexMatch && text(operands[0]))
      return fold_match(value, *text(operands[0]));
    if (operands.size() != 2 || !text(operands[0]) || !text(operands[1]))
      return false;
    if (here.op == Op::StrConcat) {
      std::string joined = *text(operands[0]) + *text(operands[1]);
      joined.resize(std::min(joined.size(), size_t(limit(module_, "MAXSTRINGLEN") - 1)));
      become_text(value, joined);
      return true;
    }
    auto folded = fold_strings(here.op, *text(operands[0]), *text(operands[1]));
    if (folded)
      become_integer(value, *folded);
    return folded.has_value();
  }

  // Of a global that keeps its initial value: a map is empty.
  bool fold_read(ValueId value) {
    const Global &global = module_.globals[inst(value).aux];
    if (inst(value).type == Type::Str) {
      const std::string *words = std::get_if<std::string>(&global.init);
      become_text(value, words ? *words : "");
    } else {
      const int64_t *number = std::get_if<int64_t>(&global.init);
      become_integer(value, number ? *number : 0);
    }
    return true;
  }

  bool fold_format_of(ValueId value) {
    std::vector<FormatPart> parts = format_parts(module_.formats[inst(value).aux].text);
    Operands args = inst(value).operands;
    bool changed = fold_format(module_, function_, parts, args);
    bool is_literal = parts.empty() || (parts.size() == 1 && !parts[0].conversion);
    if (inst(value).op == Op::Sprint && is_literal) {
      std::string words = parts.empty() ? "" : parts[0].text;
      become_text(value, words.substr(0, size_t(limit(module_, "MAXSTRINGLEN") - 1)));
      return true;
    }
    if (inst(value).op == Op::Sprint && parts.size() == 1 && parts[0].text == "%s") {
      function_.insts[value.index] = {Op::StrCopy, Type::Str, UINT32_MAX, 0, args, inst(value).loc};
      return true;
    }
    if (!changed)
      return false;
    std::vector<Type> types;
    for (ValueId arg : args)
      types.push_back(inst(arg).type);
    function_.insts[value.index].aux = interner_.format(format_of_parts(parts), types).index;
    function_.insts[value.index].operands = std::move(args);
    return true;
  }

  bool fold_match(ValueId value, const std::string &subject) {
    regex::Error error;
    auto automaton = regex::compile(module_.strings[inst(value).aux], false, error);
    if (automaton)
      become_integer(value, regex::matches(*automaton, subject));
    return automaton.has_value();
  }

  bool is_truth_value(ValueId value) const {
    Op op = inst(value).op;
    return (op >= Op::Eq && op <= Op::Ge) || (op >= Op::StrEq && op <= Op::StrGe) || op == Op::MapHas ||
           op == Op::RegexMatch || op == Op::RegexSearch || op == Op::MapHasSlice || op == Op::IterNext ||
           op == Op::IterNextSlice || is_integer(value, 0) || is_integer(value, 1);
  }

  bool replace(ValueId value, ValueId by) {
    replaced_[value.index] = by;
    return true;
  }

  bool fold_identity(ValueId value) {
    const Inst &here = inst(value);
    if (here.operands.size() != 2 || here.type != Type::I64)
      return false;
    ValueId left = here.operands[0], right = here.operands[1];
    switch (here.op) {
    case Op::Add:
    case Op::Or:
    case Op::Xor:
      if (is_integer(left, 0))
        return replace(value, right);
      [[fallthrough]];
    case Op::Sub:
    case Op::Shl:
    case Op::Shr:
      return is_integer(right, 0) && replace(value, left);
    case Op::Mul:
      if (is_integer(left, 1))
        return replace(value, right);
      return is_integer(right, 1) && replace(value, left);
    case Op::Ne:
      return is_integer(right, 0) && is_truth_value(left) && replace(value, left);
    default:
      return false;
    }
  }

  // A phi of one value, or of constants that are all equal.
  bool fold_phi(BlockId block, ValueId phi) {
    const Operands operands = inst(phi).operands;
    ValueId same;
    bool constants = !operands.empty() && is_constant(operands[0]);
    for (ValueId operand : operands) {
      constants = constants && is_constant(operand) && inst(operand).imm == inst(operands[0]).imm &&
                  inst(operand).aux == inst(operands[0]).aux;
      if (operand == phi || operand == same)
        continue;
      if (same.valid() && !constants)
        return false;
      same = same.valid() ? same : operand;
    }
    if (!same.valid() || (!constants && !is_single(operands, phi, same)))
      return false;
    if (constants) {
      size_t after_phis = 0;
      const std::vector<ValueId> &insts = function_.blocks[block.index].insts;
      while (after_phis < insts.size() && inst(insts[after_phis]).op == Op::Phi)
        ++after_phis;
      same = insert_inst(function_, block, after_phis, Inst(inst(operands[0])));
      replaced_.push_back(ValueId::none());
    }
    return replace(phi, same);
  }

  static bool is_single(const Operands &operands, ValueId phi, ValueId same) {
    return std::all_of(operands.begin(), operands.end(),
                       [&](ValueId operand) { return operand == phi || operand == same; });
  }
  bool is_constant(ValueId value) const { return inst(value).op == Op::ConstI64 || inst(value).op == Op::ConstStr; }

  bool fold_branch(BlockId block, Block &here) {
    ValueId condition = here.terminator_operand;
    while (condition.index < replaced_.size() && replaced_[condition.index].valid())
      condition = replaced_[condition.index];
    here.terminator_operand = condition;
    if (is_integer(condition)) {
      replace_with_jump(function_, block, here.successors[inst(condition).imm ? 0 : 1]);
      return true;
    }
    // br (x != 0) is br x; br (x == 0) is br x with its successors exchanged.
    const Inst &test = inst(condition);
    if ((test.op == Op::Ne || test.op == Op::Eq) && is_integer(test.operands[1], 0)) {
      here.terminator_operand = test.operands[0];
      if (test.op == Op::Eq)
        std::swap(here.successors[0], here.successors[1]);
      return true;
    }
    return false;
  }

  Interner &interner_;
  Module &module_;
  const std::vector<bool> &written_; // by global
  Function &function_;
  std::vector<ValueId> replaced_;
};

} // namespace

void const_fold(Module &module) {
  Interner interner(module);
  std::vector<bool> written = written_globals(module);
  for (Function &function : module.functions)
    if (!function.blocks.empty())
      Folder(interner, written, function).run();
}

} // namespace tapjit::ir::passes
