// SPDX-License-Identifier: GPL-2.0-or-later
// C types of one traced file, whatever they are read from: DWARF (dwarf_types.h) or BTF (btf_types.h). Following a
// script's path (type_path.h) and printing a whole value need no more than this.
#pragma once

#include "frontend/target/var_access.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

// Names one type within its source; 0 is void.
using TypeRef = uint64_t;

struct TypeMember {
  std::string_view name; // empty: an anonymous struct or union, whose members count as the outer one's
  TypeRef type = 0;
  uint64_t offset = 0; // bytes from the start of the struct
  // A bit-field: `bits` wide from bit `first_bit` counted from `offset`, least significant first; 0 when it is none.
  unsigned bits = 0, first_bit = 0;
};

struct TypeEnumerator {
  std::string_view name;
  int64_t value = 0;
};

// A parameter of a function.
struct TypeParameter {
  std::string name;
  TypeRef type = 0;
};

// Which namespace of C a type's name is in; Any: struct, union, enum, typedef, base type, in that order.
enum class TypeNamespace : uint8_t { Any, Struct, Union, Enum };

// Members look through typedefs and qualifiers of the type they are given, and from a declaration to its definition.
class TypeSource {
public:
  virtual ~TypeSource() = default;
  // What a script sees of the type; `die` of the answer is the type without typedefs and qualifiers.
  virtual ValueType describe(TypeRef type) const = 0;
  // As C writes it, typedefs kept.
  virtual std::string name(TypeRef type) const = 0;
  // What a pointer points to, the innermost element of an array.
  virtual TypeRef target(TypeRef type) const = 0;
  // Elements of each dimension of an array type, outermost first; 0 where C leaves it open.
  virtual std::vector<uint64_t> dimensions(TypeRef array) const = 0;
  // Of a struct or union, in order.
  virtual std::vector<TypeMember> members(TypeRef aggregate) const = 0;
  virtual std::vector<TypeEnumerator> enumerators(TypeRef enumeration) const = 0;
  // 0: there is none.
  virtual TypeRef find(TypeNamespace where, std::string_view name) const = 0;
};

} // namespace tapjit::target
