// SPDX-License-Identifier: GPL-2.0-or-later
// Uses: what the bound bodies of a Program read, write and call, and which of their parts do something besides giving a
// value. For the passes that leave out what nothing needs.
#pragma once

#include "frontend/program.h"

#include <span>
#include <vector>

namespace tapjit {

// A handler or a function with a body.
struct Body {
  std::vector<Local> *locals = nullptr;
  size_t param_count = 0;
  std::span<ast::Stmt *> blocks;
  std::span<ast::Expr *> conditions, entries;
  const std::vector<Name> *asked_for = nullptr;
  std::vector<bool> read, written; // by LocalId
};

class Uses {
public:
  // Looks through all handlers, and the functions that they reach. Requires: names bound.
  explicit Uses(Program &program);

  std::vector<Body> &bodies() { return bodies_; } // reached functions first, then handlers
  bool reached(FunctionId id) const { return reached_[id.index()]; }
  bool global_read(GlobalId id) const { return global_read_[id.index()]; }
  bool global_written(GlobalId id) const { return global_written_[id.index()]; }

  // Whether evaluating may do anything but give a value. A read that may fault, a division by zero count as nothing.
  bool has_effect(const ast::Expr &expr) const;

private:
  void reach(FunctionId id);
  void look(Body &body);
  void look(Body &body, ast::Stmt &stmt);
  void look(Body &body, ast::Expr &expr);
  void target(Body &body, ast::Expr &expr, bool also_read);
  void mark(Body &body, const ast::Variable &variable, bool read, bool written);
  void pragmas(std::string_view code);
  void find_effects();
  bool body_has_effect(ast::Stmt &stmt) const;

  Program &program_;
  std::vector<Body> bodies_;
  std::vector<FunctionId> body_function_; // of the first bodies
  std::vector<bool> reached_, global_read_, global_written_, effect_;
};

} // namespace tapjit
