// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_types.h"

#include <dwarf.h>

namespace tapjit::target {

std::optional<uint64_t> entry_of(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  Dwarf_Addr entry = 0, base, begin, end;
  Dwarf_Word offset;
  bool has_range = dwarf_ranges(die, 0, &base, &begin, &end) > 0;
  if (dwarf_attr(die, DW_AT_entry_pc, &attribute)) {
    if (dwarf_formaddr(&attribute, &entry) != 0) {
      // DWARF 5: a constant counts from the base address, low_pc or the first range.
      if (dwarf_formudata(&attribute, &offset) != 0 || !has_range)
        return std::nullopt;
      entry = begin + offset;
    }
  } else if (has_range) {
    entry = begin;
  }
  return entry == 0 ? std::nullopt : std::optional<uint64_t>(entry);
}

std::optional<Dwarf_Die> type_of(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) || !dwarf_formref_die(&attribute, &type))
    return std::nullopt;
  return type;
}

std::optional<Dwarf_Die> peeled(Dwarf_Die type) {
  Dwarf_Die inner;
  if (dwarf_peel_type(&type, &inner) != 0) // 1: a typedef or qualifier of void
    return std::nullopt;
  return inner;
}

static std::string named(const char *prefix, Dwarf_Die *die) {
  const char *name = dwarf_diename(die);
  return std::string(prefix) + (name ? name : "{...}");
}

std::string type_name(std::optional<Dwarf_Die> type) {
  if (!type)
    return "void";
  switch (dwarf_tag(&*type)) {
  case DW_TAG_pointer_type: {
    std::string inner = type_name(type_of(&*type));
    return inner + (inner.ends_with('*') ? "*" : " *");
  }
  case DW_TAG_structure_type:
    return named("struct ", &*type);
  case DW_TAG_union_type:
    return named("union ", &*type);
  case DW_TAG_enumeration_type:
    return named("enum ", &*type);
  case DW_TAG_array_type: {
    std::string text = type_name(type_of(&*type));
    for (uint64_t count : array_dimensions(*type))
      text += count ? "[" + std::to_string(count) + "]" : "[]";
    return text;
  }
  case DW_TAG_const_type:
    return "const " + type_name(type_of(&*type));
  case DW_TAG_volatile_type:
    return "volatile " + type_name(type_of(&*type));
  case DW_TAG_restrict_type:
  case DW_TAG_atomic_type:
    return type_name(type_of(&*type));
  case DW_TAG_subroutine_type:
    return type_name(type_of(&*type)) + " (...)";
  default:
    return named("", &*type);
  }
}

uint64_t type_size(Dwarf_Die type) {
  Dwarf_Word size;
  return dwarf_aggregate_size(&type, &size) == 0 ? size : 0;
}

static void fill_base_type(Dwarf_Die *base, ValueType &out) {
  Dwarf_Attribute attribute;
  Dwarf_Word encoding = 0;
  if (dwarf_attr_integrate(base, DW_AT_encoding, &attribute))
    dwarf_formudata(&attribute, &encoding);
  switch (encoding) {
  case DW_ATE_boolean:
    out.kind = TypeKind::Bool;
    break;
  case DW_ATE_signed_char:
    out.is_signed = true;
    [[fallthrough]];
  case DW_ATE_unsigned_char:
  case DW_ATE_UTF:
    out.kind = TypeKind::Char;
    break;
  case DW_ATE_signed:
    out.is_signed = true;
    [[fallthrough]];
  case DW_ATE_unsigned:
  case DW_ATE_address:
    out.kind = TypeKind::Integer;
    break;
  default:
    out.kind = TypeKind::Float;
  }
}

ValueType value_type(std::optional<Dwarf_Die> type) {
  ValueType out;
  out.name = type_name(type);
  std::optional<Dwarf_Die> inner = type ? peeled(*type) : std::nullopt;
  if (!inner) {
    out.kind = TypeKind::Void;
    return out;
  }
  out.die = dwarf_dieoffset(&*inner);
  out.size = type_size(*inner);
  switch (dwarf_tag(&*inner)) {
  case DW_TAG_base_type:
    fill_base_type(&*inner, out);
    break;
  case DW_TAG_enumeration_type: {
    out.kind = TypeKind::Enum;
    if (auto underlying = type_of(&*inner))
      out.is_signed = value_type(underlying).is_signed;
    break;
  }
  case DW_TAG_pointer_type:
    out.kind = TypeKind::Pointer;
    out.size = 8;
    break;
  case DW_TAG_array_type:
    out.kind = TypeKind::Array;
    break;
  case DW_TAG_structure_type:
    out.kind = TypeKind::Struct;
    break;
  case DW_TAG_union_type:
    out.kind = TypeKind::Union;
    break;
  case DW_TAG_subroutine_type:
    out.kind = TypeKind::Function;
    break;
  default:
    out.kind = TypeKind::Unknown;
  }
  return out;
}

static bool is_declaration(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  bool value = false;
  return dwarf_attr(die, DW_AT_declaration, &attribute) && dwarf_formflag(&attribute, &value) == 0 && value;
}

Dwarf_Die completed(Dwarf *dwarf, const DebugIndex &index, Dwarf_Die type) {
  int tag = dwarf_tag(&type);
  const char *name = dwarf_diename(&type);
  if (!name || (tag != DW_TAG_structure_type && tag != DW_TAG_union_type) || !is_declaration(&type))
    return type;
  Dwarf_Die definition;
  for (const IndexRow &row : index.rows(tag == DW_TAG_union_type ? RowKind::Union : RowKind::Struct, name))
    if (dwarf_offdie(dwarf, row.die, &definition) && dwarf_tag(&definition) == tag)
      return definition;
  return type;
}

static uint64_t unsigned_attribute(Dwarf_Die *die, unsigned attribute, uint64_t otherwise) {
  Dwarf_Attribute found;
  Dwarf_Word value;
  return dwarf_attr(die, attribute, &found) && dwarf_formudata(&found, &value) == 0 ? value : otherwise;
}

// DWARF 5 counts data_bit_offset from the start of the struct; before that, bit_offset counted from the most
// significant bit of a storage unit.
static Member member_place(Dwarf_Die *die, uint64_t base, Dwarf_Die type) {
  Member member{base + unsigned_attribute(die, DW_AT_data_member_location, 0), type};
  member.bits = static_cast<unsigned>(unsigned_attribute(die, DW_AT_bit_size, 0));
  if (!member.bits)
    return member;
  uint64_t bit = unsigned_attribute(die, DW_AT_data_bit_offset, 0);
  if (dwarf_hasattr(die, DW_AT_bit_offset)) {
    uint64_t storage = unsigned_attribute(die, DW_AT_byte_size, type_size(type)) * 8;
    bit = storage - unsigned_attribute(die, DW_AT_bit_offset, 0) - member.bits;
  }
  member.offset += bit / 8;
  member.first_bit = bit % 8;
  return member;
}

std::optional<Member> find_member(Dwarf *dwarf, const DebugIndex &index, Dwarf_Die aggregate, std::string_view name,
                                  NameGuesser *guesser) {
  aggregate = completed(dwarf, index, aggregate);
  Dwarf_Die child;
  if (dwarf_child(&aggregate, &child) != 0)
    return std::nullopt;
  do {
    if (dwarf_tag(&child) != DW_TAG_member)
      continue;
    auto type = type_of(&child);
    if (!type)
      continue;
    Member member = member_place(&child, 0, *type);
    const char *member_name = dwarf_diename(&child);
    if (member_name && name == member_name)
      return member;
    if (member_name) {
      if (guesser)
        guesser->consider(member_name);
      continue;
    }
    auto inner = peeled(*type);
    if (!inner || (dwarf_tag(&*inner) != DW_TAG_structure_type && dwarf_tag(&*inner) != DW_TAG_union_type))
      continue;
    if (auto nested = find_member(dwarf, index, *inner, name, guesser)) {
      nested->offset += member.offset;
      return nested;
    }
  } while (dwarf_siblingof(&child, &child) == 0);
  return std::nullopt;
}

std::vector<uint64_t> array_dimensions(Dwarf_Die array) {
  std::vector<uint64_t> dimensions;
  Dwarf_Die child;
  if (dwarf_child(&array, &child) != 0)
    return dimensions;
  do {
    if (dwarf_tag(&child) != DW_TAG_subrange_type)
      continue;
    uint64_t count = unsigned_attribute(&child, DW_AT_count, 0);
    if (dwarf_hasattr(&child, DW_AT_upper_bound))
      count = unsigned_attribute(&child, DW_AT_upper_bound, UINT64_MAX) + 1;
    dimensions.push_back(count);
  } while (dwarf_siblingof(&child, &child) == 0);
  return dimensions;
}

// Words of a C type text, `*`s counted, qualifiers and address space marks dropped.
static std::string normal_type_text(std::string_view text, unsigned &pointers) {
  std::string normal;
  size_t at = 0;
  pointers = 0;
  while (at < text.size()) {
    if (text[at] == '*')
      ++pointers;
    if (text[at] == '*' || text[at] == ' ' || text[at] == '\t' || text[at] == '\n') {
      ++at;
      continue;
    }
    size_t end = std::min(text.find_first_of("* \t\n", at), text.size());
    std::string_view word = text.substr(at, end - at);
    at = end;
    if (word == "const" || word == "volatile" || word == "restrict" || word == "__user" || word == "__rcu" ||
        word == "__iomem" || word == "__percpu")
      continue;
    normal += normal.empty() ? "" : " ";
    normal += word;
  }
  return normal;
}

std::optional<Dwarf_Die> find_type(Dwarf *dwarf, const DebugIndex &index, std::string_view text, unsigned &pointers) {
  std::string name = normal_type_text(text, pointers);
  std::vector<RowKind> kinds = {RowKind::Struct, RowKind::Union, RowKind::Enum, RowKind::Typedef};
  struct Prefix {
    const char *word;
    RowKind kind;
  };
  for (const Prefix &prefix :
       {Prefix{"struct ", RowKind::Struct}, Prefix{"union ", RowKind::Union}, Prefix{"enum ", RowKind::Enum}}) {
    if (name.starts_with(prefix.word)) {
      name = name.substr(std::string_view(prefix.word).size());
      kinds = {prefix.kind};
    }
  }
  Dwarf_Die type;
  for (RowKind kind : kinds)
    for (const IndexRow &row : index.rows(kind, name))
      if (dwarf_offdie(dwarf, row.die, &type))
        return type;
  return std::nullopt;
}

} // namespace tapjit::target
