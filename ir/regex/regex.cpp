// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/regex/regex.h"

#include "ir/regex/dfa.h"

#include <fmt/format.h>

namespace tapjit::ir::regex {

namespace {

constexpr size_t node_limit = 20'000;
constexpr int64_t step_limit = 10'000'000; // some 0.1 s

size_t bytes_of(const Dfa &dfa) { return dfa.next.size() * sizeof(uint16_t) + dfa.flags.size(); }

} // namespace

size_t Automaton::bytes() const {
  return class_of.size() + bytes_of(finder) + bytes_of(groups.starts) + bytes_of(groups.threads) +
         (groups.steps_of.size() + groups.tag_lists.size()) * sizeof(uint16_t) +
         (groups.steps.size() + groups.accepts.size() + groups.accepts_at_end.size()) * sizeof(Step);
}

std::optional<Automaton> compile(std::string_view pattern, bool with_groups, Error &error) {
  std::optional<Syntax> syntax = parse(pattern, error);
  if (!syntax)
    return std::nullopt;
  error = {0, pattern.size(), fmt::format("more than {} parts with its repetitions written out", node_limit),
           "make the bounds of repetitions smaller", true};
  std::optional<Nfa> nfa = make_nfa(*syntax, node_limit);
  if (!nfa)
    return std::nullopt;
  Automaton automaton;
  automaton.class_of = nfa->class_of;
  automaton.classes = nfa->classes;
  Budget budget{step_limit};
  error.message = fmt::format("more states than a table holds ({} at most, in {} KB)", state_limit,
                              table_limit * sizeof(uint16_t) / 1024);
  error.hint = with_groups
                   ? "make repetitions shorter, split the expression in two, or write `(?:...)` for groups that "
                     "`matched()` is not asked for"
                   : "make repetitions shorter, or split the expression in two";
  bool is_made =
      with_groups ? make_groups(*nfa, budget, automaton.groups) : make_finder(*nfa, budget, automaton.finder);
  if (!is_made)
    return std::nullopt;
  return automaton;
}

bool matches(const Automaton &automaton, std::string_view text) {
  const Finder &finder = automaton.finder;
  uint32_t state = finder.start;
  for (size_t at = 0; at < text.size() && state > 1; ++at)
    state = finder.next[state * finder.classes + automaton.class_of[uint8_t(text[at])]];
  return finder.flags[state] & 1;
}

namespace {

class Search {
public:
  Search(const Automaton &automaton, std::string_view text)
      : automaton_(automaton), groups_(automaton.groups), text_(text) {}

  std::optional<std::vector<Bounds>> run() {
    if (!find_start())
      return std::nullopt;
    find_end();
    bounds_.assign(groups_.count, {SIZE_MAX, SIZE_MAX});
    bounds_[0] = {start_, end_};
    follow_back();
    return std::move(bounds_);
  }

private:
  uint8_t letter(size_t at) const { return automaton_.class_of[uint8_t(text_[at])]; }

  bool find_start() {
    uint32_t state = groups_.starts.start;
    start_ = SIZE_MAX;
    for (size_t at = text_.size();; --at) {
      if (groups_.starts.flags[state] & (at == 0 ? 2 : 1))
        start_ = at;
      if (at == 0)
        return start_ != SIZE_MAX;
      state = groups_.starts.next[state * groups_.starts.classes + letter(at - 1)];
    }
  }

  void find_end() {
    uint32_t state = start_ == 0 ? groups_.threads.start : groups_.start_inside;
    path_ = {uint16_t(state)};
    for (size_t at = start_;; ++at) {
      const Step &match = (at == text_.size() ? groups_.accepts_at_end : groups_.accepts)[state];
      if (match.from != no_thread) {
        end_ = at;
        last_ = match;
      }
      if (at == text_.size() || state == 0)
        return;
      state = groups_.threads.next[state * groups_.threads.classes + letter(at)];
      path_.push_back(uint16_t(state));
    }
  }

  // Coming from the end: the first value that a tag gets is its last.
  void set_tags(uint16_t list, size_t at) {
    for (uint16_t index = 1; index <= groups_.tag_lists[list]; ++index) {
      uint16_t tag = groups_.tag_lists[list + index];
      size_t &bound = tag % 2 ? bounds_[tag / 2].second : bounds_[tag / 2].first;
      if (bound == SIZE_MAX)
        bound = at;
    }
  }

  void follow_back() {
    set_tags(last_.tags, end_);
    uint16_t thread = last_.from;
    for (size_t at = end_; at-- > start_;) {
      uint32_t entry = path_[at - start_] * groups_.threads.classes + letter(at);
      const Step &step = groups_.steps[groups_.steps_of[entry] + thread];
      set_tags(step.tags, at);
      thread = step.from;
    }
  }

  const Automaton &automaton_;
  const Groups &groups_;
  std::string_view text_;
  size_t start_ = 0, end_ = 0;
  Step last_{no_thread, 0};
  std::vector<uint16_t> path_; // states from start_ on
  std::vector<Bounds> bounds_;
};

} // namespace

std::optional<std::vector<Bounds>> search(const Automaton &automaton, std::string_view text) {
  return Search(automaton, text).run();
}

} // namespace tapjit::ir::regex
