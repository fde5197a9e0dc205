// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/preprocess.h"

#include "frontend/condition.h"

#include <algorithm>
#include <string>

namespace tapjit {

namespace {

constexpr size_t max_expansion_depth = 100;
constexpr size_t max_macro_tokens = 2'000'000; // what a macro bomb may make before it is stopped

// One place tokens are read from: the file, a macro's body, a macro's argument, a script argument.
struct Frame {
  std::vector<Token> owned; // for frames that made their tokens
  const std::vector<Token> *tokens;
  size_t at = 0;
  const Macro *macro = nullptr; // of a body
  Loc use;                      // of a body or argument: where it was used
  std::vector<std::vector<Token>> arguments;
};

class Preprocessor {
public:
  Preprocessor(const ParseOptions &options, SourceTable &sources, Arena &arena, MacroTable &own_macros,
               Diagnostics &diagnostics)
      : options_(options), sources_(sources), arena_(arena), own_macros_(own_macros), diagnostics_(diagnostics),
        define_(sources.intern("define")) {}

  std::vector<Token> run(std::vector<Token> tokens) {
    if (is_plain(tokens))
      return tokens; // nothing to do, as in most scripts
    out_.reserve(tokens.size());
    end_ = tokens.back();
    push(std::move(tokens), nullptr, Loc{});
    for (Token token; next(token);) {
      out_.push_back(token);
    }
    if (open_conditions_ != 0 && !failed_)
      diagnostics_.report(DiagId::unterminated_condition, open_loc_);
    if (failed_)
      out_.clear(); // half a script gives only further errors
    out_.push_back(end_);
    return std::move(out_);
  }

private:
  static bool is_plain(const std::vector<Token> &tokens) {
    return std::none_of(tokens.begin(), tokens.end(), [](const Token &token) {
      switch (token.kind) {
      case TokenKind::pp_open:
      case TokenKind::pp_then:
      case TokenKind::pp_else:
      case TokenKind::pp_close:
      case TokenKind::argument:
      case TokenKind::argument_string:
      case TokenKind::argument_count:
        return true;
      case TokenKind::at_word:
        return !is_builtin_at_word(token.text);
      default:
        return false;
      }
    });
  }

  void push(std::vector<Token> tokens, const Macro *macro, Loc use) {
    auto frame = std::make_unique<Frame>();
    frame->owned = std::move(tokens);
    frame->tokens = &frame->owned;
    frame->macro = macro;
    frame->use = use;
    frames_.push_back(std::move(frame));
  }

  // The next token as written, with its macro's parameters replaced; false at the end.
  bool next_raw(Token &token) {
    while (!frames_.empty()) {
      Frame &frame = *frames_.back();
      if (frame.at >= frame.tokens->size() || (*frame.tokens)[frame.at].kind == TokenKind::end) {
        frames_.pop_back();
        continue;
      }
      token = (*frame.tokens)[frame.at++];
      if (frames_.size() > 1 && ++macro_tokens_ > max_macro_tokens)
        return too_deep(token);
      if (frame.macro) {
        if (token.kind == TokenKind::at_word && !frame.macro->params.empty()) {
          if (size_t index = parameter_index(*frame.macro, token.text); index < frame.arguments.size()) {
            std::vector<Token> argument = frame.arguments[index];
            if (frames_.size() > max_expansion_depth)
              return too_deep(token);
            push(std::move(argument), nullptr, Loc{});
            continue;
          }
        }
        token.loc = sources_.expanded(token.loc, frame.use, ExpansionKind::macro, frame.macro->name);
      } else if (frame.use) {
        token.loc = sources_.expanded(token.loc, frame.use, ExpansionKind::argument, Name());
      }
      return true;
    }
    return false;
  }

  size_t parameter_index(const Macro &macro, std::string_view word) const {
    for (size_t i = 0; i < macro.params.size(); ++i)
      if (macro.params[i].view() == word)
        return i;
    return SIZE_MAX;
  }

  bool too_deep(const Token &token) {
    Name name;
    for (const auto &frame : frames_)
      if (frame->macro && !name)
        name = frame->macro->name;
    if (!failed_)
      diagnostics_.report(DiagId::macro_too_deep, sources_.outermost_use(token.loc), {name});
    frames_.clear();
    failed_ = true;
    return false;
  }

  // The next token that belongs in the output; false at the end.
  bool next(Token &token) {
    while (next_raw(token)) {
      switch (token.kind) {
      case TokenKind::at_word:
        if (token.text == define_.view()) {
          read_define(token.loc);
          continue;
        }
        if (is_builtin_at_word(token.text))
          return true;
        expand_macro(token);
        continue;
      case TokenKind::argument:
      case TokenKind::argument_string:
      case TokenKind::argument_count:
        if (insert_argument(token))
          return true;
        continue;
      case TokenKind::pp_open:
        begin_condition(token.loc);
        continue;
      case TokenKind::pp_else:
        if (open_conditions_ == 0)
          break;
        skip_branch(token.loc, false); // the taken branch ends: skip the other
        --open_conditions_;
        continue;
      case TokenKind::pp_close:
        if (open_conditions_ == 0)
          break;
        --open_conditions_;
        continue;
      case TokenKind::pp_then:
        break;
      default:
        return true;
      }
      diagnostics_.report(DiagId::stray_preprocessor, token.loc, {token.text});
    }
    return false;
  }

  // -------------------------------------------------------------- conditions

  void begin_condition(Loc loc) {
    std::vector<Token> condition;
    ++open_conditions_;
    open_loc_ = loc;
    Token token;
    for (;;) {
      if (!next_condition_token(token)) {
        if (!failed_)
          diagnostics_.report(DiagId::unterminated_condition, loc);
        open_conditions_ = 0;
        return;
      }
      if (token.kind == TokenKind::pp_then)
        break;
      condition.push_back(token);
    }
    bool taken = evaluate_condition(condition, loc, options_, diagnostics_);
    if (taken)
      return;
    if (skip_branch(loc, true)) // stopped at `%:`: the other branch is taken
      return;
    --open_conditions_;
  }

  bool next_condition_token(Token &token) {
    while (next_raw(token)) {
      if (token.kind == TokenKind::pp_then)
        return true;
      if (token.kind == TokenKind::at_word && !is_builtin_at_word(token.text)) {
        expand_macro(token);
        continue;
      }
      if (token.kind == TokenKind::argument || token.kind == TokenKind::argument_string ||
          token.kind == TokenKind::argument_count) {
        if (insert_argument(token))
          return true;
        continue;
      }
      return true;
    }
    return false;
  }

  // Skips to the `%)` of this level, or to its `%:` when `stop_at_else`. True when stopped at `%:`.
  bool skip_branch(Loc loc, bool stop_at_else) {
    size_t depth = 0;
    Token token;
    while (next_raw(token)) {
      if (token.kind == TokenKind::pp_open) {
        ++depth;
      } else if (token.kind == TokenKind::pp_close) {
        if (depth-- == 0)
          return false;
      } else if (token.kind == TokenKind::pp_else && depth == 0 && stop_at_else) {
        return true;
      }
    }
    diagnostics_.report(DiagId::unterminated_condition, loc);
    open_conditions_ = 1; // the caller takes it off
    return false;
  }

  // -------------------------------------------------------------- arguments

  // Turns the token into what the argument says; false when its tokens were pushed (or nothing came of it).
  bool insert_argument(Token &token) {
    size_t given = options_.arguments.size();
    if (token.kind == TokenKind::argument_count) {
      bool as_string = token.text[0] == '@';
      token.kind = as_string ? TokenKind::string : TokenKind::number;
      token.number = static_cast<int64_t>(given);
      token.text = arena_.copy(std::to_string(given));
      return true;
    }
    if (token.argument == 0 || token.argument > given) {
      diagnostics_.report(DiagId::argument_out_of_range, token.loc, {token.text, given})
          .hint("arguments follow the script's name on the command line");
      token.kind = TokenKind::number; // so that one slip gives one error
      token.number = 0;
      return true;
    }
    size_t index = token.argument - 1;
    if (options_.used_arguments && index < options_.used_arguments->size())
      (*options_.used_arguments)[index] = true;
    const std::string &text = options_.arguments[index];
    if (token.kind == TokenKind::argument_string) {
      token.kind = TokenKind::string;
      token.text = arena_.copy(std::string_view(text));
      return true;
    }
    SourceId source = sources_.add("<argument " + std::to_string(token.argument) + ">", text, SourceKind::command_line);
    std::vector<Token> tokens = lex(sources_, source, arena_, diagnostics_);
    for (Token &inner : tokens) // no substitution within a substitution
      if (inner.kind == TokenKind::argument || inner.kind == TokenKind::argument_string ||
          inner.kind == TokenKind::argument_count)
        inner.kind = TokenKind::name;
    push(std::move(tokens), nullptr, token.loc);
    return false;
  }

  // -------------------------------------------------------------- macros

  bool expect_raw(Token &token, TokenKind kind) {
    if (!next_raw(token)) {
      if (!failed_)
        diagnostics_.report(DiagId::expected, end_.loc, {token_description(kind), token_description(TokenKind::end)});
      return false;
    }
    if (token.kind != kind) {
      diagnostics_.report(DiagId::expected, token.loc, {token_description(kind), describe_token(token)});
      return false;
    }
    return true;
  }

  void read_define(Loc loc) {
    if (!frames_.empty() && frames_.back()->macro) {
      diagnostics_.report(DiagId::macro_nested_define, loc);
      return;
    }
    Token token;
    if (!expect_raw(token, TokenKind::name))
      return;
    Macro macro;
    macro.name = sources_.intern(token.text);
    macro.loc = token.loc;
    if (!next_raw(token))
      return;
    if (token.kind == TokenKind::lparen) {
      while (next_raw(token) && token.kind != TokenKind::rparen) {
        if (token.kind == TokenKind::comma)
          continue;
        if (token.kind != TokenKind::name && !is_keyword(token.kind)) {
          diagnostics_.report(DiagId::expected, token.loc, {"a parameter", describe_token(token)});
          return;
        }
        macro.params.push_back(sources_.intern(token.text));
      }
      if (!next_raw(token))
        return;
    }
    if (token.kind != TokenKind::pp_open) {
      diagnostics_.report(DiagId::expected, token.loc, {"`%(`", describe_token(token)});
      return;
    }
    if (!read_body(loc, macro))
      return;
    if (is_builtin_at_word(macro.name.view()))
      diagnostics_.report(DiagId::macro_builtin_name, macro.loc, {macro.name});
    Loc at = macro.loc;
    Name name = macro.name;
    if (!own_macros_.add(std::move(macro)))
      diagnostics_.report(DiagId::macro_redefined, at, {name}).note(own_macros_.find(name)->loc, "first defined here");
  }

  bool read_body(Loc loc, Macro &macro) {
    Token token;
    for (size_t depth = 0; next_raw(token);) {
      if (token.kind == TokenKind::pp_open)
        ++depth;
      if (token.kind == TokenKind::pp_close && depth-- == 0)
        return true;
      if (token.kind == TokenKind::at_word && token.text == define_.view())
        diagnostics_.report(DiagId::macro_nested_define, token.loc);
      macro.body.push_back(token);
    }
    diagnostics_.report(DiagId::unterminated_condition, loc);
    return false;
  }

  void expand_macro(const Token &use) {
    Name name = sources_.intern(use.text);
    const Macro *macro = own_macros_.find(name);
    if (!macro && options_.library_macros)
      macro = options_.library_macros->find(name);
    if (!macro) {
      report_unknown(use);
      return;
    }
    std::vector<std::vector<Token>> arguments;
    if (!macro->params.empty() && !read_arguments(use, *macro, arguments))
      return;
    if (frames_.size() > max_expansion_depth) {
      too_deep(use);
      return;
    }
    auto frame = std::make_unique<Frame>();
    frame->tokens = &macro->body;
    frame->macro = macro;
    frame->use = use.loc;
    frame->arguments = std::move(arguments);
    frames_.push_back(std::move(frame));
  }

  void report_unknown(const Token &use) {
    std::vector<std::string_view> names;
    for (const auto &[name, macro] : own_macros_.all())
      names.push_back(name.view());
    if (options_.library_macros)
      for (const auto &[name, macro] : options_.library_macros->all())
        names.push_back(name.view());
    std::sort(names.begin(), names.end());
    Diagnostic &diagnostic = diagnostics_.report(DiagId::unknown_macro, use.loc, {use.text});
    if (std::string_view near = nearest_name(use.text, names); !near.empty())
      diagnostic.hint("did you mean `@" + std::string(near) + "`?");
  }

  // `(a, b)` behind a macro with parameters: tokens between commas, brackets balanced.
  bool read_arguments(const Token &use, const Macro &macro, std::vector<std::vector<Token>> &arguments) {
    Token token;
    if (!expect_raw(token, TokenKind::lparen))
      return false;
    size_t depth = 0;
    arguments.emplace_back();
    for (;;) {
      if (!next_raw(token)) {
        if (!failed_)
          diagnostics_.report(DiagId::expected, use.loc, {"`)`", token_description(TokenKind::end)});
        return false;
      }
      if (token.kind == TokenKind::lparen || token.kind == TokenKind::lbracket || token.kind == TokenKind::lbrace) {
        ++depth;
      } else if (token.kind == TokenKind::rparen || token.kind == TokenKind::rbracket ||
                 token.kind == TokenKind::rbrace) {
        if (depth == 0)
          break;
        --depth;
      } else if (token.kind == TokenKind::comma && depth == 0) {
        arguments.emplace_back();
        continue;
      }
      arguments.back().push_back(token);
    }
    if (arguments.size() != macro.params.size()) {
      diagnostics_.report(DiagId::macro_argument_count, use.loc, {macro.name, macro.params.size(), arguments.size()})
          .note(macro.loc, "defined here");
      return false;
    }
    return true;
  }

  const ParseOptions &options_;
  SourceTable &sources_;
  Arena &arena_;
  MacroTable &own_macros_;
  Diagnostics &diagnostics_;
  Name define_;
  std::vector<std::unique_ptr<Frame>> frames_;
  std::vector<Token> out_;
  Token end_;
  size_t open_conditions_ = 0;
  size_t macro_tokens_ = 0;
  bool failed_ = false; // expansion was given up; the rest of the text is left out
  Loc open_loc_;
};

} // namespace

std::vector<Token> preprocess(std::vector<Token> tokens, const ParseOptions &options, SourceTable &sources,
                              Arena &arena, MacroTable &own_macros, Diagnostics &diagnostics) {
  return Preprocessor(options, sources, arena, own_macros, diagnostics).run(std::move(tokens));
}

void parse_macro_file(SourceTable &sources, SourceId source, const ParseOptions &options, MacroTable &table,
                      Diagnostics &diagnostics) {
  std::vector<Token> tokens = lex(sources, source, table.arena(), diagnostics);
  tokens = preprocess(std::move(tokens), options, sources, table.arena(), table, diagnostics);
  if (tokens.front().kind != TokenKind::end)
    diagnostics.report(DiagId::macro_file_content, tokens.front().loc, {describe_token(tokens.front())});
}

} // namespace tapjit
