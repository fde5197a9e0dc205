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

std::optional<uint64_t> indexed_address(Dwarf_Attribute *attribute, const Dwarf_Op &op) {
  Dwarf_Attribute entry;
  Dwarf_Addr address;
  if ((op.atom != DW_OP_addrx && op.atom != DW_OP_GNU_addr_index) ||
      dwarf_getlocation_attr(attribute, &op, &entry) != 0 || dwarf_formaddr(&entry, &address) != 0)
    return std::nullopt;
  return address;
}

std::optional<Dwarf_Die> type_of(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  Dwarf_Die type;
  if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) || !dwarf_formref_die(&attribute, &type))
    return std::nullopt;
  return type;
}

// Without typedef and qualifiers.
static std::optional<Dwarf_Die> peeled(Dwarf_Die type) {
  Dwarf_Die inner;
  if (dwarf_peel_type(&type, &inner) != 0) // 1: a typedef or qualifier of void
    return std::nullopt;
  return inner;
}

static std::string named(const char *prefix, Dwarf_Die *die) {
  const char *name = dwarf_diename(die);
  return std::string(prefix) + (name ? name : "{...}");
}

static std::vector<uint64_t> array_dimensions(Dwarf_Die array);

static std::string type_name(std::optional<Dwarf_Die> type) {
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

static uint64_t type_size(Dwarf_Die type) {
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

static bool is_declaration(Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  bool value = false;
  return dwarf_attr(die, DW_AT_declaration, &attribute) && dwarf_formflag(&attribute, &value) == 0 && value;
}

static uint64_t unsigned_attribute(Dwarf_Die *die, unsigned attribute, uint64_t otherwise) {
  Dwarf_Attribute found;
  Dwarf_Word value;
  return dwarf_attr(die, attribute, &found) && dwarf_formudata(&found, &value) == 0 ? value : otherwise;
}

// DWARF 5 counts data_bit_offset from the start of the struct; before that, bit_offset counted from the most
// significant bit of a storage unit.
static TypeMember member_place(Dwarf_Die *die, Dwarf_Die type) {
  TypeMember member;
  const char *name = dwarf_diename(die);
  member.name = name ? name : "";
  member.type = dwarf_dieoffset(&type);
  member.offset = unsigned_attribute(die, DW_AT_data_member_location, 0);
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

static std::vector<uint64_t> array_dimensions(Dwarf_Die array) {
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

std::optional<Dwarf_Die> DwarfTypes::die_of(TypeRef type) const {
  Dwarf_Die die;
  if (type == 0 || !dwarf_offdie(dwarf_, type, &die))
    return std::nullopt;
  return die;
}

std::optional<Dwarf_Die> DwarfTypes::bare_die_of(TypeRef type_ref) const {
  auto whole = die_of(type_ref);
  auto bare = whole ? peeled(*whole) : std::nullopt;
  if (!bare)
    return std::nullopt;
  Dwarf_Die type = *bare;
  int tag = dwarf_tag(&type);
  const char *name = dwarf_diename(&type);
  if (!name || (tag != DW_TAG_structure_type && tag != DW_TAG_union_type) || !is_declaration(&type))
    return type;
  Dwarf_Die definition;
  for (const IndexRow &row : index_.rows(tag == DW_TAG_union_type ? RowKind::Union : RowKind::Struct, name))
    if (dwarf_offdie(dwarf_, row.die, &definition) && dwarf_tag(&definition) == tag)
      return definition;
  return type;
}

TypeRef DwarfTypes::type_of_die(Dwarf_Die die) const {
  auto type = type_of(&die);
  return type ? dwarf_dieoffset(&*type) : 0;
}

std::string DwarfTypes::name(TypeRef type) const { return type_name(die_of(type)); }

ValueType DwarfTypes::describe(TypeRef type) const {
  ValueType out;
  out.name = name(type);
  std::optional<Dwarf_Die> inner = bare_die_of(type);
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
    if (TypeRef underlying = type_of_die(*inner))
      out.is_signed = describe(underlying).is_signed;
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

TypeRef DwarfTypes::target(TypeRef type) const {
  auto bare = bare_die_of(type);
  return bare ? type_of_die(*bare) : 0;
}

std::vector<uint64_t> DwarfTypes::dimensions(TypeRef array) const {
  auto bare = bare_die_of(array);
  return bare ? array_dimensions(*bare) : std::vector<uint64_t>();
}

std::vector<TypeMember> DwarfTypes::members(TypeRef aggregate) const {
  std::vector<TypeMember> members;
  auto bare = bare_die_of(aggregate);
  Dwarf_Die child;
  if (!bare || dwarf_child(&*bare, &child) != 0)
    return members;
  do {
    if (dwarf_tag(&child) != DW_TAG_member)
      continue;
    if (auto type = type_of(&child))
      members.push_back(member_place(&child, *type));
  } while (dwarf_siblingof(&child, &child) == 0);
  return members;
}

std::vector<TypeEnumerator> DwarfTypes::enumerators(TypeRef enumeration) const {
  std::vector<TypeEnumerator> enumerators;
  auto bare = bare_die_of(enumeration);
  Dwarf_Die child;
  if (!bare || dwarf_child(&*bare, &child) != 0)
    return enumerators;
  const bool is_signed = describe(enumeration).is_signed;
  do {
    Dwarf_Attribute attribute;
    const char *name = dwarf_diename(&child);
    if (dwarf_tag(&child) != DW_TAG_enumerator || !name || !dwarf_attr(&child, DW_AT_const_value, &attribute))
      continue;
    Dwarf_Sword value_signed = 0;
    Dwarf_Word value_unsigned = 0;
    if (is_signed ? dwarf_formsdata(&attribute, &value_signed) == 0 : dwarf_formudata(&attribute, &value_unsigned) == 0)
      enumerators.push_back({name, is_signed ? value_signed : static_cast<int64_t>(value_unsigned)});
  } while (dwarf_siblingof(&child, &child) == 0);
  return enumerators;
}

TypeRef DwarfTypes::find(TypeNamespace where, std::string_view name) const {
  std::vector<RowKind> kinds = {RowKind::Struct, RowKind::Union, RowKind::Enum, RowKind::Typedef};
  if (where != TypeNamespace::Any)
    kinds = {where == TypeNamespace::Struct  ? RowKind::Struct
             : where == TypeNamespace::Union ? RowKind::Union
                                             : RowKind::Enum};
  Dwarf_Die type;
  for (RowKind kind : kinds)
    for (const IndexRow &row : index_.rows(kind, name))
      if (dwarf_offdie(dwarf_, row.die, &type))
        return row.die;
  return 0;
}

} // namespace tapjit::target
