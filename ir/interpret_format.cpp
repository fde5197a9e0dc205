// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/interpret.h"

#include <cctype>
#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace tapjit::ir {

namespace {

std::string with_spec(const std::string &spec, const FormatArgument &arg, char conversion) {
  char buffer[4096];
  switch (conversion) {
  case 's':
    snprintf(buffer, sizeof buffer, (spec + "s").c_str(), arg.text.c_str());
    break;
  case 'c':
    snprintf(buffer, sizeof buffer, (spec + "c").c_str(), int(arg.number & 0xff));
    break;
  case 'p':
    snprintf(buffer, sizeof buffer, "0x%" PRIx64, arg.number);
    break;
  default:
    snprintf(buffer, sizeof buffer, (spec + "l" + conversion).c_str(), long(arg.number));
  }
  return buffer;
}

} // namespace

std::string format_text(const std::string &format, const std::vector<FormatArgument> &args) {
  std::string result;
  size_t next = 0;
  for (size_t position = 0; position < format.size(); ++position) {
    if (format[position] != '%') {
      result += format[position];
      continue;
    }
    std::string spec = "%";
    for (++position; position < format.size() && strchr("-+ #0.*123456789", format[position]); ++position) {
      if (format[position] == '*')
        spec += std::to_string(next < args.size() ? args[next++].number : 0);
      else
        spec += format[position];
    }
    char conversion = position < format.size() ? format[position] : '%';
    if (conversion == '%')
      result += '%';
    else if (strchr("dixXoucsp", conversion) && next < args.size())
      result += with_spec(spec, args[next++], conversion == 'i' ? 'd' : conversion);
  }
  return result;
}

} // namespace tapjit::ir
