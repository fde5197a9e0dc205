// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions as tables. The interpreter walks them here, runtime/core/regex.h does the same in a handler.
//
// Meaning (SystemTap's): of all matches the leftmost, and of those the longest; of the ways to match just these bytes
// the groups show the one that a reader takes from left to right: the first alternative that works, a repetition as
// often as possible. A group in a repetition holds its last turn; a repetition's turn that matches nothing is taken
// only as the first. Time is linear in the string: nothing is tried twice.
//
//   is there a match?   Finder: one walk to the right, which ends as soon as the answer is known.
//   where, and groups?  Groups: a walk to the left over the whole string finds where the leftmost match starts; one to
//                       the right from there finds its end and writes down its states; one back along these states
//                       follows the way that won, and finds each group's bounds.
#pragma once

#include "ir/regex/syntax.h"

#include <array>

namespace tapjit::ir::regex {

constexpr uint16_t no_thread = UINT16_MAX;

// Deterministic and minimal; next[state * classes + class].
struct Dfa {
  uint32_t classes = 1;
  uint16_t start = 0;
  std::vector<uint16_t> next;
  std::vector<uint8_t> flags; // by state
  size_t states() const { return flags.size(); }
};

// State 0: no match can come. State 1: there is one. A flag of 1: there is one if the string ends here.
using Finder = Dfa;

// How a thread of a state came from one of the state before, or how a thread matches.
struct Step {
  uint16_t from; // thread of the state before, or no_thread
  uint16_t tags; // what it passed before it took its byte: index in Groups::tag_lists
  friend auto operator<=>(const Step &, const Step &) = default;
};

struct Groups {
  uint32_t count = 1; // of groups, with group 0
  // From the string's end to its start. Flags: 1: a match may start here; 2: one may if this is the string's start.
  Dfa starts;
  // From the start of a match on. A state is a list of threads in order of precedence; state 0 has none.
  Dfa threads;                    // threads.start: for a match at the string's start; without flags
  uint16_t start_inside = 0;      // the same for one that starts further on
  std::vector<uint16_t> steps_of; // beside threads.next: where in `steps` the new threads have theirs
  std::vector<Step> steps;
  std::vector<Step> accepts;        // by state: the match that ends here
  std::vector<Step> accepts_at_end; // by state: the same where the string ends
  std::vector<uint16_t> tag_lists;  // each: their number, then the tags: 2 * group, and one more for the group's end
};

struct Automaton {
  std::array<uint8_t, 256> class_of{};
  uint32_t classes = 1;
  Finder finder;        // if without groups
  Groups groups;        // if with
  size_t bytes() const; // of the tables
};

// The tables that answer `=~`, or those for groups as well. None: error says why.
std::optional<Automaton> compile(std::string_view pattern, bool with_groups, Error &error);

bool matches(const Automaton &automaton, std::string_view text);

// Bounds of group 0 and on; SIZE_MAX twice for a group without a part in the match. None: no match.
using Bounds = std::pair<size_t, size_t>;
std::optional<std::vector<Bounds>> search(const Automaton &automaton, std::string_view text);

} // namespace tapjit::ir::regex
