// SPDX-License-Identifier: GPL-2.0-or-later
// DWARF 5, section 6.2.4; versions 2 to 4 have strings that an empty one ends.
#include "frontend/target/line_files.h"

#include <dwarf.h>

namespace tapjit::target {

bool LineFiles::read_entries(const DebugSections &sections, const DwarfUnit &unit, ByteReader &reader,
                             std::vector<Entry> &entries) {
  struct Part {
    uint64_t content, form;
  };
  std::vector<Part> parts(reader.fixed(1));
  for (Part &part : parts)
    part = {reader.uleb(), reader.uleb()};
  uint64_t count = reader.uleb();
  for (uint64_t i = 0; i < count && reader.good(); ++i) {
    Entry entry;
    for (const Part &part : parts) {
      unsigned form = static_cast<unsigned>(part.form);
      if (part.content == DW_LNCT_path)
        entry.name = read_string(sections, unit, reader, form).value_or(nullptr);
      else if (part.content == DW_LNCT_directory_index)
        entry.directory = read_constant(unit, reader, {0, static_cast<uint16_t>(form), 0, 0}).value_or(0);
      else
        skip_form(unit, reader, form);
    }
    if (!entry.name)
      return false;
    entries.push_back(entry);
  }
  return reader.good();
}

// Files are numbered from 1, directory 0 is the unit's.
bool LineFiles::read_old(ByteReader &reader, const char *directory) {
  directories_.push_back({directory, 0});
  const char *text;
  while ((text = reader.string()) && *text)
    directories_.push_back({text, 0});
  files_.push_back({});
  while ((text = reader.string()) && *text) {
    files_.push_back({text, reader.uleb()});
    reader.uleb(); // when it was changed
    reader.uleb(); // how long it is
  }
  return reader.good();
}

bool LineFiles::read(const DebugSections &sections, uint64_t offset, const char *directory) {
  directories_.clear();
  files_.clear();
  ByteReader reader(sections.line, offset);
  DwarfUnit unit;
  if (reader.fixed(4) == 0xffffffff) {
    unit.offset_size = 8;
    reader.skip(8);
  }
  unit.version = static_cast<uint16_t>(reader.fixed(2));
  if (unit.version < 2 || unit.version > 5)
    return false;
  if (unit.version >= 5)
    reader.skip(2);                       // sizes of addresses and segment selectors
  reader.skip(unit.offset_size);          // length of the rest of the header
  reader.skip(unit.version >= 4 ? 5 : 4); // up to line_range
  if (uint64_t opcode_base = reader.fixed(1))
    reader.skip(opcode_base - 1);
  bool good = unit.version >= 5
                  ? read_entries(sections, unit, reader, directories_) && read_entries(sections, unit, reader, files_)
                  : read_old(reader, directory);
  if (!good)
    files_.clear();
  return good;
}

std::string LineFiles::name(uint64_t number) const {
  if (number >= files_.size() || !files_[number].name)
    return {};
  const Entry &file = files_[number];
  const char *directory = file.directory < directories_.size() ? directories_[file.directory].name : nullptr;
  if (*file.name == '/' || !directory)
    return file.name;
  return std::string(directory) + "/" + file.name;
}

} // namespace tapjit::target
