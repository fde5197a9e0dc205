// SPDX-License-Identifier: GPL-2.0-or-later
// Answers a CodeQuery from BTF, which lists functions, and the kernel's symbols, which have their addresses.
#pragma once

#include "frontend/target/btf_variable.h"
#include "frontend/target/debug_index.h"

namespace tapjit::target {

// Whether BTF can answer: it knows neither source files nor the inside of functions.
bool is_for_btf(const CodeQuery &query);

// Sites by address. Without symbols (nullptr) a site has but its name, which the kernel looks up when the probe is
// placed. `advice` says what to install to know more.
FunctionMatches find_in_btf(const BtfVariables &btf, const DebugIndex *symbols, const CodeQuery &query,
                            const std::string &advice);

} // namespace tapjit::target
