// SPDX-License-Identifier: GPL-2.0-or-later
// C text with indentation and #line.
#pragma once

#include "ir/ir.h"

#include <fmt/format.h>
#include <string>
#include <string_view>

namespace tapjit::codegen {

// As a C string literal with its quotes.
std::string c_string(std::string_view text);
// A C expression of type int64_t.
std::string c_integer(int64_t value);
// `name` with everything but letters, digits and '_' replaced.
std::string c_identifier(std::string_view name);

class CWriter {
public:
  // `pins_lines`: each line of the text names the line of the script that it belongs to, not the first of several.
  explicit CWriter(std::string unit_name, bool pins_lines = false)
      : unit_name_(std::move(unit_name)), pins_lines_(pins_lines) {}

  // One line, indented.
  template <typename... T> void line(fmt::format_string<T...> format, T &&...args) {
    begin_line();
    fmt::format_to(std::back_inserter(text_), format, std::forward<T>(args)...);
    end_line();
  }
  void raw_line(std::string_view text); // as it is, may hold newlines
  void blank() { end_line(); }
  void open(std::string_view head); // "head {", or "{" alone
  void close(std::string_view tail = "}");
  // At column 0.
  void label(std::string_view name);
  // Text from here on belongs to the script's line (once per change), or to the unit itself.
  void at_script(const std::string &file, uint32_t line);
  void at_unit();

  std::string take() { return std::move(text_); }

private:
  void pin_line();
  void begin_line() {
    pin_line();
    text_.append(depth_, '\t');
  }
  void end_line() {
    text_ += '\n';
    lines_++;
  }
  std::string unit_name_, text_, script_file_;
  bool pins_lines_ = false;
  uint32_t script_line_ = 0; // 0: the unit's own text
  unsigned depth_ = 0, lines_ = 1;
};

} // namespace tapjit::codegen
