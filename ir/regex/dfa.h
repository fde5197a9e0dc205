// SPDX-License-Identifier: GPL-2.0-or-later
// From the nondeterministic automaton to tables. Private to ir/regex. Each: false if the budget does not last, or there
// would be more states than a table holds.
#pragma once

#include "ir/regex/nfa.h"
#include "ir/regex/regex.h"

#include <unordered_map>

namespace tapjit::ir::regex {

bool make_finder(const Nfa &nfa, Budget &budget, Finder &finder);
bool make_starts(const Nfa &nfa, Budget &budget, Dfa &starts); // Groups::starts
bool make_groups(const Nfa &nfa, Budget &budget, Groups &groups);

// The smallest automaton that gives the same flags; the first `kept` states keep their numbers.
void minimize(Dfa &dfa, size_t kept);

// Most states, and most entries of one table: half a megabyte.
constexpr size_t state_limit = 16384;
constexpr size_t table_limit = 1 << 18;
inline bool fits(size_t states, uint32_t classes) { return states <= state_limit && states * classes <= table_limit; }

// Numbers the sets of a subset construction in the order of their discovery.
class StateSets {
public:
  // The number of the set; `is_new` if it had none.
  uint32_t number(const std::vector<uint32_t> &set, bool &is_new) {
    auto [found, added] = numbers_.try_emplace(set, uint32_t(sets_.size()));
    is_new = added;
    if (added)
      sets_.push_back(&found->first);
    return found->second;
  }
  const std::vector<uint32_t> &operator[](size_t state) const { return *sets_[state]; }
  size_t size() const { return sets_.size(); }

private:
  struct Hash {
    size_t operator()(const std::vector<uint32_t> &set) const {
      uint64_t hash = 14695981039346656037u;
      for (uint32_t item : set)
        hash = (hash ^ item) * 1099511628211u;
      return size_t(hash ^ hash >> 32);
    }
  };
  std::unordered_map<std::vector<uint32_t>, uint32_t, Hash> numbers_;
  std::vector<const std::vector<uint32_t> *> sets_;
};

} // namespace tapjit::ir::regex
