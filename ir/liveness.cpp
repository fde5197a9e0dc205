// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/liveness.h"

#include "ir/cfg.h"

namespace tapjit::ir {

namespace {

// Places where one value is used: the end of a block, or inside of it.
struct UsedIn {
  ValueId value;
  BlockId block;
  bool at_end; // by a phi of a successor: alive at the end of `block`
};

} // namespace

// From each use back to the definition, value by value: as much work as there are blocks that a value lives through.
Liveness::Liveness(const Function &function) : in_(function.blocks.size()), out_(function.blocks.size()) {
  std::vector<BlockId> homes = defining_blocks(function);
  std::vector<UsedIn> uses;
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    const Block &block = function.blocks[index];
    BlockId here{uint32_t(index)};
    for (ValueId value : block.insts) {
      const Inst &inst = function.insts[value.index];
      for (size_t operand = 0; operand < inst.operands.size(); ++operand)
        if (inst.op == Op::Phi)
          uses.push_back({inst.operands[operand], block.preds[operand], true});
        else
          uses.push_back({inst.operands[operand], here, false});
    }
    if (block.terminator_operand.valid())
      uses.push_back({block.terminator_operand, here, false});
  }
  std::erase_if(uses, [&](const UsedIn &use) { return is_constant(function.insts[use.value.index]); });
  std::stable_sort(uses.begin(), uses.end(),
                   [](const UsedIn &left, const UsedIn &right) { return left.value < right.value; });

  // By block, the value that was last found alive there: values come in order, so sets stay sorted.
  std::vector<ValueId> in(function.blocks.size()), out(function.blocks.size());
  std::vector<BlockId> work;
  for (const UsedIn &use : uses) {
    BlockId home = homes[use.value.index];
    auto be_live_in = [&](BlockId block) {
      if (block == home || in[block.index] == use.value)
        return;
      in[block.index] = use.value;
      in_[block.index].append(use.value);
      work.push_back(block);
    };
    auto be_live_out = [&](BlockId block) {
      if (out[block.index] != use.value) {
        out[block.index] = use.value;
        out_[block.index].append(use.value);
      }
      be_live_in(block);
    };
    if (use.at_end)
      be_live_out(use.block);
    else
      be_live_in(use.block);
    while (!work.empty()) {
      BlockId block = work.back();
      work.pop_back();
      for (BlockId pred : function.blocks[block.index].preds)
        be_live_out(pred);
    }
  }
}

} // namespace tapjit::ir
