// SPDX-License-Identifier: GPL-2.0-or-later
// The modes that print what there is to probe instead of running a script.
#pragma once

#include "tools/stap/script_pass.h"

namespace tapjit {

// The text that stands for the script: a probe of the listed points. Empty for the modes that take none.
std::vector<ScriptText> listed_script(const Options &options);

// The lines of the mode, after parse_pass. Empty: nothing matched; `scripts.diagnostics` says why.
std::vector<std::string> list_pass(const Options &options, Scripts &scripts);

} // namespace tapjit
