// SPDX-License-Identifier: GPL-2.0-or-later
// The print family. All become `print` or `sprint` of one format; constants that need no formatting become part of its
// text.
#include "frontend/lower_body.h"

#include <utility>

namespace tapjit::lowering {

using ir::ValueId;

void FormatText::literal(std::string_view words) {
  plain += words;
  for (char c : words) {
    text += c;
    if (c == '%')
      text += '%';
  }
}

void FormatText::directive(std::string_view directive, ValueId value) {
  text += directive;
  has_directives = true;
  if (value.valid())
    args.push_back(value);
}

// The letter of a directive.
static char conversion(ast::FormatPart::Kind kind) {
  static constexpr char letters[] = {0, 'b', 'c', 'd', 'u', 'o', 'x', 'X', 'p', 's', 'm', 'M'};
  static_assert(int(ast::FormatPart::Kind::binary) == 1 && int(ast::FormatPart::Kind::string) == 9 &&
                int(ast::FormatPart::Kind::memory_hex) == 11);
  return letters[size_t(kind)];
}

// The directive in its one spelling: `%i` and `%ld` are `%d`.
static std::string directive_text(const ast::FormatPart &part) {
  std::string text = "%";
  if (part.flag)
    text += part.flag;
  if (part.width_kind == ast::FormatPart::Size::fixed)
    text += std::to_string(part.width);
  else if (part.width_kind == ast::FormatPart::Size::argument)
    text += '*';
  if (part.precision_kind != ast::FormatPart::Size::none)
    text += '.';
  if (part.precision_kind == ast::FormatPart::Size::fixed)
    text += std::to_string(part.precision);
  else if (part.precision_kind == ast::FormatPart::Size::argument)
    text += '*';
  return text + conversion(part.kind);
}

static bool is_plain(const ast::FormatPart &part) {
  return !part.flag && part.width_kind == ast::FormatPart::Size::none &&
         part.precision_kind == ast::FormatPart::Size::none;
}

void BodyLowerer::constant_or_value(const ast::Expr &arg, FormatText &format) {
  if (const auto *number = arg.as<ast::Number>())
    format.literal(std::to_string(number->value));
  else if (const auto *string = arg.as<ast::String>())
    format.literal(state_.cut(string->text));
  else
    format.directive(arg.type == ast::Type::string ? "%s" : "%d", value(arg));
}

void BodyLowerer::format_arguments(const ast::Print &n, FormatText &format) {
  using Size = ast::FormatPart::Size;
  size_t next = 0;
  for (const ast::FormatPart &part : n.parts) {
    if (part.kind == ast::FormatPart::Kind::text) {
      format.literal(part.text);
      continue;
    }
    size_t wanted = 1 + (part.width_kind == Size::argument) + (part.precision_kind == Size::argument);
    if (next + wanted > n.args.size())
      return; // reported by pass 1
    const ast::Expr &last = *n.args[next + wanted - 1];
    bool folds = is_plain(part) && ((part.kind == ast::FormatPart::Kind::string && last.as<ast::String>()) ||
                                    (part.kind == ast::FormatPart::Kind::decimal && last.as<ast::Number>()));
    if (folds) {
      constant_or_value(last, format);
    } else {
      format.directive(directive_text(part), ValueId::none());
      for (size_t index = 0; index < wanted; ++index)
        format.args.push_back(value(*n.args[next + index]));
    }
    next += wanted;
  }
}

void BodyLowerer::plain_arguments(const ast::Print &n, FormatText &format) {
  for (size_t index = 0; index < n.args.size(); ++index) {
    if (n.is_char) {
      format.directive("%c", value(*n.args[index]));
      continue;
    }
    if (index && n.delimited)
      format.literal(n.delimiter);
    constant_or_value(*n.args[index], format);
  }
  if (n.newline)
    format.literal("\n");
}

// Its table ends in an empty line, and println adds none.
ValueId BodyLowerer::print_histogram(const ast::Print &n, const ast::Histogram &histogram) {
  if (const auto *index = histogram.stat->as<ast::Index>()) {
    ir::GlobalId map = array_of(*index->base);
    std::vector<ValueId> keys = key_values(index->keys);
    if (n.to_string)
      return builder_.map_sprint_hist(map, std::move(keys));
    builder_.map_print_hist(map, std::move(keys));
  } else if (n.to_string) {
    return builder_.sprint_hist(array_of(*histogram.stat));
  } else {
    builder_.print_hist(array_of(*histogram.stat));
  }
  return ValueId::none();
}

// What prints gives 0, where somebody asks.
ValueId BodyLowerer::lower(const ast::Expr &, const ast::Print &n) {
  ValueId text = n.guarded ? print_guarded(n) : print(n);
  return text.valid() ? text : builder_.const_i64(0);
}

// A pretty-print: what it reads may be anything, so a bad address in it is no failure of the handler.
ValueId BodyLowerer::print_guarded(const ast::Print &n) {
  ir::VariableId text = builder_.new_variable(ir::Type::Str);
  ir::BlockId handler = builder_.new_catch_block(), after = builder_.new_block(), outer = builder_.catch_block();
  std::unordered_map<const ast::Expr *, ValueId> shared, *shared_outside = std::exchange(shared_, &shared);
  builder_.set_catch(handler);
  builder_.write(text, print(n));
  shared_ = shared_outside;
  builder_.set_catch(outer);
  builder_.jump(after);
  builder_.seal(handler);
  builder_.set_block(handler);
  builder_.write(text, builder_.const_str("ERROR"));
  builder_.jump(after);
  builder_.seal(after);
  builder_.set_block(after);
  return builder_.read(text);
}

// The string of an s... form; none() of the others.
ValueId BodyLowerer::print(const ast::Print &n) {
  if (const auto *histogram = n.args.size() == 1 ? n.args[0]->as<ast::Histogram>() : nullptr)
    return print_histogram(n, *histogram);
  FormatText format;
  if (n.formatted)
    format_arguments(n, format);
  else
    plain_arguments(n, format);
  if (n.to_string)
    return format.has_directives ? builder_.sprint(format.text, format.args)
                                 : builder_.const_str(state_.cut(format.plain));
  if (!format.text.empty())
    builder_.print(format.text, format.args);
  return ValueId::none();
}

} // namespace tapjit::lowering
