// SPDX-License-Identifier: GPL-2.0-or-later
// C types read from DWARF.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/names.h"
#include "frontend/target/var_access.h"

#include <elfutils/libdw.h>
#include <optional>

namespace tapjit::target {

// Where control enters the code of a function or an inlined copy: DW_AT_entry_pc, else DW_AT_low_pc, else the start of
// its first range (gcc lists the hot part first when it splits off a cold one). nullopt: no code, or code that was
// discarded (address 0).
std::optional<uint64_t> entry_of(Dwarf_Die *die);

// DW_AT_type, followed through abstract_origin and specification; nullopt: void or damaged.
std::optional<Dwarf_Die> type_of(Dwarf_Die *die);
// Without typedef and qualifiers.
std::optional<Dwarf_Die> peeled(Dwarf_Die type);
// As C writes it.
std::string type_name(std::optional<Dwarf_Die> type);
// What a script sees of a type (typedefs and qualifiers looked through); nullopt is void.
ValueType value_type(std::optional<Dwarf_Die> type);
// Bytes that one object of the type takes; 0 when unknown.
uint64_t type_size(Dwarf_Die type);

// A struct or union that is only declared in this unit is defined elsewhere: the index knows where. Returns the
// definition, or `type` itself.
Dwarf_Die completed(Dwarf *dwarf, const DebugIndex &index, Dwarf_Die type);

struct Member {
  uint64_t offset = 0; // bytes from the start of the outermost struct
  Dwarf_Die type;
  // A bit-field: `bits` wide from bit `first_bit` counted from `offset`, least significant first; 0 when it is none.
  unsigned bits = 0, first_bit = 0;
};
// A member of a struct or union, also inside anonymous ones. `guesser`, if given, sees every name on the way.
std::optional<Member> find_member(Dwarf *dwarf, const DebugIndex &index, Dwarf_Die aggregate, std::string_view name,
                                  NameGuesser *guesser);

// Elements of each dimension of an array type, outermost first; 0 where C leaves it open.
std::vector<uint64_t> array_dimensions(Dwarf_Die array);

// Finds a type by its C text: "struct task_struct", "task_struct", "pid_t", "unsigned int", with `*`s and qualifiers.
// `pointers` gets the number of `*`.
std::optional<Dwarf_Die> find_type(Dwarf *dwarf, const DebugIndex &index, std::string_view text, unsigned &pointers);

} // namespace tapjit::target
