// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 5 with a kernel module: by staprun on this kernel, or in a guest.
#pragma once

#include "frontend/base/result.h"
#include "tools/stap/kernel_choice.h"
#include "tools/stap/options.h"

#include <string>

namespace tapjit {

// Runs the module at `module_path` and carries its output until it ends. The exit code of staprun: 0, or 1 after an
// error in the script. SIGINT, SIGTERM and SIGHUP end the session, as a script's exit() does.
Result<int> run_module_on_host(const Options &options, const std::string &module_path, bool forward_input);
Result<int> run_module_in_guest(const Options &options, const KernelChoice &choice, const std::string &module_path,
                                const std::string &module_name, bool forward_input);

// The file of -o, its strftime conversions expanded; standard output without -o.
Result<int> open_output(const Options &options);

} // namespace tapjit
