// SPDX-License-Identifier: GPL-2.0-or-later
// C types read from BTF.
#pragma once

#include "frontend/target/btf.h"
#include "frontend/target/type_source.h"

#include <map>

namespace tapjit::target {

// A TypeRef of BTF is the type's number with this bit set, so that it is never taken for DWARF's.
constexpr TypeRef btf_flag = 1ull << 63;
inline bool is_btf(TypeRef type) { return (type & btf_flag) != 0; }
inline BtfId btf_id(TypeRef type) { return is_btf(type) ? static_cast<BtfId>(type) : 0; }
inline TypeRef btf_ref(BtfId id) { return id ? btf_flag | id : 0; }

class BtfTypes final : public TypeSource {
public:
  explicit BtfTypes(const Btf &btf) : btf_(btf) {} // which outlives this

  ValueType describe(TypeRef type) const override;
  std::string name(TypeRef type) const override;
  TypeRef target(TypeRef type) const override;
  std::vector<uint64_t> dimensions(TypeRef array) const override;
  std::vector<TypeMember> members(TypeRef aggregate) const override;
  std::vector<TypeEnumerator> enumerators(TypeRef enumeration) const override;
  TypeRef find(TypeNamespace where, std::string_view name) const override;

private:
  // Without typedefs, qualifiers and tags; a Forward becomes what it announces, if that is there.
  BtfId bare(BtfId id) const;
  uint64_t size(BtfId id) const;
  BtfId find_of(BtfKind kind, std::string_view name) const;
  std::string name_of(BtfId id, unsigned depth) const;

  const Btf &btf_;
  mutable std::map<std::pair<BtfKind, std::string>, BtfId, std::less<>> found_;
};

} // namespace tapjit::target
