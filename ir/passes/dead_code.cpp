// SPDX-License-Identifier: GPL-2.0-or-later
// Drops instructions whose result nobody needs and that do nothing else, blocks that the entry does not reach,
// straight-line block seams, and functions that no probe reaches. An op that may fail stays: its failure is a result. A
// call of embedded C marked pure goes, as in SystemTap.
#include "ir/cfg.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

// A block may lose the instruction that its `onfail` follows, or that may turn out not to fail: then it goes on.
void drop_unused(const ModuleEffects &effects, Function &function) {
  std::vector<bool> needed(function.insts.size());
  std::vector<ValueId> work;
  auto need = [&](ValueId value) {
    if (!needed[value.index]) {
      needed[value.index] = true;
      work.push_back(value);
    }
  };
  for (const Block &block : function.blocks) {
    for (ValueId value : block.insts) {
      const Inst &inst = function.insts[value.index];
      if (!effects.is_removable(function, inst))
        need(value);
    }
    if (block.terminator_operand.valid())
      need(block.terminator_operand);
  }
  while (!work.empty()) {
    ValueId value = work.back();
    work.pop_back();
    for (ValueId operand : function.insts[value.index].operands)
      need(operand);
  }
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    Block &block = function.blocks[index];
    if (block.terminator == Terminator::OnFail &&
        (!needed[block.insts.back().index] || !effects.may_fail(function, function.insts[block.insts.back().index])))
      replace_with_jump(function, BlockId{uint32_t(index)}, block.successors[0]);
    std::erase_if(block.insts, [&](ValueId value) { return !needed[value.index]; });
  }
}

// A block that is the only successor of its only predecessor becomes its tail.
void merge_straight_lines(Function &function) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    for (;;) {
      Block &head = function.blocks[index];
      if (head.terminator != Terminator::Jump)
        break;
      BlockId next = head.successors[0];
      Block &tail = function.blocks[next.index];
      bool has_phi = !tail.insts.empty() && function.insts[tail.insts[0].index].op == Op::Phi;
      if (next.index == index || tail.preds.size() != 1 || has_phi)
        break;
      head.insts.insert(head.insts.end(), tail.insts.begin(), tail.insts.end());
      head.terminator = tail.terminator;
      head.terminator_operand = tail.terminator_operand;
      head.loc = tail.loc;
      std::copy(tail.successors, tail.successors + 2, head.successors);
      for (BlockId target : successors(head)) {
        ShortList<BlockId> &preds = function.blocks[target.index].preds;
        std::replace(preds.begin(), preds.end(), next, BlockId{uint32_t(index)});
      }
      tail = Block{}; // reached by nothing now
    }
  }
  remove_unreachable_blocks(function);
}

} // namespace

void drop_unreached_functions(Module &module) {
  std::vector<bool> reached(module.functions.size());
  std::vector<FunctionId> work;
  auto reach = [&](FunctionId function) {
    if (!reached[function.index]) {
      reached[function.index] = true;
      work.push_back(function);
    }
  };
  for (size_t index = 0; index < module.functions.size(); ++index)
    if (module.functions[index].kept)
      reach(FunctionId{uint32_t(index)});
  for (const Probe &probe : module.probes) {
    reach(probe.handler);
    for (const EntryValue &entry : probe.entry_values)
      reach(entry.function);
  }
  auto for_each_call = [](Function &function, auto visit) {
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (function.insts[value.index].op == Op::Call)
          visit(function.insts[value.index]);
  };
  while (!work.empty()) {
    FunctionId function = work.back();
    work.pop_back();
    for_each_call(module.functions[function.index], [&](Inst &call) { reach(FunctionId{call.aux}); });
  }
  std::vector<FunctionId> renumbered(module.functions.size());
  std::vector<Function> kept;
  for (size_t index = 0; index < module.functions.size(); ++index) {
    if (!reached[index])
      continue;
    renumbered[index] = FunctionId{uint32_t(kept.size())};
    kept.push_back(std::move(module.functions[index]));
  }
  module.functions = std::move(kept);
  for (Function &function : module.functions)
    for_each_call(function, [&](Inst &call) { call.aux = renumbered[call.aux].index; });
  for (Probe &probe : module.probes) {
    probe.handler = renumbered[probe.handler.index];
    for (EntryValue &entry : probe.entry_values)
      entry.function = renumbered[entry.function.index];
  }
}

void dead_code(Module &module) {
  ModuleEffects effects(module);
  for (Function &function : module.functions) {
    if (function.blocks.empty())
      continue;
    remove_unreachable_blocks(function);
    drop_unused(effects, function);
    remove_unreachable_blocks(function); // catches of what is gone
    merge_straight_lines(function);
    renumber_values(function);
  }
  drop_unreached_functions(module);
}

} // namespace tapjit::ir::passes
