// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/btf_types.h"

namespace tapjit::target {

namespace {

// References go at most this deep; damaged BTF may refer in circles.
constexpr unsigned longest_chain = 64;

bool is_transparent(BtfKind kind) {
  return kind == BtfKind::Typedef || kind == BtfKind::Volatile || kind == BtfKind::Const || kind == BtfKind::Restrict ||
         kind == BtfKind::TypeTag;
}

std::string named(const char *prefix, std::string_view name) {
  return prefix + (name.empty() ? "{...}" : std::string(name));
}

} // namespace

BtfId BtfTypes::bare(BtfId id) const {
  BtfType type = btf_.type(id);
  for (unsigned depth = 0; is_transparent(type.kind); ++depth) {
    if (depth == longest_chain)
      return 0;
    id = type.size_or_type;
    type = btf_.type(id);
  }
  if (type.kind == BtfKind::Forward)
    if (BtfId definition = find_of(type.flag ? BtfKind::Union : BtfKind::Struct, type.name))
      return definition;
  return id;
}

std::string BtfTypes::name_of(BtfId id, unsigned depth) const {
  BtfType type = btf_.type(id);
  if (depth == longest_chain)
    return "{...}";
  auto inner = [&] { return name_of(type.size_or_type, depth + 1); };
  switch (type.kind) {
  case BtfKind::Void:
    return "void";
  case BtfKind::Pointer: {
    std::string text = inner();
    return text + (text.ends_with('*') ? "*" : " *");
  }
  case BtfKind::Array: {
    std::string text = name_of(btf_id(target(btf_ref(id))), depth + 1);
    for (uint64_t count : dimensions(btf_ref(id)))
      text += count ? "[" + std::to_string(count) + "]" : "[]";
    return text;
  }
  case BtfKind::Struct:
    return named("struct ", type.name);
  case BtfKind::Union:
    return named("union ", type.name);
  case BtfKind::Forward:
    return named(type.flag ? "union " : "struct ", type.name);
  case BtfKind::Enum:
  case BtfKind::Enum64:
    return named("enum ", type.name);
  case BtfKind::Volatile:
    return "volatile " + inner();
  case BtfKind::Const:
    return "const " + inner();
  case BtfKind::Restrict:
  case BtfKind::TypeTag:
    return inner();
  case BtfKind::Prototype:
    return inner() + " (...)";
  default:
    return named("", type.name);
  }
}

std::string BtfTypes::name(TypeRef type) const { return name_of(btf_id(type), 0); }

uint64_t BtfTypes::size(BtfId id) const {
  BtfType type = btf_.type(id = bare(id));
  switch (type.kind) {
  case BtfKind::Int:
  case BtfKind::Float:
  case BtfKind::Enum:
  case BtfKind::Enum64:
  case BtfKind::Struct:
  case BtfKind::Union:
    return type.size_or_type;
  case BtfKind::Pointer:
    return 8;
  case BtfKind::Array: {
    BtfId element = bare(btf_id(target(btf_ref(id))));
    uint64_t bytes = btf_.type(element).kind == BtfKind::Array ? 0 : size(element); // an array of itself: damaged
    for (uint64_t count : dimensions(btf_ref(id)))
      bytes *= count;
    return bytes;
  }
  default:
    return 0;
  }
}

ValueType BtfTypes::describe(TypeRef type_ref) const {
  ValueType out;
  out.name = name(type_ref);
  BtfId id = bare(btf_id(type_ref));
  BtfType type = btf_.type(id);
  out.die = btf_ref(id);
  out.size = size(id);
  switch (type.kind) {
  case BtfKind::Void:
    out.kind = TypeKind::Void;
    break;
  case BtfKind::Int: {
    BtfInt facts = btf_.integer(id);
    // pahole does not mark `char` as one; its names do.
    bool is_char = facts.is_char || (type.size_or_type == 1 && type.name.find("char") != std::string_view::npos);
    out.kind = facts.is_bool ? TypeKind::Bool : is_char ? TypeKind::Char : TypeKind::Integer;
    out.is_signed = facts.is_signed;
    break;
  }
  case BtfKind::Enum:
  case BtfKind::Enum64:
    out.kind = TypeKind::Enum;
    out.is_signed = type.flag;
    break;
  case BtfKind::Pointer:
    out.kind = TypeKind::Pointer;
    break;
  case BtfKind::Array:
    out.kind = TypeKind::Array;
    break;
  case BtfKind::Struct:
    out.kind = TypeKind::Struct;
    break;
  case BtfKind::Union:
    out.kind = TypeKind::Union;
    break;
  case BtfKind::Forward:
    out.kind = type.flag ? TypeKind::Union : TypeKind::Struct;
    break;
  case BtfKind::Float:
    out.kind = TypeKind::Float;
    break;
  case BtfKind::Prototype:
    out.kind = TypeKind::Function;
    break;
  default:
    out.kind = TypeKind::Unknown;
  }
  return out;
}

// An array of several dimensions is an array of arrays.
TypeRef BtfTypes::target(TypeRef type_ref) const {
  BtfId id = bare(btf_id(type_ref));
  if (btf_.type(id).kind != BtfKind::Array)
    return btf_.type(id).kind == BtfKind::Pointer ? btf_ref(btf_.type(id).size_or_type) : 0;
  for (unsigned depth = 0; btf_.type(id).kind == BtfKind::Array && depth < longest_chain; ++depth)
    id = btf_.array(id).element;
  return btf_ref(id);
}

std::vector<uint64_t> BtfTypes::dimensions(TypeRef array) const {
  std::vector<uint64_t> counts;
  for (BtfId id = bare(btf_id(array)); btf_.type(id).kind == BtfKind::Array && counts.size() < longest_chain;
       id = btf_.array(id).element)
    counts.push_back(btf_.array(id).count);
  return counts;
}

std::vector<TypeMember> BtfTypes::members(TypeRef aggregate) const {
  std::vector<TypeMember> members;
  for (const BtfMember &member : btf_.members(bare(btf_id(aggregate)))) {
    TypeMember made;
    made.name = member.name;
    made.type = btf_ref(member.type);
    made.offset = member.bit_offset / 8;
    made.bits = member.bits;
    made.first_bit = member.bit_offset % 8;
    // The old encoding has the width of a bit-field in its integer type.
    if (BtfId id = bare(member.type); made.bits == 0 && btf_.type(id).kind == BtfKind::Int) {
      BtfInt facts = btf_.integer(id);
      if (facts.bits != btf_.type(id).size_or_type * 8 && !facts.is_bool)
        made.bits = facts.bits;
    }
    members.push_back(made);
  }
  return members;
}

std::vector<TypeEnumerator> BtfTypes::enumerators(TypeRef enumeration) const {
  std::vector<TypeEnumerator> enumerators;
  for (const BtfEnumerator &one : btf_.enumerators(bare(btf_id(enumeration))))
    enumerators.push_back({one.name, one.value});
  return enumerators;
}

BtfId BtfTypes::find_of(BtfKind kind, std::string_view name) const {
  auto key = std::pair(kind, std::string(name));
  auto known = found_.find(key);
  if (known == found_.end())
    known = found_.emplace(key, name.empty() ? 0 : btf_.find(kind, name)).first;
  return known->second;
}

TypeRef BtfTypes::find(TypeNamespace where, std::string_view name) const {
  std::vector<BtfKind> kinds;
  if (where == TypeNamespace::Any || where == TypeNamespace::Struct)
    kinds.push_back(BtfKind::Struct);
  if (where == TypeNamespace::Any || where == TypeNamespace::Union)
    kinds.push_back(BtfKind::Union);
  if (where == TypeNamespace::Any || where == TypeNamespace::Enum)
    kinds.insert(kinds.end(), {BtfKind::Enum, BtfKind::Enum64});
  if (where == TypeNamespace::Any)
    kinds.insert(kinds.end(), {BtfKind::Typedef, BtfKind::Int});
  for (BtfKind kind : kinds)
    if (BtfId id = find_of(kind, name))
      return btf_ref(id);
  return 0;
}

} // namespace tapjit::target
