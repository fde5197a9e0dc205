// SPDX-License-Identifier: GPL-2.0-or-later
// What the index keeps of a compilation unit: the rows of its top-level DIEs, and every inlined copy of every function,
// which stand deep within functions. Read by dwarf_reader.h; libdw is asked for what that does not know.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/dwarf_reader.h"
#include "frontend/target/line_files.h"
#include "frontend/target/string_pool.h"

#include <deque>
#include <elfutils/libdw.h>
#include <string>
#include <vector>

namespace tapjit::target {

// A row of the index whose texts are numbers of the scanner's.
struct ScannedRow {
  RowKind kind;
  uint32_t name, file, line;
  uint64_t die, address;
};

struct UnitFacts {
  std::vector<ScannedRow> rows;  // in order of their DIEs
  std::vector<IndexCopy> copies; // within a unit in the index's order
};

// Not for several threads, nor is its libdw handle. The sections and the handle outlive it.
class UnitScanner {
public:
  UnitScanner(const DebugSections &sections, Dwarf *dwarf);
  // Appends the facts of the unit whose header is at `offset` of .debug_info. A damaged unit gives what was found
  // before the damage. Of the definitions of a type in several units, the first that this scanner sees is enough: each
  // unit that includes a header repeats its types.
  void scan(uint64_t offset, UnitFacts &facts);
  const std::vector<std::string_view> &texts() const { return texts_.texts(); }

private:
  struct Die;
  void read_unit_die(const Abbreviation &entry);
  bool read_die(ByteReader &reader, const Abbreviation &entry, Die &die);
  bool integrate(Die &die, int depth);
  void walk(ByteReader &reader);
  bool pass_top(ByteReader &reader, const Abbreviation &entry, uint64_t offset);
  bool pass_inner(ByteReader &reader, const Abbreviation &entry, uint64_t offset);
  void top_level(ByteReader reader, const Abbreviation &entry, uint64_t offset);
  void add_function(const Die &die);
  void add_type(const Die &die, RowKind kind);
  void add_variable(const Die &die);
  void add_by_libdw(uint64_t offset);
  uint64_t entry_by_libdw(uint64_t offset);
  void read_copy(ByteReader &reader, const Abbreviation &entry, uint64_t offset);
  bool is_known_type(ByteReader &reader, const Abbreviation &entry) const;
  void skip(ByteReader &reader, const Abbreviation &entry);
  bool skip_to_sibling(ByteReader &reader, const Abbreviation &entry);
  uint32_t unit_file(uint64_t number);
  uint32_t text(const char *text) { return texts_.add(text ? text : ""); }

  DebugSections sections_;
  Dwarf *dwarf_;
  StringPool texts_;
  std::deque<std::string> kept_;      // texts that stand in no section
  std::vector<uint8_t> seen_types_;   // by offset in .debug_str: a bit for each kind of type that has this name
  std::vector<uint8_t> seen_by_text_; // the same by number of the text
  // Of the unit that is scanned.
  DwarfUnit unit_;
  AbbreviationTable table_;
  LineFiles files_;
  bool files_known_ = false;
  std::vector<uint32_t> file_texts_; // by number; no_text: not asked for yet
  uint32_t name_ = 0;
  bool has_methods_ = false; // its language has functions in structs
  uint64_t outer_ = 0;       // the function that comes next or is walked through, the innermost one
  std::vector<std::pair<unsigned, uint64_t>> outers_; // those around it: how deep the inner one is, and the outer one
  UnitFacts *facts_ = nullptr;
};

} // namespace tapjit::target
