// SPDX-License-Identifier: GPL-2.0-or-later
// The words of the text form for the enumerations of ir.h, by enumerator; shared by the printer and the parser.
#pragma once

#include "ir/ir.h"

#include <cctype>
#include <iterator>
#include <optional>
#include <string_view>

namespace tapjit::ir {

inline constexpr const char *function_kinds[] = {"probe", "script", "embedded"};
inline constexpr const char *value_kinds[] = {"i64", "str", "stat"};
inline constexpr const char *stat_fields[] = {"count", "sum", "min", "max", "avg", "variance"};
inline constexpr const char *sort_kinds[] = {"none", "key", "value", "stat"};
inline constexpr const char *context_kinds[] = {"session", "event", "process"};

static_assert(int(FunctionKind::Embedded) + 1 == std::size(function_kinds));
static_assert(int(ValueKind::Stat) + 1 == std::size(value_kinds));
static_assert(int(StatField::Variance) + 1 == std::size(stat_fields));
static_assert(int(Sort::By::Stat) + 1 == std::size(sort_kinds));
static_assert(int(ContextKind::Process) + 1 == std::size(context_kinds));

template <typename Enum, size_t size> const char *words(const char *const (&table)[size], Enum value) {
  return size_t(value) < size ? table[size_t(value)] : "?";
}

template <typename Enum, size_t size>
std::optional<Enum> from_word(const char *const (&table)[size], std::string_view word) {
  for (size_t index = 0; index < size; ++index)
    if (word == table[index])
      return Enum(index);
  return std::nullopt;
}

// Letters of the names that the text form writes without quotes.
inline bool is_word_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) || letter == '_' || letter == '.' || letter == '$';
}

inline bool is_word(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])))
    return false;
  for (char letter : text)
    if (!is_word_letter(letter))
      return false;
  return true;
}

} // namespace tapjit::ir
