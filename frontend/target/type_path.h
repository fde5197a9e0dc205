// SPDX-License-Identifier: GPL-2.0-or-later
// From a place of known type along the path that a script wrote (->member, [index]) to a value.
#pragma once

#include "frontend/target/names.h"
#include "frontend/target/target.h"
#include "frontend/target/type_source.h"

#include <optional>

namespace tapjit::target {

// A value in the making: the steps leave either the value itself or the address of the memory that holds it.
struct Place {
  std::vector<AccessStep> steps;
  bool in_memory = false;
  // Of a struct that two registers hold: the steps to bytes 8 to 15.
  std::vector<AccessStep> upper = {};
  // The compiler keeps bytes 0 to 7 nowhere, or bytes 8 to 15.
  bool misses_lower = false, misses_upper = false;
  bool is_unset = false; // nothing is stored in the memory yet
  // Counted from rsp by an expression that holds everywhere in the function, which means rsp after the prologue.
  bool needs_frame = false;
};

// A member of a struct or union, also inside anonymous ones; its offset counts from `aggregate`. `guesser`, if given,
// sees every name on the way.
std::optional<TypeMember> find_member(const TypeSource &types, TypeRef aggregate, std::string_view name,
                                      NameGuesser *guesser);

// Finds a type by its C text: "struct task_struct", "task_struct", "pid_t", "unsigned int", with `*`s and qualifiers.
// `pointers` gets the number of `*`. 0: there is none.
TypeRef find_type(const TypeSource &types, std::string_view text, unsigned &pointers);

// The value at the path's end, or its address.
Access<VarAccess> walk_path(const TypeSource &types, Place place, TypeRef type, const std::vector<PathStep> &path,
                            bool address_of);

// The parts of Target that types alone answer; see there. `facts_of` ("the kernel's debuginfo") is for messages.
Access<VarAccess> cast_path(const TypeSource &types, std::string_view facts_of, std::string_view type,
                            const std::vector<PathStep> &path, bool address_of);
Access<VarAccess> follow_path(const TypeSource &types, std::string_view facts_of, const ValueType &type,
                              const std::vector<PathStep> &path, bool address_of);
// A value of the C type `type` that PushArgument `number` gives.
Access<VarAccess> argument_path(const TypeSource &types, std::string_view facts_of, std::string_view type,
                                unsigned number, const std::vector<PathStep> &path, bool address_of);
// The enumerators of an enum, or of one that a script names.
Access<Enumerators> enumerators_of(const TypeSource &types, TypeRef type);
Access<Enumerators> find_enumerators(const TypeSource &types, std::string_view facts_of, std::string_view type);

} // namespace tapjit::target
