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

// The columns of a line that a range covers, cut off at the line's ends.
struct Marked {
  size_t begin, caret, end;
};

Marked marked_columns(std::string_view line, size_t caret, const Range &range) {
  Marked marked{caret, caret, caret + range.behind};
  if (range.before) {
    marked.begin = caret - std::min<size_t>(range.before, caret);
    if (range.before > caret) // it begins on a line before this one
      marked.begin = std::min(line.find_first_not_of(" \t"), caret);
  }
  if (!range.before && !range.behind)
    marked.end = caret + token_length(line, caret);
  else if (marked.end > line.size())
    marked.end = line.find_last_not_of(" \t\r") + 1;
  marked.end = std::min(std::max(marked.end, caret + 1), line.size());
  while (marked.end < line.size() && (static_cast<unsigned char>(line[marked.end]) & 0xc0) == 0x80)
    ++marked.end; // not within a character
  return marked;
}

// `  --> file:line:col`, the line, and below it the caret, within the whole range.
void render_place(std::string &out, const SourceTable &sources, const Range &range, const Colours &colours) {
  Position at = sources.position(range.at);
  if (!at.source.valid())
    return;
  out += colours.source;
  out += "  --> ";
  out += sources.describe(range.at);
  out += colours.reset;
  out += '\n';
  std::string_view line = sources.line_text(at.source, at.line);
  std::string number = std::to_string(at.line);
  Marked marked = marked_columns(line, at.column - 1, range);
  // A line of any length is shown by a window around the caret.
  constexpr size_t window_width = 160;
  size_t start = 0;
  if (line.size() > window_width)
    start = at.column > window_width / 2 ? at.column - window_width / 2 : 0;
  size_t window_end = std::min(start + window_width, line.size());
  // Shows the bytes from `from` to `to`; how many columns they are.
  auto show = [&](size_t from, size_t to) {
    size_t columns = 0;
    from = std::clamp(from, start, window_end);
    to = std::clamp(to, from, window_end);
    add_shown(out, line.substr(from, to - from), columns);
    return columns;
  };
  out += " " + number + " | ";
  size_t before = show(start, marked.begin);
  out += colours.token;
  size_t left = show(marked.begin, marked.caret);
  size_t right = show(marked.caret, marked.end);
  out += colours.reset;
  show(std::max(marked.caret, marked.end), line.size());
  if (marked.caret > line.size())
    before += marked.caret - line.size();
  out += "\n " + std::string(number.size(), ' ') + " | " + std::string(before, ' ');
  out += colours.caret;
  out += std::string(left, '~') + '^' + std::string(right > 0 ? right - 1 : 0, '~');
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

// How a place came about: what stands in an alias may have come out of a macro there, before the alias was used.
void render_expansions(std::string &out, const SourceTable &sources, Loc loc, unsigned &shown, const Colours &colours) {
  constexpr unsigned most = 4;
  while (sources.is_expansion(loc)) {
    const Expansion expansion = sources.expansion(loc);
    render_expansions(out, sources, expansion.spelling, shown, colours);
    if (shown++ >= most)
      return;
    out += std::string(expansion_text(expansion.kind)) + std::string(expansion.name.view()) + "`, used here\n";
    render_place(out, sources, expansion.use, colours);
    loc = expansion.use;
  }
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

Diagnostic &Diagnostics::report(DiagId id, Range range, std::initializer_list<DiagArg> args) {
  Diagnostic diagnostic{id, row(id).severity, range.at, range.before, range.behind, fill(row(id).format, args), {}, {}};
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
  render_place(out, *sources_, {diagnostic.loc, diagnostic.before, diagnostic.behind}, colours);
  unsigned shown = 0;
  render_expansions(out, *sources_, diagnostic.loc, shown, colours);
  for (const DiagNote &note : diagnostic.notes) {
    out += "note: " + note.text + "\n";
    render_place(out, *sources_, note.range, colours);
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
  // Distances must stay below this: one slip in a short word, two in a longer one, a third of a long one. One letter is
  // near to all others.
  if (wanted.size() <= 1)
    return {};
  size_t best = wanted.size() <= 3 ? 2 : std::max<size_t>(2, wanted.size() / 3) + 1;
  std::string_view found;
  std::vector<size_t> row, above, two_above; // of the table of distances
  for (std::string_view candidate : candidates) {
    size_t difference =
        candidate.size() > wanted.size() ? candidate.size() - wanted.size() : wanted.size() - candidate.size();
    if (difference >= best || candidate == wanted)
      continue;
    row.resize(candidate.size() + 1);
    for (size_t j = 0; j <= candidate.size(); ++j)
      row[j] = j;
    for (size_t i = 1; i <= wanted.size(); ++i) {
      two_above.swap(above);
      above = row;
      row[0] = i;
      for (size_t j = 1; j <= candidate.size(); ++j) {
        row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (wanted[i - 1] != candidate[j - 1])});
        if (i > 1 && j > 1 && wanted[i - 1] == candidate[j - 2] && wanted[i - 2] == candidate[j - 1])
          row[j] = std::min(row[j], two_above[j - 2] + 1); // neighbours that changed places are one slip
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
