// SPDX-License-Identifier: GPL-2.0-or-later
// Dominator tree of a function's reachable blocks (Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm"), and
// its natural loops.
#pragma once

#include "ir/ir.h"

namespace tapjit::ir {

class Dominators {
public:
  explicit Dominators(const Function &function);

  bool is_reachable(BlockId block) const { return order_[block.index] != UINT32_MAX; }
  BlockId immediate(BlockId block) const {
    return immediate_[block.index];
  } // none for the entry and for unreachable blocks
  bool dominates(BlockId above, BlockId below) const;        // reflexive; false if either is unreachable
  BlockId nearest_common(BlockId left, BlockId right) const; // both reachable
  const std::vector<BlockId> &reverse_postorder() const { return blocks_; }

private:
  void number_tree();

  std::vector<BlockId> blocks_;        // reverse postorder
  std::vector<uint32_t> order_;        // block -> position in blocks_
  std::vector<BlockId> immediate_;     // block -> immediate dominator
  std::vector<uint32_t> first_, last_; // block -> its number in the tree, and one past those of what it dominates
};

// A natural loop: the blocks that reach `header` over its back edges without leaving its dominance.
struct Loop {
  BlockId header;
  std::vector<BlockId> blocks;  // sorted, header included
  std::vector<BlockId> latches; // sources of back edges
  bool contains(BlockId block) const;
};

// Loops with distinct headers, inner ones after outer ones. Cycles that are not natural loops (entered in two places)
// are in no Loop: is_reducible() is false then.
std::vector<Loop> natural_loops(const Function &function, const Dominators &dominators);
bool is_reducible(const Function &function, const Dominators &dominators);

// For each block, whether it is on some cycle of the graph.
std::vector<bool> blocks_in_cycles(const Function &function);

} // namespace tapjit::ir
