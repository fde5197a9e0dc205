// SPDX-License-Identifier: GPL-2.0-or-later
// Golden files tests/golden/verdicts/FEATURE/NAME.stp: a script, and whether it is accepted (tests/README.md).
#pragma once

#include "frontend_support.h"

#include <filesystem>
#include <set>
#include <string>
#include <vector>

namespace tapjit::testing {

// All of them, sorted.
std::vector<std::filesystem::path> verdict_files();

// Pass 1, pass 2 and lowering of one file, by its directives. Returns the file's text as it should be. `ids` gets the
// diagnostics that were reported.
std::string run_verdict_file(const std::string &text, std::set<DiagId> &ids);

} // namespace tapjit::testing
