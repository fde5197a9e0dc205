// SPDX-License-Identifier: GPL-2.0-or-later
// What `@probewrite(x)` asks: whether the handler that an alias's text stands around writes x.
#pragma once

#include "frontend/passes/prune_unused.h"

#include <vector>

namespace tapjit {

// Gives each ProbeWrite of a handler's pieces its answer: whether a piece that is further in, down to the script's own
// body, writes the name. A write counts wherever it stands, in a branch that is never taken as well. The script's own
// body asks about itself.
void answer_probe_writes(std::vector<Piece> &pieces);

} // namespace tapjit
