// SPDX-License-Identifier: GPL-2.0-or-later
// Layout of units, abbreviations and forms: DWARF 5, sections 7.5.1 to 7.5.6; version 4 differs in the header.
#include "frontend/target/dwarf_reader.h"

#include <algorithm>
#include <dwarf.h>

namespace tapjit::target {

const char *ByteReader::string() {
  const char *begin = bytes_.data() + (good() ? at_ : 0);
  const void *end = left() ? memchr(begin, 0, left()) : nullptr;
  at_ = end ? static_cast<uint64_t>(static_cast<const char *>(end) - bytes_.data()) + 1 : broken;
  return end ? begin : nullptr;
}

std::span<const char> ByteReader::bytes(uint64_t size) {
  uint64_t from = at_;
  skip(size);
  return good() ? bytes_.subspan(from, size) : std::span<const char>();
}

// Bytes of a form; not_fixed when they depend on the value.
static uint32_t form_size(const DwarfUnit &unit, unsigned form) {
  switch (form) {
  case DW_FORM_flag_present:
  case DW_FORM_implicit_const:
    return 0;
  case DW_FORM_data1:
  case DW_FORM_ref1:
  case DW_FORM_flag:
  case DW_FORM_strx1:
  case DW_FORM_addrx1:
    return 1;
  case DW_FORM_data2:
  case DW_FORM_ref2:
  case DW_FORM_strx2:
  case DW_FORM_addrx2:
    return 2;
  case DW_FORM_strx3:
  case DW_FORM_addrx3:
    return 3;
  case DW_FORM_data4:
  case DW_FORM_ref4:
  case DW_FORM_strx4:
  case DW_FORM_addrx4:
  case DW_FORM_ref_sup4:
    return 4;
  case DW_FORM_data8:
  case DW_FORM_ref8:
  case DW_FORM_ref_sig8:
  case DW_FORM_ref_sup8:
    return 8;
  case DW_FORM_data16:
    return 16;
  case DW_FORM_addr:
    return unit.address_size;
  case DW_FORM_ref_addr:
  case DW_FORM_strp:
  case DW_FORM_line_strp:
  case DW_FORM_sec_offset:
  case DW_FORM_strp_sup:
  case DW_FORM_GNU_ref_alt:
  case DW_FORM_GNU_strp_alt:
    return unit.offset_size;
  default:
    return Abbreviation::not_fixed;
  }
}

void skip_form(const DwarfUnit &unit, ByteReader &reader, unsigned form) {
  if (uint32_t size = form_size(unit, form); size != Abbreviation::not_fixed) {
    reader.skip(size);
    return;
  }
  switch (form) {
  case DW_FORM_sdata:
  case DW_FORM_udata:
  case DW_FORM_ref_udata:
  case DW_FORM_strx:
  case DW_FORM_addrx:
  case DW_FORM_loclistx:
  case DW_FORM_rnglistx:
    reader.uleb();
    return;
  case DW_FORM_string:
    reader.string();
    return;
  case DW_FORM_exprloc:
  case DW_FORM_block:
    reader.skip(reader.uleb());
    return;
  case DW_FORM_block1:
    reader.skip(reader.fixed(1));
    return;
  case DW_FORM_block2:
    reader.skip(reader.fixed(2));
    return;
  case DW_FORM_block4:
    reader.skip(reader.fixed(4));
    return;
  default: // DW_FORM_indirect and what later versions add: the rest of the unit cannot be read
    reader.skip(UINT64_MAX);
  }
}

std::optional<uint64_t> read_reference(const DwarfUnit &unit, ByteReader &reader, unsigned form) {
  switch (form) {
  case DW_FORM_ref_addr:
    return reader.fixed(unit.offset_size);
  case DW_FORM_ref_udata:
    return unit.start + reader.uleb();
  case DW_FORM_ref1:
  case DW_FORM_ref2:
  case DW_FORM_ref4:
  case DW_FORM_ref8:
    return unit.start + reader.fixed(form_size(unit, form));
  default:
    skip_form(unit, reader, form);
    return std::nullopt;
  }
}

std::optional<uint64_t> read_constant(const DwarfUnit &unit, ByteReader &reader, const DwarfAttribute &attribute) {
  switch (attribute.form) {
  case DW_FORM_implicit_const:
    return static_cast<uint64_t>(attribute.constant);
  case DW_FORM_udata:
    return reader.uleb();
  case DW_FORM_data1:
  case DW_FORM_data2:
  case DW_FORM_data4:
  case DW_FORM_data8:
    return reader.fixed(form_size(unit, attribute.form));
  default:
    skip_form(unit, reader, attribute.form);
    return std::nullopt;
  }
}

std::optional<bool> read_flag(const DwarfUnit &unit, ByteReader &reader, unsigned form) {
  if (form == DW_FORM_flag_present)
    return true;
  if (form == DW_FORM_flag)
    return reader.fixed(1) != 0;
  skip_form(unit, reader, form);
  return std::nullopt;
}

static const char *string_at(std::span<const char> section, uint64_t offset) {
  return ByteReader(section, offset).string();
}

std::optional<const char *> read_string(const DebugSections &sections, const DwarfUnit &unit, ByteReader &reader,
                                        unsigned form) {
  switch (form) {
  case DW_FORM_strp:
    return string_at(sections.str, reader.fixed(unit.offset_size));
  case DW_FORM_line_strp:
    return string_at(sections.line_str, reader.fixed(unit.offset_size));
  case DW_FORM_string:
    return reader.string();
  default:
    skip_form(unit, reader, form);
    return std::nullopt;
  }
}

// A header's first word: how long the unit is, and how wide its offsets are.
static uint64_t read_length(ByteReader &reader, uint8_t &offset_size) {
  uint64_t length = reader.fixed(4);
  offset_size = length == 0xffffffff ? 8 : 4;
  return offset_size == 8 ? reader.fixed(8) : length;
}

std::vector<uint64_t> unit_offsets(std::span<const char> info) {
  std::vector<uint64_t> offsets;
  ByteReader reader(info, 0);
  while (!reader.at_end()) {
    uint64_t start = reader.at();
    uint8_t offset_size;
    reader.skip(read_length(reader, offset_size));
    if (!reader.good())
      break;
    offsets.push_back(start);
  }
  return offsets;
}

std::optional<DwarfUnit> read_unit(std::span<const char> info, uint64_t offset) {
  DwarfUnit unit;
  unit.start = offset;
  ByteReader header(info, offset);
  uint64_t length = read_length(header, unit.offset_size);
  if (!header.good() || length > info.size() - header.at())
    return std::nullopt;
  unit.end = header.at() + length;
  unit.version = static_cast<uint16_t>(header.fixed(2));
  if (unit.version >= 5) {
    const uint64_t type = header.fixed(1);
    if (type != DW_UT_compile && type != DW_UT_skeleton)
      return std::nullopt;
    unit.address_size = static_cast<uint8_t>(header.fixed(1));
    unit.abbreviations = header.fixed(unit.offset_size);
    if (type == DW_UT_skeleton)
      header.skip(sizeof(uint64_t)); // the id that the other file has, too
  } else {
    unit.abbreviations = header.fixed(unit.offset_size);
    unit.address_size = static_cast<uint8_t>(header.fixed(1));
  }
  unit.first_die = header.at();
  if (!header.good() || unit.address_size > 8)
    return std::nullopt;
  return unit;
}

void AbbreviationTable::read_attributes(ByteReader &reader, const DwarfUnit &unit, Abbreviation &entry) {
  entry.first = static_cast<uint32_t>(attributes_.size());
  entry.size = 0;
  while (reader.good()) {
    DwarfAttribute attribute{};
    attribute.name = static_cast<uint16_t>(reader.uleb());
    attribute.form = static_cast<uint16_t>(reader.uleb());
    if (attribute.form == DW_FORM_implicit_const) {
      uint64_t from = reader.at(), bits = reader.uleb(), width = 7 * (reader.at() - from);
      bool is_negative = width < 64 && (bits >> (width - 1) & 1); // it is signed
      attribute.constant = static_cast<int64_t>(is_negative ? bits | ~uint64_t(0) << width : bits);
    }
    if (attribute.name == 0 && attribute.form == 0)
      break;
    attribute.size = form_size(unit, attribute.form);
    entry.has_code |= attribute.name == DW_AT_low_pc || attribute.name == DW_AT_ranges;
    entry.is_inline |= attribute.name == DW_AT_inline;
    entry.has_location |= attribute.name == DW_AT_location;
    entry.begins_with_name |= entry.first == attributes_.size() && attribute.name == DW_AT_name &&
                              attribute.form == DW_FORM_strp && unit.offset_size == 4;
    if (attribute.name == DW_AT_sibling && attribute.form == DW_FORM_ref4 && entry.size < Abbreviation::no_sibling)
      entry.sibling = static_cast<uint8_t>(entry.size);
    bool is_fixed = entry.size != Abbreviation::not_fixed && attribute.size != Abbreviation::not_fixed;
    entry.size = is_fixed ? entry.size + attribute.size : Abbreviation::not_fixed;
    attributes_.push_back(attribute);
  }
  entry.count = static_cast<uint32_t>(attributes_.size()) - entry.first;
}

void AbbreviationTable::read(std::span<const char> abbrev, const DwarfUnit &unit) {
  by_code_.clear();
  attributes_.clear();
  ByteReader reader(abbrev, unit.abbreviations);
  constexpr uint64_t most = 1 << 16;
  while (!reader.at_end()) {
    uint64_t code = reader.uleb();
    if (code == 0 || code > most)
      break;
    if (code >= by_code_.size())
      by_code_.resize(code + 1);
    Abbreviation &entry = by_code_[code];
    entry = {};
    entry.tag = static_cast<uint16_t>(reader.uleb());
    entry.has_children = reader.fixed(1) != 0;
    read_attributes(reader, unit, entry);
  }
}

} // namespace tapjit::target
