// SPDX-License-Identifier: GPL-2.0-or-later
// Probe::cost: the costs of ops.def along the heaviest path, callees included. A loop without a known trip count, and a
// recursive function, count as often as the probe's budget of actions allows.
#include "ir/passes/pipeline.h"

#include "ir/loops.h"
#include "ir/passes/effects.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

constexpr int64_t embedded_cost =
    100; // of an embedded function: its text says nothing here; codegen/safety measures it

int64_t block_cost(const Function &function, BlockId block, const std::vector<int64_t> &callees) {
  int64_t sum = 1; // the terminator
  for (ValueId value : function.blocks[block.index].insts) {
    const Inst &inst = function.insts[value.index];
    sum += op_info(inst.op).cost;
    if (inst.op == Op::Call)
      sum += callees[inst.aux];
  }
  return std::min(sum, weight_limit);
}

int64_t function_cost(const Function &function, const std::vector<int64_t> &callees, int64_t budget) {
  if (function.kind == FunctionKind::Embedded)
    return embedded_cost;
  auto turns = [&](const Loop &loop) -> std::optional<int64_t> {
    return constant_trip_count(function, loop).value_or(budget);
  };
  auto sum = heaviest_path(function, [&](BlockId block) { return block_cost(function, block, callees); }, turns);
  int64_t cost = sum.value_or(weight_limit);
  return function.recursive ? std::min(cost * budget, weight_limit) : cost;
}

} // namespace

void cost(Module &module) {
  ModuleEffects effects(module);
  for (ContextKind context : {ContextKind::Session, ContextKind::Event}) {
    int64_t budget = limit(module, context == ContextKind::Session ? "MAXACTION_INTERRUPTIBLE" : "MAXACTION");
    std::vector<int64_t> costs(module.functions.size());
    for (FunctionId function : effects.callees_first())
      costs[function.index] = function_cost(module.functions[function.index], costs, budget);
    for (Probe &probe : module.probes)
      if (probe.context == context)
        probe.cost = costs[probe.handler.index];
  }
}

} // namespace tapjit::ir::passes
