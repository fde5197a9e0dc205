// SPDX-License-Identifier: GPL-2.0-or-later
// The automaton whose states are lists of threads: the nodes behind the bytes just taken, in order of precedence. What
// lies between there and the next byte is walked when that byte, or the end, is known, so that `$` takes its place in
// the order. No thread carries positions: where it came from, and which bounds of groups it passed on the way, stands
// in the step that made it, so two states with the same list are one.
#include "ir/regex/dfa.h"

#include <algorithm>
#include <map>

namespace tapjit::ir::regex {

namespace {

constexpr uint32_t mark = UINT32_MAX; // behind the threads of a state at the string's start
constexpr uint32_t no_tags = UINT32_MAX;

class GroupsConstruction {
public:
  GroupsConstruction(const Nfa &nfa, Budget &budget, Groups &groups)
      : nfa_(nfa), budget_(budget), groups_(groups), seen_(nfa.nodes.size()) {}

  bool run() {
    groups_.count = nfa_.groups;
    groups_.threads.classes = nfa_.classes;
    groups_.tag_lists = {0};
    number({}); // state 0
    groups_.start_inside = number({nfa_.start});
    groups_.threads.start = nfa_.has_begin ? number({nfa_.start, mark}) : groups_.start_inside;
    for (size_t index = 0; index < sets_.size(); ++index)
      if (!add_state(std::vector<uint32_t>(sets_[index])))
        return false;
    return true;
  }

private:
  struct Passed {
    uint32_t tag, before; // `before`: index in passed_, or no_tags
  };
  struct Walk {
    uint32_t node, tags; // index in passed_, or no_tags
  };
  struct Arrival {
    uint32_t node; // that takes a byte, or the match
    Step step;
  };

  uint16_t number(const std::vector<uint32_t> &list) {
    bool is_new;
    return uint16_t(sets_.number(list, is_new));
  }

  // Where the threads get to before the next byte, in order of precedence.
  std::vector<Arrival> arrivals(const std::vector<uint32_t> &list, bool at_end) {
    std::vector<Arrival> arrivals;
    bool at_begin = !list.empty() && list.back() == mark;
    passed_.clear();
    ++turn_;
    for (size_t thread = 0; thread < list.size() - at_begin; ++thread)
      walk(list[thread], uint16_t(thread), at_begin, at_end, arrivals);
    return arrivals;
  }

  void walk(uint32_t start, uint16_t from, bool at_begin, bool at_end, std::vector<Arrival> &arrivals) {
    std::vector<Walk> work{{start, no_tags}};
    while (!work.empty()) {
      auto [index, tags] = work.back();
      work.pop_back();
      if (seen_[index] == turn_)
        continue;
      seen_[index] = turn_;
      budget_.take(1);
      const NfaNode &here = nfa_.nodes[index];
      if (here.kind == NfaNode::Kind::Bytes || here.kind == NfaNode::Kind::Match) {
        arrivals.push_back({index, {from, tag_list(tags)}});
        continue;
      }
      if ((here.kind == NfaNode::Kind::Begin && !at_begin) || (here.kind == NfaNode::Kind::End && !at_end))
        continue;
      if (here.kind == NfaNode::Kind::Split)
        work.push_back({here.other, tags});
      if (here.kind == NfaNode::Kind::Tag && !has_passed(tags, here.what)) {
        passed_.push_back({here.what, tags});
        tags = uint32_t(passed_.size() - 1);
      }
      work.push_back({here.next, tags});
    }
  }

  // A repetition's turns pass the same tags: noted once, they make no list longer than there are groups.
  bool has_passed(uint32_t tags, uint32_t tag) const {
    while (tags != no_tags && passed_[tags].tag != tag)
      tags = passed_[tags].before;
    return tags != no_tags;
  }

  uint16_t tag_list(uint32_t tags) {
    std::vector<uint16_t> list;
    for (; tags != no_tags; tags = passed_[tags].before)
      list.push_back(uint16_t(passed_[tags].tag));
    std::sort(list.begin(), list.end());
    if (list.empty())
      return 0;
    auto [found, is_new] = tag_lists_.try_emplace(list, uint32_t(groups_.tag_lists.size()));
    if (is_new) {
      groups_.tag_lists.push_back(uint16_t(list.size()));
      groups_.tag_lists.insert(groups_.tag_lists.end(), list.begin(), list.end());
    }
    budget_.take(int64_t(list.size()));
    return uint16_t(found->second);
  }

  uint16_t steps_index(const std::vector<Step> &steps) {
    auto [found, is_new] = steps_lists_.try_emplace(steps, uint32_t(groups_.steps.size()));
    if (is_new)
      groups_.steps.insert(groups_.steps.end(), steps.begin(), steps.end());
    return uint16_t(found->second);
  }

  static Step match_among(const std::vector<Arrival> &arrivals, const Nfa &nfa) {
    for (const Arrival &arrival : arrivals)
      if (nfa.nodes[arrival.node].kind == NfaNode::Kind::Match)
        return arrival.step;
    return {no_thread, 0};
  }

  bool fits_tables() const {
    return fits(sets_.size(), nfa_.classes) && groups_.steps.size() <= UINT16_MAX &&
           groups_.tag_lists.size() <= UINT16_MAX;
  }

  bool add_state(const std::vector<uint32_t> &list) {
    groups_.accepts_at_end.push_back(match_among(arrivals(list, true), nfa_));
    std::vector<Arrival> reached = arrivals(list, false);
    groups_.accepts.push_back(match_among(reached, nfa_));
    for (uint32_t letter = 0; letter < nfa_.classes; ++letter) {
      if (!budget_.take(int64_t(reached.size())) || !fits_tables())
        return false;
      std::vector<uint32_t> next;
      std::vector<Step> steps;
      ++turn_;
      for (const Arrival &arrival : reached) {
        const NfaNode &node = nfa_.nodes[arrival.node];
        if (node.kind != NfaNode::Kind::Bytes || !nfa_.sets[node.what][letter] || seen_[node.next] == turn_)
          continue;
        seen_[node.next] = turn_;
        next.push_back(node.next);
        steps.push_back(arrival.step);
      }
      groups_.steps_of.push_back(steps_index(steps));
      groups_.threads.next.push_back(number(next));
    }
    return fits_tables();
  }

  const Nfa &nfa_;
  Budget &budget_;
  Groups &groups_;
  StateSets sets_;
  std::vector<uint32_t> seen_;
  std::vector<Passed> passed_;
  std::map<std::vector<uint16_t>, uint32_t> tag_lists_;
  std::map<std::vector<Step>, uint32_t> steps_lists_;
  uint32_t turn_ = 0;
};

} // namespace

bool make_groups(const Nfa &nfa, Budget &budget, Groups &groups) {
  return make_starts(nfa, budget, groups.starts) && GroupsConstruction(nfa, budget, groups).run() && budget.take(0);
}

} // namespace tapjit::ir::regex
