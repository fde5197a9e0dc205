// SPDX-License-Identifier: GPL-2.0-or-later
// Algebra on integers and strings: operations that are one of their operands or a constant, chains of operations with
// constants, and comparisons of strings that are put together with constants. A string that is one of its operands
// becomes a copy of it, for the operand may be a view; string_copy_elision knows whether the copy is needed.
//
// concat(x, C1) == C2 is decided by the ends of the texts, and else is x == what is in front of C1 in C2: that holds
// where C2 is shorter than the longest string, for then nothing has been cut off.
#include "ir/builder.h"
#include "ir/cfg.h"
#include "ir/fold.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

class Simplifier {
public:
  Simplifier(Interner &interner, Function &function)
      : interner_(interner), module_(interner.module()), function_(function), replaced_(function.insts.size()),
        longest_(size_t(limit(module_, "MAXSTRINGLEN") - 1)) {}

  // One sweep, operands before their users: each operation sees simple ones.
  void run() {
    for (BlockId block : reverse_postorder(function_)) {
      std::vector<ValueId> insts;
      ValueId last;
      for (ValueId value : std::vector<ValueId>(std::move(function_.blocks[block.index].insts))) {
        last = value;
        made_.clear();
        simplify_inst(value);
        insts.insert(insts.end(), made_.begin(), made_.end());
        if (!replaced_[value.index].valid())
          insts.push_back(value);
      }
      Block &here = function_.blocks[block.index];
      here.insts = std::move(insts);
      if (here.terminator == Terminator::OnFail &&
          (last.valid() && (replaced_[last.index].valid() || !(effects_of(inst(last)) & Fail))))
        replace_with_jump(function_, block, here.successors[0]);
    }
    replace_uses(function_, replaced_);
    remove_unreachable_blocks(function_);
  }

private:
  const Inst &inst(ValueId value) const { return function_.insts[value.index]; }
  bool is_integer(ValueId value) const { return inst(value).op == Op::ConstI64; }
  bool is_integer(ValueId value, int64_t number) const { return is_integer(value) && inst(value).imm == number; }
  bool is_view(ValueId value) const { return view_source(inst(value)).kind != ViewSource::Kind::None; }
  const std::string *text(ValueId value) const {
    return inst(value).op == Op::ConstStr ? &module_.strings[inst(value).aux] : nullptr;
  }

  void simplify_inst(ValueId value) {
    Inst &here = function_.insts[value.index];
    if (here.op == Op::Phi)
      return;
    for (ValueId &operand : here.operands)
      while (replaced_[operand.index].valid())
        operand = replaced_[operand.index];
    const OpInfo &info = op_info(here.op);
    if (here.op == Op::StrConcat) {
      concatenation(value);
    } else if (here.op >= Op::StrEq && here.op <= Op::StrGe) {
      while (comparison_of_strings(value)) {
      }
    } else if (info.operands == std::string_view("i")) {
      unary(value);
    } else if (info.operands == std::string_view("ii")) {
      constant_to_the_right(here);
      while (chain(value)) {
      }
      binary(value);
    }
  }

  // --- what a value becomes
  bool be(ValueId value, ValueId other) {
    replaced_[value.index] = other;
    return true;
  }
  bool be_integer(ValueId value, int64_t number) {
    function_.insts[value.index] = {Op::ConstI64, Type::I64, UINT32_MAX, number, {}, inst(value).loc};
    return true;
  }
  bool be_op(ValueId value, Op op, Operands operands) {
    Type type = inst(value).type;
    function_.insts[value.index] = {op, type, UINT32_MAX, 0, std::move(operands), inst(value).loc};
    return true;
  }
  // A new constant in front of the instruction in hand.
  ValueId make(ValueId before, Inst constant) {
    constant.loc = inst(before).loc;
    function_.insts.push_back(std::move(constant));
    replaced_.emplace_back();
    made_.push_back(ValueId{uint32_t(function_.insts.size() - 1)});
    return made_.back();
  }
  ValueId integer(ValueId before, int64_t number) {
    return make(before, {Op::ConstI64, Type::I64, UINT32_MAX, number, {}, {}});
  }
  ValueId string(ValueId before, const std::string &words) {
    return make(before, {Op::ConstStr, Type::Str, interner_.string(words).index, 0, {}, {}});
  }

  // --- integers
  static bool commutes(Op op) {
    return op == Op::Add || op == Op::Mul || op == Op::And || op == Op::Or || op == Op::Xor || op == Op::Eq ||
           op == Op::Ne;
  }
  static Op negated(Op op) {
    static constexpr Op of_integers[] = {Op::Ne, Op::Eq, Op::Ge, Op::Gt, Op::Le, Op::Lt};
    static_assert(int(Op::Ge) - int(Op::Eq) == 5 && int(Op::StrGe) - int(Op::StrEq) == 5);
    if (op >= Op::StrEq)
      return Op(int(of_integers[int(op) - int(Op::StrEq)]) - int(Op::Eq) + int(Op::StrEq));
    return of_integers[int(op) - int(Op::Eq)];
  }
  static bool is_comparison(Op op) { return (op >= Op::Eq && op <= Op::Ge) || (op >= Op::StrEq && op <= Op::StrGe); }

  void constant_to_the_right(Inst &here) const {
    bool compares = here.op >= Op::Eq && here.op <= Op::Ge;
    if (!is_integer(here.operands[0]) || is_integer(here.operands[1]) || !(commutes(here.op) || compares))
      return;
    std::swap(here.operands[0], here.operands[1]);
    here.op = exchanged(here.op);
  }

  void unary(ValueId value) {
    Inst &here = function_.insts[value.index];
    const Inst &operand = inst(here.operands[0]);
    if ((here.op == Op::Neg || here.op == Op::Not) && operand.op == here.op)
      be(value, operand.operands[0]);
    else if (here.op == Op::Neg && operand.op == Op::Sub)
      be_op(value, Op::Sub, {operand.operands[1], operand.operands[0]});
    else if (here.op == Op::Trunc && keeps_width(operand, here.imm))
      be(value, here.operands[0]);
    else if (here.op == Op::Trunc && operand.op == Op::Trunc && std::abs(here.imm) <= std::abs(operand.imm))
      here.operands[0] = ValueId(operand.operands[0]);
  }

  // Whether a value that `made` makes fits `width` (as Trunc has it in imm) already.
  static bool keeps_width(const Inst &made, int64_t width) {
    if (is_comparison(made.op) || made.op == Op::MapHas || made.op == Op::IterNext)
      return true;
    if (made.op != Op::Trunc && made.op != Op::LoadK && made.op != Op::LoadU)
      return false;
    return made.imm == width || (made.imm > 0 && made.imm < std::abs(width)) ||
           (made.imm < 0 && width < 0 && made.imm > width);
  }

  // (x op C1) op C2 is x op (C1 op C2); x - C is x + -C. True: there may be more.
  bool chain(ValueId value) {
    Inst &here = function_.insts[value.index];
    if (here.op == Op::Sub && is_integer(here.operands[1]) && !is_integer(here.operands[0])) {
      int64_t number = inst(here.operands[1]).imm;
      ValueId negative = integer(value, int64_t(0 - uint64_t(number)));
      return be_op(value, Op::Add, {inst(value).operands[0], negative});
    }
    bool associates =
        here.op == Op::Add || here.op == Op::Mul || here.op == Op::And || here.op == Op::Or || here.op == Op::Xor;
    if (!associates || !is_integer(here.operands[1]))
      return false;
    const Inst &left = inst(here.operands[0]);
    if (left.op != here.op || !is_integer(left.operands[1]))
      return false;
    Op op = here.op;
    ValueId first = left.operands[0];
    int64_t number = *fold_integers(op, inst(left.operands[1]).imm, inst(here.operands[1]).imm, 0);
    return be_op(value, op, {first, integer(value, number)});
  }

  bool binary(ValueId value) {
    const Inst &here = inst(value);
    ValueId left = here.operands[0], right = here.operands[1];
    bool same = left == right;
    switch (here.op) {
    case Op::Add:
      if (inst(right).op == Op::Neg)
        return be_op(value, Op::Sub, {left, inst(right).operands[0]});
      return is_integer(right, 0) && be(value, left);
    case Op::Sub:
      if (inst(right).op == Op::Neg)
        return be_op(value, Op::Add, {left, inst(right).operands[0]});
      return same && be_integer(value, 0);
    case Op::Xor:
      return same ? be_integer(value, 0) : is_integer(right, 0) && be(value, left);
    case Op::And:
      return same || is_integer(right, -1) ? be(value, left) : is_integer(right, 0) && be_integer(value, 0);
    case Op::Or:
      return same || is_integer(right, 0) ? be(value, left) : is_integer(right, -1) && be_integer(value, -1);
    case Op::Mul:
      if (is_integer(right, -1))
        return be_op(value, Op::Neg, {left});
      return is_integer(right, 1) ? be(value, left) : is_integer(right, 0) && be_integer(value, 0);
    case Op::Div:
      return is_integer(right, 1) && be(value, left);
    case Op::Mod:
      return (is_integer(right, 1) || is_integer(right, -1)) && be_integer(value, 0);
    case Op::Shl:
    case Op::Shr:
      return is_integer(right) && (inst(right).imm & 63) == 0 && be(value, left);
    default:
      return comparison(value);
    }
  }

  bool comparison(ValueId value) {
    const Inst &here = inst(value);
    ValueId left = here.operands[0], right = here.operands[1];
    if (here.op < Op::Eq || here.op > Op::Ge)
      return false;
    if (left == right)
      return be_integer(value, here.op == Op::Eq || here.op == Op::Le || here.op == Op::Ge);
    if (!is_integer(right))
      return false;
    const Inst &operand = inst(left);
    bool against_zero = inst(right).imm == 0, against_one = inst(right).imm == 1;
    if (is_comparison(operand.op) && (against_zero || against_one)) {
      if ((here.op == Op::Ne && against_zero) || (here.op == Op::Eq && against_one))
        return be(value, left);
      if ((here.op == Op::Eq && against_zero) || (here.op == Op::Ne && against_one))
        return be_op(value, negated(operand.op), operand.operands);
    }
    // x + C1 == C2 is x == C2 - C1, wrapping as it does.
    if ((here.op == Op::Eq || here.op == Op::Ne) && operand.op == Op::Add && is_integer(operand.operands[1])) {
      Op op = here.op;
      ValueId first = operand.operands[0];
      uint64_t rest = uint64_t(inst(right).imm) - uint64_t(inst(operand.operands[1]).imm);
      return be_op(value, op, {first, integer(value, int64_t(rest))});
    }
    if (here.op == Op::Lt && inst(right).imm == INT64_MIN)
      return be_integer(value, 0);
    if (here.op == Op::Gt && inst(right).imm == INT64_MAX)
      return be_integer(value, 0);
    if (here.op == Op::Ge && inst(right).imm == INT64_MIN)
      return be_integer(value, 1);
    return here.op == Op::Le && inst(right).imm == INT64_MAX && be_integer(value, 1);
  }

  // --- strings
  void concatenation(ValueId value) {
    for (;;) {
      const Inst &here = inst(value);
      ValueId left = here.operands[0], right = here.operands[1];
      if (const std::string *words = text(left); words && words->empty()) {
        be_op(value, Op::StrCopy, {right});
        return;
      }
      if (const std::string *words = text(right); words && words->empty()) {
        be_op(value, Op::StrCopy, {left});
        return;
      }
      if (inst(left).op == Op::StrConcat && text(right) && text(inst(left).operands[1]) &&
          !is_view(inst(left).operands[0])) {
        std::string joined = *text(inst(left).operands[1]) + *text(right);
        ValueId first = inst(left).operands[0];
        be_op(value, Op::StrConcat, {first, string(value, joined.substr(0, longest_))});
      } else if (inst(right).op == Op::StrConcat && text(left) && text(inst(right).operands[0]) &&
                 !is_view(inst(right).operands[1])) {
        std::string joined = *text(left) + *text(inst(right).operands[0]);
        ValueId last = inst(right).operands[1];
        be_op(value, Op::StrConcat, {string(value, joined.substr(0, longest_)), last});
      } else {
        return;
      }
    }
  }

  // True: there may be more.
  bool comparison_of_strings(ValueId value) {
    Inst &here = function_.insts[value.index];
    if (here.op < Op::StrEq || here.op > Op::StrGe)
      return false;
    if (here.operands[0] == here.operands[1]) {
      be_integer(value, here.op == Op::StrEq || here.op == Op::StrLe || here.op == Op::StrGe);
      return false;
    }
    bool is_equality = here.op == Op::StrEq || here.op == Op::StrNe;
    if (text(here.operands[0]) && !text(here.operands[1])) {
      static constexpr Op exchanged_strings[] = {Op::StrEq, Op::StrNe, Op::StrGt, Op::StrGe, Op::StrLt, Op::StrLe};
      static_assert(int(Op::StrLe) - int(Op::StrEq) == 3 && int(Op::StrGt) - int(Op::StrEq) == 4);
      std::swap(here.operands[0], here.operands[1]);
      here.op = exchanged_strings[int(here.op) - int(Op::StrEq)];
      return true;
    }
    const std::string *right = text(here.operands[1]);
    if (!right)
      return false;
    if (right->empty() && (here.op == Op::StrLt || here.op == Op::StrGe)) {
      be_integer(value, here.op == Op::StrGe);
      return false;
    }
    const Inst &joined = inst(here.operands[0]);
    if (joined.op == Op::StrCopy && text(joined.operands[0])) {
      here.operands[0] = ValueId(joined.operands[0]);
      return false;
    }
    if (!is_equality || joined.op != Op::StrConcat || right->size() >= longest_)
      return false;
    const std::string *head = text(joined.operands[0]), *tail = text(joined.operands[1]);
    if (!head && !tail)
      return false;
    bool fits = head ? right->starts_with(*head) : right->ends_with(*tail);
    if (!fits) {
      be_integer(value, here.op == Op::StrNe);
      return false;
    }
    std::string rest = head ? right->substr(head->size()) : right->substr(0, right->size() - tail->size());
    ValueId other = joined.operands[head ? 1 : 0];
    if (is_view(other))
      return false;
    Op op = here.op;
    return be_op(value, op, {other, string(value, rest)});
  }

  Interner &interner_;
  Module &module_;
  Function &function_;
  std::vector<ValueId> replaced_;
  std::vector<ValueId> made_; // constants for the instruction in hand
  size_t longest_;
};

} // namespace

void simplify(Module &module) {
  Interner interner(module);
  for (Function &function : module.functions)
    if (!function.blocks.empty())
      Simplifier(interner, function).run();
}

} // namespace tapjit::ir::passes
