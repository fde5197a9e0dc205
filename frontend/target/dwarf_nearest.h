// SPDX-License-Identifier: GPL-2.0-or-later
// Where a variable that has no value at a probe point has one: the nearest statement of the same function.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/target.h"

#include <elfutils/libdw.h>
#include <functional>

namespace tapjit::target {

// The probe point, `kernel.statement("f@file:7")`; empty: there is none. `function` is the site's function or inlined
// copy. `has_value` is asked for addresses at which statements begin; `in_frame`: what it says is true only where the
// function's frame is complete.
std::string nearest_statement(const DebugIndex &index, Dwarf_CFI *frames, const FunctionSite &site, Dwarf_Die function,
                              bool in_frame, const std::function<bool(uint64_t address)> &has_value);

} // namespace tapjit::target
