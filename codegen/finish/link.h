// SPDX-License-Identifier: GPL-2.0-or-later
// A relocatable linker (`ld -r`) for what Clang makes for kernel modules. LLD is not used: as a library it takes files,
// not memory, and it initialises every target of LLVM; merging sections and renumbering symbols is all that is needed,
// and this takes well under 1 ms.
#pragma once

#include "codegen/finish/elf_parts.h"
#include "codegen/finish/module.h"

namespace tapjit::codegen {

struct LinkedObject {
  elf::NewObject object;
  std::vector<std::string> undefined; // strong references that no input defines, sorted
  std::vector<std::string> weak;      // weak ones: allowed to stay without a definition
  std::vector<std::string> linked;    // names of the inputs taken
};

// Sections of the same name are joined (`.text.x` counts as `.text`, likewise rodata, data, bss), symbols resolved by
// name. Left out: sections that the kernel's loader does not need (.discard.*, .smp_locks, .comment, .eh_frame, notes
// for linkers), and debug information unless asked for. `wanted` are symbols to look for in inputs that are taken when
// needed, though nothing refers to them.
Result<LinkedObject> link_relocatable(const std::vector<LinkInput> &inputs, const std::vector<std::string_view> &wanted,
                                      bool keep_debug_info);

} // namespace tapjit::codegen
