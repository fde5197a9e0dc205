// SPDX-License-Identifier: GPL-2.0-or-later
// Passes 1 and 2 and the way to the IR: script text -> trees -> resolved program -> optimised ir::Module. `stap` and
// `stap-ir-dump` share it.
#pragma once

#include "codegen/cache/store.h"
#include "frontend/elaborate.h"
#include "frontend/lower.h"
#include "frontend/target/target.h"
#include "tools/stap/kernel_choice.h"
#include "tools/stap/options.h"
#include "tools/stap/pass_clock.h"

#include <memory>
#include <optional>

namespace tapjit {

// Where the installed runtime/ and tapset/scripts are: $SYSTEMTAP_RUNTIME or -R, $SYSTEMTAP_TAPSET; else beside the
// program (PREFIX/share/tapjit), else the source tree that it was built from.
std::string runtime_directory(const Options &options);
std::vector<std::string> tapset_directories(const Options &options);

// The text of every script of the command line.
struct ScriptText {
  std::string name; // for messages
  std::string text;
};
Result<std::vector<ScriptText>> read_scripts(const Options &options);

// What passes 1 and 2 work on; the parts refer to each other, so it stays where it is made.
struct Scripts {
  explicit Scripts() : diagnostics(sources) {}
  Scripts(const Scripts &) = delete;

  SourceTable sources;
  Diagnostics diagnostics;
  std::unique_ptr<target::Target> target;
  std::unique_ptr<Library> library;
  ProbeFamilies families;
  std::vector<std::unique_ptr<ast::File>> files;
  std::optional<Program> program;
};

// Pass 1. Mistakes are in scripts.diagnostics; an Error is the environment's.
Result<void> parse_pass(const Options &options, const KernelChoice &choice, const std::vector<ScriptText> &texts,
                        codegen::Store &store, Scripts &scripts);
// The probe families over scripts.target, to scripts.families.
void make_families(const Options &options, Scripts &scripts);
ElaborateOptions elaborate_options(const Options &options);
// Pass 2.
void elaborate_pass(const Options &options, Scripts &scripts);
// The typed program to IR, unoptimised; limits set.
ir::Module lower_pass(const Options &options, const std::string &module_name, Scripts &scripts);
// Optimises and bounds it in place. What the verifier found (--verify-ir), a bug of ours; empty if all is well.
std::vector<std::string> ir_passes(const Options &options, ir::Module &module);

} // namespace tapjit
