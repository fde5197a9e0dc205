// SPDX-License-Identifier: GPL-2.0-or-later
// The file names in the headers of line programs, without running the programs.
#pragma once

#include "frontend/target/dwarf_reader.h"

#include <string>
#include <string_view>

namespace tapjit::target {

class LineFiles {
public:
  // Replaces what it held by the files of the line program at `offset` of .debug_line. False, and no files, when its
  // header has a form that is not known or is damaged. `directory` is the unit's DW_AT_comp_dir.
  bool read(const DebugSections &sections, uint64_t offset, const char *directory);
  // As libdw gives it for DW_AT_decl_file: "directory/name"; empty when there is no such file.
  std::string name(uint64_t number) const;
  size_t size() const { return files_.size(); }

private:
  struct Entry {
    const char *name = nullptr;
    uint64_t directory = 0;
  };
  bool read_entries(const DebugSections &sections, const DwarfUnit &unit, ByteReader &reader,
                    std::vector<Entry> &entries);
  bool read_old(ByteReader &reader, const char *directory);
  std::vector<Entry> directories_, files_; // by number
};

} // namespace tapjit::target
