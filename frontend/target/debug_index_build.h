// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the index of one kernel from its vmlinux (DWARF and .symtab), or from a System.map alone.
#pragma once

#include "frontend/base/result.h"

#include "frontend/target/elf_file.h"

#include <string>

namespace tapjit::target {

// Reads all of `vmlinux` on up to `threads` threads; the bytes for DebugIndex::open. Fails when the file cannot be read
// or has neither symbols nor DWARF.
Result<std::string> build_debug_index(const std::string &vmlinux, unsigned threads);

// From the ELF file that a bootable kernel has inside (kernel_image.h): its own symbols, no DWARF.
Result<std::string> build_image_index(const ElfFile &image);

// Symbols only: functions can be placed, but nothing has a type.
Result<std::string> build_symbol_index(const std::string &system_map);

// The same from the running kernel's own list, /proc/kallsyms, without its modules. Addresses are counted as if KASLR
// had not moved the kernel. Fails when the list is hidden from this user.
Result<std::string> build_running_index(const std::string &kallsyms);

} // namespace tapjit::target
