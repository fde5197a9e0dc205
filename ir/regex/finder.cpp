// SPDX-License-Identifier: GPL-2.0-or-later
// The automata without threads: sets of nodes, in both directions.
#include "ir/regex/dfa.h"

#include <algorithm>

namespace tapjit::ir::regex {

namespace {

// Behind the nodes of a set: it is that of the string's start, or (to the left) of its end.
constexpr uint32_t mark = UINT32_MAX;

class FinderConstruction {
public:
  FinderConstruction(const Nfa &nfa, Budget &budget, Finder &finder)
      : nfa_(nfa), budget_(budget), finder_(finder), seen_(nfa.nodes.size()) {}

  bool run() {
    finder_.classes = nfa_.classes;
    for (uint16_t state : {0, 1}) {
      finder_.next.insert(finder_.next.end(), nfa_.classes, state);
      finder_.flags.push_back(uint8_t(state));
    }
    begin_set();
    walk(nfa_.start, true, false);
    // What `$` may be followed by depends on where the string starts.
    if (nfa_.has_begin && nfa_.has_end)
      set_.push_back(mark);
    finder_.start = uint16_t(end_set());
    for (size_t index = 0; index < sets_.size(); ++index)
      if (!add_state(std::vector<uint32_t>(sets_[index])))
        return false;
    minimize(finder_, 2);
    return true;
  }

private:
  void begin_set() {
    set_.clear();
    has_matched_ = false;
    ++turn_;
  }

  void walk(uint32_t node, bool at_begin, bool at_end) {
    work_.push_back(node);
    while (!work_.empty()) {
      uint32_t index = work_.back();
      work_.pop_back();
      if (seen_[index] == turn_)
        continue;
      seen_[index] = turn_;
      budget_.take(1);
      const NfaNode &here = nfa_.nodes[index];
      has_matched_ |= here.kind == NfaNode::Kind::Match;
      bool goes_on = here.kind == NfaNode::Kind::Split || here.kind == NfaNode::Kind::Tag ||
                     (here.kind == NfaNode::Kind::Begin && at_begin) || (here.kind == NfaNode::Kind::End && at_end);
      if (here.kind == NfaNode::Kind::Split)
        work_.push_back(here.other);
      if (goes_on)
        work_.push_back(here.next);
      else if (here.kind == NfaNode::Kind::Bytes || here.kind == NfaNode::Kind::End)
        set_.push_back(index);
    }
  }

  uint32_t end_set() {
    if (has_matched_ || set_.empty())
      return has_matched_;
    std::sort(set_.begin(), set_.end());
    bool is_new;
    return sets_.number(set_, is_new) + 2;
  }

  bool matches_at_end(const std::vector<uint32_t> &set) {
    begin_set();
    for (uint32_t node : set)
      if (node != mark && nfa_.nodes[node].kind == NfaNode::Kind::End)
        walk(nfa_.nodes[node].next, set.back() == mark, true);
    return has_matched_;
  }

  bool add_state(const std::vector<uint32_t> &set) {
    finder_.flags.push_back(matches_at_end(set));
    for (uint32_t letter = 0; letter < nfa_.classes; ++letter) {
      if (!budget_.take(int64_t(set.size())) || !fits(sets_.size() + 2, nfa_.classes))
        return false;
      begin_set();
      for (uint32_t node : set)
        if (node != mark && nfa_.nodes[node].kind == NfaNode::Kind::Bytes && nfa_.sets[nfa_.nodes[node].what][letter])
          walk(nfa_.nodes[node].next, false, false);
      walk(nfa_.start, false, false); // a match may start here as well
      finder_.next.push_back(uint16_t(end_set()));
    }
    return true;
  }

  const Nfa &nfa_;
  Budget &budget_;
  Finder &finder_;
  StateSets sets_;
  std::vector<uint32_t> seen_, work_, set_;
  uint32_t turn_ = 0;
  bool has_matched_ = false;
};

// To the left: a state is the set of nodes that take the byte just read on a way to a match.
class StartsConstruction {
public:
  StartsConstruction(const Nfa &nfa, Budget &budget, Dfa &starts)
      : nfa_(nfa), budget_(budget), starts_(starts), before_(nfa.nodes.size()) {
    for (uint32_t index = 0; index < nfa.nodes.size(); ++index) {
      const NfaNode &node = nfa.nodes[index];
      if (node.kind == NfaNode::Kind::Bytes)
        bytes_.push_back(index);
      else if (node.kind != NfaNode::Kind::Match)
        before_[node.next].push_back(index);
      if (node.kind == NfaNode::Kind::Split)
        before_[node.other].push_back(index);
    }
  }

  bool run() {
    starts_.classes = nfa_.classes;
    bool is_new;
    starts_.start = uint16_t(sets_.number({mark}, is_new));
    for (size_t index = 0; index < sets_.size(); ++index)
      if (!add_state(std::vector<uint32_t>(sets_[index])))
        return false;
    minimize(starts_, 0);
    return true;
  }

private:
  // The nodes from which a match is reached, here or by way of `set`.
  std::vector<bool> reach(const std::vector<uint32_t> &set, bool at_begin) {
    bool at_end = !set.empty() && set.back() == mark;
    std::vector<bool> reached(nfa_.nodes.size());
    std::vector<uint32_t> work;
    auto add = [&](uint32_t node) {
      if (!reached[node])
        work.push_back(node);
      reached[node] = true;
    };
    add(0); // Match
    for (uint32_t node : set)
      if (node != mark)
        add(node);
    while (!work.empty()) {
      uint32_t node = work.back();
      work.pop_back();
      for (uint32_t above : before_[node]) {
        NfaNode::Kind kind = nfa_.nodes[above].kind;
        if ((kind == NfaNode::Kind::Begin && !at_begin) || (kind == NfaNode::Kind::End && !at_end))
          continue;
        add(above);
      }
    }
    return reached;
  }

  bool add_state(const std::vector<uint32_t> &set) {
    if (!budget_.take(int64_t(nfa_.nodes.size())) || !fits(sets_.size(), nfa_.classes))
      return false;
    std::vector<bool> reached = reach(set, false);
    bool at_begin = nfa_.has_begin ? reach(set, true)[nfa_.start] : reached[nfa_.start];
    starts_.flags.push_back(uint8_t(reached[nfa_.start] | at_begin << 1));
    for (uint32_t letter = 0; letter < nfa_.classes; ++letter) {
      if (!budget_.take(int64_t(bytes_.size())))
        return false;
      std::vector<uint32_t> next;
      for (uint32_t node : bytes_)
        if (reached[nfa_.nodes[node].next] && nfa_.sets[nfa_.nodes[node].what][letter])
          next.push_back(node);
      bool is_new;
      starts_.next.push_back(uint16_t(sets_.number(next, is_new)));
    }
    return true;
  }

  const Nfa &nfa_;
  Budget &budget_;
  Dfa &starts_;
  StateSets sets_;
  std::vector<std::vector<uint32_t>> before_; // by node: those from which it is reached without a byte
  std::vector<uint32_t> bytes_;
};

} // namespace

bool make_finder(const Nfa &nfa, Budget &budget, Finder &finder) {
  return FinderConstruction(nfa, budget, finder).run() && budget.take(0);
}

bool make_starts(const Nfa &nfa, Budget &budget, Dfa &starts) { return StartsConstruction(nfa, budget, starts).run(); }

} // namespace tapjit::ir::regex
