// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/interpret/session.h"

#include "ir/signature.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit::ir {

namespace {

enum class State : uint8_t { Starting, Running, Stopping, Error };

constexpr int64_t ns_per_tick = 4'000'000; // of the user runtime, which has no ticks of its own

int64_t constant(const Site &site, std::string_view name) {
  for (const auto &[field, value] : site.constants)
    if (field == name && std::holds_alternative<int64_t>(value))
      return std::get<int64_t>(value);
  return 0;
}

// A timer's next time: its interval and a jitter in [-randomize, randomize].
class Timer {
public:
  Timer(const Site &where, uint64_t number, int64_t now) : site(&where) {
    random_ = uint64_t(now) ^ (number + 1) * 0x9e3779b97f4a7c15;
    due = now + next_interval();
  }
  void go_on() { due += next_interval(); }

  const Site *site;
  int64_t due;

private:
  int64_t next_interval() {
    int64_t interval = constant(*site, "interval"), jitter = constant(*site, "randomize");
    if (jitter > 0) {
      random_ ^= random_ << 13;
      random_ ^= random_ >> 7;
      random_ ^= random_ << 17;
      interval += int64_t(random_ % (2 * uint64_t(jitter) + 1)) - jitter;
    }
    return interval > 0 ? interval * (constant(*site, "jiffies") ? ns_per_tick : 1) : 1;
  }
  uint64_t random_;
};

class Session {
public:
  Session(const Module &module, const SessionOptions &options)
      : module_(module), options_(options), machine_(module), most_errors_(limit(module, "MAXERRORS")) {
    machine_.set_most_steps(options.most_steps);
  }

  SessionResult run() {
    run_by_priority("begin", State::Starting);
    if (state_ == State::Starting) {
      state_ = State::Running;
      run_events();
      if (state_ == State::Running)
        state_ = State::Stopping;
    }
    run_by_priority("end", State::Stopping);
    run_by_priority("error", State::Error);
    result_.output = machine_.output();
    result_.failed = errors_ > 0;
    return std::move(result_);
  }

private:
  void say(const char *prefix, std::string text) {
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    result_.messages += prefix + text + "\n";
  }

  void hit(ProbeId probe, const HitContext &context) {
    bool exit_before = machine_.exit_asked();
    size_t warned = machine_.warnings().size();
    Outcome outcome = machine_.hit(probe, context);
    for (; warned < machine_.warnings().size(); ++warned)
      say("WARNING: ", machine_.warnings()[warned]);
    // A session that is stopping already has nothing more to ask for.
    if (machine_.exit_asked() && !exit_before && (state_ == State::Starting || state_ == State::Running))
      state_ = State::Stopping;
    if (outcome.failure && !limit(module_, "STP_SUPPRESS_HANDLER_ERRORS")) {
      say("ERROR: ", *outcome.failure + (outcome.where.empty() ? "" : " near " + outcome.where));
      if (++errors_ > most_errors_)
        state_ = State::Error;
    }
    if (!outcome.is_fine())
      result_.internal = outcome.internal;
  }

  static void take_site(const Site &site, HitContext &context) {
    context.probe_point = site.pp;
    context.function = site.function;
    context.numbers.clear();
    for (std::string_view name : number_names)
      context.numbers.push_back(constant(site, name));
  }

  void hit(const Site &site) {
    HitContext context = options_.context;
    take_site(site, context);
    hit(site.probe, context);
  }

  void run_by_priority(std::string_view family, State state) {
    std::vector<const Site *> sites;
    for (const Site &site : module_.sites)
      if (site.family == family)
        sites.push_back(&site);
    std::stable_sort(sites.begin(), sites.end(), [](const Site *left, const Site *right) {
      return constant(*left, "priority") < constant(*right, "priority");
    });
    for (const Site *site : sites)
      if (goes_on(state))
        hit(*site);
  }

  void run_events() {
    std::vector<Timer> timers;
    for (const Site &site : module_.sites)
      if (site.family == "timer")
        timers.emplace_back(site, timers.size(), options_.start_ns);
    for (const ScriptedHit &scripted : options_.hits) {
      HitContext context = scripted.context;
      const Probe &probe = module_.probes[scripted.probe.index];
      if (context.probe_point.empty() && !probe.sites.empty())
        take_site(module_.sites[probe.sites[0].index], context);
      if (goes_on(State::Running))
        hit(scripted.probe, context);
    }
    for (int64_t hits = 0; goes_on(State::Running) && !timers.empty() && hits < options_.most_hits; ++hits) {
      Timer &next = *std::min_element(timers.begin(), timers.end(),
                                      [](const Timer &left, const Timer &right) { return left.due < right.due; });
      if (next.due - options_.start_ns > options_.length_ns)
        break;
      hit(*next.site);
      next.go_on();
    }
  }

  bool goes_on(State state) const { return state_ == state && result_.internal.empty(); }

  const Module &module_;
  const SessionOptions &options_;
  Machine machine_;
  SessionResult result_;
  State state_ = State::Starting;
  int64_t errors_ = 0, most_errors_;
};

} // namespace

SessionResult run_session(const Module &module, const SessionOptions &options) {
  return Session(module, options).run();
}

} // namespace tapjit::ir
