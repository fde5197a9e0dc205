// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 5 of the user runtime: links the unit with the runtime's objects in this process and runs it here.
#pragma once

#include "codegen/clang/runtime_objects.h"
#include "tools/stap/options.h"
#include "tools/stap/pass_clock.h"

#include <string_view>

namespace tapjit {

// 0, or 1 after an error in the script. SIGINT and SIGTERM end the session, as exit() does.
Result<int> run_in_process(const Options &options, const codegen::Platform &platform, std::string_view object,
                           StepTimes &times);

} // namespace tapjit
