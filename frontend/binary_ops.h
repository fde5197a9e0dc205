// SPDX-License-Identifier: GPL-2.0-or-later
// What the binary operators come to in the IR; one table for lowering and for folding.
#pragma once

#include "frontend/ast.h"
#include "ir/ir.h"

#include <iterator>

namespace tapjit::ast {

// The IR op of each binary operator on two longs and on two strings; Phi: none (&& and || are control flow).
struct BinaryRow {
  BinaryOp op;
  ir::Op number, string;
};
inline constexpr BinaryRow binary_rows[] = {
    {BinaryOp::logical_or, ir::Op::Phi, ir::Op::Phi}, {BinaryOp::logical_and, ir::Op::Phi, ir::Op::Phi},
    {BinaryOp::bit_or, ir::Op::Or, ir::Op::Phi},      {BinaryOp::bit_xor, ir::Op::Xor, ir::Op::Phi},
    {BinaryOp::bit_and, ir::Op::And, ir::Op::Phi},    {BinaryOp::lt, ir::Op::Lt, ir::Op::StrLt},
    {BinaryOp::gt, ir::Op::Gt, ir::Op::StrGt},        {BinaryOp::le, ir::Op::Le, ir::Op::StrLe},
    {BinaryOp::ge, ir::Op::Ge, ir::Op::StrGe},        {BinaryOp::eq, ir::Op::Eq, ir::Op::StrEq},
    {BinaryOp::ne, ir::Op::Ne, ir::Op::StrNe},        {BinaryOp::shl, ir::Op::Shl, ir::Op::Phi},
    {BinaryOp::shr, ir::Op::Shr, ir::Op::Phi},        {BinaryOp::add, ir::Op::Add, ir::Op::Phi},
    {BinaryOp::sub, ir::Op::Sub, ir::Op::Phi},        {BinaryOp::mul, ir::Op::Mul, ir::Op::Phi},
    {BinaryOp::div, ir::Op::Div, ir::Op::Phi},        {BinaryOp::mod, ir::Op::Mod, ir::Op::Phi},
};
constexpr bool binary_rows_in_order() {
  for (size_t index = 0; index < std::size(binary_rows); ++index)
    if (size_t(binary_rows[index].op) != index)
      return false;
  return true;
}
static_assert(binary_rows_in_order());

} // namespace tapjit::ast
