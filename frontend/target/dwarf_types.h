// SPDX-License-Identifier: GPL-2.0-or-later
// C types read from DWARF.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/type_source.h"

#include <elfutils/libdw.h>
#include <optional>

namespace tapjit::target {

// Where control enters the code of a function or an inlined copy: DW_AT_entry_pc, else DW_AT_low_pc, else the start of
// its first range (gcc lists the hot part first when it splits off a cold one). nullopt: no code, or code that was
// discarded (address 0).
std::optional<uint64_t> entry_of(Dwarf_Die *die);

// The address that DW_OP_addrx or DW_OP_GNU_addr_index of a location means: an entry of .debug_addr. nullopt: it is
// another operation, or damaged.
std::optional<uint64_t> indexed_address(Dwarf_Attribute *attribute, const Dwarf_Op &op);

// DW_AT_type, followed through abstract_origin and specification; nullopt: void or damaged.
std::optional<Dwarf_Die> type_of(Dwarf_Die *die);

// The types of one file; a TypeRef is the offset of a DIE in .debug_info.
class DwarfTypes final : public TypeSource {
public:
  // Both are of the same file and outlive this.
  DwarfTypes(Dwarf *dwarf, const DebugIndex &index) : dwarf_(dwarf), index_(index) {}

  // The type of a variable, parameter, member or (of what it returns) function.
  TypeRef type_of_die(Dwarf_Die die) const;

  ValueType describe(TypeRef type) const override;
  std::string name(TypeRef type) const override;
  TypeRef target(TypeRef type) const override;
  std::vector<uint64_t> dimensions(TypeRef array) const override;
  std::vector<TypeMember> members(TypeRef aggregate) const override;
  std::vector<TypeEnumerator> enumerators(TypeRef enumeration) const override;
  TypeRef find(TypeNamespace where, std::string_view name) const override;

private:
  std::optional<Dwarf_Die> die_of(TypeRef type) const;
  // Without typedefs and qualifiers. A struct or union that is only declared in its unit is defined elsewhere: the
  // index knows where.
  std::optional<Dwarf_Die> bare_die_of(TypeRef type) const;

  Dwarf *dwarf_;
  const DebugIndex &index_;
};

} // namespace tapjit::target
