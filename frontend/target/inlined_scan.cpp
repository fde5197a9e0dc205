// SPDX-License-Identifier: GPL-2.0-or-later
// Layout of units, abbreviations and forms: DWARF 5, sections 7.5.1 to 7.5.6; version 4 differs in the header.
#include "frontend/target/inlined_scan.h"

#include <algorithm>
#include <cstring>
#include <dwarf.h>

namespace tapjit::target {

namespace {

class Reader {
public:
  Reader(std::span<const char> bytes, uint64_t at) : bytes_(bytes), at_(at) {}
  uint64_t at() const { return at_; }
  bool good() const { return at_ <= bytes_.size(); }
  bool at_end() const { return at_ >= bytes_.size(); }
  void skip(uint64_t count) {
    at_ = count > bytes_.size() - std::min<uint64_t>(at_, bytes_.size()) ? broken : at_ + count;
  }
  void move_to(uint64_t at) { at_ = at >= at_ ? at : broken; } // never back: no endless walk
  uint64_t fixed(unsigned size) {
    uint64_t value = 0;
    if (at_ > bytes_.size() || size > bytes_.size() - at_) {
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
  void skip_string() {
    const void *end = at_ < bytes_.size() ? memchr(bytes_.data() + at_, 0, bytes_.size() - at_) : nullptr;
    at_ = end ? static_cast<uint64_t>(static_cast<const char *>(end) - bytes_.data()) + 1 : broken;
  }

private:
  static constexpr uint64_t broken = UINT64_MAX;
  std::span<const char> bytes_;
  uint64_t at_;
};

struct Attribute {
  uint16_t name, form;
};

constexpr uint32_t not_fixed = UINT32_MAX;

struct Abbreviation {
  uint16_t tag = 0;
  bool has_children = false;
  uint32_t size = not_fixed; // of all attributes; not_fixed: they have to be looked at
  std::vector<Attribute> attributes;
};

struct Unit {
  uint64_t start = 0, end = 0;
  uint16_t version = 0;
  uint8_t address_size = 8, offset_size = 4;
};

// Bytes of a form; not_fixed when they depend on the value.
uint32_t form_size(const Unit &unit, unsigned form) {
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
    return not_fixed;
  }
}

void skip_form(const Unit &unit, Reader &reader, unsigned form) {
  if (uint32_t size = form_size(unit, form); size != not_fixed) {
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
    reader.skip_string();
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

// By code; compilers number them from 1 up.
std::vector<Abbreviation> read_abbreviations(const DebugSections &sections, const Unit &unit, uint64_t offset) {
  std::vector<Abbreviation> table;
  Reader reader(sections.abbrev, offset);
  constexpr uint64_t most = 1 << 16;
  while (!reader.at_end()) {
    uint64_t code = reader.uleb();
    if (code == 0 || code > most)
      break;
    if (code >= table.size())
      table.resize(code + 1);
    Abbreviation &entry = table[code];
    entry.tag = static_cast<uint16_t>(reader.uleb());
    entry.has_children = reader.fixed(1) != 0;
    entry.size = 0;
    while (reader.good()) {
      uint64_t name = reader.uleb(), form = reader.uleb();
      if (form == DW_FORM_implicit_const)
        reader.uleb();
      if (name == 0 && form == 0)
        break;
      entry.attributes.push_back({static_cast<uint16_t>(name), static_cast<uint16_t>(form)});
      uint32_t size = form_size(unit, static_cast<unsigned>(form));
      entry.size = entry.size == not_fixed || size == not_fixed ? not_fixed : entry.size + size;
    }
  }
  return table;
}

// The offset of the DIE that a reference names.
uint64_t reference(const Unit &unit, Reader &reader, unsigned form) {
  if (form == DW_FORM_ref_addr)
    return reader.fixed(unit.offset_size);
  if (form == DW_FORM_ref_udata)
    return unit.start + reader.uleb();
  uint32_t size = form_size(unit, form);
  if (size > 8) {
    skip_form(unit, reader, form);
    return 0;
  }
  return unit.start + reader.fixed(size);
}

void read_copy(const Unit &unit, Reader &reader, const Abbreviation &entry, InlinedCopy copy,
               std::vector<InlinedCopy> &copies) {
  uint64_t low = 0;
  bool has_code = false;
  for (const Attribute &attribute : entry.attributes) {
    if (attribute.name == DW_AT_abstract_origin) {
      copy.function = reference(unit, reader, attribute.form);
    } else if (attribute.name == DW_AT_entry_pc && attribute.form == DW_FORM_addr) {
      copy.address = reader.fixed(unit.address_size);
      has_code = true;
    } else if (attribute.name == DW_AT_low_pc && attribute.form == DW_FORM_addr) {
      low = reader.fixed(unit.address_size);
      has_code = true;
    } else {
      has_code |= attribute.name == DW_AT_ranges || attribute.name == DW_AT_low_pc;
      skip_form(unit, reader, attribute.form);
    }
  }
  if (!copy.address)
    copy.address = low;
  if (has_code && copy.function && reader.good())
    copies.push_back(copy);
}

bool is_type(unsigned tag) {
  return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type ||
         tag == DW_TAG_subroutine_type || tag == DW_TAG_array_type;
}

// Past a type whose DW_AT_sibling says where it ends; whether its children are still to come.
bool skip_type(const Unit &unit, Reader &reader, const Abbreviation &entry) {
  uint64_t sibling = 0;
  for (const Attribute &attribute : entry.attributes)
    if (attribute.name == DW_AT_sibling)
      sibling = reference(unit, reader, attribute.form);
    else
      skip_form(unit, reader, attribute.form);
  if (sibling)
    reader.move_to(sibling);
  return !sibling && entry.has_children;
}

} // namespace

void scan_inlined(const DebugSections &sections, uint64_t offset, std::vector<InlinedCopy> &copies) {
  Unit unit;
  unit.start = offset;
  Reader header(sections.info, offset);
  uint64_t length = header.fixed(4);
  if (length == 0xffffffff) {
    unit.offset_size = 8;
    length = header.fixed(8);
  }
  unit.end = header.at() + length;
  unit.version = static_cast<uint16_t>(header.fixed(2));
  uint64_t abbreviations;
  if (unit.version >= 5) {
    if (header.fixed(1) != DW_UT_compile)
      return;
    unit.address_size = static_cast<uint8_t>(header.fixed(1));
    abbreviations = header.fixed(unit.offset_size);
  } else {
    abbreviations = header.fixed(unit.offset_size);
    unit.address_size = static_cast<uint8_t>(header.fixed(1));
  }
  if (!header.good() || unit.end > sections.info.size() || unit.address_size > 8)
    return;
  const std::vector<Abbreviation> table = read_abbreviations(sections, unit, abbreviations);
  Reader reader(sections.info.first(unit.end), header.at());
  unsigned depth = 0;
  uint64_t outer = 0;
  while (!reader.at_end()) {
    uint64_t die = reader.at(), code = reader.uleb();
    if (code == 0) {
      depth -= depth > 0;
      continue;
    }
    if (code >= table.size() || table[code].tag == 0)
      return;
    const Abbreviation &entry = table[code];
    bool has_children = entry.has_children;
    if (entry.tag == DW_TAG_subprogram && depth == 1)
      outer = die;
    if (entry.tag == DW_TAG_inlined_subroutine)
      read_copy(unit, reader, entry, {0, die, outer, 0}, copies);
    else if (is_type(entry.tag))
      has_children = skip_type(unit, reader, entry);
    else if (entry.size != not_fixed)
      reader.skip(entry.size);
    else
      for (const Attribute &attribute : entry.attributes)
        skip_form(unit, reader, attribute.form);
    depth += has_children;
  }
}

} // namespace tapjit::target
