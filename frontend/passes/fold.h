// SPDX-License-Identifier: GPL-2.0-or-later
// Constants in conditions, so that branches that cannot be taken are left out before anything is asked of them.
#pragma once

#include "frontend/ast.h"

namespace tapjit {

// The condition with what is constant computed: a Number when all of it is. `0 && x` and `1 || x` are; a division by
// zero is not. New nodes are made in `arena`; the old ones may be changed.
ast::Expr *fold_condition(ast::Expr *expr, Arena &arena);

} // namespace tapjit
