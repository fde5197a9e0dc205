// SPDX-License-Identifier: GPL-2.0-or-later
// Hopcroft, "An n log n algorithm for minimizing states in a finite automaton" (1971).
#include "ir/regex/dfa.h"

#include <algorithm>
#include <deque>
#include <map>

namespace tapjit::ir::regex {

namespace {

class Partition {
public:
  explicit Partition(const Dfa &dfa) : dfa_(dfa), block_of_(dfa.states()), into_(dfa.states() * dfa.classes) {
    for (size_t state = 0; state < dfa.states(); ++state)
      for (uint32_t letter = 0; letter < dfa.classes; ++letter)
        into_[dfa.next[state * dfa.classes + letter] * dfa.classes + letter].push_back(uint16_t(state));
  }

  const std::vector<uint32_t> &refine() {
    std::map<uint8_t, uint32_t> first;
    for (size_t state = 0; state < dfa_.states(); ++state) {
      auto [found, is_new] = first.try_emplace(dfa_.flags[state], uint32_t(blocks_.size()));
      if (is_new)
        blocks_.emplace_back();
      add(uint16_t(state), found->second);
    }
    for (uint32_t block = 0; block < blocks_.size(); ++block)
      for (uint32_t letter = 0; letter < dfa_.classes; ++letter)
        enqueue(block, letter);
    while (!work_.empty()) {
      auto [block, letter] = work_.front();
      work_.pop_front();
      waits_[block * dfa_.classes + letter] = false;
      split_by(block, letter);
    }
    return block_of_;
  }

private:
  bool waits(uint32_t block, uint32_t letter) const {
    size_t at = size_t(block) * dfa_.classes + letter;
    return at < waits_.size() && waits_[at];
  }
  void enqueue(uint32_t block, uint32_t letter) {
    waits_.resize(std::max(waits_.size(), size_t(block + 1) * dfa_.classes));
    waits_[size_t(block) * dfa_.classes + letter] = true;
    work_.emplace_back(block, letter);
  }

  void add(uint16_t state, uint32_t block) {
    block_of_[state] = block;
    blocks_[block].push_back(state);
  }

  // Parts those states of each block that `letter` leads into `splitter` from those that it does not.
  void split_by(uint32_t splitter, uint32_t letter) {
    std::map<uint32_t, std::vector<uint16_t>> hit;
    for (uint16_t target : blocks_[splitter])
      for (uint16_t state : into_[target * dfa_.classes + letter])
        hit[block_of_[state]].push_back(state);
    for (auto &[block, states] : hit) {
      if (states.size() == blocks_[block].size())
        continue;
      uint32_t made = uint32_t(blocks_.size());
      blocks_.emplace_back();
      for (uint16_t state : states)
        add(state, made);
      std::erase_if(blocks_[block], [&, old = block](uint16_t state) { return block_of_[state] != old; });
      // The smaller part alone would do where the block does not wait itself.
      uint32_t smaller = blocks_[made].size() <= blocks_[block].size() ? made : block;
      for (uint32_t other = 0; other < dfa_.classes; ++other)
        enqueue(waits(block, other) ? made : smaller, other);
    }
  }

  const Dfa &dfa_;
  std::vector<uint32_t> block_of_;
  std::vector<std::vector<uint16_t>> blocks_, into_;
  std::deque<std::pair<uint32_t, uint32_t>> work_; // (block, letter) that may still split others
  std::vector<bool> waits_;                        // by block * classes + letter: in work_
};

} // namespace

void minimize(Dfa &dfa, size_t kept) {
  std::vector<uint32_t> block_of = Partition(dfa).refine();
  // Numbered in the order of their first use, from the start on, the kept ones first.
  constexpr uint16_t none = UINT16_MAX;
  std::vector<uint16_t> number(dfa.states(), none);
  std::vector<uint16_t> order;
  auto number_of = [&](uint16_t state) {
    uint16_t &found = number[block_of[state]];
    if (found == none) {
      found = uint16_t(order.size());
      order.push_back(state);
    }
    return found;
  };
  for (size_t state = 0; state < kept; ++state)
    number_of(uint16_t(state));
  Dfa smaller;
  smaller.classes = dfa.classes;
  smaller.start = number_of(dfa.start);
  for (size_t index = 0; index < order.size(); ++index) {
    smaller.flags.push_back(dfa.flags[order[index]]);
    for (uint32_t letter = 0; letter < dfa.classes; ++letter)
      smaller.next.push_back(number_of(dfa.next[order[index] * dfa.classes + letter]));
  }
  dfa = std::move(smaller);
}

} // namespace tapjit::ir::regex
