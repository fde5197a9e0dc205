// SPDX-License-Identifier: GPL-2.0-or-later
// Debuginfo that is not on this machine, asked of the servers of DEBUGINFOD_URLS.
#pragma once

#include "frontend/target/debug_file.h"
#include "tools/stap/options.h"

namespace tapjit {

// Says on standard error what it does when the queries take more than two seconds together, with -v also what it got.
// SIGINT, SIGTERM and SIGHUP end the transfer, then the process. With --download-debuginfo=ask, the terminal is asked
// before the first query. Empty when DEBUGINFOD_URLS is not set, or not to be used.
target::DebugServer debug_server(const Options &options);

} // namespace tapjit
