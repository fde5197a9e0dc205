// SPDX-License-Identifier: GPL-2.0-or-later
// What one hit of a probe may take at the most, and why: bounds of loops, actions, estimated instructions and time.
#pragma once

#include "ir/loops.h"
#include "ir/passes/effects.h"

#include <string>

namespace tapjit::ir {

// How often a loop turns at the most.
struct LoopBound {
  enum class Kind : uint8_t {
    Counter, // it counts to a constant
    MapSize, // it goes through a map
    Limit,   // the same, up to a constant number of elements
    Budget,  // nothing is known: as often as the handler has actions
  };
  Kind kind = Kind::Budget;
  FunctionId function;
  BlockId header;
  int64_t turns = 0;
  std::string reason; // "counts to a constant: 10 turns"
};

// Of a loop that counts to a constant, or is a `foreach`; none: only the budget bounds it. What is bounded by a map has
// no bound that the safety verifier sees, and so keeps a charge.
std::optional<int64_t> known_turns(const Module &module, const Function &function, const Loop &loop);

// The most that `charge` ops of a function and its callees can take in one run, by FunctionId::index; none where
// nothing but the budget bounds it. A turn of a `foreach` counts as one action at least.
std::vector<std::optional<int64_t>> worst_actions(const Module &module, const ModuleEffects &effects);

struct ProbeCost {
  int64_t instructions = 0;       // estimated: the costs of ops.def along the dearest path, callees included
  double nanoseconds = 0;         // of these, at nanoseconds_per_instruction
  std::optional<int64_t> actions; // as worst_actions has them
  int64_t budget = 0;             // MAXACTION, or MAXACTION_INTERRUPTIBLE
  int64_t recursion_depth = 0;    // calls of functions in call cycles that can be open at once; 0: there are none
  std::vector<LoopBound> loops;   // of the handler, then of what it calls
  std::string reason;             // what bounds `instructions`
};
inline constexpr double nanoseconds_per_instruction = 0.35; // about one a cycle at 3 GHz

// By ProbeId::index. The module may be lowered or decided.
std::vector<ProbeCost> estimate_costs(const Module &module);

// The field `instructions` alone, of handlers in this context, by FunctionId::index.
std::vector<int64_t> worst_instructions(const Module &module, const ModuleEffects &effects, ContextKind context);

} // namespace tapjit::ir
