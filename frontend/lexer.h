// SPDX-License-Identifier: GPL-2.0-or-later
// Text to tokens. Knows no macros and no conditions: `$1`, `@word` and `%(` come out as tokens for the preprocessor.
#pragma once

#include "frontend/base/arena.h"
#include "frontend/base/diagnostics.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace tapjit {

enum class TokenKind : uint8_t {
#define TOKEN(kind, text) kind,
#include "frontend/tokens.def"
};

struct Token {
  TokenKind kind = TokenKind::end;
  bool broken =
      false; // a number that does not fit or is malformed, an error where it is used; a string without end, reported
  bool glued = false; // nothing stands between this token and the one before
  Loc loc;
  uint32_t length = 0;   // bytes of the script that it takes
  uint32_t argument = 0; // argument, argument_string: N
  int64_t number = 0;    // number
  std::string_view text; // name: the word; string: its bytes; embedded: the code; at_word: without `@`; number: as
                         // written; junk: for people
};

// "`while`", "a name".
std::string_view token_description(TokenKind kind);
// What an error says was found: "`foo`", "the end of the script".
std::string describe_token(const Token &token);
// What is wrong with the text of a bad number: ": it does not fit 64 bits"; empty when nothing more is to be said.
std::string number_problem(std::string_view text);
bool is_keyword(TokenKind kind);
// The version from which on a word after `@` is the language's own; empty when it is none of these.
std::string_view builtin_at_word_since(std::string_view word);
// All of them.
std::vector<std::string_view> builtin_at_words();

// What older versions of the language (--compatible) read otherwise.
struct LexOptions {
  bool hex_escapes = true;     // `\x41` in strings
  bool private_keyword = true; // `private` is no name
};

// All tokens of a source, the last one `end`. Strings with escapes are kept in `arena`; other texts view the source.
std::vector<Token> lex(const SourceTable &sources, SourceId source, Arena &arena, Diagnostics &diagnostics,
                       LexOptions options = {});

// Whether `word` stands in the C text as a whole word.
bool mentions(std::string_view text, std::string_view word);

} // namespace tapjit
