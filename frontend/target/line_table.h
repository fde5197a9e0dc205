// SPDX-License-Identifier: GPL-2.0-or-later
// Makes a line table (runtime/core/line_table.h says what is in it) of the line programs of one file.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/dwarf_reader.h"
#include "frontend/target/elf_file.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

// From `address` to the next row.
struct CodeLine {
  uint64_t address;
  uint32_t file; // number in CodeLines::files; 0: there is no source
  uint32_t line;
  friend bool operator==(const CodeLine &, const CodeLine &) = default;
};

// Sorted by address, no two rows at one, no two neighbours alike.
struct CodeLines {
  std::vector<std::string> files = {""};
  std::vector<CodeLine> rows;
};

// Code whose lines are wanted: link addresses.
struct CodeRange {
  uint64_t begin = 0, end = 0;
};

// Runs the line programs of .debug_line. Of several rows at one address the last one counts, as for libdw; rows outside
// of the ranges are left out. A damaged program gives the rows before the damage.
CodeLines read_line_rows(const DebugSections &sections, const std::vector<CodeRange> &ranges);

// The table as bytes; 8-byte aligned it can be used in place. Empty when there are no rows.
std::string pack_line_rows(const CodeLines &rows, const std::vector<CodeRange> &ranges);
// The ranges of a table; empty: the bytes are none.
std::vector<CodeRange> line_table_ranges(std::span<const char> bytes);

// Code that stays: not what is freed after boot.
std::vector<CodeRange> code_ranges(const ElfFile &file);

// All of it for one file; an Error when it has no DWARF.
Result<std::string> build_line_table(const std::string &path);

} // namespace tapjit::target
