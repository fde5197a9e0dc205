// SPDX-License-Identifier: GPL-2.0-or-later
// SourceTable: every script text of a run, the locations in them, and the names spelled in them.
//
// A Loc is 32 bits. Below 2^31 it is a byte offset in the concatenation of all texts; above, an index into the table
// of expansions, so that a node that came out of a macro, an alias or a command argument knows both where it is
// spelled and what it was expanded from. Loc{} means "nowhere".
#pragma once

#include "frontend/base/ids.h"
#include "frontend/base/intern.h"
#include "frontend/base/result.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit {

struct Loc {
  uint32_t value = 0;
  explicit operator bool() const { return value != 0; }
  bool operator==(const Loc &) const = default;
};

// The text around a place that a diagnostic underlines, in bytes of the text where `at` is spelled. Both 0: the token
// that stands there.
struct Range {
  Loc at;
  uint32_t before = 0;
  uint32_t behind = 0; // counted from `at`, so that the token there is part of it

  Range(Loc loc = {}) : at(loc) {}
  Range(Loc loc, uint32_t before, uint32_t behind) : at(loc), before(before), behind(behind) {}
};

using SourceId = Id<struct SourceTag>;

enum class SourceKind : uint8_t {
  script,       // the user's file, or standard input
  command_line, // -e text; also the text of $1 and @1 arguments
  tapset,       // a library .stp file
  macros,       // a library .stpm file
};

enum class ExpansionKind : uint8_t { macro, alias, argument };

// A place as people count: line and column start at 1, a column is a byte.
struct Position {
  SourceId source;
  uint32_t line = 0;
  uint32_t column = 0;
  uint32_t offset = 0;
};

struct Expansion {
  Loc spelling; // where the token stands; may itself be an expansion
  Loc use;      // where the macro, alias or argument was used
  ExpansionKind kind;
  Name name;
};

class SourceTable {
public:
  SourceTable() = default;
  SourceTable(const SourceTable &) = delete;
  SourceTable &operator=(const SourceTable &) = delete;

  // Adds a text. `name` is what diagnostics show: a path, or "<input>" for -e.
  SourceId add(std::string name, std::string text, SourceKind kind);
  // Reads a file; the error is that it cannot be read.
  Result<SourceId> add_file(const std::string &path, SourceKind kind);

  size_t size() const { return sources_.size(); }
  std::string_view name(SourceId id) const { return sources_[id.index()].name; }
  std::string_view text(SourceId id) const { return sources_[id.index()].text; }
  SourceKind kind(SourceId id) const { return sources_[id.index()].kind; }

  // The location of byte `offset` (0 .. size, the end included) of a source.
  Loc loc(SourceId id, size_t offset) const { return Loc{sources_[id.index()].base + static_cast<uint32_t>(offset)}; }
  // The location `bytes` further on in the same text; an expansion is returned unchanged.
  Loc advanced(Loc loc, size_t bytes) const;

  // A location spelled at `spelling` which is there because `name` was used at `use`.
  Loc expanded(Loc spelling, Loc use, ExpansionKind kind, Name name);
  bool is_expansion(Loc loc) const { return loc.value >= expansion_bit; }
  // Requires is_expansion(loc).
  const Expansion &expansion(Loc loc) const { return expansions_[loc.value - expansion_bit]; }
  // The bytes from one place to a later one, when both are spelled in one text and got here by the same expansions.
  std::optional<uint32_t> distance(Loc from, Loc to) const;
  // Where the text of `loc` stands: follows spellings until a byte of a text is reached.
  Loc spelling(Loc loc) const;
  // Where the user wrote the thing that brought `loc` about: follows uses outward.
  Loc outermost_use(Loc loc) const;

  // Source, line and column of spelling(loc); an invalid source for Loc{}.
  Position position(Loc loc) const;
  // The text of one line without its newline; `line` counts from 1.
  std::string_view line_text(SourceId id, uint32_t line) const;
  // "file:line:column" of spelling(loc).
  std::string describe(Loc loc) const;

  Interner &names() { return names_; }
  Name intern(std::string_view text) { return names_.intern(text); }
  // The name, if it was ever interned; else an empty one.
  Name find_name(std::string_view text) const { return names_.find(text); }

private:
  static constexpr uint32_t expansion_bit = 0x80000000u;
  struct Source {
    std::string name;
    std::string text;
    SourceKind kind;
    uint32_t base;
    mutable std::vector<uint32_t> line_starts; // made at the first question
  };
  const std::vector<uint32_t> &line_starts(const Source &source) const;

  std::deque<Source> sources_; // a deque: texts must not move, tokens view into them
  std::vector<Expansion> expansions_;
  uint32_t next_base_ = 1;
  Interner names_;
};

} // namespace tapjit
