// SPDX-License-Identifier: GPL-2.0-or-later
// Markers stand in comments of embedded C (inventory language.md section 9): `/* pure */`, `/* pragma:read:x */`; ours
// is `/* intrinsic op [N] */`.
#include "frontend/lower_module.h"

#include "frontend/lexer.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>

namespace tapjit::lowering {

// Calls f with the words of each comment, blanks at both ends taken off.
template <typename F> static void for_each_comment(std::string_view text, F &&f) {
  for (size_t at = text.find("/*"); at != std::string_view::npos; at = text.find("/*", at)) {
    size_t end = text.find("*/", at + 2);
    if (end == std::string_view::npos)
      return;
    std::string_view words = text.substr(at + 2, end - at - 2);
    while (!words.empty() && (words.front() == ' ' || words.front() == '\t'))
      words.remove_prefix(1);
    while (!words.empty() && (words.back() == ' ' || words.back() == '\t'))
      words.remove_suffix(1);
    f(words);
    at = end + 2;
  }
}

static void add_global(const Program &program, std::string_view name, std::vector<ir::GlobalId> &list) {
  for (size_t index = 0; index < program.globals.size(); ++index)
    if (program.globals[index].name.view() == name)
      list.push_back(ir::GlobalId{uint32_t(index)});
}

static bool take_prefix(std::string_view &words, std::string_view prefix) {
  if (!words.starts_with(prefix))
    return false;
  words.remove_prefix(prefix.size());
  return true;
}

static bool is_word_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; }

bool is_before(std::string_view a, std::string_view b) {
  return strverscmp(std::string(a).c_str(), std::string(b).c_str()) < 0;
}

ir::EmbeddedC read_embedded(std::string_view text, const Program &program) {
  ir::EmbeddedC result;
  result.text = std::string(text);
  for_each_comment(text, [&](std::string_view words) {
    if (words == "pure")
      result.pure = true;
    else if (words == "stable")
      result.pure = result.stable = true;
    else if (words == "infallible")
      result.pure = result.infallible = true;
    else if (words == "unprivileged")
      result.unprivileged = true;
    else if (words == "myproc-unprivileged")
      result.myproc_unprivileged = true;
    else if (words == "guru")
      result.guru = true;
    else if (words == "unmangled")
      result.unmangled = true;
    else if (take_prefix(words, "pragma:read:"))
      add_global(program, words, result.reads);
    else if (take_prefix(words, "pragma:write:"))
      add_global(program, words, result.writes);
    else if (take_prefix(words, "pragma:"))
      result.pragmas.emplace_back(words);
  });
  // What may hand its call on is not known by itself.
  if (mentions(text, "STAP_NEXT"))
    result.pure = result.stable = result.infallible = false;
  return result;
}

// The macros of a private global have the global's name in the module, which differs where two files use one name.
void rename_global_macros(std::string &text, std::string_view from, std::string_view to) {
  if (to.empty() || from == to)
    return;
  for (std::string_view prefix : {"STAP_GLOBAL_GET_", "STAP_GLOBAL_SET_"}) {
    std::string name = std::string(prefix) + std::string(from);
    for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + name.size()))
      if (at + name.size() == text.size() || !is_word_letter(text[at + name.size()]))
        text.replace(at, name.size(), std::string(prefix) + std::string(to));
  }
}

static std::optional<ir::Op> op_by_mnemonic(std::string_view mnemonic) {
  for (unsigned index = 0; index <= unsigned(ir::Op::Unlock); ++index)
    if (mnemonic == ir::op_info(ir::Op(index)).mnemonic)
      return ir::Op(index);
  return std::nullopt;
}

std::optional<Intrinsic> read_intrinsic(std::string_view text) {
  std::optional<Intrinsic> result;
  for_each_comment(text, [&](std::string_view words) {
    if (!take_prefix(words, "intrinsic "))
      return;
    size_t blank = words.find(' ');
    if (auto op = op_by_mnemonic(words.substr(0, blank)))
      result = Intrinsic{*op, blank == std::string_view::npos
                                  ? 0
                                  : std::strtoll(std::string(words.substr(blank)).c_str(), nullptr, 0)};
  });
  return result;
}

bool reads_groups(const Program &program) {
  return std::any_of(program.functions.begin(), program.functions.end(), [](const FunctionInfo &function) {
    std::optional<Intrinsic> intrinsic = function.body ? std::nullopt : read_intrinsic(function.code);
    return intrinsic && (ir::op_info(intrinsic->op).effects & ir::RMatch);
  });
}

} // namespace tapjit::lowering
