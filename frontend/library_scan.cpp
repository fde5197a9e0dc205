// SPDX-License-Identifier: GPL-2.0-or-later
// The fast scan of a tapset text: which names it defines at top level. It lexes but does not parse or preprocess, so
// that both branches of a condition count; a file that is read for a name it turns out not to define costs a parse,
// nothing else.
#include "frontend/library_scan.h"

#include "frontend/lexer.h"

namespace tapjit {

namespace {

class Scanner {
public:
  Scanner(const std::vector<Token> &tokens, LibraryFile &file) : tokens_(tokens), file_(file) {}

  void run() {
    bool is_private = false;
    for (; kind() != TokenKind::end; ++at_) {
      switch (kind()) {
      case TokenKind::lbrace:
        skip_block();
        break;
      case TokenKind::kw_private:
        is_private = true;
        continue;
      case TokenKind::kw_function:
        if (kind(1) == TokenKind::name && !is_private)
          file_.functions.emplace_back(tokens_[at_ + 1].text);
        break;
      case TokenKind::kw_global:
        scan_globals(is_private);
        break;
      case TokenKind::kw_probe:
        scan_probe();
        break;
      default:
        break;
      }
      is_private = false;
    }
  }

private:
  TokenKind kind(size_t ahead = 0) const {
    return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead].kind : TokenKind::end;
  }

  // Leaves at_ on the closing brace.
  void skip_block() {
    size_t depth = 0;
    for (; kind() != TokenKind::end; ++at_) {
      if (kind() == TokenKind::lbrace)
        ++depth;
      if (kind() == TokenKind::rbrace && --depth == 0)
        return;
    }
    --at_;
  }

  // `global a[5] = 3, b%, c`: the names behind `global` and behind commas outside brackets.
  void scan_globals(bool is_private) {
    bool wanted = true;
    for (++at_; kind() != TokenKind::end; ++at_) {
      TokenKind token = kind();
      if (wanted) {
        if (token != TokenKind::name)
          break;
        if (!is_private)
          file_.globals.emplace_back(tokens_[at_].text);
        wanted = false;
      } else if (token == TokenKind::comma) {
        wanted = true;
      } else if (token != TokenKind::number && token != TokenKind::string && token != TokenKind::assign &&
                 token != TokenKind::minus && token != TokenKind::percent && token != TokenKind::mod_assign &&
                 token != TokenKind::lbracket && token != TokenKind::rbracket) {
        break;
      }
    }
    --at_;
  }

  // `probe a.b = c.d, a.c = ...`: what stands before an `=` are alias names.
  void scan_probe() {
    std::vector<std::string> names;
    std::string name;
    bool braces = false;
    size_t start = at_;
    for (++at_; kind() != TokenKind::end; ++at_) {
      const Token &token = tokens_[at_];
      if (token.kind == TokenKind::assign || token.kind == TokenKind::add_assign) {
        names.push_back(braces ? "*" : name);
        file_.aliases.insert(file_.aliases.end(), names.begin(), names.end());
        names.clear();
        name.clear();
        braces = false;
      } else if (token.kind == TokenKind::comma) {
        names.push_back(braces ? "*" : name);
        name.clear();
      } else if (token.kind == TokenKind::lbrace) {
        // A body, unless an alternative of names: `{a, b}.c`.
        TokenKind before = at_ ? tokens_[at_ - 1].kind : TokenKind::end;
        if (before != TokenKind::dot && at_ != start + 1 && before != TokenKind::comma && before != TokenKind::assign) {
          skip_block();
          return;
        }
        braces = true;
        skip_block();
      } else if (token.kind == TokenKind::name || token.kind == TokenKind::dot || token.kind == TokenKind::star ||
                 token.kind == TokenKind::number || is_keyword(token.kind)) {
        name += token.text;
      }
    }
    --at_;
  }

  const std::vector<Token> &tokens_;
  LibraryFile &file_;
  size_t at_ = 0;
};

void append_line(std::string &out, char tag, std::string_view text) {
  out += tag;
  out += text;
  out += '\n';
}

bool take_line(std::string_view &bytes, std::string_view &line) {
  size_t end = bytes.find('\n');
  if (end == std::string_view::npos)
    return false;
  line = bytes.substr(0, end);
  bytes.remove_prefix(end + 1);
  return true;
}

bool take_number(std::string_view &line, int64_t &number) {
  number = 0;
  size_t at = 0;
  for (; at < line.size() && line[at] >= '0' && line[at] <= '9'; ++at)
    if (__builtin_mul_overflow(number, int64_t{10}, &number) ||
        __builtin_add_overflow(number, int64_t{line[at] - '0'}, &number))
      return false;
  if (at == 0 || at >= line.size() || line[at] != ' ')
    return false;
  line.remove_prefix(at + 1);
  return true;
}

constexpr std::string_view magic = "tapjit tapset index 1";

} // namespace

void scan_definitions(const std::vector<Token> &tokens, LibraryFile &file) { Scanner(tokens, file).run(); }

std::string write_index(const std::vector<LibraryFile> &files) {
  std::string out(magic);
  out += '\n';
  for (const LibraryFile &file : files) {
    append_line(out, 'F',
                std::to_string(file.mtime_ns) + " " + std::to_string(file.size) + " " + (file.is_macros ? "1" : "0") +
                    " " + file.path);
    for (const std::string &name : file.functions)
      append_line(out, 'f', name);
    for (const std::string &name : file.globals)
      append_line(out, 'g', name);
    for (const std::string &name : file.aliases)
      append_line(out, 'a', name);
  }
  append_line(out, 'E', "");
  return out;
}

bool read_index(std::string_view bytes, std::vector<LibraryFile> &files) {
  std::string_view line;
  if (!take_line(bytes, line) || line != magic)
    return false;
  while (take_line(bytes, line)) {
    if (line.empty())
      return false;
    char tag = line[0];
    line.remove_prefix(1);
    if (tag == 'E')
      return bytes.empty();
    if (tag == 'F') {
      LibraryFile file;
      int64_t is_macros;
      if (!take_number(line, file.mtime_ns) || !take_number(line, file.size) || !take_number(line, is_macros))
        return false;
      file.is_macros = is_macros != 0;
      file.path = line;
      files.push_back(std::move(file));
      continue;
    }
    if (files.empty())
      return false;
    std::vector<std::string> *list = tag == 'f'   ? &files.back().functions
                                     : tag == 'g' ? &files.back().globals
                                     : tag == 'a' ? &files.back().aliases
                                                  : nullptr;
    if (!list)
      return false;
    list->emplace_back(line);
  }
  return false;
}

} // namespace tapjit
