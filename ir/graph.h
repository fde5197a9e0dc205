// SPDX-License-Identifier: GPL-2.0-or-later
// Strongly connected components (Tarjan), without recursion: call graphs and control flow of scripts may be deep.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace tapjit::ir {

// Nodes 0..count-1; for_each_successor(node, visit) calls visit(successor). The result: component number per node,
// callees before callers (a component's successors have smaller or equal numbers).
template <typename ForEachSuccessor>
std::vector<uint32_t> strongly_connected(size_t count, ForEachSuccessor for_each_successor) {
  struct Visit {
    uint32_t node;
    std::vector<uint32_t> successors;
    size_t next = 0;
  };
  std::vector<uint32_t> component(count, UINT32_MAX), order(count, UINT32_MAX), low(count), pending;
  std::vector<Visit> stack;
  uint32_t next_order = 0, next_component = 0;
  auto enter = [&](uint32_t node) {
    order[node] = low[node] = next_order++;
    pending.push_back(node);
    stack.push_back({node, {}});
    for_each_successor(node, [&](uint32_t successor) { stack.back().successors.push_back(successor); });
  };
  for (uint32_t start = 0; start < count; ++start) {
    if (order[start] != UINT32_MAX)
      continue;
    for (enter(start); !stack.empty();) {
      Visit &visit = stack.back();
      uint32_t node = visit.node;
      if (visit.next < visit.successors.size()) {
        uint32_t successor = visit.successors[visit.next++];
        if (order[successor] == UINT32_MAX)
          enter(successor);
        else if (component[successor] == UINT32_MAX)
          low[node] = std::min(low[node], order[successor]);
        continue;
      }
      stack.pop_back();
      if (!stack.empty())
        low[stack.back().node] = std::min(low[stack.back().node], low[node]);
      if (low[node] != order[node])
        continue;
      for (uint32_t member = UINT32_MAX; member != node; pending.pop_back()) {
        member = pending.back();
        component[member] = next_component;
      }
      ++next_component;
    }
  }
  return component;
}

} // namespace tapjit::ir
