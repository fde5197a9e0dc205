// SPDX-License-Identifier: GPL-2.0-or-later
// Clang and LLVM as a library: C text -> optimised LLVM module -> object bytes, in this process; no fork, no file but
// the precompiled header. driver.cpp is the only file that knows which version of Clang it is built with.
#pragma once

#include "frontend/base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace llvm {
class Module;
}

namespace tapjit::codegen {

// A message of the compiler. `file` and `line` follow #line, so they point at the script where the emitted text has
// such lines.
struct CompilerMessage {
  enum class Severity { Note, Warning, Error };
  Severity severity;
  std::string file;
  unsigned line; // 0: no position
  unsigned column;
  std::string text;
};

// Wall clock in milliseconds.
struct CompileTimes {
  double front_end = 0;  // parse, analyse, make LLVM IR (loading the precompiled header is in here)
  double passes = 0;     // LLVM's optimisation
  double generation = 0; // machine code and object file
};

// Clang's name and version, as part of cache keys.
std::string compiler_version();

// Translates options of the `clang` command to arguments of its compiler proper (cc1). Costs 2 ms: cached with the
// profile.
Result<std::vector<std::string>> compiler_arguments(const std::vector<std::string> &driver_flags);
// The options of the user runtime: freestanding, Clang's own headers only, host CPU baseline.
std::vector<std::string> user_flags();

struct PchRequest {
  std::string header;                    // path of the header
  std::vector<std::string> arguments;    // from compiler_arguments
  std::vector<std::string> include_dirs; // more -I, after those in `arguments`
  std::string prelude;                   // text before the header (KernelProfile::prelude)
  std::string output;                    // path to write; incomplete when this fails
};
struct PchResult {
  bool ok = false;
  std::vector<CompilerMessage> messages;
  double milliseconds = 0;
};
Result<PchResult> build_pch(const PchRequest &request);

struct CompileRequest {
  std::string_view text;              // C source; need not be NUL-terminated
  std::string name;                   // virtual file name for messages without #line
  std::vector<std::string> arguments; // from compiler_arguments
  std::vector<std::string> include_dirs;
  std::string pch; // path, or empty
  // Names and values placed before the text, after the precompiled header: limits, KBUILD_MODNAME. "NAME" or
  // "NAME=VALUE".
  std::vector<std::string> defines;
  int optimization = -1;   // -O level; -1: as in `arguments`
  bool debug_info = false; // -g (line tables)
  bool warnings = false;   // -Wall; otherwise only errors are reported
};

// The result: the module lives in a context of its own, so that units can be compiled in parallel threads.
class CompiledUnit {
public:
  CompiledUnit(CompiledUnit &&) noexcept;
  CompiledUnit &operator=(CompiledUnit &&) noexcept;
  ~CompiledUnit();
  // False: the text has errors (see messages) and there is no module.
  bool ok() const;
  const std::vector<CompilerMessage> &messages() const;
  const CompileTimes &times() const;
  // The module after optimisation: what codegen/safety looks at. It may be read, not changed.
  llvm::Module &module();
  // Machine code. Once per unit.
  Result<std::string> emit_object();
  // The files that the text includes, and those that they include, each once.
  std::vector<std::string> included_files() const;
  // The text that a global `const char name[]` is initialised with, without its NUL; empty when there is none.
  std::string string_variable(std::string_view name) const;
  // LLVM bitcode of module().
  std::string bitcode();
  // module() as LLVM's text.
  std::string ir_text();
  // Assembly of what emit_object would give. Once per unit, instead of it.
  Result<std::string> emit_assembly();

private:
  friend Result<CompiledUnit> compile_unit(const CompileRequest &);
  struct State;
  explicit CompiledUnit(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Parses and optimises. An Error is the environment's (no such PCH); mistakes in the text are messages.
Result<CompiledUnit> compile_unit(const CompileRequest &request);

} // namespace tapjit::codegen
