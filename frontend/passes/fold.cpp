// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/fold.h"

#include "frontend/binary_ops.h"
#include "ir/fold.h"

#include <optional>

namespace tapjit {

using namespace ast;

namespace {

std::optional<int64_t> fold_unary(UnaryOp op, int64_t value) {
  switch (op) {
  case UnaryOp::plus:
    return value;
  case UnaryOp::minus:
    return ir::fold_integers(ir::Op::Neg, value, 0, 0);
  case UnaryOp::logical_not:
    return !value;
  case UnaryOp::bit_not:
    return ir::fold_integers(ir::Op::Not, value, 0, 0);
  }
  return std::nullopt;
}

std::optional<int64_t> fold_logical(const Binary &node) {
  bool is_and = node.op == BinaryOp::logical_and;
  const Number *left = node.left->as<Number>(), *right = node.right->as<Number>();
  if (left && (left->value != 0) != is_and)
    return !is_and;
  if (left && right)
    return right->value != 0;
  return std::nullopt;
}

std::optional<int64_t> fold_binary(const Binary &node) {
  const BinaryRow &row = binary_rows[size_t(node.op)];
  if (row.number == ir::Op::Phi)
    return fold_logical(node);
  const Number *left = node.left->as<Number>(), *right = node.right->as<Number>();
  if (left && right)
    return ir::fold_integers(row.number, left->value, right->value, 0);
  const String *left_text = node.left->as<String>(), *right_text = node.right->as<String>();
  if (left_text && right_text && is_comparison(node.op))
    return ir::fold_strings(row.string, left_text->text, right_text->text);
  return std::nullopt;
}

} // namespace

Expr *fold_condition(Expr *expr, Arena &arena) {
  std::optional<int64_t> value;
  if (Unary *node = expr->as<Unary>()) {
    node->operand = fold_condition(node->operand, arena);
    if (const Number *number = node->operand->as<Number>())
      value = fold_unary(node->op, number->value);
  } else if (Binary *node = expr->as<Binary>()) {
    node->left = fold_condition(node->left, arena);
    node->right = fold_condition(node->right, arena);
    value = fold_binary(*node);
  }
  return value ? arena.make<Expr>(expr->range(), Type::unknown, ExprNode(Number{*value})) : expr;
}

} // namespace tapjit
