// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/c_types.h"

namespace tapjit::target {

namespace {
struct Row {
  const char *name;
  uint8_t size;
  bool is_signed;
};
constexpr Row rows[] = {
    {"char", 1, true},
    {"signed char", 1, true},
    {"unsigned char", 1, false},
    {"short", 2, true},
    {"unsigned short", 2, false},
    {"int", 4, true},
    {"signed int", 4, true},
    {"unsigned int", 4, false},
    {"unsigned", 4, false},
    {"long", 8, true},
    {"long int", 8, true},
    {"unsigned long", 8, false},
    {"long unsigned int", 8, false},
    {"unsigned long int", 8, false},
    {"long long", 8, true},
    {"unsigned long long", 8, false},
    {"bool", 1, false},
    {"_Bool", 1, false},
    {"s8", 1, true},
    {"u8", 1, false},
    {"s16", 2, true},
    {"u16", 2, false},
    {"s32", 4, true},
    {"u32", 4, false},
    {"s64", 8, true},
    {"u64", 8, false},
    {"size_t", 8, false},
    {"ssize_t", 8, true},
    {"loff_t", 8, true},
    {"pid_t", 4, true},
};
} // namespace

std::optional<ValueType> builtin_type(std::string_view text) {
  for (const Row &row : rows)
    if (text == row.name) {
      ValueType type;
      type.kind = text == "bool" || text == "_Bool" ? TypeKind::Bool : TypeKind::Integer;
      type.size = row.size;
      type.is_signed = row.is_signed;
      type.name = row.name;
      return type;
    }
  return std::nullopt;
}

} // namespace tapjit::target
