// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel module's file, opened once: what is checked is what is loaded.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::staprun {

struct ModuleFile {
  std::string bytes;                // of the file when it was checked; these are loaded
  std::string name;                 // modinfo `name`
  std::set<std::string> parameters; // their names, from modinfo `parmtype`
  std::string build_id;             // modinfo `tapjit_kernel`: the kernel's whose debug symbols were used; may be empty
  std::string release;              // first word of modinfo `vermagic`: the kernel it was built for
  std::map<std::string, std::string> probed; // modinfo `tapjit_module`: build-ids of the modules that it probes
};

// Opens and checks the file: a relocatable x86-64 ELF object that holds a name and a vermagic. Every offset in it is
// checked against its size before it is used.
Result<ModuleFile> open_module(const std::string &path);

// The same checks on bytes. For tests.
Result<ModuleFile> check_module(std::string bytes, const std::string &path);

// Each of `parameters` (NAME=VALUE) must name one that the module has: the kernel itself only notes an unknown one in
// its log.
Result<void> check_parameters(const ModuleFile &module, const std::vector<std::string> &parameters);

// Gives the module in `module.bytes` another name (at most 55 bytes): in .modinfo nothing is changed, the kernel takes
// the name from the section .gnu.linkonce.this_module.
Result<void> rename_module(ModuleFile &module, const std::string &name);

} // namespace tapjit::staprun
