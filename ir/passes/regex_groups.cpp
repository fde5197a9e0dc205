// SPDX-License-Identifier: GPL-2.0-or-later
// A search keeps its groups for whoever reads them later in the same handler: in any function of it, so what counts is
// whether one of the handlers that reach a search also reaches a read. Without, the search becomes a plain match, and
// nothing need be forgotten.
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"

namespace tapjit::ir::passes {

// Marks `root` and all that it calls.
static void mark_reached(const Module &module, FunctionId root, std::vector<bool> &reached) {
  std::vector<FunctionId> work{root};
  while (!work.empty()) {
    FunctionId id = work.back();
    work.pop_back();
    if (reached[id.index])
      continue;
    reached[id.index] = true;
    const Function &function = module.functions[id.index];
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (const Inst &inst = function.insts[value.index]; inst.op == Op::Call)
          work.push_back(FunctionId{inst.aux});
  }
}

void regex_groups(Module &module) {
  ModuleEffects effects(module);
  std::vector<bool> keeps(module.functions.size());
  for (const Probe &probe : module.probes) {
    if (effects.of(probe.handler).effects & RMatch)
      mark_reached(module, probe.handler, keeps);
    for (const EntryValue &entry : probe.entry_values)
      if (effects.of(entry.function).effects & RMatch)
        mark_reached(module, entry.function, keeps);
  }
  for (size_t index = 0; index < module.functions.size(); ++index) {
    Function &function = module.functions[index];
    if (keeps[index])
      continue;
    for (Inst &inst : function.insts)
      if (inst.op == Op::RegexSearch)
        inst.op = Op::RegexMatch;
    for (Block &block : function.blocks)
      std::erase_if(block.insts, [&](ValueId value) { return function.insts[value.index].op == Op::RegexForget; });
  }
}

} // namespace tapjit::ir::passes
