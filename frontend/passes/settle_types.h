// SPDX-License-Identifier: GPL-2.0-or-later
// The end of type inference: when all of a program was read, slots become types in the tree and the program's tables,
// and what could only be judged now is reported.
#pragma once

#include "frontend/passes/type_slots.h"
#include "frontend/program.h"

#include <vector>

namespace tapjit {

// What the walk over the program found.
struct Inferred {
  // An expression gets its type from a slot. `stat_wanted`: it stands where a statistic belongs.
  struct Typed {
    ast::Expr *expr;
    Slot slot;
    bool stat_wanted;
  };
  // An expression is used as a value, so it must have one.
  struct ValueUse {
    ast::Expr *expr;
    Slot slot;
  };
  // An argument of a format, which had a type already.
  struct FormatCheck {
    ast::Expr *arg;
    Slot slot;
    std::string_view directive;
    ast::Type wanted;
    size_t position;
  };

  std::vector<Slot> global_values, results;          // by GlobalId, FunctionId
  std::vector<Slot> global_keys;                     // the first of each global's
  std::vector<Slot> function_locals, handler_locals; // the first of each body's
  std::vector<Typed> typed;
  std::vector<ValueUse> value_uses;
  std::vector<FormatCheck> checked;
  std::vector<ast::Foreach *> foreachs;
};

// "the result of `f`".
std::string result_name(const FunctionInfo &function);

// Fills the types of globals, functions, locals and expressions; reports what has none, and values that are misused.
// `globals` are names for did-you-mean.
void settle_types(Program &program, TypeSlots &slots, const Inferred &inferred,
                  const std::vector<std::string_view> &globals, Diagnostics &diagnostics);

} // namespace tapjit
