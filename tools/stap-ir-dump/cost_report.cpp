// SPDX-License-Identifier: GPL-2.0-or-later
// --cost: what one hit of each probe may take.
#include "tools/stap-ir-dump/dump.h"

#include "ir/costs.h"
#include "ir/words.h"

#include <fmt/format.h>

namespace tapjit {

using json = nlohmann::ordered_json;

json cost_report(const ir::Module &module) {
  json report = json::array();
  std::vector<ir::ProbeCost> costs = ir::estimate_costs(module);
  for (size_t index = 0; index < module.probes.size(); ++index) {
    const ir::Probe &probe = module.probes[index];
    const ir::ProbeCost &cost = costs[index];
    json loops = json::array();
    for (const ir::LoopBound &loop : cost.loops)
      loops.push_back({{"function", module.functions[loop.function.index].name},
                       {"block", loop.header.index},
                       {"turns", loop.turns},
                       {"reason", loop.reason}});
    report.push_back({{"probe", index},
                      {"handler", module.functions[probe.handler.index].name},
                      {"context", ir::words(ir::context_kinds, probe.context)},
                      {"instructions", cost.instructions},
                      {"ns", cost.nanoseconds},
                      {"actions", cost.actions ? json(*cost.actions) : json(nullptr)},
                      {"budget", cost.budget},
                      {"recursion_depth", cost.recursion_depth},
                      {"reason", cost.reason},
                      {"loops", loops}});
  }
  return report;
}

std::string cost_text(const json &report) {
  std::string text = fmt::format("{:<20} {:<8} {:>13} {:>10} {:>9} {:>8} {:>6}  {}\n", "handler", "context",
                                 "instructions", "ns", "actions", "budget", "depth", "bound");
  for (const json &probe : report) {
    text += fmt::format("{:<20} {:<8} {:>13} {:>10.0f} {:>9} {:>8} {:>6}  {}\n", probe["handler"].get<std::string>(),
                        probe["context"].get<std::string>(), probe["instructions"].get<int64_t>(),
                        probe["ns"].get<double>(), probe["actions"].is_null() ? "-" : probe["actions"].dump(),
                        probe["budget"].get<int64_t>(), probe["recursion_depth"].get<int64_t>(),
                        probe["reason"].get<std::string>());
    for (const json &loop : probe["loops"])
      text += fmt::format("  loop at ^{} of {}: {}\n", loop["block"].get<int64_t>(),
                          loop["function"].get<std::string>(), loop["reason"].get<std::string>());
  }
  return text;
}

} // namespace tapjit
