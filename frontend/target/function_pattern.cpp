// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/function_pattern.h"

#include <charconv>

namespace tapjit::target {

namespace {

bool take_number(std::string_view &text, uint32_t &number) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc())
    return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

// "455-460,470"
bool take_ranges(std::string_view text, std::vector<std::pair<uint32_t, uint32_t>> &ranges) {
  for (;;) {
    uint32_t first, last;
    if (!take_number(text, first))
      return false;
    last = first;
    if (text.starts_with('-')) {
      text.remove_prefix(1);
      if (!take_number(text, last) || last < first)
        return false;
    }
    ranges.emplace_back(first, last);
    if (text.empty())
      return true;
    if (!text.starts_with(','))
      return false;
    text.remove_prefix(1);
  }
}

// Where LINES begin in FILE[LINES]: file names hold `+` too ("c++/x.c"), so only what a digit follows counts.
size_t lines_at(std::string_view file) {
  size_t colon = file.rfind(':');
  if (colon != std::string_view::npos)
    return colon;
  size_t plus = file.rfind('+');
  return plus != std::string_view::npos && plus + 1 < file.size() && isdigit(static_cast<unsigned char>(file[plus + 1]))
             ? plus
             : std::string_view::npos;
}

} // namespace

bool FunctionPattern::wants(uint32_t line, uint32_t function_line) const {
  uint32_t base = lines == Lines::Relative ? function_line : 0;
  for (const auto &[first, last] : ranges)
    if (line >= base + first && line <= base + last)
      return true;
  return lines == Lines::All || lines == Lines::None;
}

FunctionPattern parse_function_pattern(std::string_view text) {
  FunctionPattern pattern;
  const std::string quoted = "`" + std::string(text) + "`";
  size_t at = text.find('@');
  pattern.function = text.substr(0, at);
  if (pattern.function.empty()) {
    pattern.problem = quoted + " names no function";
    return pattern;
  }
  if (at == std::string_view::npos)
    return pattern;
  std::string_view file = text.substr(at + 1);
  if (size_t lines = lines_at(file); lines != std::string_view::npos) {
    std::string_view wanted = file.substr(lines + 1);
    bool is_relative = file[lines] == '+';
    file = file.substr(0, lines);
    if (wanted == "*" && !is_relative) {
      pattern.lines = FunctionPattern::Lines::All;
    } else {
      pattern.lines = is_relative ? FunctionPattern::Lines::Relative : FunctionPattern::Lines::Absolute;
      if (!take_ranges(wanted, pattern.ranges))
        pattern.problem = "`" + std::string(wanted) + "` in " + quoted + " is no line, range of lines or `*`";
    }
  }
  pattern.file = file;
  if (pattern.file.empty() && pattern.problem.empty())
    pattern.problem = quoted + " names no file behind `@`";
  return pattern;
}

} // namespace tapjit::target
