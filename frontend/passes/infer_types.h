// SPDX-License-Identifier: GPL-2.0-or-later
// Types of the whole program by unification: every local, parameter, function result, global and array key is a slot;
// expressions constrain slots. Requires: names bound. Afterwards every slot and every Expr::type is set, or an error
// says what could not be.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/program.h"

namespace tapjit {

void infer_types(Program &program, Diagnostics &diagnostics);

} // namespace tapjit
