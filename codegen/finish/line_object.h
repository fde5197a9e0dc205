// SPDX-License-Identifier: GPL-2.0-or-later
// Line tables as data of a module: the symbol `tap_lines` that runtime/kernel/lines.c asks for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::codegen {

struct LineRange {
  uint64_t begin, end; // link addresses
  uint32_t anchor;     // number of the module's anchor; TAP_LINE_KERNEL
  uint32_t table;      // number of the table
};

// struct tap_lines (runtime/core/line_table.h) and the tables behind it. Empty tables: nothing has a line.
std::string join_line_tables(const std::vector<LineRange> &ranges, const std::vector<std::string_view> &tables);

// An ELF object whose `tap_lines` are these bytes, constant.
std::string line_object(std::string bytes);

} // namespace tapjit::codegen
