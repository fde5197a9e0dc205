// SPDX-License-Identifier: GPL-2.0-or-later
// The action budget. The front end charges each statement; here charges of one block become one, and go away where the
// budget cannot run out:
//   1. A handler whose worst case with its callees is under the budget loses all charges; a callee loses them if all
//   handlers that reach it do.
//   2. A loop with a small constant trip count pays for all its turns in one charge before it.
//   3. Every cycle that is left gets a charge on every path through it, if it has none.
#include "ir/passes/pipeline.h"

#include "ir/cfg.h"
#include "ir/costs.h"
#include "ir/passes/charge_check.h"
#include "ir/passes/effects.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

using Weights = std::vector<std::optional<int64_t>>; // worst case of charges by function, callees included

int64_t own_charges(const Function &function, BlockId block) {
  int64_t sum = 0;
  for (ValueId value : function.blocks[block.index].insts)
    if (function.insts[value.index].op == Op::Charge)
      sum += function.insts[value.index].imm;
  return sum;
}

void drop_charges(Function &function) {
  for (Block &block : function.blocks)
    std::erase_if(block.insts, [&](ValueId value) { return function.insts[value.index].op == Op::Charge; });
}

// The first charge of a block pays for all: a failing handler then stops a few statements early.
void merge_in_blocks(Function &function) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    int64_t sum = own_charges(function, BlockId{uint32_t(index)});
    bool first = true;
    std::erase_if(function.blocks[index].insts, [&](ValueId value) {
      Inst &inst = function.insts[value.index];
      if (inst.op != Op::Charge)
        return false;
      if (!first)
        return true;
      inst.imm = sum;
      first = false;
      return false;
    });
  }
}

// Of a Process probe no more than its lock region may take.
int64_t budget(const Module &module, const Probe &probe) {
  int64_t budget = limit(module, is_interruptible(probe.context) ? "MAXACTION_INTERRUPTIBLE" : "MAXACTION");
  return probe.context == ContextKind::Process ? std::min(budget, region_actions(module)) : budget;
}

void mark_reached(const Module &module, FunctionId start, std::vector<bool> &reached) {
  if (reached[start.index])
    return;
  reached[start.index] = true;
  std::vector<FunctionId> work{start};
  while (!work.empty()) {
    const Function &function = module.functions[work.back().index];
    work.pop_back();
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = function.insts[value.index];
        if (inst.op == Op::Call && !reached[inst.aux]) {
          reached[inst.aux] = true;
          work.push_back(FunctionId{inst.aux});
        }
      }
  }
}

// The edge into the loop from outside comes from one block that goes nowhere else: there the charge for all turns can
// stand.
BlockId preheader_of(const Function &function, const Loop &loop) {
  BlockId outside;
  for (BlockId pred : function.blocks[loop.header.index].preds) {
    if (loop.contains(pred))
      continue;
    if (outside.valid())
      return BlockId::none();
    outside = pred;
  }
  bool simple = outside.valid() && function.blocks[outside.index].terminator == Terminator::Jump;
  return simple ? outside : BlockId::none();
}

bool leaves_in_header_only(const Function &function, const Loop &loop) {
  for (BlockId block : loop.blocks)
    for (BlockId target : successors(function.blocks[block.index]))
      if (block != loop.header && !loop.contains(target) && !function.blocks[target.index].is_catch)
        return false;
  return true;
}

// Inner loops last in `loops`, so from the back: an outer loop then sees its inner ones as paid in their preheaders.
void pay_small_loops(const Module &module, Function &function) {
  int64_t most = limit(module, "MAXACTION") / small_loop_share;
  Dominators dominators(function);
  std::vector<Loop> loops = natural_loops(function, dominators);
  for (size_t index = loops.size(); index-- > 0;) {
    const Loop &loop = loops[index];
    BlockId preheader = preheader_of(function, loop);
    std::optional<int64_t> turns = constant_trip_count(function, loop);
    if (!turns || *turns > most_free_turns || !has_plain_body(function, loop) || !preheader.valid() ||
        !leaves_in_header_only(function, loop))
      continue;
    bool holds_unproven = std::any_of(loops.begin(), loops.end(), [&](const Loop &inner) {
      return inner.header != loop.header && loop.contains(inner.header) && !constant_trip_count(function, inner);
    });
    int64_t per_turn = 0;
    for (BlockId block : loop.blocks)
      per_turn += own_charges(function, block);
    if (holds_unproven || per_turn > most || per_turn * (*turns + 1) > most)
      continue;
    for (BlockId block : loop.blocks)
      std::erase_if(function.blocks[block.index].insts,
                    [&](ValueId value) { return function.insts[value.index].op == Op::Charge; });
    if (per_turn)
      insert_inst(
          function, preheader, function.blocks[preheader.index].insts.size(),
          {Op::Charge, Type::Void, UINT32_MAX, per_turn * (*turns + 1), {}, function.blocks[loop.header.index].loc});
  }
}

void charge_cycles(Function &function) {
  for (BlockId block : uncharged_cycles(function)) {
    const std::vector<ValueId> &insts = function.blocks[block.index].insts;
    size_t after_phis = 0;
    while (after_phis < insts.size() && function.insts[insts[after_phis].index].op == Op::Phi)
      ++after_phis;
    insert_inst(function, block, after_phis,
                {Op::Charge, Type::Void, UINT32_MAX, 1, {}, function.blocks[block.index].loc});
  }
}

} // namespace

void charges(Module &module) {
  ModuleEffects effects(module);
  Weights weights = worst_actions(module, effects);
  std::vector<bool> charged(module.functions.size());
  for (const Probe &probe : module.probes)
    if (auto weight = weights[probe.handler.index]; !weight || *weight >= budget(module, probe))
      mark_reached(module, probe.handler, charged);
  for (size_t index = 0; index < module.functions.size(); ++index) {
    Function &function = module.functions[index];
    if (function.blocks.empty())
      continue;
    if (charged[index]) {
      pay_small_loops(module, function);
      merge_in_blocks(function);
    } else {
      drop_charges(function);
    }
    charge_cycles(function);
  }
}

} // namespace tapjit::ir::passes
