// SPDX-License-Identifier: GPL-2.0-or-later
// Probe::cost: ProbeCost::instructions (costs.h).
#include "ir/passes/pipeline.h"

#include "ir/costs.h"

namespace tapjit::ir::passes {

void cost(Module &module) {
  ModuleEffects effects(module);
  for (ContextKind context : {ContextKind::Session, ContextKind::Event, ContextKind::Process}) {
    std::vector<int64_t> costs = worst_instructions(module, effects, context);
    for (Probe &probe : module.probes)
      if (probe.context == context)
        probe.cost = costs[probe.handler.index];
  }
}

} // namespace tapjit::ir::passes
