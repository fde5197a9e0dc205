// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/ast.h"

#include <iterator>

namespace tapjit::ast {

namespace {

constexpr std::string_view kExprText[] = {
#define EXPR(type, text) text,
#include "frontend/nodes.def"
};
constexpr std::string_view kStmtText[] = {
#define STMT(type, text) text,
#include "frontend/nodes.def"
};
constexpr std::string_view kBinaryText[] = {
#define BINARY(name, spelling, precedence, operands) spelling,
#include "frontend/operators.def"
};
constexpr int kBinaryPrecedence[] = {
#define BINARY(name, spelling, precedence, operands) precedence,
#include "frontend/operators.def"
};
constexpr char kBinaryOperands[] = {
#define BINARY(name, spelling, precedence, operands) operands,
#include "frontend/operators.def"
};
constexpr std::string_view kAssignText[] = {
#define ASSIGN(name, spelling) spelling,
#include "frontend/operators.def"
};
constexpr std::string_view kUnaryText[] = {
#define UNARY(name, spelling) spelling,
#include "frontend/operators.def"
};
constexpr std::string_view kStatText[] = {"count", "sum", "min", "max", "avg", "variance"};
constexpr std::string_view kTypeText[] = {"unknown", "unknown", "long", "string", "stats"};

static_assert(std::size(kExprText) == std::variant_size_v<ExprNode> &&
              std::size(kStmtText) == std::variant_size_v<StmtNode>);

} // namespace

std::string_view type_name(Type type) { return kTypeText[static_cast<size_t>(type)]; }
std::string_view spelling(BinaryOp op) { return kBinaryText[static_cast<size_t>(op)]; }
std::string_view spelling(AssignOp op) { return kAssignText[static_cast<size_t>(op)]; }
std::string_view spelling(UnaryOp op) { return kUnaryText[static_cast<size_t>(op)]; }
std::string_view spelling(StatOp op) { return kStatText[static_cast<size_t>(op)]; }
int precedence(BinaryOp op) { return kBinaryPrecedence[static_cast<size_t>(op)]; }
bool is_comparison(BinaryOp op) { return kBinaryOperands[static_cast<size_t>(op)] == 'e'; }
std::string_view describe(const Expr &expr) { return kExprText[expr.node.index()]; }
std::string_view describe(const Stmt &stmt) { return kStmtText[stmt.node.index()]; }

} // namespace tapjit::ast
