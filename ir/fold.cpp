// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/fold.h"

namespace tapjit::ir {

static int64_t truncate(int64_t value, int64_t bytes) {
  unsigned shift = unsigned(64 - 8 * (bytes < 0 ? -bytes : bytes));
  uint64_t high = uint64_t(value) << shift;
  return bytes < 0 ? int64_t(high) >> shift : int64_t(high >> shift);
}

std::optional<int64_t> fold_integers(Op op, int64_t left, int64_t right, int64_t imm) {
  uint64_t a = uint64_t(left), b = uint64_t(right);
  switch (op) {
  case Op::Add:
    return int64_t(a + b);
  case Op::Sub:
    return int64_t(a - b);
  case Op::Mul:
    return int64_t(a * b);
  case Op::Div:
    if (right == 0)
      return std::nullopt;
    return right == -1 ? int64_t(0 - a) : left / right;
  case Op::Mod:
    if (right == 0)
      return std::nullopt;
    return right == -1 ? 0 : left % right;
  case Op::And:
    return left & right;
  case Op::Or:
    return left | right;
  case Op::Xor:
    return left ^ right;
  case Op::Shl:
    return int64_t(a << (b & 63));
  case Op::Shr:
    return left >> (b & 63);
  case Op::Neg:
    return int64_t(0 - a);
  case Op::Not:
    return ~left;
  case Op::Eq:
    return left == right;
  case Op::Ne:
    return left != right;
  case Op::Lt:
    return left < right;
  case Op::Le:
    return left <= right;
  case Op::Gt:
    return left > right;
  case Op::Ge:
    return left >= right;
  case Op::Trunc:
    return truncate(left, imm);
  default:
    return std::nullopt;
  }
}

std::optional<int64_t> fold_strings(Op op, std::string_view left, std::string_view right) {
  int order = left.compare(right);
  switch (op) {
  case Op::StrEq:
    return order == 0;
  case Op::StrNe:
    return order != 0;
  case Op::StrLt:
    return order < 0;
  case Op::StrLe:
    return order <= 0;
  case Op::StrGt:
    return order > 0;
  case Op::StrGe:
    return order >= 0;
  default:
    return std::nullopt;
  }
}

Op exchanged(Op op) {
  switch (op) {
  case Op::Lt:
    return Op::Gt;
  case Op::Le:
    return Op::Ge;
  case Op::Gt:
    return Op::Lt;
  case Op::Ge:
    return Op::Le;
  default:
    return op;
  }
}

} // namespace tapjit::ir
