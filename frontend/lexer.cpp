// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/lexer.h"

#include <array>
#include <string>

namespace tapjit {

namespace {

constexpr std::string_view descriptions[] = {
#define TOKEN(kind, text) text,
#include "frontend/tokens.def"
};

struct Spelling {
  TokenKind kind;
  std::string_view text;
};
constexpr Spelling keywords[] = {
#define KEYWORD(kind, spelling) {TokenKind::kind, spelling},
#define PUNCT(kind, spelling)
#include "frontend/tokens.def"
};
constexpr Spelling punctuations[] = {
#define KEYWORD(kind, spelling)
#define PUNCT(kind, spelling) {TokenKind::kind, spelling},
#include "frontend/tokens.def"
};
struct BuiltinWord {
  std::string_view word, since;
};
constexpr BuiltinWord builtins[] = {
#define KEYWORD(kind, spelling)
#define PUNCT(kind, spelling)
#define BUILTIN(name, since) {#name, since},
#include "frontend/tokens.def"
};

enum CharClass : uint8_t { other_class = 0, space_class = 1, word_start_class = 2, digit_class = 4 };

constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c)
    table[static_cast<size_t>(c)] = word_start_class;
  for (int c = 'A'; c <= 'Z'; ++c)
    table[static_cast<size_t>(c)] = word_start_class;
  table['_'] = table['$'] = word_start_class;
  for (int c = '0'; c <= '9'; ++c)
    table[static_cast<size_t>(c)] = digit_class;
  for (char c : {' ', '\t', '\n', '\r', '\v', '\f'})
    table[static_cast<unsigned char>(c)] = space_class;
  return table;
}
constexpr std::array<uint8_t, 256> classes = make_classes();

uint8_t class_of(char c) { return classes[static_cast<unsigned char>(c)]; }
bool is_word_char(char c) { return class_of(c) & (word_start_class | digit_class); }

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

class Lexer {
public:
  Lexer(const SourceTable &sources, SourceId source, Arena &arena, Diagnostics &diagnostics, LexOptions options)
      : sources_(sources), source_(source), text_(sources.text(source)), arena_(arena), diagnostics_(diagnostics),
        options_(options) {}

  std::vector<Token> run() {
    tokens_.reserve(text_.size() / 4 + 2);
    for (;;) {
      bool skipped = skip_space();
      Token token;
      token.glued = !skipped;
      token.loc = sources_.loc(source_, at_);
      if (at_ >= text_.size() || errors_ > max_errors) {
        tokens_.push_back(token);
        return std::move(tokens_);
      }
      size_t start = at_;
      lex_one(token);
      token.length = static_cast<uint32_t>(at_ - start);
      tokens_.push_back(token);
    }
  }

private:
  char peek(size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  Loc here() const { return sources_.loc(source_, at_); }

  // Skips blanks and comments; whether there were any.
  bool skip_space() {
    size_t start = at_;
    while (at_ < text_.size()) {
      char c = text_[at_];
      if (class_of(c) == space_class) {
        ++at_;
      } else if (c == '#' || (c == '/' && peek(1) == '/')) {
        size_t end = text_.find('\n', at_);
        at_ = end == std::string_view::npos ? text_.size() : end + 1;
      } else if (c == '/' && peek(1) == '*') {
        size_t end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) {
          diagnostics_.report(DiagId::unterminated_comment, here());
          at_ = text_.size();
        } else {
          at_ = end + 2;
        }
      } else {
        break;
      }
    }
    return at_ != start;
  }

  // Fills `token` with what stands at at_.
  void lex_one(Token &token) {
    char c = text_[at_];
    if ((c == '$' || c == '@') && lex_argument(token))
      return;
    if (class_of(c) == word_start_class) {
      lex_word(token);
    } else if (class_of(c) == digit_class) {
      lex_number(token);
    } else if (c == '"') {
      lex_string(token);
    } else if (c == '@' && class_of(peek(1)) == word_start_class) {
      ++at_;
      token.kind = TokenKind::at_word;
      token.text = take_word();
    } else if (c == '%' && peek(1) == '{') {
      lex_embedded(token);
    } else if (!lex_punctuation(token)) {
      lex_junk(token);
    }
  }

  std::string_view take_word() {
    size_t start = at_;
    while (at_ < text_.size() && is_word_char(text_[at_]))
      ++at_;
    return text_.substr(start, at_ - start);
  }

  bool lex_argument(Token &token) {
    char kind = text_[at_];
    if (peek(1) == '#') {
      token.kind = TokenKind::argument_count;
      token.text = text_.substr(at_, 2);
      at_ += 2;
      return true;
    }
    if (class_of(peek(1)) != digit_class)
      return false;
    size_t start = at_++;
    uint32_t number = 0;
    while (class_of(peek()) == digit_class) {
      number = number > 100000 ? number : number * 10 + static_cast<uint32_t>(peek() - '0');
      ++at_;
    }
    token.kind = kind == '$' ? TokenKind::argument : TokenKind::argument_string;
    token.argument = number;
    token.text = text_.substr(start, at_ - start);
    return true;
  }

  void lex_word(Token &token) {
    token.text = take_word();
    token.kind = TokenKind::name;
    if (token.text.size() >= 2 && token.text.size() <= 8 && token.text[0] >= 'a')
      for (const Spelling &keyword : keywords)
        if (keyword.text == token.text) {
          token.kind = keyword.kind;
          break;
        }
    if (token.kind == TokenKind::kw_private && !options_.private_keyword)
      token.kind = TokenKind::name;
  }

  // C's integers: decimal, 0x, leading 0 octal; up to 2^64-1.
  void lex_number(Token &token) {
    token.kind = TokenKind::number;
    token.text = take_word();
    std::string_view digits = token.text;
    unsigned base = 10;
    if (digits.size() > 2 && digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
      base = 16;
      digits.remove_prefix(2);
    } else if (digits.size() > 1 && digits[0] == '0') {
      base = 8;
    }
    uint64_t value = 0;
    for (char c : digits) {
      int digit = hex_digit(c);
      uint64_t next;
      if (digit < 0 || static_cast<unsigned>(digit) >= base || __builtin_mul_overflow(value, uint64_t{base}, &next) ||
          __builtin_add_overflow(next, static_cast<uint64_t>(digit), &value)) {
        token.broken = true;
        return;
      }
    }
    token.number = static_cast<int64_t>(value);
  }

  void lex_string(Token &token) {
    Loc start_loc = here();
    size_t start = ++at_;
    bool escapes = false;
    for (; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\n') {
        ++errors_;
        diagnostics_.report(DiagId::newline_in_string, start_loc);
        token.kind = TokenKind::string;
        token.broken = true;
        return;
      }
      if (text_[at_] == '\\') {
        escapes = true;
        if (at_ + 1 < text_.size())
          ++at_;
      }
    }
    std::string_view raw = text_.substr(start, at_ - start);
    if (at_ >= text_.size())
      diagnostics_.report(DiagId::unterminated_string, start_loc);
    else
      ++at_;
    token.kind = TokenKind::string;
    token.text = escapes ? arena_.copy(unescape(raw)) : raw;
  }

  std::string unescape(std::string_view raw) const {
    std::string out;
    out.reserve(raw.size());
    for (size_t i = 0; i < raw.size(); ++i) {
      if (raw[i] != '\\' || i + 1 >= raw.size()) {
        out += raw[i];
        continue;
      }
      char c = raw[++i];
      constexpr std::string_view escape_letters = "abtnvfr";
      constexpr std::string_view escape_bytes = "\a\b\t\n\v\f\r";
      if (size_t letter = escape_letters.find(c); letter != std::string_view::npos) {
        out += escape_bytes[letter];
      } else if (c >= '0' && c <= '7') {
        unsigned value = 0;
        size_t end = i + 3;
        for (; i < end && i < raw.size() && raw[i] >= '0' && raw[i] <= '7'; ++i)
          value = value * 8 + static_cast<unsigned>(raw[i] - '0');
        --i;
        out += static_cast<char>(value);
      } else if (c == 'x' && options_.hex_escapes && i + 1 < raw.size() && hex_digit(raw[i + 1]) >= 0) {
        int value = hex_digit(raw[++i]);
        if (i + 1 < raw.size() && hex_digit(raw[i + 1]) >= 0)
          value = value * 16 + hex_digit(raw[++i]);
        out += static_cast<char>(value);
      } else {
        out += c;
      }
    }
    return out;
  }

  void lex_embedded(Token &token) {
    Loc start_loc = here();
    size_t start = at_ + 2;
    size_t end = text_.find("%}", start);
    token.kind = TokenKind::embedded;
    bool ends = end != std::string_view::npos;
    token.text = text_.substr(start, ends ? end - start : end);
    at_ = ends ? end + 2 : text_.size();
    if (size_t swapped = token.text.find("}%"); swapped != std::string_view::npos)
      diagnostics_.report(DiagId::embedded_end_swapped, sources_.loc(source_, start + swapped)).span(2);
    if (!ends)
      diagnostics_.report(DiagId::unterminated_embedded, start_loc).span(2);
  }

  bool lex_punctuation(Token &token) {
    std::string_view rest = text_.substr(at_, 3);
    for (const Spelling &punctuation : punctuations)
      if (punctuation.text[0] == rest[0] && rest.starts_with(punctuation.text)) {
        token.kind = punctuation.kind;
        token.text = text_.substr(at_, punctuation.text.size());
        at_ += punctuation.text.size();
        return true;
      }
    return false;
  }

  // One token for a run of bytes that mean nothing, such as a binary file.
  void lex_junk(Token &token) {
    token.kind = TokenKind::junk;
    token.text = text_.substr(at_, 1);
    unsigned char byte = static_cast<unsigned char>(text_[at_]);
    if (byte < 32 || byte >= 127) {
      constexpr char hex_digits[] = "0123456789abcdef";
      token.text = arena_.copy(std::string("\\x") + hex_digits[byte >> 4] + hex_digits[byte & 15]);
    }
    for (++at_; at_ < text_.size() && class_of(text_[at_]) == other_class && !is_punctuation(text_[at_]) &&
                std::string_view("\"#@").find(text_[at_]) == std::string_view::npos;)
      ++at_;
  }

  static bool is_punctuation(char c) {
    for (const Spelling &punctuation : punctuations)
      if (punctuation.text[0] == c)
        return true;
    return false;
  }

  const SourceTable &sources_;
  SourceId source_;
  std::string_view text_;
  Arena &arena_;
  Diagnostics &diagnostics_;
  LexOptions options_;
  std::vector<Token> tokens_;
  size_t at_ = 0;
  static constexpr unsigned max_errors = 10; // then it is no script
  unsigned errors_ = 0;
};

} // namespace

std::string_view token_description(TokenKind kind) { return descriptions[static_cast<size_t>(kind)]; }

std::string describe_token(const Token &token) {
  switch (token.kind) {
  case TokenKind::name:
  case TokenKind::number:
  case TokenKind::argument:
  case TokenKind::argument_string:
    return "`" + std::string(token.text) + "`";
  case TokenKind::at_word:
    return "`@" + std::string(token.text) + "`";
  default:
    return std::string(token_description(token.kind));
  }
}

std::string number_problem(std::string_view text) {
  std::string_view digits = text.substr(text.starts_with('-'));
  bool hex = digits.starts_with("0x") || digits.starts_with("0X");
  size_t other = digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789", hex ? 2 : 0);
  if (digits.starts_with("0b") && digits.find_first_not_of("01", 2) == std::string_view::npos)
    return ": there are no binary numbers, write it in hexadecimal";
  if (other != std::string_view::npos)
    return ": `" + std::string(digits.substr(other, 1)) + "` is no digit of it";
  if (!hex && digits.starts_with('0') && digits.find_first_of("89") != std::string_view::npos)
    return ": a leading 0 means octal";
  return hex && digits.size() == 2 ? ": digits must follow `0x`" : ": it does not fit 64 bits";
}

bool is_keyword(TokenKind kind) { return kind >= TokenKind::kw_probe && kind <= TokenKind::kw_catch; }

std::vector<std::string_view> builtin_at_words() {
  std::vector<std::string_view> words;
  for (const BuiltinWord &builtin : builtins)
    words.push_back(builtin.word);
  return words;
}

std::string_view builtin_at_word_since(std::string_view word) {
  for (const BuiltinWord &builtin : builtins)
    if (builtin.word == word)
      return builtin.since;
  return {};
}

std::vector<Token> lex(const SourceTable &sources, SourceId source, Arena &arena, Diagnostics &diagnostics,
                       LexOptions options) {
  return Lexer(sources, source, arena, diagnostics, options).run();
}

bool mentions(std::string_view text, std::string_view word) {
  for (size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
    size_t end = at + word.size();
    if ((at == 0 || !is_word_char(text[at - 1])) && (end == text.size() || !is_word_char(text[end])))
      return true;
  }
  return false;
}

} // namespace tapjit
