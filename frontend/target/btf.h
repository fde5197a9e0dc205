// SPDX-License-Identifier: GPL-2.0-or-later
// BTF, the kernel's compact type data: one header, a table of type records of several sizes, a pool of strings
// (Documentation/bpf/btf.rst). Everything is checked when it is opened, so that reading cannot leave the bytes.
#pragma once

#include "frontend/base/result.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

enum class BtfKind : uint8_t {
  Void,
  Int,
  Pointer,
  Array,
  Struct,
  Union,
  Enum,
  Forward,
  Typedef,
  Volatile,
  Const,
  Restrict,
  Function,
  Prototype,
  Variable,
  DataSection,
  Float,
  DeclTag,
  TypeTag,
  Enum64,
};

// Types have numbers; 0 is void.
using BtfId = uint32_t;

struct BtfType {
  BtfKind kind = BtfKind::Void;
  bool flag = false;  // Struct, Union: members may be bit-fields; Enum: signed; Forward: a union
  uint32_t count = 0; // members, enumerators, parameters
  std::string_view name;
  uint32_t size_or_type = 0; // bytes of Int, Enum, Struct, Union, Float; else what it refers to
};

struct BtfInt {
  uint8_t bits = 0, offset = 0;
  bool is_signed = false, is_char = false, is_bool = false;
};

struct BtfArray {
  BtfId element = 0;
  uint32_t count = 0;
};

struct BtfMember {
  std::string_view name;
  BtfId type = 0;
  uint32_t bit_offset = 0;
  uint32_t bits = 0; // of a bit-field, else 0
};

struct BtfParameter {
  std::string_view name;
  BtfId type = 0; // 0 with an empty name: `...`
};

// A variable in a section.
struct BtfPlacedVariable {
  BtfId variable = 0;
  uint32_t offset = 0, size = 0; // bytes
};

struct BtfEnumerator {
  std::string_view name;
  int64_t value = 0;
};

class Btf {
public:
  // `bytes` must outlive this. Fails when they are no BTF, are damaged, or of the other byte order. A module's BTF goes
  // on where the kernel's ends, in types and in strings: that is its `base`, which must outlive this, too.
  static Result<Btf> open(std::span<const char> bytes, const Btf *base = nullptr);

  // Types are 1 to last(); those below first() are the base's.
  BtfId first() const { return first_; }
  BtfId last() const { return first_ + static_cast<BtfId>(types_.size()) - 1; }
  // Void for a number that there is not.
  BtfType type(BtfId id) const;
  // The rest of a record; nothing when the type is of another kind.
  BtfInt integer(BtfId id) const;
  BtfArray array(BtfId id) const;
  std::vector<BtfMember> members(BtfId id) const;
  std::vector<BtfParameter> parameters(BtfId prototype) const;
  std::vector<BtfEnumerator> enumerators(BtfId id) const;
  std::vector<BtfPlacedVariable> variables(BtfId section) const;

  // The first type of a kind with this name, above `after`; those of the base come after all others. 0: there is none.
  BtfId find(BtfKind kind, std::string_view name, BtfId after = 0) const;

private:
  uint32_t word(size_t offset) const;
  std::string_view string(uint32_t offset) const;
  bool is_own(BtfId id) const { return id >= first_ && id - first_ < types_.size(); }
  size_t place(BtfId id) const { return types_[id - first_]; } // of an own type
  const Btf *base_ = nullptr;
  BtfId first_ = 1;
  uint32_t first_string_ = 0;
  std::span<const char> records_, strings_;
  std::vector<uint32_t> types_; // offsets in records_
};

} // namespace tapjit::target
