// SPDX-License-Identifier: GPL-2.0-or-later
// Objects -> a kernel module, in this process: what kbuild does with modpost, a second compilation and `ld -r`.
// The unit or a runtime object defines init_module and cleanup_module; all else that the loader wants is added here.
#pragma once

#include "codegen/clang/profile.h"
#include "frontend/base/result.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapjit::codegen {

struct LinkInput {
  std::string name;        // for messages
  std::string_view object; // ELF relocatable, x86-64
  bool always = true;      // false: taken only when it defines a symbol that is missing, as from an archive
};

struct ModuleRequest {
  std::string name;
  std::vector<LinkInput> inputs;                                // the unit's object first, then the runtime's
  std::vector<std::pair<std::string, std::string>> information; // more of .modinfo: author, description, ...
  bool keep_debug_info = false;
};

struct FinishedModule {
  std::string image; // the .ko
  std::vector<std::string>
      imports; // symbols that the kernel must provide, sorted: held against safety's list by the caller
  std::vector<std::string> linked; // names of the inputs that were taken
};

// Links, puts the name into `struct module __this_module` (the runtime object "generated/this_module"; taken unless the
// unit has one of its own), adds .modinfo (license GPL, vermagic, depends, retpoline), __versions, .return_sites.
// Errors: an undefined symbol that the kernel does not export (named), two definitions of one symbol, an object that is
// not understood.
Result<FinishedModule> finish_module(const KernelProfile &profile, const SymbolVersions &versions,
                                     const ModuleRequest &request);

// The functions of a .ko (or object) whose address is taken by data or code and that do not start with endbr64. With
// CONFIG_X86_KERNEL_IBT an indirect call to such a function is a fault in the kernel. Sorted.
Result<std::vector<std::string>> functions_without_endbr(std::string_view object);

} // namespace tapjit::codegen
