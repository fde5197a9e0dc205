// SPDX-License-Identifier: GPL-2.0-or-later
// Which loops may run without a charge.
#pragma once

#include "ir/loops.h"

#include <string>

namespace tapjit::ir {

// The charges of one turn times the turns of a loop without charges: under this share of MAXACTION it costs one charge
// on entry.
inline constexpr int64_t small_loop_share = 4;

// A loop with more turns than this has a charge, whatever is known of it.
inline constexpr int64_t most_free_turns = 1024;

// Cycles that have a path without a charge and are not loops with a constant trip count and a plain body (each turn of
// the cycle counts): one block of each such cycle, in its header if it has one. Empty: the invariant holds.
std::vector<BlockId> uncharged_cycles(const Function &function);

std::vector<std::string> check_charges(const Module &module);

} // namespace tapjit::ir
