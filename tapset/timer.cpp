// SPDX-License-Identifier: GPL-2.0-or-later
// Timers by wall clock or jiffies, and the profiling timer.
#include "tapset/family.h"

namespace tapjit::tapset {

namespace {

constexpr int64_t second = 1'000'000'000;
constexpr int64_t shortest_interval = 100'000;           // 100 us
constexpr int64_t longest_interval = 24 * 3600 * second; // 24 h
constexpr int64_t most_jiffies = 1'000'000;

struct Unit {
  std::string_view name;
  int64_t nanoseconds; // 0: jiffies
};
constexpr Unit units[] = {{"jiffies", 0}, {"s", second},  {"sec", second}, {"ms", 1'000'000}, {"msec", 1'000'000},
                          {"us", 1000},   {"usec", 1000}, {"ns", 1},       {"nsec", 1}};

constexpr const char *timer_forms[] = {
    "timer.jiffies(number)", "timer.jiffies(number).randomize(number)",
    "timer.s(number)",       "timer.s(number).randomize(number)",
    "timer.sec(number)",     "timer.sec(number).randomize(number)",
    "timer.ms(number)",      "timer.ms(number).randomize(number)",
    "timer.msec(number)",    "timer.msec(number).randomize(number)",
    "timer.us(number)",      "timer.us(number).randomize(number)",
    "timer.usec(number)",    "timer.usec(number).randomize(number)",
    "timer.ns(number)",      "timer.ns(number).randomize(number)",
    "timer.nsec(number)",    "timer.nsec(number).randomize(number)",
    "timer.hz(number)",
};

ResolvedSite timer_site(Components components, int64_t interval, int64_t randomize, bool is_jiffies) {
  ResolvedSite site;
  site.site.family = "timer";
  site.site.pp = point_text(components);
  site.site.constants.emplace_back("interval", interval);
  site.site.constants.emplace_back("randomize", randomize);
  site.site.constants.emplace_back("jiffies", int64_t{is_jiffies});
  return site;
}

ProbeMatch match_frequency(Components components) {
  int64_t hertz = components[1].number;
  if (hertz <= 0)
    return refuse("a frequency of " + std::to_string(hertz) + " Hz", "give a number above 0", 1);
  int64_t interval = (second - 1) / hertz + 1; // rounded up
  if (interval < shortest_interval)
    return refuse("a frequency of " + std::to_string(hertz) + " Hz is more than 10000 Hz", "", 1);
  return single_site(timer_site(components, interval, 0, false));
}

ProbeMatch match_timer(FamilyState &, Components components, size_t) {
  if (components[1].name == "hz")
    return match_frequency(components);
  const Unit *unit = units;
  while (unit->name != components[1].name)
    ++unit;
  int64_t count = components[1].number, jitter = components.size() > 2 ? components[2].number : 0;
  bool is_jiffies = unit->nanoseconds == 0;
  int64_t scale = is_jiffies ? 1 : unit->nanoseconds;
  int64_t shortest = is_jiffies ? 1 : shortest_interval, longest = is_jiffies ? most_jiffies : longest_interval;
  if (count < 1 || count > longest / scale || count * scale < shortest)
    return refuse(
        "an interval of " + std::to_string(count) + " " + std::string(unit->name),
        is_jiffies ? "intervals go from 1 to 1000000 jiffies" : "intervals go from 100 microseconds to 24 hours", 1);
  if (jitter < 0 || jitter > count)
    return refuse("a jitter of " + std::to_string(jitter) + " for an interval of " + std::to_string(count),
                  "a jitter is not less than 0 and not more than the interval", 2);
  return single_site(timer_site(components, count * scale, jitter * scale, is_jiffies));
}

constexpr const char *profile_forms[] = {"timer.profile", "timer.profile.tick", "timer.profile.freq",
                                         "timer.profile.freq.hz(number)", "timer.profile.freq.sample(number)"};

// The kernel has exported no profile hook since 5.x, so the tick is a software event too: cpu-clock, whose default is
// every 1,000,000 ns.
ProbeMatch match_profile(FamilyState &state, Components components, size_t) {
  if (auto absent = state.target.absent())
    return refuse(absent->observed, absent->advice, 0);
  constexpr int64_t most_samples = 100'000;
  std::string_view unit = components.size() > 3 ? std::string_view(components[3].name) : "";
  int64_t frequency = unit == "hz" ? components[3].number : 0;
  if (unit == "hz" && (frequency <= 0 || frequency > most_samples))
    return refuse("a frequency of " + std::to_string(frequency) + " Hz", "frequencies go from 1 to 100000 Hz", 3);
  int64_t period = unit == "sample" ? components[3].number : frequency ? 0 : 1'000'000;
  if (period < 0 || (period == 0 && !frequency))
    return refuse("a period of " + std::to_string(period) + " ns", "give a number above 0", 3);
  ResolvedSite site;
  site.site.family = "profile";
  site.site.pp = point_text(components);
  site.site.constants.emplace_back("period", period);
  site.site.constants.emplace_back("frequency", frequency);
  return single_site(std::move(site));
}

} // namespace

extern const FamilyHooks timer_family, profile_family;
const FamilyHooks timer_family = {"timer", timer_forms, match_timer};
const FamilyHooks profile_family = {"profile", profile_forms, match_profile};

} // namespace tapjit::tapset
