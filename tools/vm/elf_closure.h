// SPDX-License-Identifier: GPL-2.0-or-later
// Which files a program of this machine needs to run somewhere else: the program, the interpreter named in it and the
// libraries named in it, in turn, found as the dynamic linker finds them (ld.so(8)): DT_RPATH, DT_RUNPATH with $ORIGIN,
// the folders of /etc/ld.so.conf, the usual folders. Libraries opened at run time (dlopen) are not seen.
#pragma once

#include <string>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::vm {

struct ProgramFile {
  std::string host_path;
  std::string guest_path; // where the guest's dynamic linker will look for it
};

// The program first. For a script (#!) also its interpreter and what that needs. Errors: not readable, not an x86-64
// program, or a library that is not there.
Result<std::vector<ProgramFile>> program_closure(const std::string &program_path);

// The program that a shell would run for this word: itself when it holds a slash, else the first match in PATH; empty
// when there is none.
std::string find_in_path(const std::string &word);

// What one ELF file asks for; `needed` is empty for a static program.
struct ElfNeeds {
  std::string interpreter;
  std::vector<std::string> needed;
  std::vector<std::string> run_path; // $ORIGIN replaced
};
Result<ElfNeeds> read_elf_needs(const std::string &path);

} // namespace tapjit::vm
