// SPDX-License-Identifier: GPL-2.0-or-later
// Typed 32-bit ids: an index into one table that cannot be mixed up with an index into another.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace tapjit {

// `Tag` is any (incomplete) type that names the table. A default-made id is invalid.
template <typename Tag> struct Id {
  static constexpr uint32_t invalid_value = UINT32_MAX;
  uint32_t value = invalid_value;

  constexpr Id() = default;
  constexpr explicit Id(uint32_t index) : value(index) {}
  constexpr explicit Id(size_t index) : value(static_cast<uint32_t>(index)) {}
  constexpr bool valid() const { return value != invalid_value; }
  constexpr uint32_t index() const { return value; }
  constexpr auto operator<=>(const Id &) const = default;
};

} // namespace tapjit

template <typename Tag> struct std::hash<tapjit::Id<Tag>> {
  size_t operator()(tapjit::Id<Tag> id) const { return id.value * size_t{0x9e3779b97f4a7c15}; }
};
