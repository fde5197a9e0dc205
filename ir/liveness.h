// SPDX-License-Identifier: GPL-2.0-or-later
// Which values are still needed where. A phi uses its operands at the end of the predecessors and defines its result at
// the start of its block.
#pragma once

#include "ir/ir.h"

namespace tapjit::ir {

class ValueSet {
public:
  explicit ValueSet(size_t count = 0) : words_((count + 63) / 64) {}
  bool contains(ValueId value) const { return words_[value.index / 64] >> (value.index % 64) & 1; }
  void insert(ValueId value) { words_[value.index / 64] |= uint64_t(1) << (value.index % 64); }
  void erase(ValueId value) { words_[value.index / 64] &= ~(uint64_t(1) << (value.index % 64)); }
  bool merge(const ValueSet &other); // true if it grew
  std::vector<ValueId> values() const;

private:
  std::vector<uint64_t> words_;
};

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
  if (here.terminator_operand.valid())
    live.insert(here.terminator_operand);
  for (size_t position = here.insts.size(); position-- > 0;) {
    ValueId value = here.insts[position];
    const Inst &inst = function.insts[value.index];
    visit(position, static_cast<const ValueSet &>(live));
    live.erase(value);
    if (inst.op != Op::Phi)
      for (ValueId operand : inst.operands)
        live.insert(operand);
  }
}

} // namespace tapjit::ir
