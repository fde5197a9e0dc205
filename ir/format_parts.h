// SPDX-License-Identifier: GPL-2.0-or-later
// A printf format taken apart, for passes that put formats together in another way.
#pragma once

#include "ir/ir.h"

#include <string_view>

namespace tapjit::ir {

struct FormatPart {
  std::string text;    // the words of literal text, or the directive as it stands ("%-5s")
  char conversion = 0; // 0: literal text
  unsigned args = 0;   // that the directive takes: its value, and one for each `*`
  friend bool operator==(const FormatPart &, const FormatPart &) = default;
};

// Neighbouring literals are one part; `%%` is a literal `%`.
std::vector<FormatPart> format_parts(std::string_view format);
std::string format_of_parts(const std::vector<FormatPart> &parts);

// The format with directives of constant arguments made literal text, and the arguments that are left. True if that
// changed anything. %p, %b, %m and %M stay, and %c of what is no ASCII character.
bool fold_format(const Module &module, const Function &function, std::vector<FormatPart> &parts, Operands &args);

} // namespace tapjit::ir
