// SPDX-License-Identifier: GPL-2.0-or-later
// Checks on a bound program, and what they find out on the way. Each reports and goes on.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/program.h"

namespace tapjit {

// break and continue outside of loops, return outside of functions.
void check_statements(Program &program, Diagnostics &diagnostics);

// Warns of overloads of the script that those before them never leave to by `next`.
void check_overloads(Program &program, Diagnostics &diagnostics);

// Locals in values kept from a function's entry.
void check_entries(Program &program, Diagnostics &diagnostics);

// A foreach that modifies the array it goes through, itself or through a call.
void check_foreach(Program &program, Diagnostics &diagnostics);

// Warns of locals and globals of the script that are read but never given a value. Requires: mark_global_uses().
// `globals` are names for did-you-mean.
void check_assigned(Program &program, const std::vector<std::string_view> &globals, Diagnostics &diagnostics);

// Patterns of `=~` that cannot be compiled; warns of escapes that mean more elsewhere.
void check_regexes(Program &program, SourceTable &sources, Diagnostics &diagnostics);

// Sets read, written and display_at_end of all globals.
void mark_global_uses(Program &program);

} // namespace tapjit
