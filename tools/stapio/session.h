// SPDX-License-Identifier: GPL-2.0-or-later
// One session of a loaded module: starts it, carries its output out, stops it, reports. The protocol of the control
// file is in runtime/ABI.md.
#pragma once

#include <string>

#include "tools/staprun/run_options.h"

namespace tapjit::stapio {

// Runs until the script ends it, the -c command ends, or SIGINT, SIGTERM or SIGHUP comes. Returns the exit code: 0, or
// 1 when the script had an error, the session could not be run, or the command failed.
int run_session(const staprun::RunOptions &options);

} // namespace tapjit::stapio
