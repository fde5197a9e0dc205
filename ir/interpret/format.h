// SPDX-License-Identifier: GPL-2.0-or-later
// Directives of a format that read memory. Private to ir/interpret/.
#pragma once

#include "ir/interpret.h"

namespace tapjit::ir {

// An argument that is the address of bytes to print (%m, %M): its precision says how many, `#` that they are the
// program's.
struct MemoryArgument {
  size_t index;
  size_t bytes;
  bool user;
};
std::vector<MemoryArgument> memory_arguments(const std::string &format, const std::vector<FormatArgument> &args);

} // namespace tapjit::ir
