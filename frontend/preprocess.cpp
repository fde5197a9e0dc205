// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/preprocess.h"

#include "frontend/condition.h"

#include <algorithm>
#include <set>
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
  Name argument;                // of a script argument: `$1`
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
    for (Token token; next(token);)
      out_.push_back(token);
    if (!conditions_.empty() && !failed_)
      diagnostics_.report(DiagId::unterminated_condition, conditions_.back().loc);
    if (failed_)
      out_.clear(); // half a script gives only further errors
    out_.push_back(end_);
    return std::move(out_);
  }

private:
  bool is_plain(const std::vector<Token> &tokens) const {
    return std::none_of(tokens.begin(), tokens.end(), [this](const Token &token) {
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
        return !is_builtin(token.text) || (options_.library_macros && options_.library_macros->hides_builtin());
      default:
        return false;
      }
    });
  }

  bool is_builtin(std::string_view word) const {
    std::string_view since = builtin_at_word_since(word);
    return !since.empty() && options_.has(since);
  }

  const Macro *find_macro(std::string_view word) {
    Name name = sources_.intern(word);
    const Macro *macro = own_macros_.find(name);
    return macro || !options_.library_macros ? macro : options_.library_macros->find(name);
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
        token.loc = sources_.expanded(token.loc, frame.use, ExpansionKind::argument, frame.argument);
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
        if (const Macro *macro = find_macro(token.text))
          expand_macro(token, *macro);
        else if (is_builtin(token.text) || report_unknown(token))
          return true;
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
        if (conditions_.empty())
          break;
        if (conditions_.back().in_else)
          diagnostics_.report(DiagId::duplicate_else, token.loc).note(conditions_.back().loc, "the condition");
        // The taken branch ends: the other is skipped.
        conditions_.back().in_else = true;
        (void)skip_branch(false);
        continue;
      case TokenKind::pp_close:
        if (conditions_.empty())
          break;
        conditions_.pop_back();
        continue;
      case TokenKind::pp_then:
        if (conditions_.empty())
          break;
        diagnostics_.report(DiagId::duplicate_then, token.loc).note(conditions_.back().loc, "the condition");
        continue;
      default:
        return true;
      }
      diagnostics_.report(DiagId::stray_preprocessor, token.loc, {token.text});
    }
    return false;
  }

  // -------------------------------------------------------------- conditions

  struct OpenCondition {
    Loc loc;
    bool in_else = false;
  };

  void begin_condition(Loc loc) {
    std::vector<Token> condition;
    Token token;
    for (;;) {
      if (!next_condition_token(token)) {
        if (!failed_)
          diagnostics_.report(DiagId::unterminated_condition, loc);
        conditions_.clear();
        return;
      }
      if (token.kind == TokenKind::pp_then)
        break;
      condition.push_back(token);
    }
    conditions_.push_back({loc});
    Condition holds = evaluate_condition(condition, token.loc, options_, diagnostics_);
    // A malformed condition skips both branches, so that one slip gives one error.
    if (holds == Condition::fails && skip_branch(true))
      conditions_.back().in_else = true;
    else if (holds == Condition::malformed)
      while (skip_branch(true))
        ;
  }

  bool next_condition_token(Token &token) {
    while (next_raw(token)) {
      if (token.kind == TokenKind::pp_then)
        return true;
      if (token.kind == TokenKind::at_word) {
        if (const Macro *macro = find_macro(token.text))
          expand_macro(token, *macro);
        else if (is_builtin(token.text) || report_unknown(token))
          return true;
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

  // Skips to the `%)` of the innermost condition, which is then closed, or to its `%:` when `stop_at_else`. True when
  // stopped at `%:`.
  bool skip_branch(bool stop_at_else) {
    size_t depth = 0;
    Token token;
    while (next_raw(token)) {
      if (token.kind == TokenKind::pp_open) {
        ++depth;
      } else if (token.kind == TokenKind::pp_close) {
        if (depth-- == 0) {
          conditions_.pop_back();
          return false;
        }
      } else if (token.kind == TokenKind::pp_else && depth == 0) {
        if (stop_at_else)
          return true;
        diagnostics_.report(DiagId::duplicate_else, token.loc).note(conditions_.back().loc, "the condition");
      } else if (token.kind == TokenKind::pp_then && depth == 0) {
        diagnostics_.report(DiagId::duplicate_then, token.loc).note(conditions_.back().loc, "the condition");
      }
    }
    if (!failed_)
      diagnostics_.report(DiagId::unterminated_condition, conditions_.back().loc);
    conditions_.clear();
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
    std::vector<Token> tokens = lex(sources_, source, arena_, diagnostics_, lex_options(options_));
    for (Token &inner : tokens)
      if (inner.kind == TokenKind::argument || inner.kind == TokenKind::argument_string ||
          inner.kind == TokenKind::argument_count) {
        diagnostics_.report(DiagId::nested_argument, inner.loc, {token.text}).note(token.loc, "used here");
        inner.kind = TokenKind::number; // so that one slip gives one error
      }
    push(std::move(tokens), nullptr, token.loc);
    frames_.back()->argument = sources_.intern(token.text);
    return false;
  }

  // -------------------------------------------------------------- macros

  // The next token as written; at the end false, and an error that `what` was expected.
  bool take_raw(Token &token, std::string_view what) {
    if (next_raw(token))
      return true;
    if (!failed_)
      diagnostics_.report(DiagId::expected, end_.loc, {what, token_description(TokenKind::end)});
    return false;
  }

  bool read_parameters(Macro &macro) {
    Token token;
    do {
      if (!take_raw(token, "a parameter"))
        return false;
      if (token.kind != TokenKind::name)
        return unexpected("a parameter", token);
      macro.params.push_back(sources_.intern(token.text));
      if (!take_raw(token, "`,` or `)`"))
        return false;
    } while (token.kind == TokenKind::comma);
    return token.kind == TokenKind::rparen || unexpected("`,` or `)`", token);
  }

  void read_define(Loc loc) {
    if (!frames_.empty() && frames_.back()->macro) {
      diagnostics_.report(DiagId::macro_nested_define, loc);
      return;
    }
    Macro macro;
    if (!read_head(macro)) {
      skip_definition(loc);
      return;
    }
    if (!read_body(loc, macro))
      return;
    if (is_builtin(macro.name.view()))
      diagnostics_.report(DiagId::macro_builtin_name, macro.loc, {macro.name});
    Loc at = macro.loc;
    Name name = macro.name;
    if (own_macros_.add(std::move(macro)))
      return;
    // A macro of the library goes before one of its name in a less specific directory.
    bool overridden =
        options_.is_library && sources_.position(own_macros_.find(name)->loc).source != sources_.position(at).source;
    if (!overridden)
      diagnostics_.report(DiagId::macro_redefined, at, {name}).note(own_macros_.find(name)->loc, "first defined here");
  }

  bool unexpected(std::string_view what, const Token &token) {
    diagnostics_.report(DiagId::expected, token.loc, {what, describe_token(token)});
    return false;
  }

  // `NAME %(` or `NAME(a, b) %(`.
  bool read_head(Macro &macro) {
    Token token;
    if (!take_raw(token, "a macro's name"))
      return false;
    if (token.kind != TokenKind::name || token.text == define_.view())
      return unexpected("a macro's name", token);
    macro.name = sources_.intern(token.text);
    macro.loc = token.loc;
    bool good = take_raw(token, "`%(` or `(`");
    if (good && token.kind == TokenKind::lparen)
      good = read_parameters(macro) && take_raw(token, "`%(`");
    if (good && token.kind != TokenKind::pp_open)
      good = unexpected("`%(`", token);
    if (!good)
      broken_.insert(std::string(macro.name.view()));
    return good;
  }

  // After a mistake in the head: the body is left out too, if there is one.
  void skip_definition(Loc loc) {
    if (frames_.empty())
      return;
    Frame &frame = *frames_.back();
    for (size_t at = frame.at; at < std::min(frame.at + 16, frame.tokens->size()); ++at) {
      TokenKind kind = (*frame.tokens)[at].kind;
      if (kind == TokenKind::kw_probe || kind == TokenKind::kw_function || kind == TokenKind::kw_global)
        return;
      if (kind == TokenKind::pp_open) {
        frame.at = at + 1;
        Macro ignored;
        (void)read_body(loc, ignored);
        return;
      }
    }
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

  void expand_macro(const Token &use, const Macro &macro) {
    std::vector<std::vector<Token>> arguments;
    if (!macro.params.empty() && !read_arguments(use, macro, arguments))
      return;
    if (frames_.size() > max_expansion_depth) {
      too_deep(use);
      return;
    }
    auto frame = std::make_unique<Frame>();
    frame->tokens = &macro.body;
    frame->macro = &macro;
    frame->use = use.loc;
    frame->arguments = std::move(arguments);
    frames_.push_back(std::move(frame));
  }

  // `use` becomes a number, so that one slip gives one error.
  bool report_unknown(Token &use) {
    if (!broken_.contains(std::string(use.text)))
      report_unknown_name(use);
    // With its arguments, as far as they can be told.
    Frame &frame = *frames_.back();
    size_t depth = 0;
    for (size_t at = frame.at; at < frame.tokens->size(); ++at) {
      TokenKind kind = (*frame.tokens)[at].kind;
      if (kind == TokenKind::lparen)
        ++depth;
      if (depth == 0 || kind == TokenKind::semicolon || kind == TokenKind::rbrace)
        break;
      if (kind == TokenKind::rparen && --depth == 0)
        frame.at = at + 1;
    }
    use.kind = TokenKind::number;
    use.number = 0;
    return true;
  }

  void report_unknown_name(const Token &use) {
    std::vector<std::string_view> names = builtin_at_words();
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
    if (!take_raw(token, "`(`"))
      return false;
    if (token.kind != TokenKind::lparen) {
      diagnostics_
          .report(DiagId::expected, token.loc,
                  {"`(` and the arguments of `@" + std::string(use.text) + "`", describe_token(token)})
          .note(macro.loc, "defined here");
      return false;
    }
    std::vector<TokenKind> closing; // of the brackets that are open
    arguments.emplace_back();
    for (;;) {
      if (!next_raw(token)) {
        if (!failed_)
          diagnostics_.report(DiagId::expected, use.loc, {"`)`", token_description(TokenKind::end)});
        return false;
      }
      if (token.kind == TokenKind::lparen || token.kind == TokenKind::lbracket || token.kind == TokenKind::lbrace) {
        closing.push_back(token.kind == TokenKind::lparen     ? TokenKind::rparen
                          : token.kind == TokenKind::lbracket ? TokenKind::rbracket
                                                              : TokenKind::rbrace);
      } else if (token.kind == TokenKind::rparen && closing.empty()) {
        break;
      } else if (token.kind == TokenKind::comma && closing.empty()) {
        arguments.emplace_back();
        continue;
      } else if (!closing.empty() && token.kind == closing.back()) {
        closing.pop_back();
      } else if (token.kind == TokenKind::rparen || token.kind == TokenKind::rbracket ||
                 token.kind == TokenKind::rbrace) {
        diagnostics_.report(DiagId::expected, token.loc,
                            {closing.empty() ? std::string_view("`,` or `)`") : token_description(closing.back()),
                             describe_token(token)});
        return false;
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
  std::set<std::string> broken_;          // macros whose definition had a mistake
  std::vector<OpenCondition> conditions_; // whose branch is being read
  size_t macro_tokens_ = 0;
  bool failed_ = false; // expansion was given up; the rest of the text is left out
};

} // namespace

std::vector<Token> preprocess(std::vector<Token> tokens, const ParseOptions &options, SourceTable &sources,
                              Arena &arena, MacroTable &own_macros, Diagnostics &diagnostics) {
  tokens = Preprocessor(options, sources, arena, own_macros, diagnostics).run(std::move(tokens));
  unsigned reported = 0;
  std::erase_if(tokens, [&](const Token &token) {
    if (token.kind != TokenKind::junk)
      return false;
    if (++reported <= 10) // then it is no script
      diagnostics.report(DiagId::unexpected_character, token.loc, {token.text});
    return true;
  });
  return tokens;
}

LexOptions lex_options(const ParseOptions &options) { return {options.has("2.3"), options.has("3.0")}; }

bool ParseOptions::has(std::string_view version) const {
  return is_library || compare_versions(compatible, version) >= 0;
}

void parse_macro_file(SourceTable &sources, SourceId source, const ParseOptions &options, MacroTable &table,
                      Diagnostics &diagnostics) {
  std::vector<Token> tokens = lex(sources, source, table.arena(), diagnostics, lex_options(options));
  tokens = preprocess(std::move(tokens), options, sources, table.arena(), table, diagnostics);
  if (tokens.front().kind != TokenKind::end)
    diagnostics.report(DiagId::macro_file_content, tokens.front().loc, {describe_token(tokens.front())});
}

} // namespace tapjit
