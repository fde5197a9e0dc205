// SPDX-License-Identifier: GPL-2.0-or-later
// Diagnostics: the user's mistakes, each with an id of diag.def, a place in a script, notes and a hint.
// Nothing here prints, exits or throws: a pass reports and goes on, the driver renders at the end.
//
//   diagnostics.report(DiagId::unknown_function, loc, {name, arity}).hint("did you mean `" + other + "`?");
#pragma once

#include "frontend/base/source.h"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit {

enum class Severity : uint8_t { error, warning };

enum class DiagId : uint16_t {
#define DIAG(id, severity, format) id,
#include "frontend/base/diag.def"
};

// One value for a `{}` of a format: text or a number.
class DiagArg {
public:
  DiagArg(std::string_view text) : text_(text) {}
  DiagArg(const std::string &text) : text_(text) {}
  DiagArg(const char *text) : text_(text) {}
  DiagArg(Name name) : text_(name.view()) {}
  DiagArg(int number) : text_(std::to_string(number)) {}
  DiagArg(int64_t number) : text_(std::to_string(number)) {}
  DiagArg(size_t number) : text_(std::to_string(number)) {}
  DiagArg(uint32_t number) : text_(std::to_string(number)) {}
  std::string_view text() const { return text_; }

private:
  std::string text_;
};

// Terminal colours, as SGR parameters ("01;31").
struct DiagColours {
  std::string error = "01;31", warning = "00;33"; // the word in front of the message
  std::string source = "00;34";                   // where it is
  std::string caret = "01", token = "01";         // the mark, and what it is under
  // Reads "error=01;31:caret=01"; what is not named keeps its default. None when that is no such list.
  static std::optional<DiagColours> parse(std::string_view text);
};

struct DiagNote {
  Range range; // may be nowhere
  std::string text;
};

struct Diagnostic {
  DiagId id;
  Severity severity;
  Loc loc;
  uint32_t before = 0, behind = 0; // what the caret line covers around `loc`, as in Range
  std::string message;
  std::vector<DiagNote> notes;
  std::string hint_text;

  // Builders, for chaining behind report().
  Diagnostic &note(Range range, std::string text) {
    notes.push_back({range, std::move(text)});
    return *this;
  }
  Diagnostic &hint(std::string text) {
    hint_text = std::move(text);
    return *this;
  }
  Diagnostic &span(uint32_t bytes) {
    before = 0;
    behind = bytes;
    return *this;
  }
};

// The name of an id as diag.def spells it, its format and its severity.
std::string_view diag_name(DiagId id);
std::string_view diag_format(DiagId id);
size_t diag_count();

class Diagnostics {
public:
  explicit Diagnostics(const SourceTable &sources) : sources_(&sources) {}

  // Adds a diagnostic; `args` fill the `{}` of its format in order. The reference is valid until the next report.
  Diagnostic &report(DiagId id, Range range, std::initializer_list<DiagArg> args = {});

  bool has_errors() const { return errors_ != 0; }
  size_t error_count() const { return errors_; }
  // More than anybody reads, or is shown: the search for a hint, which looks through all names, is not worth its time.
  bool has_many() const { return all_.size() > 200; }
  const std::vector<Diagnostic> &all() const { return all_; }
  const SourceTable &sources() const { return *sources_; }

  // Drops everything after the first `count` diagnostics (for a speculative question, such as `@defined`).
  void truncate(size_t count);
  // Warnings are dropped (-w) or counted as errors (-W).
  enum class Warnings : uint8_t { shown, dropped, errors };
  void set_warnings(Warnings how) { warnings_ = how; }

  void set_colours(DiagColours colours) { colours_ = std::move(colours); }

  // The text for people: message, `  --> file:line:col`, the source line with a caret, notes, expansion chain, hint.
  std::string render(const Diagnostic &diagnostic, bool colour = false) const;
  // All of them in the order of the text, without repetitions.
  std::string render_all(bool colour = false) const;

private:
  const SourceTable *sources_;
  std::vector<Diagnostic> all_;
  size_t errors_ = 0;
  Warnings warnings_ = Warnings::shown;
  DiagColours colours_;
};

// The candidate nearest to `wanted` by edit distance, if near enough to be a slip of the finger; else empty.
std::string_view nearest_name(std::string_view wanted, const std::vector<std::string_view> &candidates);

} // namespace tapjit
