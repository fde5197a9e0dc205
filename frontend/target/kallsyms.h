// SPDX-License-Identifier: GPL-2.0-or-later
// The symbols that a kernel carries for its own use, read from its image: the only names and addresses that a stripped
// vmlinux has (scripts/kallsyms.c writes the tables, kernel/kallsyms.c reads them).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tapjit::target {

struct KernelSymbol {
  uint64_t address = 0; // link address
  char type = 0;        // as nm(1) shows it: 'T' or 't' is code
  std::string name;
};

// Finds the tables by their form: no symbol says where they are. `rodata` holds the section .rodata, 8-byte aligned;
// `text` is the address of .text, which the symbol _text must have. Symbols in order of address. nullopt: there are no
// such tables, or they have an unknown form.
std::optional<std::vector<KernelSymbol>> read_kallsyms(std::span<const char> rodata, uint64_t text);

} // namespace tapjit::target
