// SPDX-License-Identifier: GPL-2.0-or-later
// Runs IR text the long way: passes, emitted C, a compiler as a process, the user runtime in this process. The text is
// in the language of ir/IR.md; what comes back is what the script would print.
#pragma once

#include "codegen/emit/emit.h"

#include <string>

namespace tapjit::test {

struct RunResult {
  int status = -1;    // of the session: 0, or 1 with an error
  std::string output; // the script's
  std::string errors; // "ERROR: ..." and "WARNING: ..." lines; or what went wrong before the run
};

// The module of `text` after the passes; an empty module (with a test failure) if it is not well-formed.
ir::Module decided_module(const std::string &text);
// The C of the module, for the user platform.
std::string emit_text(const std::string &text);
// `compiler`: "clang-19" or "gcc".
RunResult run_ir(const std::string &text, const char *compiler = "clang-19");

} // namespace tapjit::test
