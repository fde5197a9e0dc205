// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/liveness.h"

#include "ir/cfg.h"

#include <bit>

namespace tapjit::ir {

bool ValueSet::merge(const ValueSet &other) {
  bool grew = false;
  for (size_t index = 0; index < words_.size(); ++index) {
    uint64_t merged = words_[index] | other.words_[index];
    grew |= merged != words_[index];
    words_[index] = merged;
  }
  return grew;
}

std::vector<ValueId> ValueSet::values() const {
  std::vector<ValueId> result;
  for (size_t index = 0; index < words_.size(); ++index)
    for (uint64_t rest = words_[index]; rest; rest &= rest - 1)
      result.push_back(ValueId{uint32_t(index * 64 + size_t(std::countr_zero(rest)))});
  return result;
}

Liveness::Liveness(const Function &function)
    : in_(function.blocks.size(), ValueSet(function.insts.size())),
      out_(function.blocks.size(), ValueSet(function.insts.size())) {
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts) {
      const Inst &inst = function.insts[value.index];
      if (inst.op != Op::Phi)
        break;
      for (size_t operand = 0; operand < inst.operands.size(); ++operand)
        out_[block.preds[operand].index].insert(inst.operands[operand]);
    }
  std::vector<BlockId> order = reverse_postorder(function);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t index = order.size(); index-- > 0;) {
      BlockId block = order[index];
      for (BlockId target : successors(function.blocks[block.index]))
        out_[block.index].merge(in_[target.index]);
      ValueSet live = out_[block.index];
      const Block &here = function.blocks[block.index];
      if (here.terminator_operand.valid())
        live.insert(here.terminator_operand);
      for (size_t position = here.insts.size(); position-- > 0;) {
        const Inst &inst = function.insts[here.insts[position].index];
        live.erase(here.insts[position]);
        if (inst.op != Op::Phi)
          for (ValueId operand : inst.operands)
            live.insert(operand);
      }
      changed |= in_[block.index].merge(live);
    }
  }
}

} // namespace tapjit::ir
