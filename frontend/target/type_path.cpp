// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/type_path.h"

#include "frontend/target/c_types.h"

#include <algorithm>
#include <array>

namespace tapjit::target {

namespace {

bool is_aggregate(TypeKind kind) { return kind == TypeKind::Struct || kind == TypeKind::Union; }

class PathWalker {
public:
  // The place's steps use that many of the path's dynamic indexes already.
  PathWalker(const TypeSource &types, Place place, TypeRef type, int64_t indexes = 0)
      : types_(types), place_(std::move(place)), type_(type), dynamic_indexes_(indexes) {}

  Access<VarAccess> walk(const std::vector<PathStep> &path, bool address_of) {
    for (const PathStep &step : path) {
      auto problem = step.kind == PathStep::Kind::Member ? member(step.member) : element(step);
      if (problem)
        return *problem;
    }
    Access<VarAccess> found = address_of ? address() : value();
    if (is_missing_)
      return AccessFailure{AccessError::NotAvailable, "the compiler removed this part of it", {}};
    return found;
  }

private:
  TypeKind kind() const { return types_.describe(type_).kind; }
  void push(AccessStep step) { place_.steps.push_back(step); }

  void go_to(TypeRef type) {
    type_ = type;
    dimension_ = 0;
    bits_ = first_bit_ = 0;
  }

  // From a pointer to what it points to.
  void follow_pointer() {
    if (place_.in_memory)
      push({StepKind::Load, 0, 64, false});
    else
      settle();
    place_.in_memory = true;
    go_to(types_.target(type_));
  }

  // `offset` bytes on within the object: an addition in memory, a shift in registers.
  void advance(int64_t offset) {
    if (place_.in_memory)
      append_addition(place_.steps, offset);
    else
      register_offset_ += offset;
  }

  // Brings what stands at register_offset_ to the low bits.
  void settle() {
    constexpr int64_t register_bytes = 8;
    is_missing_ |= register_offset_ >= register_bytes ? place_.misses_upper : place_.misses_lower;
    if (register_offset_ >= register_bytes && !place_.upper.empty()) {
      place_.steps = place_.upper;
      register_offset_ -= register_bytes;
    }
    place_.upper.clear();
    if (register_offset_ != 0) {
      push({StepKind::PushConstant, register_offset_ * 8});
      push({StepKind::ShiftRight});
      register_offset_ = 0;
    }
  }

  std::optional<AccessFailure> member(const std::string &name) {
    if (kind() == TypeKind::Pointer)
      follow_pointer();
    if (!is_aggregate(kind()))
      return AccessFailure{AccessError::NotAPointer, "`" + types_.name(type_) + "` has no members", {}};
    NameGuesser guesser(name);
    auto found = find_member(types_, type_, name, &guesser);
    if (!found)
      return AccessFailure{AccessError::NoSuchMember, "no member `" + name + "` in `" + types_.name(type_) + "`",
                           guesser.best()};
    uint64_t offset = found->bits ? field_storage(*found) : found->offset;
    advance(static_cast<int64_t>(offset));
    go_to(found->type);
    bits_ = found->bits;
    first_bit_ = found->first_bit + static_cast<unsigned>(found->offset - offset) * 8;
    return std::nullopt;
  }

  // The offset of the smallest aligned storage that holds all of a bit-field, so that nothing beyond the struct is
  // read, and nothing else than the field's own word is written.
  static uint64_t field_storage(const TypeMember &field) {
    for (uint64_t bytes = 1; bytes <= 8; bytes *= 2) {
      uint64_t start = field.offset / bytes * bytes;
      if ((field.offset - start) * 8 + field.first_bit + field.bits <= bytes * 8)
        return start;
    }
    return field.offset; // of a packed struct
  }

  std::optional<AccessFailure> element(const PathStep &step) {
    uint64_t stride;
    if (kind() == TypeKind::Array) {
      std::vector<uint64_t> dimensions = types_.dimensions(type_);
      TypeRef element_type = types_.target(type_);
      stride = types_.describe(element_type).size;
      for (size_t i = dimension_ + 1; i < dimensions.size(); ++i)
        stride *= dimensions[i];
      if (++dimension_ >= dimensions.size())
        go_to(element_type);
      if (!place_.in_memory && (step.kind == PathStep::Kind::DynamicIndex || step.index < 0))
        return AccessFailure{AccessError::Unsupported, "the array is not in memory", {}};
    } else if (kind() == TypeKind::Pointer) {
      follow_pointer();
      stride = kind() == TypeKind::Void ? 1 : types_.describe(type_).size;
    } else {
      return AccessFailure{AccessError::NotAPointer, "`" + types_.name(type_) + "` has no elements", {}};
    }
    if (stride == 0)
      return AccessFailure{AccessError::Unsupported, "the size of `" + types_.name(type_) + "` is not known", {}};
    if (step.kind == PathStep::Kind::Index) {
      advance(step.index * static_cast<int64_t>(stride));
      return std::nullopt;
    }
    push({StepKind::PushIndex, dynamic_indexes_++});
    push({StepKind::PushConstant, static_cast<int64_t>(stride)});
    push({StepKind::Multiply});
    push({StepKind::Add});
    return std::nullopt;
  }

  VarAccess result(ValueType type, bool is_address) {
    VarAccess access;
    access.steps = place_.steps;
    access.type = std::move(type);
    access.write = write_;
    access.is_address = is_address;
    access.dynamic_indexes = static_cast<unsigned>(dynamic_indexes_);
    return access;
  }

  Access<VarAccess> address() {
    if (!place_.in_memory || bits_)
      return AccessFailure{AccessError::Unsupported,
                           bits_ ? "a bit-field has no address" : "it is in a register and has no address",
                           {}};
    ValueType pointer;
    pointer.kind = TypeKind::Pointer;
    pointer.size = 8;
    pointer.name = types_.name(type_) + " *";
    pointer.die = types_.describe(type_).die;
    return result(pointer, true);
  }

  void load_bit_field(bool is_signed) {
    if (place_.in_memory) {
      unsigned bytes = 1;
      while (bytes * 8 < first_bit_ + bits_)
        bytes *= 2;
      bytes = std::min(bytes, 8u);
      write_ = {WriteAccess::Kind::Memory,
                place_.steps,
                0,
                static_cast<uint8_t>(bytes * 8),
                static_cast<uint8_t>(bits_),
                static_cast<uint8_t>(first_bit_)};
      push({StepKind::Load, 0, static_cast<uint8_t>(bytes * 8), false});
    }
    if (first_bit_) {
      push({StepKind::PushConstant, first_bit_});
      push({StepKind::ShiftRight});
    }
    push({StepKind::Extend, 0, static_cast<uint8_t>(bits_), is_signed});
  }

  // Of a whole variable in memory or in a register.
  void note_write(uint8_t bits) {
    if (place_.in_memory)
      write_ = {WriteAccess::Kind::Memory, place_.steps, 0, bits, 0, 0};
    else if (place_.steps.size() == 1 && place_.steps[0].kind == StepKind::PushRegister)
      write_ = {WriteAccess::Kind::Register, {}, place_.steps[0].value, bits, 0, 0};
  }

  Access<VarAccess> value() {
    ValueType type = types_.describe(type_);
    switch (type.kind) {
    case TypeKind::Integer:
    case TypeKind::Bool:
    case TypeKind::Char:
    case TypeKind::Enum:
    case TypeKind::Pointer:
      break;
    case TypeKind::Array:
      if (!place_.in_memory)
        return AccessFailure{AccessError::Unsupported, "the array is not in memory", {}};
      return result(type, true);
    case TypeKind::Struct:
    case TypeKind::Union:
      return AccessFailure{AccessError::IsAggregate,
                           "it is a `" + type.name + "`; name a member" +
                               (place_.in_memory ? ", or take its address with `&`" : ""),
                           {},
                           nullptr,
                           types_.name(type_)};
    default:
      return AccessFailure{AccessError::Unsupported, "`" + type.name + "` is no integer or pointer", {}};
    }
    if (type.size != 1 && type.size != 2 && type.size != 4 && type.size != 8)
      return AccessFailure{
          AccessError::Unsupported, "`" + type.name + "` has " + std::to_string(type.size) + " bytes", {}};
    uint8_t bits = static_cast<uint8_t>(type.size * 8);
    if (!place_.in_memory)
      settle();
    if (!bits_)
      note_write(bits);
    if (bits_)
      load_bit_field(type.is_signed);
    else if (place_.in_memory)
      push({StepKind::Load, 0, bits, type.is_signed});
    else if (bits < 64)
      push({StepKind::Extend, 0, bits, type.is_signed});
    return result(type, false);
  }

  const TypeSource &types_;
  Place place_;
  TypeRef type_;
  size_t dimension_ = 0;        // of an array type: how many indexes were applied
  int64_t register_offset_ = 0; // bytes into a value that is not in memory
  unsigned bits_ = 0, first_bit_ = 0;
  int64_t dynamic_indexes_;
  WriteAccess write_;
  bool is_missing_ = false; // what was read on the way
};

// Words of a C type text, `*`s counted, qualifiers and address space marks dropped.
std::string normal_type_text(std::string_view text, unsigned &pointers) {
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

AccessFailure no_type(std::string_view type, std::string_view facts_of) {
  return {AccessError::Unsupported, "no type `" + std::string(type) + "` in " + std::string(facts_of), {}};
}

// @cast(p, "char")[i]: types without members stand in no index.
VarAccess builtin_element(const ValueType &type, const PathStep &step, bool address_of) {
  VarAccess access;
  const auto size = static_cast<int64_t>(type.size);
  if (step.kind == PathStep::Kind::Index)
    append_addition(access.steps, step.index * size);
  else
    access.steps = {{StepKind::PushIndex, 0}, {StepKind::PushConstant, size}, {StepKind::Multiply}, {StepKind::Add}};
  access.dynamic_indexes = step.kind == PathStep::Kind::Index ? 0 : 1;
  access.type = type;
  access.is_address = address_of;
  const auto bits = static_cast<uint8_t>(size * 8);
  if (address_of) {
    access.type = {TypeKind::Pointer, 8, false, type.name + " *"};
  } else {
    access.write = {WriteAccess::Kind::Memory, access.steps, 0, bits, 0, 0};
    access.steps.push_back({StepKind::Load, 0, bits, type.is_signed});
  }
  return access;
}

Access<VarAccess> through_text(const TypeSource &types, std::string_view facts_of, std::string_view type, Place value,
                               const std::vector<PathStep> &path, bool address_of) {
  unsigned pointers;
  TypeRef found = find_type(types, type, pointers);
  bool is_plain = path.empty() && !address_of;
  VarAccess access;
  access.steps = value.steps;
  if (auto builtin = builtin_type(type); builtin && is_plain) {
    access.type = *builtin;
    return access;
  }
  if (pointers > 0 && is_plain) {
    access.type.kind = TypeKind::Pointer;
    access.type.size = 8;
    access.type.name = std::string(type);
    return access;
  }
  if (!found || pointers > 1)
    return no_type(type, facts_of);
  if (pointers == 0 && is_aggregate(types.describe(found).kind))
    return AccessFailure{AccessError::Unsupported, "a value of type `" + std::string(type) + "`", {}};
  return walk_path(types, Place{value.steps, pointers == 1}, found, path, address_of);
}

} // namespace

// Anonymous members nest; in a damaged file, in themselves.
static std::optional<TypeMember> find_nested(const TypeSource &types, TypeRef aggregate, std::string_view name,
                                             NameGuesser *guesser, unsigned depth) {
  constexpr unsigned deepest = 24;
  if (depth == deepest)
    return std::nullopt;
  for (const TypeMember &member : types.members(aggregate)) {
    if (!member.name.empty() && member.name == name)
      return member;
    if (!member.name.empty()) {
      if (guesser)
        guesser->consider(member.name);
      continue;
    }
    if (!is_aggregate(types.describe(member.type).kind))
      continue;
    if (auto nested = find_nested(types, member.type, name, guesser, depth + 1)) {
      nested->offset += member.offset;
      return nested;
    }
  }
  return std::nullopt;
}

std::optional<TypeMember> find_member(const TypeSource &types, TypeRef aggregate, std::string_view name,
                                      NameGuesser *guesser) {
  return find_nested(types, aggregate, name, guesser, 0);
}

TypeRef find_type(const TypeSource &types, std::string_view text, unsigned &pointers) {
  struct Prefix {
    std::string_view word;
    TypeNamespace where;
  };
  constexpr std::array prefixes = {Prefix{"struct ", TypeNamespace::Struct}, Prefix{"union ", TypeNamespace::Union},
                                   Prefix{"enum ", TypeNamespace::Enum}};
  std::string name = normal_type_text(text, pointers);
  for (const Prefix &prefix : prefixes)
    if (name.starts_with(prefix.word))
      return types.find(prefix.where, std::string_view(name).substr(prefix.word.size()));
  return types.find(TypeNamespace::Any, name);
}

Access<VarAccess> walk_path(const TypeSource &types, Place place, TypeRef type, const std::vector<PathStep> &path,
                            bool address_of) {
  return PathWalker(types, std::move(place), type).walk(path, address_of);
}

Access<VarAccess> cast_path(const TypeSource &types, std::string_view facts_of, std::string_view type,
                            const std::vector<PathStep> &path, bool address_of) {
  unsigned pointers;
  TypeRef found = find_type(types, type, pointers);
  if (!found && pointers == 0)
    if (auto builtin = builtin_type(type); builtin && path.size() == 1 && path[0].kind != PathStep::Kind::Member)
      return builtin_element(*builtin, path[0], address_of);
  if (!found)
    return no_type(type, facts_of);
  // @cast(p, "struct s")->m: p is the address of a struct s. @cast(p, "struct s")[i]: p is the address of the first.
  Place start{{}, true};
  ValueType facts = types.describe(found);
  std::vector<PathStep> steps = path;
  int64_t indexes = 0;
  if (pointers == 0 && !steps.empty() && steps[0].kind != PathStep::Kind::Member) {
    int64_t size = static_cast<int64_t>(facts.size);
    if (size == 0)
      return AccessFailure{AccessError::Unsupported, "the size of `" + std::string(type) + "` is not known", {}};
    if (steps[0].kind == PathStep::Kind::Index)
      start.steps = {{StepKind::PushConstant, steps[0].index * size}, {StepKind::Add}};
    else
      start.steps = {
          {StepKind::PushIndex, indexes++}, {StepKind::PushConstant, size}, {StepKind::Multiply}, {StepKind::Add}};
    steps.erase(steps.begin());
  }
  if (pointers > 1)
    return AccessFailure{AccessError::Unsupported, "`" + std::string(type) + "` has more than one `*`", {}};
  if (pointers == 1 && steps.empty()) { // the pointer itself
    VarAccess access;
    access.type = facts;
    access.type.kind = TypeKind::Pointer;
    access.type.size = 8;
    access.type.name += " *";
    return access;
  }
  if (pointers == 0 && path.empty() && !address_of) {
    if (is_aggregate(facts.kind)) { // the address, typed
      VarAccess access;
      access.type = facts;
      access.is_address = true;
      return access;
    }
    start.in_memory = facts.kind == TypeKind::Array; // else a value of an integer type
  }
  return PathWalker(types, start, found, indexes).walk(steps, address_of);
}

Access<VarAccess> follow_path(const TypeSource &types, std::string_view facts_of, const ValueType &type,
                              const std::vector<PathStep> &path, bool address_of) {
  if (type.die == 0)
    return through_text(types, facts_of, type.name, {}, path, address_of);
  TypeKind kind = types.describe(type.die).kind;
  return walk_path(types, Place{{}, is_aggregate(kind) || kind == TypeKind::Array}, type.die, path, address_of);
}

Access<VarAccess> argument_path(const TypeSource &types, std::string_view facts_of, std::string_view type,
                                unsigned number, const std::vector<PathStep> &path, bool address_of) {
  return through_text(types, facts_of, type, {{{StepKind::PushArgument, number}}, false}, path, address_of);
}

Access<Enumerators> enumerators_of(const TypeSource &types, TypeRef type) {
  ValueType facts = types.describe(type);
  if (facts.kind != TypeKind::Enum)
    return AccessFailure{AccessError::Unsupported, "`" + facts.name + "` is no enum", {}};
  Enumerators found;
  for (const TypeEnumerator &one : types.enumerators(facts.die))
    found.emplace_back(one.name, one.value);
  return found;
}

Access<Enumerators> find_enumerators(const TypeSource &types, std::string_view facts_of, std::string_view type) {
  unsigned pointers;
  TypeRef found = find_type(types, type, pointers);
  if (!found || pointers)
    return no_type(type, facts_of);
  return enumerators_of(types, found);
}

} // namespace tapjit::target
