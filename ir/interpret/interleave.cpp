// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/interpret/interleave.h"

#include <random>

namespace tapjit::ir {

namespace {

// `choose` gives the hit to go on with, of those that are not done.
template <typename Choose> Interleaving run(Machine &machine, const std::vector<ScriptedHit> &hits, Choose choose) {
  Interleaving result;
  std::vector<HitId> ids;
  std::vector<size_t> open;
  for (size_t index = 0; index < hits.size(); ++index) {
    ids.push_back(machine.start(hits[index].probe, hits[index].context));
    open.push_back(index);
  }
  while (!open.empty()) {
    size_t chosen = choose(open);
    result.schedule += char('0' + chosen);
    if (machine.step(ids[chosen]) == Machine::Step::Done)
      std::erase(open, chosen);
  }
  for (HitId id : ids)
    result.outcomes.push_back(machine.outcome(id));
  return result;
}

} // namespace

Interleaving interleave(Machine &machine, const std::vector<ScriptedHit> &hits, std::string_view schedule) {
  size_t turn = 0;
  return run(machine, hits, [&](const std::vector<size_t> &open) {
    while (!schedule.empty()) {
      size_t wanted = size_t(schedule[0] - '0');
      schedule.remove_prefix(1);
      for (size_t hit : open)
        if (hit == wanted)
          return hit;
    }
    return open[turn++ % open.size()];
  });
}

Interleaving interleave(Machine &machine, const std::vector<ScriptedHit> &hits, uint64_t seed) {
  std::mt19937_64 random(seed);
  return run(machine, hits, [&](const std::vector<size_t> &open) { return open[random() % open.size()]; });
}

std::optional<WrongSchedule>
find_wrong_schedule(const Module &module, const std::vector<ScriptedHit> &hits, uint64_t seed, unsigned tries,
                    const std::function<std::string(Machine &, const Interleaving &)> &is_wrong) {
  auto wrong = [&](auto how) -> std::optional<WrongSchedule> {
    Machine machine(module);
    Interleaving result = interleave(machine, hits, how);
    std::string what = is_wrong(machine, result);
    if (what.empty())
      return std::nullopt;
    return WrongSchedule{result.schedule, what};
  };
  if (hits.size() == 2) {
    // How long each hit is when it runs alone; a switch behind its end is none.
    size_t steps[2];
    for (size_t first = 0; first < 2; ++first) {
      Machine machine(module);
      std::string schedule = interleave(machine, {hits[first]}, std::string_view()).schedule;
      steps[first] = schedule.size();
    }
    for (size_t first = 0; first < 2; ++first)
      for (size_t one = 0; one <= steps[first]; ++one)
        for (size_t two = 0; two <= steps[1 - first]; ++two) {
          std::string schedule = std::string(one, char('0' + first)) + std::string(two, char('1' - first)) +
                                 std::string(steps[first] + steps[1 - first], char('0' + first));
          if (auto found = wrong(std::string_view(schedule)))
            return found;
        }
  }
  for (unsigned count = 0; count < tries; ++count)
    if (auto found = wrong(seed + count))
      return found;
  return std::nullopt;
}

} // namespace tapjit::ir
