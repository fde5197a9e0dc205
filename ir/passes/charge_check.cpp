// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/charge_check.h"

#include "ir/cfg.h"
#include "ir/graph.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace tapjit::ir {

static bool has_charge(const Function &function, const Block &block) {
  return std::any_of(block.insts.begin(), block.insts.end(),
                     [&](ValueId value) { return function.insts[value.index].op == Op::Charge; });
}

namespace {

// Takes blocks away until no cycle is left: first those with a charge, then, again and again, the header of a loop
// whose trip count is known. A header bounds every path through itself; what cycles remain must be bounded by others.
// Each turn looks at the blocks of one cycle only, so that a function costs its size times the depth of its loops.
class CycleSearch {
public:
  explicit CycleSearch(const Function &function)
      : function_(function), dominators_(function), place_(function.blocks.size(), outside),
        rank_(function.blocks.size()), loop_of_(function.blocks.size(), nullptr) {
    loops_ = natural_loops(function, dominators_);
    for (const Loop &loop : loops_)
      loop_of_[loop.header.index] = &loop;
    const std::vector<BlockId> &order = dominators_.reverse_postorder();
    for (size_t index = 0; index < order.size(); ++index)
      rank_[order[index].index] = index;
  }

  // Headers of the cycles without a charge and without a bound, in reverse postorder.
  std::vector<BlockId> run() {
    std::vector<BlockId> free_blocks;
    for (BlockId block : dominators_.reverse_postorder())
      if (!has_charge(function_, function_.blocks[block.index]))
        free_blocks.push_back(block);
    std::vector<std::vector<BlockId>> work{std::move(free_blocks)};
    while (!work.empty()) {
      std::vector<BlockId> region = std::move(work.back());
      work.pop_back();
      for (std::vector<BlockId> &cycle : cycles_of(region)) {
        BlockId header = break_cycle(cycle);
        std::erase(cycle, header);
        if (!cycle.empty())
          work.push_back(std::move(cycle));
      }
    }
    std::sort(uncharged_.begin(), uncharged_.end(),
              [&](BlockId left, BlockId right) { return rank_[left.index] < rank_[right.index]; });
    return std::move(uncharged_);
  }

private:
  static constexpr uint32_t outside = UINT32_MAX;

  // The strongly connected parts of `region` that have an edge, each in reverse postorder as `region` is.
  std::vector<std::vector<BlockId>> cycles_of(const std::vector<BlockId> &region) {
    for (size_t index = 0; index < region.size(); ++index)
      place_[region[index].index] = uint32_t(index);
    std::vector<bool> own_edge(region.size());
    std::vector<uint32_t> component = strongly_connected(region.size(), [&](uint32_t from, auto visit) {
      for (BlockId target : successors(function_.blocks[region[from].index]))
        if (uint32_t to = place_[target.index]; to != outside) {
          own_edge[from] = own_edge[from] || to == from;
          visit(to);
        }
    });
    std::vector<std::vector<BlockId>> members(region.size()), cycles;
    for (size_t index = 0; index < region.size(); ++index) {
      members[component[index]].push_back(region[index]);
      place_[region[index].index] = outside;
    }
    for (size_t index = 0; index < region.size(); ++index) // each part once, at its first block
      if (std::vector<BlockId> &part = members[component[index]];
          !part.empty() && part.front() == region[index] && (part.size() > 1 || own_edge[index]))
        cycles.push_back(std::exchange(part, {}));
    return cycles;
  }

  // The block to take away: the outermost loop's header, noted unless its loop is bounded by itself.
  BlockId break_cycle(const std::vector<BlockId> &cycle) {
    for (BlockId block : cycle) // a header comes before the headers of its inner loops
      if (const Loop *loop = loop_of_[block.index]) {
        if (!has_plain_body(function_, *loop) ||
            constant_trip_count(function_, *loop).value_or(INT64_MAX) > most_free_turns)
          uncharged_.push_back(block);
        return block;
      }
    uncharged_.push_back(cycle.front()); // not a natural loop
    return cycle.front();
  }

  const Function &function_;
  Dominators dominators_;
  std::vector<Loop> loops_;
  std::vector<uint32_t> place_; // block -> its number in the region looked at
  std::vector<size_t> rank_;    // block -> its number in reverse postorder
  std::vector<const Loop *> loop_of_;
  std::vector<BlockId> uncharged_;
};

} // namespace

std::vector<BlockId> uncharged_cycles(const Function &function) { return CycleSearch(function).run(); }

std::vector<std::string> check_charges(const Module &module) {
  std::vector<std::string> findings;
  for (const Function &function : module.functions)
    for (BlockId block : uncharged_cycles(function))
      findings.push_back(fmt::format("&{} ^{}: a cycle without a charge", function.name, block.index));
  return findings;
}

} // namespace tapjit::ir
