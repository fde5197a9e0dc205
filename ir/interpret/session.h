// SPDX-License-Identifier: GPL-2.0-or-later
// A whole session in the interpreter: begin, scripted hits, timers in virtual time, end or error; the states are those
// of runtime/kernel/STATES.md. Handlers take no time, and an hour passes at once.
#pragma once

#include "ir/interpret.h"

namespace tapjit::ir {

struct ScriptedHit {
  ProbeId probe;
  HitContext context; // an empty probe_point: that of the probe's first site
};

struct SessionOptions {
  HitContext context;             // of begin, end, error and timers; probe_point and function are the sites'
  std::vector<ScriptedHit> hits;  // after the begin probes, before the first timer
  int64_t start_ns = 0;           // the clock when timers are placed; it seeds their random intervals too
  int64_t length_ns = INT64_MAX;  // how long the session runs; it also ends when no timer is left to wait for
  int64_t most_steps = 4'000'000; // of a hit: an op or a terminator each
  int64_t most_hits = 100'000;    // of timers; a session that has more is ended
};

struct SessionResult {
  std::string output;   // standard output
  std::string messages; // standard error: "ERROR: ..." and "WARNING: ..." lines
  std::string internal; // not empty: a hit broke a rule (Outcome::internal), and the session stopped there
  bool failed = false;  // a handler failed: the exit status is 1
};

SessionResult run_session(const Module &module, const SessionOptions &options = {});

} // namespace tapjit::ir
