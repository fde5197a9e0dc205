// SPDX-License-Identifier: GPL-2.0-or-later
// The regular expressions of `=~`: POSIX extended ones without back references, with `(?:...)`, the short class names
// of SystemTap, and a backslash that makes any character stand for itself (also between brackets). Characters are
// bytes.
//
// Ours, and no library's: what a handler may run is a table that was complete before the script started. RE2 and PCRE
// build their automata lazily or backtrack, re2c writes C source with gotos that the safety verifier would have to
// trust loop by loop, and none of them takes this dialect.
#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::ir::regex {

using ByteSet = std::bitset<256>;

// Why a pattern is refused: where in it (bytes), what was seen there, and what may help (or nothing).
struct Error {
  size_t offset = 0, length = 1;
  std::string message, hint;
  bool too_large = false; // well formed, but its automaton would be too large
};

// An escape that other dialects know as more than the character itself.
struct Surprise {
  size_t offset;
  char letter;
};

struct Node {
  enum class Kind : uint8_t { Empty, Bytes, Begin, End, Sequence, Choice, Repeat, Group } kind = Kind::Empty;
  ByteSet bytes;                // Bytes
  std::vector<uint32_t> parts;  // Sequence, Choice: in order; Repeat, Group: one
  uint32_t least = 0, most = 0; // Repeat
  uint32_t group = 0;           // Group: its number, from 1
  static constexpr uint32_t endless = UINT32_MAX;
};

struct Syntax {
  std::vector<Node> nodes; // parts before what they are part of
  uint32_t root = 0;
  uint32_t groups = 0; // that capture
  std::vector<Surprise> surprises;
};

// The tree of a pattern, or why there is none.
std::optional<Syntax> parse(std::string_view pattern, Error &error);

} // namespace tapjit::ir::regex
