// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/format_parts.h"

#include "ir/interpret.h"

#include <algorithm>
#include <cctype>

namespace tapjit::ir {

static void add_literal(std::vector<FormatPart> &parts, std::string_view words) {
  if (words.empty())
    return;
  if (parts.empty() || parts.back().conversion)
    parts.emplace_back();
  parts.back().text += words;
}

std::vector<FormatPart> format_parts(std::string_view format) {
  std::vector<FormatPart> parts;
  for (size_t at = 0; at < format.size();) {
    size_t directive = std::min(format.find('%', at), format.size());
    add_literal(parts, format.substr(at, directive - at));
    size_t end = std::min(format.find_first_not_of("0123456789+- #.*l", directive + 1), format.size() - 1);
    if (directive == format.size())
      break;
    std::string_view words = format.substr(directive, end + 1 - directive);
    at = end + 1;
    if (format[end] == '%') {
      add_literal(parts, "%");
      continue;
    }
    unsigned stars = unsigned(std::count(words.begin(), words.end(), '*'));
    parts.push_back({std::string(words), format[end], 1 + stars});
  }
  return parts;
}

std::string format_of_parts(const std::vector<FormatPart> &parts) {
  std::string text;
  for (const FormatPart &part : parts)
    for (char letter : part.text) {
      text += letter;
      if (letter == '%' && !part.conversion)
        text += '%';
    }
  return text;
}

namespace {

constexpr int64_t widest = 1000;

// The directive's text for constant arguments; none: it stays.
bool fold_part(const Module &module, const Function &function, const FormatPart &part, const ValueId *args,
               std::string &words) {
  if (std::string_view("diouxXcs").find(part.conversion) == std::string_view::npos ||
      part.text.find('l') != std::string::npos)
    return false;
  int64_t number = 0;
  for (char letter : part.text) {
    number = isdigit(static_cast<unsigned char>(letter)) ? number * 10 + (letter - '0') : 0;
    if (number > widest)
      return false;
  }
  std::vector<FormatArgument> values;
  for (unsigned index = 0; index < part.args; ++index) {
    const Inst &inst = function.insts[args[index].index];
    bool is_star = index + 1 < part.args;
    if (inst.op == Op::ConstI64 && (!is_star || (inst.imm >= 0 && inst.imm <= widest)))
      values.push_back({inst.imm, ""});
    else if (inst.op == Op::ConstStr)
      values.push_back({0, module.strings[inst.aux]});
    else
      return false;
  }
  if (part.conversion == 'c' && (values.back().number <= 0 || values.back().number > 127))
    return false;
  if (part.conversion == 's' && values.back().text.size() > size_t(widest))
    return false;
  words = format_text(part.text, values);
  return words.find('\0') == std::string::npos; // a string constant holds none
}

} // namespace

bool fold_format(const Module &module, const Function &function, std::vector<FormatPart> &parts, Operands &args) {
  std::vector<FormatPart> kept;
  Operands kept_args;
  size_t next = 0;
  bool changed = false;
  for (FormatPart &part : parts) {
    size_t first = next;
    next += part.args;
    std::string words;
    if (!part.conversion) {
      add_literal(kept, part.text);
    } else if (next <= args.size() && fold_part(module, function, part, args.data() + first, words)) {
      add_literal(kept, words);
      changed = true;
    } else {
      for (size_t index = first; index < std::min(next, args.size()); ++index)
        kept_args.push_back(args[index]);
      kept.push_back(std::move(part));
    }
  }
  parts = std::move(kept);
  if (changed)
    args = std::move(kept_args);
  return changed;
}

} // namespace tapjit::ir
