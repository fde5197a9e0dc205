// SPDX-License-Identifier: GPL-2.0-or-later
// Several hits at once, as on several CPUs, op by op: an op is atomic, and between two ops of a hit the others may run.
// What placed locks leave possible can be tried out.
#pragma once

#include "ir/interpret/session.h"

#include <functional>

namespace tapjit::ir {

struct Interleaving {
  std::vector<Outcome> outcomes; // by hit
  std::string schedule;          // the hit that took each step, one letter each: '0', '1', ... as interleave() takes it
};

// `schedule` says who takes each step; letters of hits that are done are passed over, and behind its end the hits go on
// in turn. Ten hits at most.
Interleaving interleave(Machine &machine, const std::vector<ScriptedHit> &hits, std::string_view schedule);
// The same by chance.
Interleaving interleave(Machine &machine, const std::vector<ScriptedHit> &hits, uint64_t seed);

// Every schedule of two hits with at most two switches between them, and `tries` by chance from `seed` on, each on a
// machine of its own. `is_wrong` looks at the end of each and gives what is wrong with it, or an empty text. The first
// that is wrong, with its schedule; none: all are well.
struct WrongSchedule {
  std::string schedule, what;
};
std::optional<WrongSchedule>
find_wrong_schedule(const Module &module, const std::vector<ScriptedHit> &hits, uint64_t seed, unsigned tries,
                    const std::function<std::string(Machine &, const Interleaving &)> &is_wrong);

} // namespace tapjit::ir
