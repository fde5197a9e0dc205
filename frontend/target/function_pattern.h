// SPDX-License-Identifier: GPL-2.0-or-later
// The string of kernel.function, kernel.statement and their like: FUNCTION[@FILE[LINES]], where LINES is `:N` (a line
// of the file), `+N` (a line counted from the function's own), `:*` (every line of the function) or `:A-B,C` (ranges
// and lines). FUNCTION and FILE may have wildcards; FILE is the whole source file or what follows a / in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapjit::target {

struct FunctionPattern {
  enum class Lines : uint8_t { None, Absolute, Relative, All };
  std::string function, file;
  Lines lines = Lines::None;
  std::vector<std::pair<uint32_t, uint32_t>> ranges; // Absolute and Relative: first and last line of each
  std::string problem;                               // not empty: why the text is no pattern

  // The line is one of those asked for; `function_line` is that of the function's definition.
  bool wants(uint32_t line, uint32_t function_line) const;
};

FunctionPattern parse_function_pattern(std::string_view text);

} // namespace tapjit::target
