// SPDX-License-Identifier: GPL-2.0-or-later
// What the pure operations compute. The constant folder and the interpreter share it; codegen's C does the same
// (runtime/core).
#pragma once

#include "ir/ir.h"

#include <optional>
#include <string_view>

namespace tapjit::ir {

// For a unary op `right` is ignored; `imm` is the instruction's. None for ops that are not of integers, and for
// division by zero.
std::optional<int64_t> fold_integers(Op op, int64_t left, int64_t right, int64_t imm);

// str.eq ... str.ge: bytes compare as unsigned. None for other ops.
std::optional<int64_t> fold_strings(Op op, std::string_view left, std::string_view right);

// The comparison of integers that says the same with its operands exchanged: `lt` for `gt`; other ops as they are.
Op exchanged(Op op);

} // namespace tapjit::ir
