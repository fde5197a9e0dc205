// SPDX-License-Identifier: GPL-2.0-or-later
// Tracepoints that a module defines, from its own file: few of the headers that declare them are installed.
#pragma once

#include "frontend/target/debug_file.h"

namespace tapjit::target {

// Those whose names match, with their arguments. Fails without debuginfo and BTF. `guesser` sees all names.
Result<std::vector<Tracepoint>> described_tracepoints(DebugFile &file, const std::string &module,
                                                      const std::string &pattern, NameGuesser &guesser);

} // namespace tapjit::target
