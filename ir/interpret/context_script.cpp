// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/interpret/context_script.h"

#include "ir/text_lexer.h"

#include <charconv>
#include <fmt/format.h>

namespace tapjit::ir {

namespace {

constexpr int64_t most_values = 1024; // registers, arguments, entry values

class Reader {
public:
  Reader(std::string_view text, const Module &module) : lexer_(text), module_(module) {}

  Result<SessionOptions> read() {
    while (error_.empty() && lexer_.peek().kind != Token::Kind::End)
      line();
    if (error_.empty() && lexer_.malformed())
      complain(lexer_.peek(), "a string that does not end, or a number out of range");
    if (!error_.empty())
      return Error{error_, ""};
    return std::move(options_);
  }

private:
  void complain(const Token &at, const std::string &what) {
    if (error_.empty())
      error_ = fmt::format("{}:{}: {}", at.line, at.column, what);
  }
  bool line_goes_on() { return lexer_.peek().kind != Token::Kind::End && !lexer_.peek().first_on_line; }

  Token word(const char *wanted) {
    Token token = lexer_.take();
    if (token.kind != Token::Kind::Word)
      complain(token, fmt::format("expected {}", wanted));
    return token;
  }

  int64_t number() {
    Token token = lexer_.take();
    if (token.kind != Token::Kind::Number) {
      complain(token, "expected a number");
      return 0;
    }
    if (token.number != 0 || lexer_.peek().kind != Token::Kind::Word || lexer_.peek().text[0] != 'x' ||
        lexer_.peek().column != token.column + 1)
      return token.number;
    Token digits = lexer_.take();
    uint64_t value = 0;
    const char *begin = digits.text.data() + 1, *end = digits.text.data() + digits.text.size();
    auto [stop, status] = std::from_chars(begin, end, value, 16);
    if (status != std::errc() || stop != end)
      complain(token, "expected a number");
    return int64_t(value);
  }

  std::string text() {
    Token token = lexer_.take();
    if (token.kind != Token::Kind::String)
      complain(token, "expected a string");
    return token.text;
  }

  void indexed(std::vector<int64_t> &values) {
    Token at = lexer_.peek();
    int64_t index = number(), value = number();
    if (index < 0 || index >= most_values)
      return complain(at, fmt::format("{} is not from 0 to {}", index, most_values - 1));
    store(values, index, value);
  }

  static void store(std::vector<int64_t> &values, int64_t index, int64_t value) {
    if (size_t(index) >= values.size())
      values.resize(size_t(index) + 1);
    values[size_t(index)] = value;
  }

  // A number or a string.
  void entry() {
    HitContext &context = options_.context;
    Token at = lexer_.take();
    bool is_index = at.kind == Token::Kind::Number && at.number >= 0 && at.number < most_values;
    if (is_index && lexer_.peek().kind == Token::Kind::String)
      context.entry_texts[at.number] = text();
    else if (is_index)
      store(context.entry_values, at.number, number());
    else
      complain(at, fmt::format("expected a number from 0 to {}", most_values - 1));
  }

  void memory(MemoryImage &image) {
    uint64_t address = uint64_t(number());
    std::string bytes;
    while (line_goes_on() && error_.empty())
      bytes += lexer_.peek().kind == Token::Kind::String ? text() : std::string(1, char(number()));
    image.pieces[address] = bytes;
  }

  void hits() {
    do {
      Token at = lexer_.peek();
      int64_t probe = number();
      if (probe < 0 || size_t(probe) >= module_.probes.size())
        return complain(at, fmt::format("there is no probe {}", probe));
      options_.hits.push_back({ProbeId{uint32_t(probe)}, options_.context});
    } while (line_goes_on() && error_.empty());
  }

  void line() {
    Token what = word("a word like `register`");
    HitContext &context = options_.context;
    if (what.text == "register")
      indexed(context.registers);
    else if (what.text == "entry")
      entry();
    else if (what.text == "argument")
      indexed(context.tracepoint_args);
    else if (what.text == "point")
      context.probe_point = text();
    else if (what.text == "function")
      context.function = text();
    else if (what.text == "message")
      context.message = text();
    else if (what.text == "kernel")
      memory(context.kernel);
    else if (what.text == "user")
      memory(context.user);
    else if (what.text == "time")
      options_.start_ns = number();
    else if (what.text == "hit")
      hits();
    else if (what.text == "value")
      value(word("the name of a function").text);
    else
      complain(what, fmt::format("`{}` is none of register, entry, argument, point, function, message, kernel, user, "
                                 "value, time, hit",
                                 what.text));
    if (error_.empty() && line_goes_on())
      complain(lexer_.peek(), "expected the end of the line");
  }

  void value(const std::string &name) {
    auto &given = options_.context.embedded[name];
    if (lexer_.peek().kind == Token::Kind::String)
      given = text();
    else
      given = number();
  }

  TextLexer lexer_;
  const Module &module_;
  SessionOptions options_;
  std::string error_;
};

} // namespace

Result<SessionOptions> read_context_script(std::string_view text, const Module &module) {
  return Reader(text, module).read();
}

} // namespace tapjit::ir
