// SPDX-License-Identifier: GPL-2.0-or-later
// Marks functions in call cycles: their frames are indexed by the nesting depth.
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"

namespace tapjit::ir::passes {

// How deep recursion may go follows from the calls of the script, not from those that are left after inlining.
void call_graph(Module &module) {
  ModuleEffects effects(module);
  bool recursion = false;
  for (size_t index = 0; index < module.functions.size(); ++index) {
    module.functions[index].recursive = effects.recursive()[index];
    recursion = recursion || effects.recursive()[index];
  }
  if (recursion && !limit(module, "MAXNESTING"))
    module.limits["MAXNESTING"] = default_nesting(module, effects);
}

} // namespace tapjit::ir::passes
