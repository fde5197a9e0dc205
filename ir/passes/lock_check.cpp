// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/lock_check.h"

#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/signature.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit::ir {

std::vector<bool> reached_by_events(const Module &module) {
  std::vector<bool> reached(module.functions.size());
  std::vector<uint32_t> work;
  for (const Probe &probe : module.probes)
    if (takes_locks(probe.context))
      work.push_back(probe.handler.index);
  while (!work.empty()) {
    uint32_t function = work.back();
    work.pop_back();
    if (reached[function])
      continue;
    reached[function] = true;
    for (const Block &block : module.functions[function].blocks)
      for (ValueId value : block.insts)
        if (const Inst &inst = module.functions[function].insts[value.index]; inst.op == Op::Call)
          work.push_back(inst.aux);
  }
  return reached;
}

std::vector<bool> globals_needing_locks(const Module &module) {
  std::vector<bool> written(module.globals.size()), shared(module.globals.size());
  std::vector<bool> reached = reached_by_events(module);
  for (size_t index = 0; index < module.functions.size(); ++index) {
    const Function &function = module.functions[index];
    if (!reached[index])
      continue;
    for (GlobalId global : function.embedded.reads)
      shared[global.index] = true;
    for (GlobalId global : function.embedded.writes)
      shared[global.index] = written[global.index] = true;
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = function.insts[value.index];
        GlobalId global = global_of(inst);
        if (!global.valid())
          continue;
        bool alone = (inst.op == Op::GAdd || inst.op == Op::StatAdd) && inst.imm == 1;
        if (!alone)
          shared[global.index] = true;
        if (writes_global(module, inst))
          written[global.index] = true;
      }
  }
  for (size_t index = 0; index < written.size(); ++index)
    shared[index] = shared[index] && written[index];
  return shared;
}

bool touches(const ModuleEffects &effects, const Inst &inst, const std::vector<bool> &globals) {
  auto is_one = [&](GlobalId global) { return bool(globals[global.index]); };
  if (inst.op == Op::Call) {
    const Effects &callee = effects.of(FunctionId{inst.aux});
    return std::any_of(callee.reads.ids().begin(), callee.reads.ids().end(), is_one) ||
           std::any_of(callee.writes.ids().begin(), callee.writes.ids().end(), is_one);
  }
  GlobalId global = global_of(inst);
  return global.valid() && is_one(global) && (effects.reads(inst, global) || effects.writes(inst, global));
}

namespace {

class Checker {
public:
  Checker(const Module &module, const ModuleEffects &effects)
      : module_(module), effects_(effects), needs_(globals_needing_locks(module)) {}

  void check_handler(const Function &function) {
    std::vector<bool> cycles = blocks_in_cycles(function);
    std::vector<bool> seen(function.blocks.size());
    std::vector<LockSetId> held(function.blocks.size()); // at the start of the block
    seen[0] = true;
    for (BlockId block : reverse_postorder(function)) {
      LockSetId state = held[block.index];
      for (ValueId value : function.blocks[block.index].insts)
        state = step(function, block, function.insts[value.index], state, cycles[block.index]);
      const Block &here = function.blocks[block.index];
      if (here.terminator == Terminator::Return && state.valid())
        report(function, block, "returns with its region open");
      for (BlockId target : successors(here)) {
        if (seen[target.index] && held[target.index] != state)
          report(function, target, "is reached both inside and outside of the region");
        seen[target.index] = true;
        held[target.index] = state;
      }
    }
  }

  void check_lockless(const Function &function) {
    for (size_t index = 0; index < function.blocks.size(); ++index)
      for (ValueId value : function.blocks[index].insts) {
        Op op = function.insts[value.index].op;
        if (op == Op::Lock || op == Op::Unlock)
          report(function, BlockId{uint32_t(index)}, "locks, and is no handler of an Event or Process probe");
      }
  }

  std::vector<std::string> findings;

private:
  void report(const Function &function, BlockId block, const char *what) {
    findings.push_back(fmt::format("&{} ^{}: {}", function.name, block.index, what));
  }

  LockSetId step(const Function &function, BlockId block, const Inst &inst, LockSetId state, bool in_cycle) {
    if (inst.op == Op::Lock) {
      if (state.valid() || in_cycle)
        report(function, block, "locks in a cycle or in the region");
      return LockSetId{inst.aux};
    }
    if (inst.op == Op::Unlock) {
      if (state != LockSetId{inst.aux})
        report(function, block, "unlocks what is not locked");
      return LockSetId::none();
    }
    if (inst.op == Op::Call) {
      const Effects &callee = effects_.of(FunctionId{inst.aux});
      GlobalSet touched = callee.reads;
      touched.merge(callee.writes);
      for (GlobalId global : touched.ids())
        check_access(function, block, inst, state, global);
    } else if (GlobalId global = global_of(inst); global.valid()) {
      check_access(function, block, inst, state, global);
    }
    return state;
  }

  void check_access(const Function &function, BlockId block, const Inst &inst, LockSetId state, GlobalId global) {
    bool writes = effects_.writes(inst, global);
    if (!needs_[global.index] || !(writes || effects_.reads(inst, global)))
      return;
    bool covered = false;
    if (state.valid())
      for (auto [locked, for_writing] : module_.lock_sets[state.index].globals)
        covered |= locked == global && (for_writing || !writes);
    if (!covered)
      report(function, block, fmt::format("touches @{} without its lock", module_.globals[global.index].name).c_str());
  }

  const Module &module_;
  const ModuleEffects &effects_;
  std::vector<bool> needs_;
};

} // namespace

std::vector<std::string> check_locks(const Module &module, const ModuleEffects &effects) {
  Checker checker(module, effects);
  std::vector<bool> takes_locks_here(module.functions.size());
  for (const Probe &probe : module.probes)
    takes_locks_here[probe.handler.index] = takes_locks(probe.context);
  for (size_t index = 0; index < module.functions.size(); ++index) {
    if (takes_locks_here[index])
      checker.check_handler(module.functions[index]);
    else
      checker.check_lockless(module.functions[index]);
  }
  return checker.findings;
}

} // namespace tapjit::ir
