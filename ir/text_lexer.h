// SPDX-License-Identifier: GPL-2.0-or-later
// Tokens of the IR's text form.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tapjit::ir {

struct Token {
  enum class Kind : uint8_t { Word, Number, String, Sign, End } kind = Kind::End;
  std::string text;   // a word, the contents of a string, or a sign (one character, or "->")
  int64_t number = 0; // of a Number
  uint32_t line = 1, column = 1;
  bool first_on_line = false;
};

// One token of look-ahead over the text. Comments run from `;` to the end of the line.
class TextLexer {
public:
  explicit TextLexer(std::string_view text) : text_(text) { advance(); }

  const Token &peek() const { return token_; }
  Token take();
  bool malformed() const { return malformed_; } // an unfinished string or a number out of range was seen

private:
  void advance();
  void skip_blanks();
  void read_string();
  void read_number();
  char at(size_t offset = 0) const { return position_ + offset < text_.size() ? text_[position_ + offset] : '\0'; }
  void step();

  std::string_view text_;
  size_t position_ = 0;
  uint32_t line_ = 1, column_ = 1;
  bool new_line_ = true, malformed_ = false;
  Token token_;
};

} // namespace tapjit::ir
