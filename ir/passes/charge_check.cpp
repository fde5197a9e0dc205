// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/charge_check.h"

#include "ir/cfg.h"
#include "ir/graph.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit::ir {

static bool has_charge(const Function &function, const Block &block) {
  return std::any_of(block.insts.begin(), block.insts.end(),
                     [&](ValueId value) { return function.insts[value.index].op == Op::Charge; });
}

// Takes blocks away until no cycle is left: first those with a charge, then, again and again, the header of a loop
// whose trip count is known. A header bounds every path through itself; what cycles remain must be bounded by others.
std::vector<BlockId> uncharged_cycles(const Function &function) {
  Dominators dominators(function);
  std::vector<Loop> loops = natural_loops(function, dominators);
  std::vector<bool> removed(function.blocks.size());
  for (size_t index = 0; index < function.blocks.size(); ++index)
    removed[index] = !dominators.is_reachable(BlockId{uint32_t(index)}) || has_charge(function, function.blocks[index]);
  std::vector<BlockId> uncharged;
  for (;;) {
    std::vector<uint32_t> size(function.blocks.size());
    std::vector<bool> own_edge(function.blocks.size());
    std::vector<uint32_t> component = strongly_connected(function.blocks.size(), [&](uint32_t block, auto visit) {
      if (removed[block])
        return;
      for (BlockId target : successors(function.blocks[block])) {
        if (removed[target.index])
          continue;
        if (target.index == block)
          own_edge[block] = true;
        visit(target.index);
      }
    });
    for (uint32_t number : component)
      ++size[number];
    BlockId in_cycle, header;
    for (BlockId block : dominators.reverse_postorder())
      if (!removed[block.index] && (size[component[block.index]] > 1 || own_edge[block.index])) {
        in_cycle = block;
        break;
      }
    if (!in_cycle.valid())
      return uncharged;
    for (const Loop &loop : loops)
      if (!header.valid() && component[loop.header.index] == component[in_cycle.index] && !removed[loop.header.index])
        header = loop.header;
    auto loop = std::find_if(loops.begin(), loops.end(), [&](const Loop &each) { return each.header == header; });
    if (!header.valid())
      header = in_cycle; // not a natural loop
    if (loop == loops.end() || !has_plain_body(function, *loop) ||
        constant_trip_count(function, *loop).value_or(INT64_MAX) > most_free_turns)
      uncharged.push_back(header);
    removed[header.index] = true;
  }
}

std::vector<std::string> check_charges(const Module &module) {
  std::vector<std::string> findings;
  for (const Function &function : module.functions)
    for (BlockId block : uncharged_cycles(function))
      findings.push_back(fmt::format("&{} ^{}: a cycle without a charge", function.name, block.index));
  return findings;
}

} // namespace tapjit::ir
