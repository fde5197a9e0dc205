// SPDX-License-Identifier: GPL-2.0-or-later
// A kernel's units repeat each other's types some million times, and 160 MB of DIEs hold 100,000 that are wanted. So
// a type that is known by its name alone is passed over, and so is everything that DW_AT_sibling leads past.
#include "frontend/target/unit_scan.h"

#include "frontend/target/dwarf_types.h"

#include <algorithm>
#include <dwarf.h>
#include <tuple>

namespace tapjit::target {

constexpr uint32_t no_text = UINT32_MAX;

// What a top-level DIE says of itself.
struct UnitScanner::Die {
  uint64_t offset = 0, low = 0, high = 0, origin = 0;
  const char *name = nullptr;
  std::optional<uint64_t> name_offset; // in .debug_str
  std::optional<uint64_t> file, line;
  std::span<const char> location;
  bool has_low = false, has_high = false, has_ranges = false, has_entry = false, is_inline = false;
  bool is_declaration = false;
};

static std::optional<RowKind> type_kind(unsigned tag) {
  switch (tag) {
  case DW_TAG_structure_type:
    return RowKind::Struct;
  case DW_TAG_union_type:
    return RowKind::Union;
  case DW_TAG_enumeration_type:
    return RowKind::Enum;
  case DW_TAG_typedef:
    return RowKind::Typedef;
  default:
    return std::nullopt;
  }
}

static bool is_c(uint64_t language) {
  return language == DW_LANG_C89 || language == DW_LANG_C || language == DW_LANG_C99 || language == DW_LANG_C11 ||
         language == DW_LANG_Mips_Assembler;
}

static uint8_t bit_of(RowKind kind) { return static_cast<uint8_t>(1u << static_cast<unsigned>(kind)); }
static_assert(static_cast<unsigned>(RowKind::Typedef) < 8);

UnitScanner::UnitScanner(const DebugSections &sections, Dwarf *dwarf)
    : sections_(sections), dwarf_(dwarf), seen_types_(sections.str.size()) {}

void UnitScanner::skip(ByteReader &reader, const Abbreviation &entry) {
  if (entry.size != Abbreviation::not_fixed)
    reader.skip(entry.size);
  else
    for (const DwarfAttribute &attribute : table_.attributes(entry))
      skip_attribute(unit_, reader, attribute);
}

// Past the DIE and, when it says where its sibling stands, past its children; whether these are still to come.
bool UnitScanner::skip_to_sibling(ByteReader &reader, const Abbreviation &entry) {
  if (auto sibling = entry.sibling == Abbreviation::no_sibling ? std::nullopt : reader.peek(entry.sibling)) {
    reader.move_to(unit_.start + *sibling);
    return false;
  }
  if (entry.size != Abbreviation::not_fixed) {
    reader.skip(entry.size);
    return entry.has_children;
  }
  uint64_t sibling = 0;
  for (const DwarfAttribute &attribute : table_.attributes(entry))
    if (attribute.name == DW_AT_sibling)
      sibling = read_reference(unit_, reader, attribute.form).value_or(0);
    else
      skip_attribute(unit_, reader, attribute);
  if (sibling)
    reader.move_to(sibling);
  return !sibling && entry.has_children;
}

// False: it has a form that is not known here, in an attribute that matters.
bool UnitScanner::read_die(ByteReader &reader, const Abbreviation &entry, Die &die) {
  bool good = true;
  auto take = [&](auto &to, auto value) {
    good &= value.has_value();
    if (value)
      to = *value;
  };
  for (const DwarfAttribute &attribute : table_.attributes(entry)) {
    switch (attribute.name) {
    case DW_AT_name:
      if (attribute.form == DW_FORM_strp && unit_.offset_size == 4)
        die.name_offset = reader.peek(0);
      take(die.name, read_string(sections_, unit_, reader, attribute.form));
      break;
    case DW_AT_decl_file:
      take(die.file, read_constant(unit_, reader, attribute));
      break;
    case DW_AT_decl_line:
      take(die.line, read_constant(unit_, reader, attribute));
      break;
    case DW_AT_declaration:
      take(die.is_declaration, read_flag(unit_, reader, attribute.form));
      break;
    case DW_AT_abstract_origin:
    case DW_AT_specification: // libdw looks at the former first; compilers write one of them
      good &= die.origin == 0;
      take(die.origin, read_reference(unit_, reader, attribute.form));
      break;
    case DW_AT_low_pc:
      die.has_low = true;
      good &= attribute.form == DW_FORM_addr;
      if (attribute.form == DW_FORM_addr)
        die.low = reader.fixed(unit_.address_size);
      else
        skip_attribute(unit_, reader, attribute);
      break;
    case DW_AT_location:
      good &= attribute.form == DW_FORM_exprloc || attribute.form == DW_FORM_sec_offset;
      if (attribute.form == DW_FORM_exprloc)
        die.location = reader.bytes(reader.uleb());
      else
        skip_attribute(unit_, reader, attribute);
      break;
    default:
      die.has_high |= attribute.name == DW_AT_high_pc;
      die.has_ranges |= attribute.name == DW_AT_ranges;
      die.has_entry |= attribute.name == DW_AT_entry_pc;
      die.is_inline |= attribute.name == DW_AT_inline;
      skip_attribute(unit_, reader, attribute);
    }
  }
  return good && reader.good();
}

// Name, file and line may stand in the DIE that abstract_origin or specification names.
bool UnitScanner::integrate(Die &die, int depth) {
  constexpr int deepest = 16;
  if (!die.origin || (die.name && die.file && die.line))
    return true;
  if (depth > deepest || die.origin < unit_.first_die || die.origin >= unit_.end)
    return false;
  ByteReader reader(sections_.info.first(unit_.end), die.origin);
  const Abbreviation *entry = table_.find(reader.uleb());
  Die origin;
  if (!entry || !read_die(reader, *entry, origin) || !integrate(origin, depth + 1))
    return false;
  if (!die.name)
    die.name = origin.name;
  if (!die.file)
    die.file = origin.file;
  if (!die.line)
    die.line = origin.line;
  return true;
}

uint32_t UnitScanner::unit_file(uint64_t number) {
  if (number == 0 || number >= file_texts_.size())
    return name_;
  uint32_t &known = file_texts_[number];
  if (known == no_text)
    known = texts_.add(files_.name(number),
                       [&](std::string_view name) { return std::string_view(kept_.emplace_back(name)); });
  return known;
}

// Of code in several ranges; 0: it has none.
uint64_t UnitScanner::entry_by_libdw(uint64_t offset) {
  Dwarf_Die die;
  return dwarf_ && dwarf_offdie(dwarf_, offset, &die) ? entry_of(&die).value_or(0) : 0;
}

void UnitScanner::add_function(const Die &die) {
  bool has_code = die.has_low || die.has_ranges;
  if (!has_code && !die.is_inline)
    return;
  Die whole = die;
  if (!files_known_ || !integrate(whole, 0))
    return add_by_libdw(die.offset);
  bool is_plain = die.has_low && die.has_high && !die.has_ranges && !die.has_entry;
  uint64_t entry = is_plain ? die.low : has_code ? entry_by_libdw(die.offset) : 0;
  if (!whole.name || (has_code && entry == 0))
    return;
  facts_->rows.push_back({has_code ? RowKind::Function : RowKind::Inlined, text(whole.name),
                          unit_file(whole.file.value_or(0)), static_cast<uint32_t>(whole.line.value_or(0)), die.offset,
                          entry});
}

void UnitScanner::add_type(const Die &die, RowKind kind) {
  if (!die.name && die.origin)
    return add_by_libdw(die.offset);
  if (!die.name || die.is_declaration)
    return;
  uint32_t name = text(die.name);
  if (name >= seen_by_text_.size())
    seen_by_text_.resize(std::max<size_t>(name + 1, seen_by_text_.size() * 2));
  if (die.name_offset && *die.name_offset < seen_types_.size())
    seen_types_[*die.name_offset] |= bit_of(kind);
  if (seen_by_text_[name] & bit_of(kind))
    return;
  seen_by_text_[name] |= bit_of(kind);
  facts_->rows.push_back({kind, name, name_, 0, die.offset, 0});
}

void UnitScanner::add_variable(const Die &die) {
  if (!die.location.empty()) {
    const uint8_t first = static_cast<uint8_t>(die.location[0]);
    if (first == DW_OP_addrx || first == DW_OP_GNU_addr_index)
      return add_by_libdw(die.offset);
  }
  if (die.location.size() != 1 + size_t{unit_.address_size} || die.location[0] != DW_OP_addr)
    return;
  Die whole = die;
  whole.file = whole.line = 0; // not wanted
  if (!integrate(whole, 0))
    return add_by_libdw(die.offset);
  if (whole.name)
    facts_->rows.push_back({RowKind::Variable, text(whole.name), name_, 0, die.offset,
                            ByteReader(die.location, 1).fixed(unit_.address_size)});
}

// The same by libdw, for what is not plain.
void UnitScanner::add_by_libdw(uint64_t offset) {
  Dwarf_Die die;
  if (!dwarf_ || !dwarf_offdie(dwarf_, offset, &die))
    return;
  Die whole;
  whole.offset = offset;
  const char *name = dwarf_diename(&die);
  Dwarf_Attribute attribute;
  if (!name)
    return;
  whole.name = kept_.emplace_back(name).c_str();
  if (dwarf_tag(&die) == DW_TAG_subprogram) {
    bool has_code = dwarf_hasattr(&die, DW_AT_low_pc) || dwarf_hasattr(&die, DW_AT_ranges);
    auto entry = has_code ? entry_of(&die) : std::nullopt;
    if (!entry && (has_code || !dwarf_hasattr(&die, DW_AT_inline)))
      return;
    const char *file = dwarf_decl_file(&die);
    int line = 0;
    dwarf_decl_line(&die, &line);
    uint32_t file_text = file ? text(kept_.emplace_back(file).c_str()) : name_;
    facts_->rows.push_back({entry ? RowKind::Function : RowKind::Inlined, text(whole.name), file_text,
                            static_cast<uint32_t>(line), offset, entry.value_or(0)});
  } else if (auto kind = type_kind(static_cast<unsigned>(dwarf_tag(&die)))) {
    bool is_declaration = false;
    whole.is_declaration = dwarf_attr(&die, DW_AT_declaration, &attribute) &&
                           dwarf_formflag(&attribute, &is_declaration) == 0 && is_declaration;
    add_type(whole, *kind);
  } else if (dwarf_tag(&die) == DW_TAG_variable) {
    Dwarf_Op *ops;
    size_t count;
    if (dwarf_attr(&die, DW_AT_location, &attribute) && dwarf_getlocation(&attribute, &ops, &count) == 0 && count == 1)
      if (auto address =
              ops[0].atom == DW_OP_addr ? std::optional<uint64_t>(ops[0].number) : indexed_address(&attribute, ops[0]))
        facts_->rows.push_back({RowKind::Variable, text(whole.name), name_, 0, offset, *address});
  }
}

// Its name is enough to know that there is nothing new.
bool UnitScanner::is_known_type(ByteReader &reader, const Abbreviation &entry) const {
  auto kind = type_kind(entry.tag);
  auto name = entry.begins_with_name ? reader.peek(0) : std::nullopt;
  return kind && name && *name < seen_types_.size() && seen_types_[*name] & bit_of(*kind);
}

void UnitScanner::top_level(ByteReader reader, const Abbreviation &entry, uint64_t offset) {
  Die die;
  die.offset = offset;
  if (!read_die(reader, entry, die)) {
    if (reader.good())
      add_by_libdw(offset);
    return;
  }
  if (entry.tag == DW_TAG_subprogram)
    add_function(die);
  else if (entry.tag == DW_TAG_variable)
    add_variable(die);
  else if (auto kind = type_kind(entry.tag))
    add_type(die, *kind);
}

void UnitScanner::read_copy(ByteReader &reader, const Abbreviation &entry, uint64_t offset) {
  IndexCopy copy{0, static_cast<uint32_t>(offset), static_cast<uint32_t>(outer_), 0, 0};
  uint64_t low = 0, function = 0;
  bool has_code = false;
  for (const DwarfAttribute &attribute : table_.attributes(entry)) {
    if (attribute.name == DW_AT_abstract_origin) {
      function = read_reference(unit_, reader, attribute.form).value_or(0);
    } else if (attribute.name == DW_AT_entry_pc && attribute.form == DW_FORM_addr) {
      copy.address = reader.fixed(unit_.address_size);
      has_code = true;
    } else if (attribute.name == DW_AT_low_pc && attribute.form == DW_FORM_addr) {
      low = reader.fixed(unit_.address_size);
      has_code = true;
    } else {
      has_code |= attribute.name == DW_AT_ranges || attribute.name == DW_AT_low_pc;
      skip_attribute(unit_, reader, attribute);
    }
  }
  if (!copy.address)
    copy.address = low;
  const bool fits = std::max(function, unit_.end) <= UINT32_MAX;
  if (!has_code || !function || !fits || !reader.good())
    return;
  copy.function = static_cast<uint32_t>(function);
  // In several ranges without an entry address: libdw reads the ranges.
  if (!copy.address)
    copy.address = entry_by_libdw(offset);
  if (copy.address)
    facts_->copies.push_back(copy);
}

void UnitScanner::read_unit_die(const Abbreviation &entry) {
  ByteReader reader(sections_.info.first(unit_.end), unit_.first_die);
  reader.uleb();
  const char *name = nullptr, *directory = nullptr, *split_file = nullptr;
  std::optional<uint64_t> lines;
  bool name_known = true, is_split = false;
  has_methods_ = false;
  for (const DwarfAttribute &attribute : table_.attributes(entry))
    if (attribute.name == DW_AT_name || attribute.name == DW_AT_comp_dir) {
      auto text = read_string(sections_, unit_, reader, attribute.form);
      (attribute.name == DW_AT_name ? name : directory) = text.value_or(nullptr);
      name_known &= text.has_value();
    } else if (attribute.name == DW_AT_stmt_list &&
               (attribute.form == DW_FORM_sec_offset || attribute.form == DW_FORM_data4)) {
      lines = reader.fixed(attribute.size);
    } else if (attribute.name == DW_AT_language) {
      has_methods_ = !is_c(read_constant(unit_, reader, attribute).value_or(DW_LANG_C));
    } else if (attribute.name == DW_AT_dwo_name || attribute.name == DW_AT_GNU_dwo_name) {
      is_split = true;
      split_file = read_string(sections_, unit_, reader, attribute.form).value_or(nullptr);
    } else {
      skip_attribute(unit_, reader, attribute);
    }
  Dwarf_Die die;
  if (!name_known && dwarf_ && dwarf_offdie(dwarf_, unit_.first_die, &die))
    if (const char *known = dwarf_diename(&die))
      name = kept_.emplace_back(known).c_str();
  name_ = text(name);
  if (is_split)
    facts_->rows.push_back({RowKind::SplitUnit, text(split_file), name_, 0, unit_.first_die, 0});
  files_known_ = name_known && lines && files_.read(sections_, *lines, directory);
  file_texts_.assign(files_known_ ? files_.size() : 0, no_text);
}

void UnitScanner::scan(uint64_t offset, UnitFacts &facts) {
  auto unit = read_unit(sections_.info, offset);
  if (!unit)
    return;
  unit_ = *unit;
  facts_ = &facts;
  outer_ = 0;
  outers_.clear();
  table_.read(sections_.abbrev, unit_);
  ByteReader reader(sections_.info.first(unit_.end), unit_.first_die);
  const Abbreviation *entry = table_.find(reader.uleb());
  if (!entry || (entry->tag != DW_TAG_compile_unit && entry->tag != DW_TAG_skeleton_unit))
    return;
  read_unit_die(*entry);
  skip(reader, *entry);
  const size_t first_copy = facts.copies.size();
  if (entry->has_children)
    walk(reader);
  std::sort(facts.copies.begin() + static_cast<ptrdiff_t>(first_copy), facts.copies.end(),
            [](const IndexCopy &a, const IndexCopy &b) {
              return std::tie(a.function, a.address, a.die) < std::tie(b.function, b.address, b.die);
            });
}

void UnitScanner::walk(ByteReader &reader) {
  unsigned depth = 1, top = 1; // what is in a namespace is as good as what is outside
  while (!reader.at_end() && depth > 0) {
    uint64_t offset = reader.at(), code = reader.uleb();
    if (code == 0) {
      --depth;
      top = std::min(top, depth);
      for (; !outers_.empty() && outers_.back().first >= depth; outers_.pop_back())
        outer_ = outers_.back().second;
      continue;
    }
    const Abbreviation *entry = table_.find(code);
    if (!entry)
      return;
    const bool is_top = depth == top;
    if (!(is_top ? pass_top(reader, *entry, offset) : pass_inner(reader, *entry, offset)))
      continue;
    if (!is_top && entry->tag == DW_TAG_subprogram && entry->has_code) {
      outers_.emplace_back(depth, outer_);
      outer_ = offset;
    }
    top += is_top && entry->tag == DW_TAG_namespace;
    ++depth;
  }
}

// These take what is wanted of a DIE and move behind it; whether its children come next.
bool UnitScanner::pass_top(ByteReader &reader, const Abbreviation &entry, uint64_t offset) {
  const bool is_function = entry.tag == DW_TAG_subprogram;
  if (is_function)
    outer_ = offset;
  if (is_function                    ? entry.has_code || entry.is_inline
      : entry.tag == DW_TAG_variable ? entry.has_location
                                     : type_kind(entry.tag) && !is_known_type(reader, entry))
    top_level(reader, entry, offset);
  if (is_function && !entry.has_code)
    return skip_to_sibling(reader, entry); // copies are where there is code
  if (is_function) {
    skip(reader, entry);
    return entry.has_children;
  }
  return pass_inner(reader, entry, offset);
}

bool UnitScanner::pass_inner(ByteReader &reader, const Abbreviation &entry, uint64_t offset) {
  switch (entry.tag) {
  case DW_TAG_inlined_subroutine:
    read_copy(reader, entry, offset);
    return entry.has_children;
  case DW_TAG_subprogram: // of a class within a function, or gcc's function in a function
    if (entry.has_code || entry.is_inline)
      top_level(reader, entry, offset);
    skip(reader, entry);
    return entry.has_children;
  case DW_TAG_structure_type:
  case DW_TAG_union_type:
    if (!has_methods_)
      return skip_to_sibling(reader, entry);
    skip(reader, entry);
    return entry.has_children;
  case DW_TAG_enumeration_type:
  case DW_TAG_subroutine_type:
  case DW_TAG_array_type:
  case DW_TAG_call_site:
  case DW_TAG_GNU_call_site:
    return skip_to_sibling(reader, entry);
  default:
    skip(reader, entry);
    return entry.has_children;
  }
}

} // namespace tapjit::target
