// SPDX-License-Identifier: GPL-2.0-or-later
// Leaves out what does nothing: values that nobody reads, expressions without an effect, branches that cannot be taken,
// functions that nothing calls. Runs before types are found, so that what is left out may hold anything: a script that
// is only right without its dead parts is accepted. What the user wrote in vain is warned of.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/program.h"

namespace tapjit {

// Requires: names bound. Functions, globals and locals that nothing uses any more are removed and the others numbered
// anew.
void elide(Program &program, Diagnostics &diagnostics);

} // namespace tapjit
