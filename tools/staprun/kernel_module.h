// SPDX-License-Identifier: GPL-2.0-or-later
// Loading and unloading, with errors that say what to do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "frontend/base/result.h"
#include "tools/staprun/module_file.h"

namespace tapjit::staprun {

Result<void> may_load_modules(); // CAP_SYS_MODULE is effective

// Loads the bytes that were checked, into the release, and if the module names one the build, that it was made for.
// `parameters` are NAME=VALUE.
Result<void> load_module(const ModuleFile &module, const std::vector<std::string> &parameters);

// Waits while the module is in use, ten seconds at most.
Result<void> unload_module(const std::string &name);

// Names of the loaded modules that are sessions of ours (they have a device below /dev/systemtap).
std::vector<std::string> loaded_sessions();

// The NT_GNU_BUILD_ID in notes as /sys/kernel/notes holds them, in hex; empty when there is none.
std::string build_id_of_notes(std::string_view notes);

// The parameters as the kernel parses them: values with blanks are quoted.
std::string join_parameters(const std::vector<std::string> &parameters);

} // namespace tapjit::staprun
