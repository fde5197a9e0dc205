// SPDX-License-Identifier: GPL-2.0-or-later
// Constants of sites by which the emitter gives several of them one callback (pass site_groups).
#pragma once

#include "ir/ir.h"

#include <cstdint>
#include <string_view>
#include <variant>

namespace tapjit::ir {

// An i64 on each site of a group: the same for all of them, and no other group's. All sites of a group have the same
// probe, family, constants and glue but for their numbers, and no two the same number.
inline constexpr std::string_view group_name = "group";
// On the first site of a group: the name of the embedded function whose result says of which site an event is, by...
inline constexpr std::string_view gate_name = "gate";
// ...the number with this index in number_names.
inline constexpr std::string_view gate_number_name = "gate_number";
constexpr bool is_group_name(std::string_view name) {
  return name == group_name || name == gate_name || name == gate_number_name;
}
// Numbers are from 0 to one less: they index a table.
inline constexpr int64_t gate_numbers = 1024;

// The value of a site's constant; nullptr: it has none of this type.
template <typename T> const T *constant_of(const Site &site, std::string_view name) {
  for (const auto &[key, value] : site.constants)
    if (key == name)
      return std::get_if<T>(&value);
  return nullptr;
}

// Whether a function can tell the sites of a group apart.
inline bool can_be_gate(const Function &function) {
  return function.kind == FunctionKind::Embedded && function.params.empty() && function.result == Type::I64 &&
         function.embedded.pure && function.embedded.infallible;
}

} // namespace tapjit::ir
