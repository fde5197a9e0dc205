// SPDX-License-Identifier: GPL-2.0-or-later
// Types of the whole program by unification: every local, parameter, function result, global and array key is a slot;
// expressions constrain slots. Requires: names bound. Afterwards every slot and every Expr::type is set, or an error
// says what could not be.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/program.h"

namespace tapjit {

// Finds out all types. `globals` are names for did-you-mean.
void infer_types(Program &program, const std::vector<std::string_view> &globals, Diagnostics &diagnostics);

} // namespace tapjit
