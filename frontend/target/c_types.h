// SPDX-License-Identifier: GPL-2.0-or-later
// C's integer types and the kernel's short names of them, by their text: what is known of a type without debuginfo.
#pragma once

#include "frontend/target/var_access.h"

#include <optional>
#include <string_view>

namespace tapjit::target {

// nullopt: not an integer type of this table. x86-64 sizes.
std::optional<ValueType> builtin_type(std::string_view text);

} // namespace tapjit::target
