// SPDX-License-Identifier: GPL-2.0-or-later
// Deep copies of trees, so that each handler and function of a Program has nodes of its own to bind and type.
#pragma once

#include "frontend/ast.h"

namespace tapjit {

class Cloner {
public:
  // Nodes are made in `arena`. When `use` is a place, every location becomes "expanded from `use`, in alias `alias`".
  Cloner(Arena &arena, SourceTable &sources, Loc use = {}, Name alias = {})
      : arena_(arena), sources_(sources), use_(use), alias_(alias) {}

  ast::Expr *expr(const ast::Expr &node); // keeps Binding and types unset, as pass 1 left them
  ast::Stmt *stmt(const ast::Stmt &node);

private:
  Loc loc(Loc spelling) { return use_ ? sources_.expanded(spelling, use_, ExpansionKind::alias, alias_) : spelling; }

  Arena &arena_;
  SourceTable &sources_;
  Loc use_;
  Name alias_;
};

} // namespace tapjit
