// SPDX-License-Identifier: GPL-2.0-or-later
// Typed indices into the tables of an ir::Module. An id is only meaningful with the table it indexes; `none()` is no
// entry.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>

namespace tapjit::ir {

template <typename Tag> struct Id {
  uint32_t index = UINT32_MAX;

  static constexpr Id none() { return Id{}; }
  constexpr bool valid() const { return index != UINT32_MAX; }
  friend constexpr auto operator<=>(Id, Id) = default;
};

using ValueId = Id<struct ValueTag>;       // Function::insts: an instruction, and the value it defines
using BlockId = Id<struct BlockTag>;       // Function::blocks
using FunctionId = Id<struct FunctionTag>; // Module::functions
using GlobalId = Id<struct GlobalTag>;     // Module::globals
using StringId = Id<struct StringTag>;     // Module::strings
using FormatId = Id<struct FormatTag>;     // Module::formats
using LockSetId = Id<struct LockSetTag>;   // Module::lock_sets
using LocationId = Id<struct LocationTag>; // Module::locations
using ProbeId = Id<struct ProbeTag>;       // Module::probes
using SiteId = Id<struct SiteTag>;         // Module::sites

} // namespace tapjit::ir

template <typename Tag> struct std::hash<tapjit::ir::Id<Tag>> {
  size_t operator()(tapjit::ir::Id<Tag> id) const noexcept { return std::hash<uint32_t>{}(id.index); }
};
