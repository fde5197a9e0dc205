// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/loops.h"

#include "ir/fold.h"

#include "ir/cfg.h"

#include <algorithm>

namespace tapjit::ir {

namespace {

struct Counter {
  int64_t first, step, end;
  Op test; // of the phi against `end`: the loop goes on while it holds
};

Op negated(Op test) {
  switch (test) {
  case Op::Lt:
    return Op::Ge;
  case Op::Le:
    return Op::Gt;
  case Op::Gt:
    return Op::Le;
  case Op::Ge:
    return Op::Lt;
  case Op::Eq:
    return Op::Ne;
  default:
    return Op::Eq;
  }
}

// The step that `next` adds to `phi`, looking through nothing but add and sub of a constant.
std::optional<int64_t> step_of(const Function &function, ValueId phi, ValueId next) {
  const Inst &inst = function.insts[next.index];
  if ((inst.op != Op::Add && inst.op != Op::Sub) || inst.operands[0] != phi)
    return std::nullopt;
  const Inst &step = function.insts[inst.operands[1].index];
  if (step.op != Op::ConstI64 || step.imm == INT64_MIN)
    return std::nullopt;
  return inst.op == Op::Add ? step.imm : -step.imm;
}

// From `phi`, the values on entry and on every back edge: constant start, one step.
std::optional<std::pair<int64_t, int64_t>> start_and_step(const Function &function, const Loop &loop, ValueId phi) {
  std::optional<int64_t> first, step;
  const Block &header = function.blocks[loop.header.index];
  const Inst &inst = function.insts[phi.index];
  for (size_t index = 0; index < header.preds.size(); ++index) {
    ValueId operand = inst.operands[index];
    std::optional<int64_t> &known = loop.contains(header.preds[index]) ? step : first;
    std::optional<int64_t> value;
    if (loop.contains(header.preds[index]))
      value = step_of(function, phi, operand);
    else if (function.insts[operand.index].op == Op::ConstI64)
      value = function.insts[operand.index].imm;
    if (!value || (known && *known != *value))
      return std::nullopt;
    known = value;
  }
  if (!first || !step)
    return std::nullopt;
  return std::pair(*first, *step);
}

std::optional<Counter> find_counter(const Function &function, const Loop &loop) {
  const Block &header = function.blocks[loop.header.index];
  if (header.terminator != Terminator::Branch ||
      loop.contains(header.successors[0]) == loop.contains(header.successors[1]))
    return std::nullopt;
  const Inst &test = function.insts[header.terminator_operand.index];
  if (test.op < Op::Eq || test.op > Op::Ge)
    return std::nullopt;
  Op op = loop.contains(header.successors[0]) ? test.op : negated(test.op);
  for (int side = 0; side < 2; ++side, op = exchanged(op)) {
    ValueId phi = test.operands[size_t(side)];
    const Inst &end = function.insts[test.operands[size_t(1 - side)].index];
    bool in_header = std::find(header.insts.begin(), header.insts.end(), phi) != header.insts.end();
    if (end.op != Op::ConstI64 || function.insts[phi.index].op != Op::Phi || !in_header)
      continue;
    if (auto range = start_and_step(function, loop, phi))
      return Counter{range->first, range->second, end.imm, op};
  }
  return std::nullopt;
}

} // namespace

bool has_plain_body(const Function &function, const Loop &loop) {
  constexpr unsigned most_plain_cost = 20; // a copy; dearer ops are inline functions with branches and loops
  for (BlockId block : loop.blocks)
    for (ValueId value : function.blocks[block.index].insts)
      if (Op op = function.insts[value.index].op; op == Op::Call || op_info(op).cost > most_plain_cost)
        return false;
  return true;
}

std::optional<int64_t> constant_trip_count(const Function &function, const Loop &loop) {
  std::optional<Counter> counter = find_counter(function, loop);
  if (!counter || counter->step == 0)
    return std::nullopt;
  // Count upwards: a falling counter is mirrored.
  __int128 first = counter->first, end = counter->end, step = counter->step;
  Op test = counter->test;
  if (step < 0) {
    first = -first;
    end = -end;
    step = -step;
    test = exchanged(test);
  }
  if (test == Op::Le) {
    test = Op::Lt;
    end += 1;
  }
  if (test == Op::Ne) {
    if (end < first || (end - first) % step != 0)
      return std::nullopt;
    test = Op::Lt;
  }
  if (test != Op::Lt)
    return std::nullopt;
  __int128 turns = end <= first ? 0 : (end - first + step - 1) / step;
  // The counter must not wrap before the test fails.
  if (turns > INT32_MAX || first + turns * step > INT64_MAX)
    return std::nullopt;
  return int64_t(turns);
}

std::optional<int64_t> heaviest_path(const Function &function, const std::function<int64_t(BlockId)> &weight,
                                     const std::function<std::optional<int64_t>(const Loop &)> &turns) {
  Dominators dominators(function);
  if (!is_reducible(function, dominators))
    return std::nullopt;
  std::vector<Loop> loops = natural_loops(function, dominators);
  auto bounded = [](__int128 sum) { return int64_t(std::min<__int128>(sum, weight_limit)); };

  // Each block weighs as often as it can run; one more turn is the header's last test or the turn that a `break` ends.
  std::vector<int64_t> weights(function.blocks.size());
  for (BlockId block : dominators.reverse_postorder())
    weights[block.index] = weight(block);
  std::vector<std::vector<BlockId>> after(function.blocks.size()); // loop exits, reached from latches
  for (const Loop &loop : loops) {
    std::optional<int64_t> times = turns(loop);
    if (!times)
      return std::nullopt;
    for (BlockId block : loop.blocks) {
      weights[block.index] = bounded(__int128(weights[block.index]) * (*times + 1));
      for (BlockId target : successors(function.blocks[block.index]))
        if (!loop.contains(target))
          for (BlockId latch : loop.latches)
            after[latch.index].push_back(target);
    }
  }
  // The graph without back edges, but with edges from latches to the exits: the heaviest path passes each loop's
  // heaviest turn once.
  std::vector<int64_t> heaviest(function.blocks.size(), -1);
  int64_t result = 0;
  heaviest[0] = 0;
  const std::vector<BlockId> &order = dominators.reverse_postorder();
  std::vector<uint32_t> unfinished(function.blocks.size());
  auto for_each_edge = [&](BlockId block, auto visit) {
    for (BlockId target : successors(function.blocks[block.index]))
      if (!dominators.dominates(target, block))
        visit(target);
    for (BlockId target : after[block.index])
      if (!dominators.dominates(target, block))
        visit(target);
  };
  for (BlockId block : order)
    for_each_edge(block, [&](BlockId target) { ++unfinished[target.index]; });
  std::vector<BlockId> work{BlockId{0}};
  while (!work.empty()) {
    BlockId block = work.back();
    work.pop_back();
    int64_t sum = bounded(__int128(heaviest[block.index]) + weights[block.index]);
    result = std::max(result, sum);
    for_each_edge(block, [&](BlockId target) {
      heaviest[target.index] = std::max(heaviest[target.index], sum);
      if (--unfinished[target.index] == 0)
        work.push_back(target);
    });
  }
  return result;
}

} // namespace tapjit::ir
