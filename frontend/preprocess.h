// SPDX-License-Identifier: GPL-2.0-or-later
// Tokens to tokens: takes `%( condition %? ... %: ... %)` apart, expands macros, puts script arguments in. A branch
// that is not taken is skipped unread: its macros, arguments and definitions do not count.
#pragma once

#include "frontend/lexer.h"
#include "frontend/macros.h"
#include "frontend/parse.h"

#include <vector>

namespace tapjit {

LexOptions lex_options(const ParseOptions &options);

// `arena` keeps texts that arise here. What the file itself @defines is added to `own_macros`.
std::vector<Token> preprocess(std::vector<Token> tokens, const ParseOptions &options, SourceTable &sources,
                              Arena &arena, MacroTable &own_macros, Diagnostics &diagnostics);

// Reads a .stpm file: only `@define`s, perhaps under conditions, are allowed in it. The macros are added to `table`.
void parse_macro_file(SourceTable &sources, SourceId source, const ParseOptions &options, MacroTable &table,
                      Diagnostics &diagnostics);

// Order of two version texts as strverscmp has it: digits compare as numbers; negative, zero, positive.
int compare_versions(std::string_view left, std::string_view right);
// Whether `text` matches a pattern of `*`, `?` and `[...]`.
bool glob_match(std::string_view pattern, std::string_view text);

} // namespace tapjit
