// SPDX-License-Identifier: GPL-2.0-or-later
// Debuginfo that is not on this machine, asked of the servers of DEBUGINFOD_URLS.
#pragma once

#include "frontend/target/debug_file.h"

namespace tapjit {

// Says on standard error what it does when the queries take more than two seconds together, with `verbose` also what it
// got. SIGINT, SIGTERM and SIGHUP end the transfer, then the process. Empty when DEBUGINFOD_URLS is not set.
target::DebugServer debug_server(bool verbose);

} // namespace tapjit
