// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/emit/c_writer.h"

#include <algorithm>

namespace tapjit::codegen {

std::string c_string(std::string_view text) {
  std::string out = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", char(c));
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c < 32 || c >= 127 || c == '?') // '?': no trigraph
      out += fmt::format("\\{:03o}", c);
    else
      out += char(c);
  }
  return out + '"';
}

std::string c_integer(int64_t value) {
  if (value == INT64_MIN)
    return "TAP_INT64_MIN";
  if (value > INT32_MAX || value < INT32_MIN)
    return fmt::format("{}LL", value);
  return value < 0 ? fmt::format("({})", value) : fmt::format("{}", value);
}

std::string c_identifier(std::string_view name) {
  std::string out(name);
  std::replace_if(out.begin(), out.end(), [](unsigned char c) { return !isalnum(c) && c != '_'; }, '_');
  return out;
}

void CWriter::raw_line(std::string_view text) {
  text_ += text;
  lines_ += std::count(text.begin(), text.end(), '\n');
  end_line();
}

void CWriter::open(std::string_view head) {
  begin_line();
  text_ += head;
  text_ += head.empty() ? "{" : " {";
  end_line();
  depth_++;
}

void CWriter::close(std::string_view tail) {
  depth_--;
  line("{}", tail);
}

void CWriter::label(std::string_view name) {
  pin_line();
  text_ += name;
  text_ += ":;";
  end_line();
}

void CWriter::pin_line() {
  if (pins_lines_ && script_line_)
    raw_line(fmt::format("#line {} {}", script_line_, c_string(script_file_)));
}

void CWriter::at_script(const std::string &file, uint32_t line) {
  if (line == script_line_ && file == script_file_ && !pins_lines_)
    return;
  script_line_ = line;
  script_file_ = file;
  raw_line(fmt::format("#line {} {}", line, c_string(file)));
}

void CWriter::at_unit() {
  if (!script_line_)
    return;
  script_line_ = 0;
  script_file_.clear();
  raw_line(fmt::format("#line {} {}", lines_ + 1, c_string(unit_name_)));
}

} // namespace tapjit::codegen
