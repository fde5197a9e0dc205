// SPDX-License-Identifier: GPL-2.0-or-later
// What each argument of a format is, for the record that a print makes.
#pragma once

#include "ir/ir.h"

#include <vector>

namespace tapjit::codegen {

struct FormatArgument {
  enum class Kind : uint8_t {
    Integer,
    String,
    Memory /* an address; the bytes there are read when the handler runs */
  };
  Kind kind = Kind::Integer;
  bool user = false;       // Memory: `#`, an address of the current task
  int64_t bytes = 1;       // Memory: the precision
  int bytes_argument = -1; // Memory: the argument that has the precision, instead
};

// One entry for each entry of `format.args`.
std::vector<FormatArgument> format_arguments(const ir::Format &format);

} // namespace tapjit::codegen
