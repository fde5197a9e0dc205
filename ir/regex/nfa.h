// SPDX-License-Identifier: GPL-2.0-or-later
// A pattern as a nondeterministic automaton. The order of a Split's ways is their precedence: the first that leads to a
// match decides what the groups hold. Private to ir/regex.
#pragma once

#include "ir/regex/syntax.h"

#include <array>

namespace tapjit::ir::regex {

struct NfaNode {
  enum class Kind : uint8_t { Bytes, Split, Tag, Begin, End, Match } kind;
  uint32_t next = 0;  // but Match
  uint32_t other = 0; // Split: the second way
  uint32_t what = 0;  // Bytes: which set; Tag: 2 * group, and one more at the group's end
};

struct Nfa {
  std::vector<NfaNode> nodes;
  uint32_t start = 0;
  uint32_t groups = 1; // with the whole match, group 0
  bool has_end = false, has_begin = false;
  // Bytes that every set of the pattern holds or does not hold together are one class. NUL never occurs in a string: it
  // is in the class of byte 1.
  std::array<uint8_t, 256> class_of{};
  uint32_t classes = 1;
  std::vector<ByteSet> sets; // by class
};

// Steps that the construction of automata may still take; what takes more is refused.
struct Budget {
  int64_t left;
  bool take(int64_t steps) { return (left -= steps) >= 0; }
};

// None: more than `most` nodes.
std::optional<Nfa> make_nfa(const Syntax &syntax, size_t most);

} // namespace tapjit::ir::regex
