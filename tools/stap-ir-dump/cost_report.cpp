// SPDX-License-Identifier: GPL-2.0-or-later
// --cost: what one hit of each probe may take.
#include "tools/stap-ir-dump/dump.h"

#include "ir/costs.h"
#include "ir/words.h"

#include <fmt/format.h>

namespace tapjit {

using Json = nlohmann::ordered_json;

Json cost_report(const ir::Module &module) {
  Json report = Json::array();
  std::vector<ir::ProbeCost> costs = ir::estimate_costs(module);
  for (size_t index = 0; index < module.probes.size(); ++index) {
    const ir::Probe &probe = module.probes[index];
    const ir::ProbeCost &cost = costs[index];
    Json loops = Json::array();
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
                      {"actions", cost.actions ? Json(*cost.actions) : Json(nullptr)},
                      {"budget", cost.budget},
                      {"recursion_depth", cost.recursion_depth},
                      {"reason", cost.reason},
                      {"loops", loops}});
  }
  return report;
}

std::string cost_text(const Json &report) {
  std::string text = fmt::format("{:<20} {:<8} {:>13} {:>10} {:>9} {:>8} {:>6}  {}\n", "handler", "context",
                                 "instructions", "ns", "actions", "budget", "depth", "bound");
  for (const Json &probe : report) {
    text += fmt::format("{:<20} {:<8} {:>13} {:>10.0f} {:>9} {:>8} {:>6}  {}\n", probe["handler"].get<std::string>(),
                        probe["context"].get<std::string>(), probe["instructions"].get<int64_t>(),
                        probe["ns"].get<double>(), probe["actions"].is_null() ? "-" : probe["actions"].dump(),
                        probe["budget"].get<int64_t>(), probe["recursion_depth"].get<int64_t>(),
                        probe["reason"].get<std::string>());
    for (const Json &loop : probe["loops"])
      text += fmt::format("  loop at ^{} of {}: {}\n", loop["block"].get<int64_t>(),
                          loop["function"].get<std::string>(), loop["reason"].get<std::string>());
  }
  return text;
}

} // namespace tapjit
