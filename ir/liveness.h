// SPDX-License-Identifier: GPL-2.0-or-later
// Which values are still needed where. A phi uses its operands at the end of the predecessors and defines its result at
// the start of its block. Constants are never among them: they need no place to live in.
#pragma once

#include "ir/ir.h"

#include <algorithm>

namespace tapjit::ir {

// Few values of many.
class ValueSet {
public:
  bool contains(ValueId value) const { return std::binary_search(values_.begin(), values_.end(), value); }
  void insert(ValueId value) {
    auto at = std::lower_bound(values_.begin(), values_.end(), value);
    if (at == values_.end() || *at != value)
      values_.insert(at, value);
  }
  void erase(ValueId value) {
    auto at = std::lower_bound(values_.begin(), values_.end(), value);
    if (at != values_.end() && *at == value)
      values_.erase(at);
  }
  void append(ValueId value) { values_.push_back(value); }       // greater than all that are there
  const std::vector<ValueId> &values() const { return values_; } // sorted

private:
  std::vector<ValueId> values_;
};

inline bool is_constant(const Inst &inst) { return inst.op == Op::ConstI64 || inst.op == Op::ConstStr; }

class Liveness {
public:
  explicit Liveness(const Function &function);

  const ValueSet &live_in(BlockId block) const { return in_[block.index]; }   // without the block's phis
  const ValueSet &live_out(BlockId block) const { return out_[block.index]; } // with what the successors' phis use

private:
  std::vector<ValueSet> in_, out_;
};

// Calls visit(position, live after the instruction at that position) for the block's instructions, last first; phis are
// visited too.
template <typename Visit>
void walk_backward(const Function &function, const Liveness &liveness, BlockId block, Visit visit) {
  const Block &here = function.blocks[block.index];
  ValueSet live = liveness.live_out(block);
  auto use = [&](ValueId value) {
    if (!is_constant(function.insts[value.index]))
      live.insert(value);
  };
  if (here.terminator_operand.valid())
    use(here.terminator_operand);
  for (size_t position = here.insts.size(); position-- > 0;) {
    ValueId value = here.insts[position];
    const Inst &inst = function.insts[value.index];
    visit(position, static_cast<const ValueSet &>(live));
    live.erase(value);
    if (inst.op != Op::Phi)
      for (ValueId operand : inst.operands)
        use(operand);
  }
}

} // namespace tapjit::ir
