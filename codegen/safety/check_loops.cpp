// SPDX-License-Identifier: GPL-2.0-or-later
// Property `loops`. A loop passes if a constant bound on its turns times its body's cost fits the limit of a handler,
// or if every path through it pays a charge: a volatile decrement of a budget of struct tap_ctx whose exhaustion leaves
// the loop. ScalarEvolution's maximum for a plain `i < n` is 2^29 or so: a huge constant is no proof, hence the cost
// limit. Recursion passes if each call inside a cycle of the call graph comes behind a test of the nesting count
// against a constant.
#include "codegen/safety/extract.h"

#include <fmt/format.h>
#include <llvm/ADT/PostOrderIterator.h>
#include <llvm/ADT/SCCIterator.h>
#include <llvm/Analysis/AssumptionCache.h>
#include <llvm/Analysis/CFG.h>
#include <llvm/Analysis/LoopInfo.h>
#include <llvm/Analysis/ScalarEvolution.h>
#include <llvm/Analysis/TargetLibraryInfo.h>
#include <llvm/IR/Dominators.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>
#include <llvm/Support/MathExtras.h>
#include <optional>

namespace tapjit::codegen {

namespace {

using namespace llvm;

// Instructions that a loop without a charge may cost at the most: 0.2 ms at one a cycle and 3 GHz.
constexpr uint64_t loop_cost_limit = 600'000;

struct FunctionLoops {
  DominatorTree dominators;
  LoopInfo loops;
  TargetLibraryInfoImpl library_impl;
  TargetLibraryInfo library;
  AssumptionCache assumptions;
  ScalarEvolution evolution;

  explicit FunctionLoops(Function &function)
      : dominators(function), loops(dominators), library_impl(Triple(function.getParent()->getTargetTriple())),
        library(library_impl), assumptions(function), evolution(function, library, assumptions, dominators, loops) {}
};

// `tap_gate`, the per-CPU variable of runtime/kernel/entry.h: what it points to begins with a context. Kernels read it
// by assembly (KernelProfile::prelude keeps those that could from an address space).
bool is_gate(const Value *base) {
  if (auto *pointer = dyn_cast<IntToPtrInst>(base))
    base = pointer->getOperand(0);
  const Value *variable = nullptr;
  if (auto *call = dyn_cast<CallBase>(base);
      call && call->isInlineAsm() && call->arg_size() == 1 &&
      find_allowed_asm(cast<InlineAsm>(call->getCalledOperand())->getAsmString()))
    variable = call->getArgOperand(0)->stripPointerCasts();
  return variable && isa<GlobalVariable>(variable) && variable->getName() == "tap_gate";
}

// Contexts are a function's first parameter, or come from tap_enter*() or `tap_gate`; a context of the function's own
// making is none.
bool is_context(const Value *base) {
  if (auto *parameter = dyn_cast<Argument>(base))
    return parameter->getArgNo() == 0;
  auto *call = dyn_cast<CallBase>(base);
  const Function *callee = call ? called_function(*call) : nullptr;
  return (callee && callee->getName().starts_with("tap_enter")) || is_gate(base);
}

// Whether `pointer` is a field of the context that lies at one of `offsets`, with a base that does not change in
// `loop`.
bool is_context_field(const Value *pointer, const std::vector<int64_t> &offsets, const Loop *loop,
                      const DataLayout &layout) {
  APInt offset(64, 0);
  const Value *base = pointer->stripAndAccumulateConstantOffsets(layout, offset, true);
  if (!is_context(base) || (loop && !loop->isLoopInvariant(base)))
    return false;
  return llvm::is_contained(offsets, offset.getSExtValue());
}

// Whether the edge of `branch` that is taken when `value` (the decremented budget, or what it was before) has run out
// leaves the loop.
bool exhausted_edge_leaves(const BranchInst &branch, const Value *before, const Value *after, const Loop &loop) {
  auto *compare = dyn_cast<ICmpInst>(branch.getCondition());
  auto *least = compare ? dyn_cast<ConstantInt>(compare->getOperand(1)) : nullptr;
  // A budget that must fall far below zero first is none.
  if (!least || least->getValue().slt(-1))
    return false;
  if (compare->getOperand(0) != before && compare->getOperand(0) != after)
    return false;
  CmpInst::Predicate predicate = compare->getPredicate();
  bool exhausted_is_true = predicate == CmpInst::ICMP_SLT || predicate == CmpInst::ICMP_SLE;
  bool exhausted_is_false = predicate == CmpInst::ICMP_SGT || predicate == CmpInst::ICMP_SGE;
  if (!exhausted_is_true && !exhausted_is_false)
    return false;
  return !loop.contains(branch.getSuccessor(exhausted_is_true ? 0 : 1));
}

// LLVM merges the ends of charges at which several ways meet: what each of them has comes through a phi, here followed
// this deep.
constexpr unsigned phi_limit = 3;

bool all_incoming(const PHINode &phi, function_ref<bool(const Value *)> holds) {
  return all_of(phi.incoming_values(), [&](const Use &use) { return holds(use.get()); });
}

// What the budget at `pointer` was earlier in this turn: what was read in an earlier one, or before the loop, stays as
// it is.
bool is_read_in_turn(const Value *value, const Value *pointer, const Loop &loop, unsigned depth = 0) {
  if (auto *load = dyn_cast<LoadInst>(value))
    return load->isVolatile() && load->getPointerOperand() == pointer && loop.contains(load) &&
           load->getType()->isIntegerTy(64);
  auto *phi = dyn_cast<PHINode>(value);
  return phi && depth < phi_limit && loop.contains(phi) && phi->getParent() != loop.getHeader() &&
         all_incoming(*phi, [&](const Value *one) { return is_read_in_turn(one, pointer, loop, depth + 1); });
}

// Whether `value` is a constant of that sign, or a choice of such.
bool has_sign(const Value *value, bool negative, unsigned depth = 0) {
  if (auto *constant = dyn_cast<ConstantInt>(value))
    return negative ? constant->isNegative() : constant->getValue().isStrictlyPositive();
  if (depth == phi_limit)
    return false;
  if (auto *choice = dyn_cast<SelectInst>(value))
    return has_sign(choice->getTrueValue(), negative, depth + 1) &&
           has_sign(choice->getFalseValue(), negative, depth + 1);
  auto *phi = dyn_cast<PHINode>(value);
  return phi && all_incoming(*phi, [&](const Value *one) { return has_sign(one, negative, depth + 1); });
}

struct Charge {
  const Value *before = nullptr; // the budget as it was read; null where several charges end in one store
};

// What `value`, which is stored to the budget at `pointer`, takes of it.
std::optional<Charge> find_charge(const Value *value, const Value *pointer, const Loop &loop, unsigned depth = 0) {
  auto *sum = dyn_cast<BinaryOperator>(value);
  if (sum && (sum->getOpcode() == Instruction::Add || sum->getOpcode() == Instruction::Sub)) {
    const Value *left = sum->getOperand(0), *right = sum->getOperand(1);
    const bool adds = sum->getOpcode() == Instruction::Add;
    if (adds && has_sign(left, true))
      std::swap(left, right);
    if (has_sign(right, adds) && is_read_in_turn(left, pointer, loop))
      return Charge{left};
    return std::nullopt;
  }
  auto *phi = dyn_cast<PHINode>(value);
  if (phi && depth < phi_limit && loop.contains(phi) && phi->getParent() != loop.getHeader() &&
      all_incoming(*phi, [&](const Value *one) { return find_charge(one, pointer, loop, depth + 1).has_value(); }))
    return Charge{};
  return std::nullopt;
}

// A block of the loop that ends in a charge's test.
bool is_charge_block(const BasicBlock &block, const Loop &loop, const ContextLayout &layout) {
  auto *branch = dyn_cast<BranchInst>(block.getTerminator());
  if (!branch || !branch->isConditional())
    return false;
  const DataLayout &data = block.getDataLayout();
  for (const Instruction &instruction : block) {
    auto *store = dyn_cast<StoreInst>(&instruction);
    if (!store || !store->isVolatile())
      continue;
    std::optional<Charge> charge = find_charge(store->getValueOperand(), store->getPointerOperand(), loop);
    if (!charge)
      continue;
    if (!is_context_field(store->getPointerOperand(), layout.budget_offsets, &loop, data))
      continue;
    if (exhausted_edge_leaves(*branch, charge->before, store->getValueOperand(), loop))
      return true;
  }
  return false;
}

// Whether a turn of the loop can avoid all charge blocks.
bool has_uncharged_turn(const Loop &loop, const std::set<const BasicBlock *> &charges) {
  if (charges.count(loop.getHeader()))
    return false;
  std::vector<const BasicBlock *> work{loop.getHeader()};
  std::set<const BasicBlock *> seen;
  while (!work.empty()) {
    const BasicBlock *block = work.back();
    work.pop_back();
    for (const BasicBlock *next : successors(block)) {
      if (next == loop.getHeader())
        return true;
      if (loop.contains(next) && !charges.count(next) && seen.insert(next).second)
        work.push_back(next);
    }
  }
  return false;
}

std::set<const BasicBlock *> charge_blocks(const Loop &loop, const ContextLayout &layout) {
  std::set<const BasicBlock *> charges;
  for (const BasicBlock *block : loop.blocks())
    if (is_charge_block(*block, loop, layout))
      charges.insert(block);
  return charges;
}

// Instructions of one turn, with inner loops at their own bounds; an inner loop that pays its own charge counts as one
// turn, as the budget bounds the others. Calls count as one instruction: their cost is a property of its own.
uint64_t turn_cost(const Loop &loop, const ContextLayout &layout, FunctionLoops &facts) {
  std::map<const Loop *, uint64_t> turns;
  for (const Loop *inner : loop.getLoopsInPreorder()) {
    std::set<const BasicBlock *> charges = charge_blocks(*inner, layout);
    bool pays = !charges.empty() && !has_uncharged_turn(*inner, charges);
    turns[inner] = pays ? 1 : std::max(1u, facts.evolution.getSmallConstantMaxTripCount(inner));
  }
  uint64_t cost = 0;
  for (const BasicBlock *block : loop.blocks()) {
    uint64_t times = 1;
    for (const Loop *inner = facts.loops.getLoopFor(block); inner != &loop; inner = inner->getParentLoop())
      times = SaturatingMultiply<uint64_t>(times, turns[inner]);
    cost = SaturatingAdd(cost, SaturatingMultiply<uint64_t>(times, block->size()));
  }
  return cost;
}

// A store in the loop that gives a budget back: the charges of such a loop are no bound.
const Instruction *find_refill(const Loop &loop, const ContextLayout &layout) {
  for (const BasicBlock *block : loop.blocks())
    for (const Instruction &instruction : *block) {
      auto *store = dyn_cast<StoreInst>(&instruction);
      if (!store ||
          !is_context_field(store->getPointerOperand(), layout.budget_offsets, nullptr, block->getDataLayout()))
        continue;
      if (!find_charge(store->getValueOperand(), store->getPointerOperand(), loop))
        return store;
    }
  return nullptr;
}

void check_loop(SafetyRun &run, Function &function, const Loop &loop, FunctionLoops &facts) {
  const Instruction *at = loop.getHeader()->getTerminator();
  std::set<const BasicBlock *> charges = charge_blocks(loop, run.layout);
  if (const Instruction *refill = charges.empty() ? nullptr : find_refill(loop, run.layout))
    return run.finding(Property::Loops, function, refill, "a loop that gives itself budget");
  if (!charges.empty() && !has_uncharged_turn(loop, charges)) {
    run.proof(Property::Loops, function, at, "every turn pays a charge");
    return;
  }
  uint64_t turns = facts.evolution.getSmallConstantMaxTripCount(&loop);
  uint64_t cost = turn_cost(loop, run.layout, facts);
  if (turns && turns <= loop_cost_limit && SaturatingMultiply<uint64_t>(turns, cost) <= loop_cost_limit) {
    run.proof(Property::Loops, function, at, fmt::format("at most {} turns of {} instructions", turns, cost));
    return;
  }
  if (turns)
    run.finding(
        Property::Loops, function, at,
        fmt::format(
            "a loop of up to {} turns of {} instructions, more than the {} a handler may spend without a charge", turns,
            cost, loop_cost_limit));
  else
    run.finding(Property::Loops, function, at,
                charges.empty() ? "a loop without a constant bound on its turns, and without a charge"
                                : "a loop with a way through it that pays no charge");
}

void check_function_loops(SafetyRun &run, Function &function) {
  FunctionLoops facts(function);
  ReversePostOrderTraversal<Function *> order(&function);
  if (containsIrreducibleCFG<const BasicBlock *>(order, facts.loops))
    run.finding(Property::Loops, function, nullptr, "a cycle with more than one entry, which is not understood");
  for (const Loop *loop : facts.loops.getLoopsInPreorder())
    check_loop(run, function, *loop, facts);
}

// The edge of `branch` that is taken while the nesting count `compare` is below a constant.
std::optional<BasicBlockEdge> open_edge(const BranchInst &branch, const ICmpInst &compare) {
  switch (compare.getPredicate()) {
  case CmpInst::ICMP_ULT:
  case CmpInst::ICMP_ULE:
  case CmpInst::ICMP_EQ:
    return BasicBlockEdge(branch.getParent(), branch.getSuccessor(0));
  case CmpInst::ICMP_UGT:
  case CmpInst::ICMP_UGE:
  case CmpInst::ICMP_NE:
    return BasicBlockEdge(branch.getParent(), branch.getSuccessor(1));
  default:
    return std::nullopt;
  }
}

struct Sum {
  const Value *base;
  int64_t step;
};
Sum as_sum(const Value *value) {
  const Value *base = nullptr;
  const APInt *step = nullptr;
  if (PatternMatch::match(value, PatternMatch::m_Add(PatternMatch::m_Value(base), PatternMatch::m_APInt(step))))
    return {base, step->getSExtValue()};
  return {value, 0};
}

// On every way to `call` the nesting count has been found below a constant, and has been raised since.
bool behind_nesting_check(const CallBase &call, const ContextLayout &layout, const DominatorTree &dominators) {
  const Function &function = *call.getFunction();
  auto is_nesting = [&](const Value *pointer) {
    return is_context_field(pointer, {layout.nesting_offset}, nullptr, function.getDataLayout());
  };
  auto is_raised = [&](const Sum &tested, const BasicBlockEdge &edge) {
    for (const Instruction &instruction : instructions(function)) {
      auto *store = dyn_cast<StoreInst>(&instruction);
      if (!store || !is_nesting(store->getPointerOperand()) || !dominators.dominates(store, &call) ||
          !dominators.dominates(edge, store->getParent()))
        continue;
      Sum stored = as_sum(store->getValueOperand());
      if (isa<Constant>(stored.base) || (stored.base == tested.base && stored.step == tested.step + 1))
        return true;
    }
    return false;
  };
  for (const Instruction &instruction : instructions(function)) {
    auto *compare = dyn_cast<ICmpInst>(&instruction);
    if (!compare || !isa<ConstantInt>(compare->getOperand(1)))
      continue;
    // One less than the count is tested where a call has ended and the next begins: the stores of both are one.
    Sum tested = as_sum(compare->getOperand(0));
    auto *load = dyn_cast<LoadInst>(tested.base);
    if (!load || !is_nesting(load->getPointerOperand()) || tested.step < -1 || tested.step > 0)
      continue;
    for (const User *user : compare->users()) {
      auto *branch = dyn_cast<BranchInst>(user);
      std::optional<BasicBlockEdge> edge = branch ? open_edge(*branch, *compare) : std::nullopt;
      if (edge && dominators.dominates(*edge, call.getParent()) && (tested.step == -1 || is_raised(tested, *edge)))
        return true;
    }
  }
  return false;
}

// Strongly connected parts of the call graph among the functions looked at (Tarjan would do; the graphs are tiny:
// reachability).
void check_recursion(SafetyRun &run) {
  std::map<const Function *, std::set<const Function *>> reach;
  for (const Function *function : run.functions) {
    std::set<const Function *> next;
    for (const Function *callee : direct_references(*function))
      if (!callee->isDeclaration())
        next.insert(callee);
    reach[function] = reachable(next);
  }
  for (const Function *function : run.functions) {
    if (!reach[function].count(function))
      continue;
    DominatorTree dominators(const_cast<Function &>(*function));
    for (const Instruction &instruction : instructions(*function)) {
      auto *call = dyn_cast<CallBase>(&instruction);
      const Function *callee = call ? called_function(*call) : nullptr;
      if (!callee || callee->isDeclaration() || !(callee == function || reach[callee].count(function)))
        continue;
      if (behind_nesting_check(*call, run.layout, dominators))
        run.proof(Property::Loops, *function, call,
                  fmt::format("recursive call of `{}` behind the nesting check", callee->getName().str()));
      else
        run.finding(
            Property::Loops, *function, call,
            fmt::format("a recursive call of `{}` that no nesting check comes before", callee->getName().str()));
    }
  }
}

} // namespace

void check_loops(SafetyRun &run) {
  for (const llvm::Function *function : run.functions)
    check_function_loops(run, const_cast<llvm::Function &>(*function));
  check_recursion(run);
}

} // namespace tapjit::codegen
