// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/costs.h"

#include "ir/cfg.h"
#include "ir/signature.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit::ir {

namespace {

constexpr int64_t embedded_cost =
    100; // of an embedded function: its text says nothing here; codegen/safety measures it

int64_t budget_of(const Module &module, ContextKind context) {
  return limit(module, is_interruptible(context) ? "MAXACTION_INTERRUPTIBLE" : "MAXACTION");
}

int64_t capacity(const Module &module, GlobalId map) {
  int64_t own = module.globals[map.index].max_entries;
  return own ? own : limit(module, "MAXMAPENTRIES");
}

// The iter.begin of a loop that goes on while iter.next gives an element.
const Inst *iteration_of(const Function &function, const Loop &loop) {
  const Block &header = function.blocks[loop.header.index];
  if (header.terminator != Terminator::Branch || !loop.contains(header.successors[0]) ||
      loop.contains(header.successors[1]))
    return nullptr;
  const Inst &next = function.insts[header.terminator_operand.index];
  if (next.op != Op::IterNext)
    return nullptr;
  bool in_header = std::find(header.insts.begin(), header.insts.end(), header.terminator_operand) != header.insts.end();
  // An iteration that began in the loop begins anew in each turn.
  ValueId begin = next.operands[0];
  for (BlockId block : loop.blocks) {
    const std::vector<ValueId> &insts = function.blocks[block.index].insts;
    if (std::find(insts.begin(), insts.end(), begin) != insts.end())
      return nullptr;
  }
  return in_header ? &function.insts[begin.index] : nullptr;
}

LoopBound bound_of(const Module &module, FunctionId id, const Loop &loop, int64_t budget) {
  const Function &function = module.functions[id.index];
  LoopBound bound{LoopBound::Kind::Budget, id, loop.header, budget, ""};
  if (auto turns = constant_trip_count(function, loop)) {
    bound.kind = LoopBound::Kind::Counter;
    bound.turns = *turns;
    bound.reason = fmt::format("counts to a constant: {} turns", *turns);
  } else if (const Inst *begin = iteration_of(function, loop)) {
    const Inst &most = function.insts[begin->operands[0].index];
    const std::string &map = module.globals[begin->aux].name;
    bound.turns = capacity(module, GlobalId{begin->aux});
    bound.kind = LoopBound::Kind::MapSize;
    bound.reason = fmt::format("goes through `{}`: {} elements", map, bound.turns);
    if (most.op == Op::ConstI64 && most.imm >= 0 && most.imm < bound.turns) {
      bound.kind = LoopBound::Kind::Limit;
      bound.turns = most.imm;
      bound.reason = fmt::format("goes through `{}` with a limit: {} elements", map, bound.turns);
    }
  } else {
    bound.reason = fmt::format("nothing is known of its turns: at most the {} actions of the handler", budget);
  }
  return bound;
}

template <typename Visit> void for_each_call(const Function &function, Visit visit) {
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts)
      if (function.insts[value.index].op == Op::Call)
        visit(FunctionId{function.insts[value.index].aux});
}

// The function and what it calls, each once.
std::vector<FunctionId> reached_from(const Module &module, FunctionId start) {
  std::vector<FunctionId> reached{start};
  std::vector<bool> seen(module.functions.size());
  seen[start.index] = true;
  for (size_t index = 0; index < reached.size(); ++index)
    for_each_call(module.functions[reached[index].index], [&](FunctionId callee) {
      if (!seen[callee.index])
        reached.push_back(callee);
      seen[callee.index] = true;
    });
  return reached;
}

int64_t block_instructions(const Function &function, BlockId block, const std::vector<int64_t> &callees) {
  int64_t sum = 1; // the terminator
  for (ValueId value : function.blocks[block.index].insts) {
    const Inst &inst = function.insts[value.index];
    sum += op_info(inst.op).cost;
    if (inst.op == Op::Call)
      sum += callees[inst.aux];
  }
  return std::min(sum, weight_limit);
}

// A block's charges with those of the functions it calls; none when a callee has no bound.
std::optional<int64_t> block_actions(const Function &function, BlockId block,
                                     const std::vector<std::optional<int64_t>> &callees) {
  int64_t own = 0, called = 0;
  bool steps = false;
  for (ValueId value : function.blocks[block.index].insts) {
    const Inst &inst = function.insts[value.index];
    if (inst.op == Op::Charge)
      own += inst.imm;
    steps = steps || inst.op == Op::IterNext;
    if (inst.op != Op::Call)
      continue;
    if (!callees[inst.aux])
      return std::nullopt;
    called = std::min(called + *callees[inst.aux], weight_limit);
  }
  return std::min(std::max<int64_t>(own, steps) + called, weight_limit);
}

} // namespace

std::optional<int64_t> known_turns(const Module &module, const Function &function, const Loop &loop) {
  if (auto turns = constant_trip_count(function, loop))
    return turns;
  const Inst *begin = iteration_of(function, loop);
  if (!begin)
    return std::nullopt;
  const Inst &most = function.insts[begin->operands[0].index];
  int64_t elements = capacity(module, GlobalId{begin->aux});
  return most.op == Op::ConstI64 && most.imm >= 0 ? std::min(most.imm, elements) : elements;
}

std::vector<std::optional<int64_t>> worst_actions(const Module &module, const ModuleEffects &effects) {
  std::vector<std::optional<int64_t>> actions(module.functions.size());
  for (FunctionId id : effects.callees_first()) {
    const Function &function = module.functions[id.index];
    if (function.blocks.empty()) {
      actions[id.index] = 0;
      continue;
    }
    if (effects.recursive()[id.index])
      continue;
    bool bounded = true;
    auto weight = [&](BlockId block) {
      auto sum = block_actions(function, block, actions);
      bounded = bounded && sum;
      return sum.value_or(0);
    };
    auto sum = heaviest_path(function, weight, [&](const Loop &loop) { return known_turns(module, function, loop); });
    if (bounded)
      actions[id.index] = sum;
  }
  return actions;
}

std::vector<int64_t> worst_instructions(const Module &module, const ModuleEffects &effects, ContextKind context) {
  int64_t budget = budget_of(module, context);
  std::vector<int64_t> costs(module.functions.size());
  for (FunctionId id : effects.callees_first()) {
    const Function &function = module.functions[id.index];
    if (function.kind == FunctionKind::Embedded) {
      costs[id.index] = embedded_cost;
      continue;
    }
    auto turns = [&](const Loop &loop) -> std::optional<int64_t> {
      return known_turns(module, function, loop).value_or(budget);
    };
    auto sum =
        heaviest_path(function, [&](BlockId block) { return block_instructions(function, block, costs); }, turns);
    int64_t cost = sum.value_or(weight_limit);
    bool recursive = effects.recursive()[id.index];
    costs[id.index] =
        recursive ? int64_t(std::min<__int128>(__int128(cost) * budget, weight_limit)) : cost; // each call pays
  }
  return costs;
}

std::vector<ProbeCost> estimate_costs(const Module &module) {
  ModuleEffects effects(module);
  std::vector<std::optional<int64_t>> actions = worst_actions(module, effects);
  std::vector<int64_t> instructions[] = {worst_instructions(module, effects, ContextKind::Session),
                                         worst_instructions(module, effects, ContextKind::Event)};
  int64_t nesting = limit(module, "MAXNESTING");
  std::vector<ProbeCost> result;
  for (const Probe &probe : module.probes) {
    ProbeCost cost;
    cost.budget = budget_of(module, probe.context);
    cost.instructions = instructions[probe.context == ContextKind::Event][probe.handler.index];
    cost.nanoseconds = double(cost.instructions) * nanoseconds_per_instruction;
    cost.actions = actions[probe.handler.index];
    bool budgeted = false;
    for (FunctionId id : reached_from(module, probe.handler)) {
      const Function &function = module.functions[id.index];
      if (effects.recursive()[id.index])
        cost.recursion_depth = nesting ? nesting : default_nesting(module, effects);
      if (function.blocks.empty())
        continue;
      for (const Loop &loop : natural_loops(function, Dominators(function))) {
        cost.loops.push_back(bound_of(module, id, loop, cost.budget));
        budgeted = budgeted || cost.loops.back().kind == LoopBound::Kind::Budget;
      }
    }
    cost.reason = cost.recursion_depth ? "recursion: no more calls than the handler has actions"
                  : budgeted           ? "a loop that only the handler's actions bound"
                  : cost.loops.empty() ? "straight on: the dearest path"
                                       : "every loop has a bound";
    result.push_back(std::move(cost));
  }
  return result;
}

} // namespace tapjit::ir
