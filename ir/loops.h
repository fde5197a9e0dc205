// SPDX-License-Identifier: GPL-2.0-or-later
// Trip counts, and the most that a run of a function can weigh.
#pragma once

#include "ir/dominators.h"

#include <functional>
#include <optional>

namespace tapjit::ir {

// How often the loop's body runs at most, for `for (i = A; i < B; i += C)` and its like with constant A, B, C and one
// test, in the header. None if not known.
std::optional<int64_t> constant_trip_count(const Function &function, const Loop &loop);

// Whether the safety verifier will find that bound again in LLVM's IR: there are no calls, which have the counter live
// in the frame (frame_layout), and no large bodies, whose branches LLVM threads until the counter is one no more.
bool has_plain_body(const Function &function, const Loop &loop);

// An upper bound of the sum of block weights over one run. A loop counts `turns(loop)` times (none: no bound); nothing
// is returned where there is no bound, and for graphs that are not reducible. Sums stop at weight_limit.
inline constexpr int64_t weight_limit = int64_t(1) << 40;
std::optional<int64_t> heaviest_path(const Function &function, const std::function<int64_t(BlockId)> &weight,
                                     const std::function<std::optional<int64_t>(const Loop &)> &turns);

} // namespace tapjit::ir
