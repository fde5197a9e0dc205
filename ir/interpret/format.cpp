// SPDX-License-Identifier: GPL-2.0-or-later
// Formats, written from their description (man stapfuncs, inventory): not the runtime's code, which this is held
// against.
#include "ir/interpret/format.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace tapjit::ir {

namespace {

constexpr int64_t widest = 1 << 20;
constexpr int64_t most_memory = 4096;

struct Directive {
  std::string flags;
  int64_t width = 0, precision = -1; // precision -1: none
  char conversion = 0;               // 0: the format ends
  size_t argument = SIZE_MAX;        // SIZE_MAX: takes none
  bool has(char flag) const { return flags.find(flag) != std::string::npos; }
};

// Reads a format, text and directives in turn.
class Reader {
public:
  Reader(const std::string &format, const std::vector<FormatArgument> &args) : format_(format), args_(args) {}

  bool at_end() const { return at_ >= format_.size(); }

  std::string text() {
    size_t end = std::min(format_.find('%', at_), format_.size());
    std::string result = format_.substr(at_, end - at_);
    at_ = end;
    return result;
  }

  Directive directive() {
    Directive result;
    ++at_; // '%'
    while (!at_end() && std::string("0+- #").find(format_[at_]) != std::string::npos)
      result.flags += format_[at_++];
    if (int64_t width = number(); width < 0) {
      result.flags += '-';
      result.width = -width;
    } else {
      result.width = width;
    }
    if (!at_end() && format_[at_] == '.') {
      ++at_;
      result.precision = std::max<int64_t>(number(), 0);
    }
    if (!at_end() && format_[at_] == 'l')
      ++at_;
    if (!at_end())
      result.conversion = format_[at_++];
    if (result.conversion && result.conversion != '%')
      result.argument = next_++;
    return result;
  }

private:
  int64_t number() {
    if (!at_end() && format_[at_] == '*') {
      ++at_;
      int64_t given = next_ < args_.size() ? args_[next_].number : 0;
      ++next_;
      return std::clamp(given, -widest, widest);
    }
    int64_t value = 0;
    for (; !at_end() && isdigit(static_cast<unsigned char>(format_[at_])); ++at_)
      value = std::min(widest, value * 10 + (format_[at_] - '0'));
    return value;
  }

  const std::string &format_;
  const std::vector<FormatArgument> &args_;
  size_t at_ = 0, next_ = 0;
};

std::string padded(const Directive &directive, std::string text) {
  size_t width = size_t(directive.width), pad = text.size() < width ? width - text.size() : 0;
  return directive.has('-') ? text + std::string(pad, ' ') : std::string(pad, ' ') + text;
}

std::string integer(const Directive &directive, int64_t value) {
  char conversion = directive.conversion;
  bool is_signed = conversion == 'd' || conversion == 'i';
  bool is_hex = conversion == 'x' || conversion == 'X' || conversion == 'p';
  uint64_t magnitude = is_signed && value < 0 ? 0 - uint64_t(value) : uint64_t(value);
  std::string digits = conversion == 'X'   ? fmt::format("{:X}", magnitude)
                       : is_hex            ? fmt::format("{:x}", magnitude)
                       : conversion == 'o' ? fmt::format("{:o}", magnitude)
                                           : fmt::format("{}", magnitude);
  std::string sign;
  if (is_signed)
    sign = value < 0 ? "-" : directive.has('+') ? "+" : directive.has(' ') ? " " : "";
  else if (conversion == 'p' || (is_hex && directive.has('#')))
    sign = conversion == 'X' ? "0X" : "0x";
  else if (conversion == 'o' && directive.has('#'))
    sign = "0";
  size_t wanted = directive.precision > 0 ? size_t(directive.precision) : 0;
  if (directive.has('0') && !directive.has('-') && size_t(directive.width) > sign.size() + wanted)
    wanted = size_t(directive.width) - sign.size(); // also with a precision
  if (digits.size() < wanted)
    digits.insert(0, wanted - digits.size(), '0');
  return padded(directive, sign + digits);
}

// With `#`, as a literal of C would have it.
std::string character(const Directive &directive, int64_t value) {
  unsigned char letter = static_cast<unsigned char>(value);
  std::string text(1, char(letter));
  if (directive.has('#')) {
    constexpr std::string_view named = "abtnvfr"; // codes 7 to 13
    if (letter >= 7 && letter <= 13)
      text = std::string("\\") + named[letter - 7u];
    else if (letter < 32 || letter > 126)
      text = fmt::format("\\{:03o}", letter);
    else if (letter == '\'' || letter == '\\')
      text.insert(0, 1, '\\');
  }
  return padded(directive, text);
}

std::string conversion(const Directive &directive, const FormatArgument &arg) {
  std::string text;
  switch (directive.conversion) {
  case 'b': {
    auto is_size = [](int64_t bytes) { return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8; };
    int64_t bytes = is_size(directive.precision) ? directive.precision : is_size(directive.width) ? directive.width : 8;
    for (int64_t index = 0; index < bytes; ++index)
      text += char(uint64_t(arg.number) >> (8 * index));
    std::string pad(size_t(std::max<int64_t>(0, directive.width - bytes)), '\0');
    return directive.has('-') ? text + pad : pad + text;
  }
  case 'c':
    return character(directive, arg.number);
  case 's':
    text = directive.precision >= 0 ? arg.text.substr(0, size_t(directive.precision)) : arg.text;
    break;
  case 'm':
    text = arg.text;
    break;
  case 'M':
    for (unsigned char byte : arg.text)
      text += fmt::format("{:02x}", byte);
    break;
  default:
    return integer(directive, arg.number);
  }
  text = padded(directive, text);
  return directive.has('0') ? text + '\0' : text; // SystemTap's `%0s`
}

} // namespace

std::string format_text(const std::string &format, const std::vector<FormatArgument> &args) {
  Reader reader(format, args);
  std::string result = reader.text();
  while (!reader.at_end()) {
    Directive directive = reader.directive();
    if (directive.argument == SIZE_MAX)
      result += '%';
    else
      result += conversion(directive, directive.argument < args.size() ? args[directive.argument] : FormatArgument{});
    result += reader.text();
  }
  return result;
}

std::vector<MemoryArgument> memory_arguments(const std::string &format, const std::vector<FormatArgument> &args) {
  std::vector<MemoryArgument> found;
  Reader reader(format, args);
  for (reader.text(); !reader.at_end(); reader.text()) {
    Directive directive = reader.directive();
    if ((directive.conversion == 'm' || directive.conversion == 'M') && directive.argument < args.size())
      found.push_back({directive.argument,
                       size_t(directive.precision < 0 ? 1 : std::clamp<int64_t>(directive.precision, 1, most_memory)),
                       directive.has('#')});
  }
  return found;
}

} // namespace tapjit::ir
