// SPDX-License-Identifier: GPL-2.0-or-later
// Raw reading of a little-endian file's DWARF: headers, abbreviations and forms. libdw takes some seconds for all DIEs
// of a kernel; who knows what to look for passes most of them by the sizes that their abbreviations give.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

namespace tapjit::target {

// The raw sections of one little-endian 64-bit file.
struct DebugSections {
  std::span<const char> info, abbrev, str, line, line_str;
};

// Reads on and never back. Behind a read outside of the bytes nothing is good() any more.
class ByteReader {
public:
  ByteReader(std::span<const char> bytes, uint64_t at) : bytes_(bytes), at_(at) {}
  uint64_t at() const { return at_; }
  bool good() const { return at_ <= bytes_.size(); }
  bool at_end() const { return at_ >= bytes_.size(); }
  void skip(uint64_t count) { at_ = count > left() ? broken : at_ + count; }
  void move_to(uint64_t at) { at_ = at >= at_ ? at : broken; } // no endless walk
  uint64_t fixed(unsigned size) {
    uint64_t value = 0;
    if (size > left()) {
      at_ = broken;
      return 0;
    }
    memcpy(&value, bytes_.data() + at_, size);
    at_ += size;
    return value;
  }
  uint64_t uleb() {
    uint64_t value = 0;
    for (unsigned shift = 0; at_ < bytes_.size(); shift += 7) {
      uint8_t byte = static_cast<uint8_t>(bytes_[at_++]);
      if (shift < 64)
        value |= uint64_t(byte & 0x7f) << shift;
      if (!(byte & 0x80))
        return value;
    }
    at_ = broken;
    return 0;
  }
  // A string within the bytes; null when it has no end.
  const char *string();
  // Four bytes `offset` bytes ahead, without moving.
  std::optional<uint32_t> peek(uint64_t offset) const {
    uint32_t value;
    if (offset + sizeof value > left())
      return std::nullopt;
    memcpy(&value, bytes_.data() + at_ + offset, sizeof value);
    return value;
  }
  // `size` bytes; empty when there are fewer.
  std::span<const char> bytes(uint64_t size);

private:
  static constexpr uint64_t broken = UINT64_MAX;
  uint64_t left() const { return at_ < bytes_.size() ? bytes_.size() - at_ : 0; }
  std::span<const char> bytes_;
  uint64_t at_;
};

struct DwarfAttribute {
  uint16_t name, form;
  uint32_t size;    // bytes of the form; Abbreviation::not_fixed when they depend on the value
  int64_t constant; // of DW_FORM_implicit_const
};

struct Abbreviation {
  static constexpr uint32_t not_fixed = UINT32_MAX;
  static constexpr uint8_t no_sibling = UINT8_MAX;
  uint16_t tag = 0; // 0: there is no such abbreviation
  bool has_children = false;
  bool has_code = false, is_inline = false, has_location = false; // attributes of these purposes are present
  bool begins_with_name = false;                                  // DW_AT_name by DW_FORM_strp
  uint8_t sibling = no_sibling;  // where DW_AT_sibling (DW_FORM_ref4) stands, when all before it is of fixed size
  uint32_t size = not_fixed;     // of all attributes; not_fixed: they have to be looked at
  uint32_t first = 0, count = 0; // of the table's attributes
};

// The header of a compilation unit.
struct DwarfUnit {
  uint64_t start = 0, end = 0, first_die = 0, abbreviations = 0;
  uint16_t version = 0;
  uint8_t address_size = 8, offset_size = 4;
};

// The unit at `offset` of .debug_info; nullopt when it is damaged or none of plain compilation (type units, partial
// units of DWARF 5). Of a split unit it is the skeleton.
std::optional<DwarfUnit> read_unit(std::span<const char> info, uint64_t offset);

// Where every unit begins, in order, up to the first damage.
std::vector<uint64_t> unit_offsets(std::span<const char> info);

class AbbreviationTable {
public:
  // Replaces what it held by the abbreviations of `unit`.
  void read(std::span<const char> abbrev, const DwarfUnit &unit);
  const Abbreviation *find(uint64_t code) const {
    return code < by_code_.size() && by_code_[code].tag ? &by_code_[code] : nullptr;
  }
  std::span<const DwarfAttribute> attributes(const Abbreviation &entry) const {
    return std::span(attributes_).subspan(entry.first, entry.count);
  }

private:
  void read_attributes(ByteReader &reader, const DwarfUnit &unit, Abbreviation &entry);
  std::vector<Abbreviation> by_code_; // compilers number them from 1 up
  std::vector<DwarfAttribute> attributes_;
};

void skip_form(const DwarfUnit &unit, ByteReader &reader, unsigned form);
inline void skip_attribute(const DwarfUnit &unit, ByteReader &reader, const DwarfAttribute &attribute) {
  if (attribute.size != Abbreviation::not_fixed)
    reader.skip(attribute.size);
  else
    skip_form(unit, reader, attribute.form);
}

// These read one attribute whatever its form is; nullopt: the form is one that they do not know.
// The offset of the DIE in this unit that a reference names.
std::optional<uint64_t> read_reference(const DwarfUnit &unit, ByteReader &reader, unsigned form);
std::optional<uint64_t> read_constant(const DwarfUnit &unit, ByteReader &reader, const DwarfAttribute &attribute);
std::optional<bool> read_flag(const DwarfUnit &unit, ByteReader &reader, unsigned form);
// Null, not nullopt, for an offset outside of its section.
std::optional<const char *> read_string(const DebugSections &sections, const DwarfUnit &unit, ByteReader &reader,
                                        unsigned form);

} // namespace tapjit::target
