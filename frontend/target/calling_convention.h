// SPDX-License-Identifier: GPL-2.0-or-later
// Where a function's parameters are when it is entered and its value when it returns, by its prototype alone: System V
// ABI, AMD64 supplement, 3.2.3. The kernel is built without SSE, so that floating point does not occur.
#pragma once

#include "frontend/target/type_path.h"

#include <span>

namespace tapjit::target {

// DWARF numbers of the registers that pass parameters, in order.
std::span<const int64_t> argument_registers();

// Parameter `number` of a function that takes `parameters` and returns `result`, before its first instruction.
Access<Place> parameter_place(const TypeSource &types, TypeRef result, std::span<const TypeRef> parameters,
                              size_t number);

// The value of type `result` right after the function has returned.
Access<Place> return_place(const TypeSource &types, TypeRef result);

} // namespace tapjit::target
