// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/dominators.h"

#include "ir/cfg.h"
#include "ir/graph.h"

#include <algorithm>

namespace tapjit::ir {

Dominators::Dominators(const Function &function)
    : blocks_(ir::reverse_postorder(function)), order_(function.blocks.size(), UINT32_MAX),
      immediate_(function.blocks.size()) {
  for (size_t index = 0; index < blocks_.size(); ++index)
    order_[blocks_[index].index] = uint32_t(index);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t index = 1; index < blocks_.size(); ++index) {
      BlockId best;
      // The last first: where one block has very many, as behind a loop with a `break` in each line, they stand one
      // behind the other, and the walk up goes on where it ended.
      const ShortList<BlockId> &preds = function.blocks[blocks_[index].index].preds;
      for (size_t count = preds.size(); count-- > 0;) {
        BlockId pred = preds[count];
        bool has_dominator = pred == blocks_[0] || immediate_[pred.index].valid();
        if (is_reachable(pred) && has_dominator)
          best = best.valid() ? nearest_common(best, pred) : pred;
      }
      if (best != immediate_[blocks_[index].index]) {
        immediate_[blocks_[index].index] = best;
        changed = true;
      }
    }
  }
  number_tree();
}

// Numbers of the dominator tree in the order of a walk down: what a block dominates lies between its two.
void Dominators::number_tree() {
  size_t count = blocks_.size();
  std::vector<uint32_t> size(order_.size(), 1), next(order_.size());
  for (size_t index = count; index-- > 1;)
    size[immediate_[blocks_[index].index].index] += size[blocks_[index].index];
  first_.assign(order_.size(), 0);
  last_.assign(order_.size(), 0);
  for (size_t index = 0; index < count; ++index) {
    BlockId block = blocks_[index];
    if (index) {
      uint32_t &free = next[immediate_[block.index].index];
      first_[block.index] = free;
      free += size[block.index];
    }
    last_[block.index] = first_[block.index] + size[block.index];
    next[block.index] = first_[block.index] + 1;
  }
}

BlockId Dominators::nearest_common(BlockId left, BlockId right) const {
  while (left != right) {
    while (order_[left.index] > order_[right.index])
      left = immediate_[left.index];
    while (order_[right.index] > order_[left.index])
      right = immediate_[right.index];
  }
  return left;
}

bool Dominators::dominates(BlockId above, BlockId below) const {
  if (!is_reachable(above) || !is_reachable(below))
    return false;
  return first_[above.index] <= first_[below.index] && first_[below.index] < last_[above.index];
}

bool Loop::contains(BlockId block) const { return std::binary_search(blocks.begin(), blocks.end(), block); }

static Loop collect_loop(const Function &function, const Dominators &dominators, BlockId header,
                         std::vector<BlockId> latches) {
  Loop loop{header, {header}, latches};
  std::vector<bool> inside(function.blocks.size());
  inside[header.index] = true;
  for (std::vector<BlockId> work = std::move(latches); !work.empty();) {
    BlockId block = work.back();
    work.pop_back();
    if (inside[block.index] || !dominators.is_reachable(block))
      continue;
    inside[block.index] = true;
    loop.blocks.push_back(block);
    work.insert(work.end(), function.blocks[block.index].preds.begin(), function.blocks[block.index].preds.end());
  }
  std::sort(loop.blocks.begin(), loop.blocks.end());
  return loop;
}

std::vector<Loop> natural_loops(const Function &function, const Dominators &dominators) {
  std::vector<Loop> loops;
  for (BlockId header : dominators.reverse_postorder()) {
    std::vector<BlockId> latches;
    for (BlockId pred : function.blocks[header.index].preds)
      if (dominators.dominates(header, pred))
        latches.push_back(pred);
    if (!latches.empty())
      loops.push_back(collect_loop(function, dominators, header, std::move(latches)));
  }
  return loops;
}

bool is_reducible(const Function &function, const Dominators &dominators) {
  const std::vector<BlockId> &order = dominators.reverse_postorder();
  std::vector<size_t> position(function.blocks.size());
  for (size_t index = 0; index < order.size(); ++index)
    position[order[index].index] = index;
  for (BlockId block : order)
    for (BlockId target : successors(function.blocks[block.index]))
      if (position[target.index] <= position[block.index] && !dominators.dominates(target, block))
        return false;
  return true;
}

std::vector<bool> blocks_in_cycles(const Function &function) {
  std::vector<bool> result(function.blocks.size());
  std::vector<uint32_t> component = strongly_connected(function.blocks.size(), [&](uint32_t block, auto visit) {
    for (BlockId target : successors(function.blocks[block])) {
      if (target.index == block)
        result[block] = true;
      visit(target.index);
    }
  });
  std::vector<uint32_t> members(function.blocks.size());
  for (uint32_t number : component)
    ++members[number];
  for (size_t block = 0; block < component.size(); ++block)
    if (members[component[block]] > 1)
      result[block] = true;
  return result;
}

} // namespace tapjit::ir
