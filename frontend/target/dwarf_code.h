// SPDX-License-Identifier: GPL-2.0-or-later
// What DWARF says about the inside of functions: which code belongs to them, its source lines, labels and calls.
#pragma once

#include <cstdint>
#include <elfutils/libdw.h>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace tapjit::target {

using AddressRange = std::pair<uint64_t, uint64_t>; // first, and the first behind it

// The code of a function or an inlined copy, cold parts included.
std::vector<AddressRange> code_of(Dwarf_Die *die);

// A place where the line program names a source line.
struct LineRow {
  uint64_t address;
  uint32_t line;
  const char *file;  // equal pointers within one unit are the same file
  bool is_statement; // a recommended place for a breakpoint: what comes before in the source has been done
};

// Line programs of compilation units, each decoded once (some milliseconds).
class LineTables {
public:
  // The rows of the unit that `die` is in, by address.
  const std::vector<LineRow> &rows_around(Dwarf_Die *die);

private:
  std::map<uint64_t, std::vector<LineRow>> by_unit_;
};

struct LabelPlace {
  std::string name;
  uint32_t line;
  uint64_t address;
};
// Labels of a function or inlined copy that have code, also in blocks within it.
std::vector<LabelPlace> labels_of(Dwarf_Die *die);

struct CallPlace {
  uint64_t function = 0; // DIE of what is called: a declaration, definition or abstract function
  uint64_t copy = 0;     // DW_TAG_inlined_subroutine; 0: a call
  uint64_t address = 0;  // of the copy's entry
};
// What a function or inlined copy calls itself: calls within its inlined copies are theirs.
std::vector<CallPlace> calls_of(Dwarf_Die *die);

} // namespace tapjit::target
