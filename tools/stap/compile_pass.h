// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 4: emitted C -> a kernel module, or code of this process; both proven by codegen/safety on the way.
#pragma once

#include "codegen/cache/store.h"
#include "codegen/clang/driver.h"
#include "codegen/clang/runtime_objects.h"
#include "codegen/safety/safety.h"
#include "frontend/base/result.h"
#include "tools/stap/kernel_choice.h"
#include "tools/stap/pass_clock.h"

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit {

struct CompileInput {
  std::string text;                            // the emitted unit
  std::string name;                            // of the module
  std::string runtime_dir;                     // the directory called runtime/
  bool guru = false;                           // findings of the safety verifier in embedded C are warnings
  std::vector<std::string> embedded_functions; // C names of the functions of embedded C
  std::string kernel_build_id = {};            // not empty: places in this very build of the kernel are in the unit
  std::set<std::string> modules = {};          // "NAME BUILD-ID" of modules that have places in the unit
  // What `tap_lines` is (codegen/finish/line_object.h), for a unit that asks for source lines; and what tells it from
  // those of other files.
  std::string lines = {}, lines_key = {};
  // The unit with exact lines (EmitOptions::pin_lines), to say where a finding is; empty: `text` does.
  std::function<std::string()> pinned_text = {};
};

// What pass 4 has to say about a piece of the unit.
struct Complaint {
  enum class Kind { Compiler, Unsafe, Other } kind = Kind::Other;
  std::string text;
  std::string file; // a script's name where embedded C is at fault; may be empty
  unsigned line = 0, column = 0;
  std::string property;          // Unsafe: which property was not proven
  std::string line_text() const; // all of it in one line
};

// What pass 4 gives. `refusals` not empty: the code was understood and refused.
struct CompileOutput {
  std::string image; // .ko, or the unit's object for the user runtime
  std::vector<Complaint> refusals;
  std::vector<Complaint> warnings;
  codegen::SafetyReport safety;
  bool from_cache = false;
};

// What a kernel's modules are built with: from the cache, or made now; when that lasts, standard error says
// so.
Result<codegen::Platform> open_kernel_platform(const codegen::Store &store, const KernelChoice &choice,
                                               const std::string &runtime_dir, StepTimes &times);
Result<codegen::Platform> open_user_platform(const codegen::Store &store, const std::string &runtime_dir,
                                             StepTimes &times);

// Pass 4 as far as the verifier's verdict, without an image: for a unit that something else compiles (--kbuild).
Result<CompileOutput> verify_for_kernel(const codegen::Platform &platform, const CompileInput &input, StepTimes &times);

// The unit as text, for people who look at it: LLVM IR after optimisation, or assembly. An Error when the C has
// mistakes.
enum class UnitForm { Llvm, Assembly };
Result<std::string> unit_text(const codegen::Platform &platform, const CompileInput &input, UnitForm form);

Result<CompileOutput> compile_module(const codegen::Store &store, const codegen::Platform &platform,
                                     const CompileInput &input, StepTimes &times);
Result<CompileOutput> compile_for_process(const codegen::Store &store, const codegen::Platform &platform,
                                          const CompileInput &input, StepTimes &times);

} // namespace tapjit
