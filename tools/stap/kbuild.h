// SPDX-License-Identifier: GPL-2.0-or-later
// --kbuild: the same emitted C, compiled by the kernel's own make and compiler; the reference for codegen/finish, and a
// fallback.
#pragma once

#include "tools/stap/compile_pass.h"

namespace tapjit {

// Works in `directory`, which must exist; starts make. `input.text` must have been emitted for kbuild (it includes the
// runtime itself). Errors: make is missing or failed (the end of its output is shown).
Result<CompileOutput> kbuild_module(const std::string &build_dir, const CompileInput &input,
                                    const std::string &directory);

} // namespace tapjit
