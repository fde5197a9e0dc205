// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/text_lexer.h"

#include "ir/words.h"

#include <cctype>
#include <charconv>

namespace tapjit::ir {

static bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

Token TextLexer::take() {
  Token taken = std::move(token_);
  advance();
  return taken;
}

void TextLexer::step() {
  if (at() == '\n') {
    ++line_;
    column_ = 0;
    new_line_ = true;
  }
  ++column_;
  ++position_;
}

void TextLexer::skip_blanks() {
  while (position_ < text_.size()) {
    if (at() == ';')
      while (position_ < text_.size() && at() != '\n')
        step();
    else if (std::isspace(static_cast<unsigned char>(at())))
      step();
    else
      break;
  }
}

void TextLexer::advance() {
  skip_blanks();
  token_ = Token{};
  token_.line = line_;
  token_.column = column_;
  token_.first_on_line = new_line_;
  new_line_ = false;
  if (position_ >= text_.size())
    return;
  if (at() == '"') {
    read_string();
  } else if (is_digit(at()) || (at() == '-' && is_digit(at(1)))) {
    read_number();
  } else if (is_word_letter(at())) {
    token_.kind = Token::Kind::Word;
    for (; position_ < text_.size() && is_word_letter(at()); step())
      token_.text += at();
  } else {
    token_.kind = Token::Kind::Sign;
    token_.text = at();
    step();
    if (token_.text == "-" && at() == '>') {
      token_.text = "->";
      step();
    }
  }
}

void TextLexer::read_string() {
  token_.kind = Token::Kind::String;
  step();
  while (position_ < text_.size() && at() != '"') {
    if (at() != '\\') {
      token_.text += at();
      step();
      continue;
    }
    step();
    char letter = at();
    step();
    if (letter == 'x') {
      unsigned value = 0;
      auto [end, status] =
          std::from_chars(text_.data() + position_, text_.data() + std::min(position_ + 2, text_.size()), value, 16);
      malformed_ |= status != std::errc() || end != text_.data() + position_ + 2;
      token_.text += char(value);
      step();
      step();
    } else {
      token_.text += letter == 'n' ? '\n' : letter == 't' ? '\t' : letter;
    }
  }
  malformed_ |= position_ >= text_.size();
  step();
}

void TextLexer::read_number() {
  token_.kind = Token::Kind::Number;
  auto [end, status] = std::from_chars(text_.data() + position_, text_.data() + text_.size(), token_.number);
  malformed_ |= status != std::errc();
  while (position_ < size_t(end - text_.data()))
    step();
}

} // namespace tapjit::ir
