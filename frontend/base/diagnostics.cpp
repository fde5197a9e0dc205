// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/base/diagnostics.h"

#include <algorithm>
#include <iterator>
#include <unordered_set>

namespace tapjit {

namespace {

struct Row {
  std::string_view name;
  Severity severity;
  std::string_view format;
};
constexpr Row rows[] = {
#define DIAG(id, severity, format) {#id, Severity::severity, format},
#include "frontend/base/diag.def"
};

const Row &row(DiagId id) { return rows[static_cast<size_t>(id)]; }

// Puts the arguments into the `{}` of the format; a `{` without `}` stays.
std::string fill(std::string_view format, std::initializer_list<DiagArg> args) {
  std::string out;
  auto arg = args.begin();
  for (size_t at = 0; at < format.size(); ++at) {
    if (format[at] == '{' && at + 1 < format.size() && format[at + 1] == '}' && arg != args.end()) {
      out += arg->text();
      ++arg;
      ++at;
    } else {
      out += format[at];
    }
  }
  return out;
}

bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

// How many bytes the token at `at` of a line covers: a word, a string, an operator of equal characters, or one byte.
size_t token_length(std::string_view line, size_t at) {
  if (at >= line.size())
    return 1;
  size_t end = at;
  if (line[at] == '@' || is_word(line[at])) {
    ++end;
    while (end < line.size() && is_word(line[end]))
      ++end;
  } else if (line[at] == '"') {
    ++end;
    while (end < line.size() && line[end] != '"')
      end += line[end] == '\\' ? 2 : 1;
    end = std::min(end + 1, line.size());
  } else if (line[at] == '%' && at + 1 < line.size() &&
             std::string_view("({?:)").find(line[at + 1]) != std::string_view::npos) {
    end = at + 2;
  } else {
    while (end < line.size() && end < at + 3 &&
           std::string_view("<>=+-*/%&|^!~.").find(line[end]) != std::string_view::npos)
      ++end;
  }
  return std::max<size_t>(end - at, 1);
}

// Bytes of the UTF-8 sequence that `text` starts with; 0: none.
size_t sequence_length(std::string_view text) {
  unsigned char lead = static_cast<unsigned char>(text[0]);
  size_t length = lead < 0x80                   ? 1
                  : lead >= 0xc2 && lead < 0xe0 ? 2
                  : lead >= 0xe0 && lead < 0xf0 ? 3
                  : lead >= 0xf0 && lead < 0xf5 ? 4
                                                : 0;
  if (length > text.size())
    return 0;
  for (size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80)
      return 0;
  return length;
}

// A script may hold anything; a terminal gets text: control characters and broken UTF-8 are shown as `?`. Adds the
// number of characters to `columns`.
void add_shown(std::string &out, std::string_view text, size_t &columns) {
  while (!text.empty()) {
    size_t length = sequence_length(text);
    unsigned char lead = static_cast<unsigned char>(text[0]);
    // U+0080 to U+009F are control characters; surrogates and overlong forms are no UTF-8.
    bool shows = length && lead >= 32 && lead != 127 && !(lead == 0xc2 && static_cast<unsigned char>(text[1]) < 0xa0) &&
                 !(lead == 0xe0 && static_cast<unsigned char>(text[1]) < 0xa0) &&
                 !(lead == 0xed && static_cast<unsigned char>(text[1]) >= 0xa0) &&
                 !(lead == 0xf0 && static_cast<unsigned char>(text[1]) < 0x90) &&
                 !(lead == 0xf4 && static_cast<unsigned char>(text[1]) >= 0x90);
    if (shows)
      out += text.substr(0, length);
    else
      out += lead == '\t' ? ' ' : '?';
    text.remove_prefix(shows ? length : 1);
    ++columns;
  }
}

// Escape sequences; all empty without colour.
struct Colours {
  std::string word, source, caret, token, reset;
};

Colours escapes(const DiagColours &colours, bool is_error) {
  auto escape = [](const std::string &parameters) { return "\033[" + parameters + "m"; };
  return {escape(is_error ? colours.error : colours.warning), escape(colours.source), escape(colours.caret),
          escape(colours.token), "\033[0m"};
}

// `  --> file:line:col`, the line, and the caret below it.
void render_place(std::string &out, const SourceTable &sources, Loc loc, uint32_t length, const Colours &colours) {
  Position at = sources.position(loc);
  if (!at.source.valid())
    return;
  out += colours.source;
  out += "  --> ";
  out += sources.describe(loc);
  out += colours.reset;
  out += '\n';
  std::string_view line = sources.line_text(at.source, at.line);
  std::string number = std::to_string(at.line);
  size_t width = length ? length : token_length(line, at.column - 1);
  // A line of any length is shown by a window around the caret.
  constexpr size_t window_width = 160;
  size_t start = 0;
  if (line.size() > window_width)
    start = at.column > window_width / 2 ? at.column - window_width / 2 : 0;
  std::string_view shown = line.substr(std::min(start, line.size()), window_width);
  size_t column = at.column - 1 - start;
  out += " " + number + " | ";
  size_t before = 0, rest = 0;
  add_shown(out, shown.substr(0, column), before);
  size_t end = std::min(column + width, shown.size());
  while (end < shown.size() && (static_cast<unsigned char>(shown[end]) & 0xc0) == 0x80)
    ++end; // not within a character
  std::string_view marked = shown.substr(std::min(column, shown.size()), end - std::min(column, end));
  out += colours.token;
  add_shown(out, marked, rest);
  out += colours.reset;
  size_t behind = 0;
  add_shown(out, shown.substr(std::min(column, shown.size()) + marked.size()), behind);
  rest += behind;
  out += "\n " + std::string(number.size(), ' ') + " | " +
         std::string(std::max(before, column > shown.size() ? column : before), ' ');
  out += colours.caret;
  out += '^';
  width = std::min(width, std::max(rest, size_t{1}));
  out += std::string(width > 0 ? width - 1 : 0, '~');
  out += colours.reset;
  out += '\n';
}

std::string_view expansion_text(ExpansionKind kind) {
  switch (kind) {
  case ExpansionKind::macro:
    return "in the expansion of macro `@";
  case ExpansionKind::alias:
    return "in the expansion of alias `";
  case ExpansionKind::argument:
    return "in the script argument `";
  }
  return "";
}

} // namespace

std::string_view diag_name(DiagId id) { return row(id).name; }
std::string_view diag_format(DiagId id) { return row(id).format; }
size_t diag_count() { return std::size(rows); }

std::optional<DiagColours> DiagColours::parse(std::string_view text) {
  DiagColours colours;
  const std::pair<std::string_view, std::string *> keys[] = {{"error", &colours.error},
                                                             {"warning", &colours.warning},
                                                             {"source", &colours.source},
                                                             {"caret", &colours.caret},
                                                             {"token", &colours.token}};
  if (text.empty())
    return std::nullopt;
  while (!text.empty()) {
    std::string_view entry = text.substr(0, text.find(':'));
    text.remove_prefix(std::min(text.size(), entry.size() + 1));
    size_t equals = entry.find('=');
    std::string_view key = entry.substr(0, equals), value = equals == entry.npos ? "" : entry.substr(equals + 1);
    auto known = std::find_if(std::begin(keys), std::end(keys), [&](const auto &row) { return row.first == key; });
    if (known == std::end(keys) || value.empty() || value.find_first_not_of("0123456789;") != value.npos)
      return std::nullopt;
    *known->second = value;
  }
  return colours;
}

Diagnostic &Diagnostics::report(DiagId id, Loc loc, std::initializer_list<DiagArg> args) {
  Diagnostic diagnostic{id, row(id).severity, loc, 0, fill(row(id).format, args), {}, {}};
  if (diagnostic.severity == Severity::warning && warnings_ == Warnings::errors)
    diagnostic.severity = Severity::error;
  if (diagnostic.severity == Severity::error)
    ++errors_;
  all_.push_back(std::move(diagnostic));
  return all_.back();
}

void Diagnostics::truncate(size_t count) {
  if (count < all_.size())
    all_.erase(all_.begin() + static_cast<ptrdiff_t>(count), all_.end());
  errors_ = static_cast<size_t>(
      std::count_if(all_.begin(), all_.end(), [](const Diagnostic &d) { return d.severity == Severity::error; }));
}

std::string Diagnostics::render(const Diagnostic &diagnostic, bool colour) const {
  bool is_error = diagnostic.severity == Severity::error;
  Colours colours;
  if (colour)
    colours = escapes(colours_, is_error);
  std::string out;
  out += colours.word;
  out += is_error ? "error: " : "warning: ";
  out += colours.reset;
  out += diagnostic.message;
  out += '\n';
  render_place(out, *sources_, diagnostic.loc, diagnostic.length, colours);
  unsigned shown = 0;
  for (Loc loc = diagnostic.loc; sources_->is_expansion(loc) && shown < 4; ++shown) {
    const Expansion &expansion = sources_->expansion(loc);
    out += std::string(expansion_text(expansion.kind)) + std::string(expansion.name.view()) + "`, used here\n";
    render_place(out, *sources_, expansion.use, 0, colours);
    loc = expansion.use;
  }
  for (const DiagNote &note : diagnostic.notes) {
    out += "note: " + note.text + "\n";
    render_place(out, *sources_, note.loc, 0, colours);
  }
  if (!diagnostic.hint_text.empty())
    out += "hint: " + diagnostic.hint_text + "\n";
  return out;
}

std::string Diagnostics::render_all(bool colour) const {
  std::string out;
  // A mistake in an alias is met once for each probe that uses it; the first stands for all.
  std::unordered_set<std::string> seen;
  constexpr size_t max_shown = 30;
  std::vector<size_t> order(all_.size());
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  auto place = [&](size_t i) { return sources_->spelling(all_[i].loc).value - 1; }; // nowhere comes last
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return std::pair(place(a), a) < std::pair(place(b), b); });
  for (size_t i : order) {
    const Diagnostic &diagnostic = all_[i];
    if (diagnostic.severity == Severity::warning && warnings_ == Warnings::dropped)
      continue;
    if (seen.insert(std::to_string(sources_->spelling(diagnostic.loc).value) + diagnostic.message).second &&
        seen.size() <= max_shown)
      out += render(diagnostic, colour);
  }
  if (seen.size() > max_shown)
    out += std::to_string(seen.size() - max_shown) + " more not shown\n";
  return out;
}

std::string_view nearest_name(std::string_view wanted, const std::vector<std::string_view> &candidates) {
  // Distances must stay below this: one slip in a short word, two in a longer one, a third of a long one.
  size_t best = wanted.size() <= 3 ? 2 : std::max<size_t>(2, wanted.size() / 3) + 1;
  std::string_view found;
  std::vector<size_t> row;
  for (std::string_view candidate : candidates) {
    size_t difference =
        candidate.size() > wanted.size() ? candidate.size() - wanted.size() : wanted.size() - candidate.size();
    if (difference >= best || candidate == wanted)
      continue;
    row.resize(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j)
      row[j] = j;
    for (size_t i = 1; i <= wanted.size(); ++i) {
      size_t diagonal = row[0];
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        size_t above = row[j];
        row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (wanted[i - 1] != candidate[j - 1])});
        diagonal = above;
      }
    }
    if (row[candidate.size()] < best) {
      best = row[candidate.size()];
      found = candidate;
    }
  }
  return found;
}

} // namespace tapjit
