// SPDX-License-Identifier: GPL-2.0-or-later
// Marks functions in call cycles: their frames are indexed by the nesting depth.
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"

namespace tapjit::ir::passes {

void call_graph(Module &module) {
  ModuleEffects effects(module);
  for (size_t index = 0; index < module.functions.size(); ++index)
    module.functions[index].recursive = effects.recursive()[index];
}

} // namespace tapjit::ir::passes
