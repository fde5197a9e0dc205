// SPDX-License-Identifier: GPL-2.0-or-later
// Assignments to locals that nothing reads, whose right side has no effect: they are not lowered. An alias sets many
// variables and a handler reads few of them; what is not read must cost nothing, and must not fail. (The IR's dead code
// pass may not drop an op that may fail.)
#pragma once

#include "frontend/program.h"

#include <unordered_set>
#include <vector>

namespace tapjit::lowering {

// Whether calls and expressions can be left out when their value is not used. Asks each function once.
class Purity {
public:
  explicit Purity(const Program &program) : program_(program), known_(program.functions.size(), State::unknown) {}

  bool is_pure(FunctionId function);
  bool is_pure(ast::Expr &expr);

private:
  enum class State : uint8_t { unknown, asking, pure, impure };
  bool is_pure_node(const ast::Expr &expr);
  bool is_pure_body(ast::Stmt &body);

  const Program &program_;
  std::vector<State> known_;
};

// The statements of one handler or function that are such assignments.
class UnusedAssignments {
public:
  UnusedAssignments(Purity &purity, const std::vector<ast::Stmt *> &blocks, size_t local_count);
  bool contains(const ast::Stmt &stmt) const { return unused_.contains(&stmt); }

private:
  std::unordered_set<const ast::Stmt *> unused_;
};

} // namespace tapjit::lowering
