// SPDX-License-Identifier: GPL-2.0-or-later
// What pass 4 says of embedded C, as diagnostics of the script.
#pragma once

#include "tools/stap/compile_pass.h"
#include "tools/stap/script_pass.h"

namespace tapjit {

// Notes a complaint at its place in the scripts, with the function that the code belongs to. False: it is not about
// text of a script.
bool note_complaint(const Complaint &complaint, bool is_error, Scripts &scripts);

} // namespace tapjit
