// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/finish/line_object.h"

#include "codegen/finish/elf_parts.h"
#include "runtime/core/line_table.h"

namespace tapjit::codegen {

std::string join_line_tables(const std::vector<LineRange> &ranges, const std::vector<std::string_view> &tables) {
  std::vector<uint32_t> places;
  uint64_t size = sizeof(tap_lines) + ranges.size() * sizeof(tap_line_range);
  for (std::string_view table : tables) {
    places.push_back(static_cast<uint32_t>(size));
    size += (table.size() + 7) / 8 * 8;
  }
  std::string bytes;
  bytes.reserve(size);
  auto append = [&](const void *from, size_t count) { bytes.append(static_cast<const char *>(from), count); };
  const tap_lines head = {static_cast<uint32_t>(ranges.size()), 0, {}};
  append(&head, sizeof head);
  for (const LineRange &range : ranges) {
    const tap_line_range place = {range.begin, range.end, range.anchor, places[range.table]};
    append(&place, sizeof place);
  }
  for (std::string_view table : tables) {
    append(table.data(), table.size());
    bytes.append(-bytes.size() % 8, '\0');
  }
  return bytes;
}

std::string line_object(std::string bytes) {
  elf::NewObject object;
  elf::NewSymbol symbol{"tap_lines", {}};
  symbol.entry.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT);
  symbol.entry.st_shndx = 1;
  symbol.entry.st_size = bytes.size();
  object.sections.push_back({".rodata", SHT_PROGBITS, SHF_ALLOC, 8, std::move(bytes), 0, {}});
  object.symbols.push_back(std::move(symbol));
  return elf::write_object(object);
}

} // namespace tapjit::codegen
