// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/pass_clock.h"

#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

namespace tapjit {

static long milliseconds_between(const timeval &from, const timeval &to) {
  return std::lround((to.tv_sec - from.tv_sec) * 1e3 + (to.tv_usec - from.tv_usec) / 1e3);
}

std::string PassClock::text() const {
  rusage now{};
  getrusage(RUSAGE_SELF, &now);
  return fmt::format("in {}usr/{}sys/{}real ms", milliseconds_between(usage_.ru_utime, now.ru_utime),
                     milliseconds_between(usage_.ru_stime, now.ru_stime), std::lround(real_ms()));
}

std::string PassClock::text_with_memory() const {
  unsigned long long pages[6] = {}; // proc(5): size, resident, shared, text, lib, data
  if (FILE *file = fopen("/proc/self/statm", "re")) {
    for (unsigned long long &value : pages)
      if (fscanf(file, "%llu", &value) != 1)
        break;
    fclose(file);
  }
  unsigned long long kb = static_cast<unsigned long long>(sysconf(_SC_PAGESIZE)) / 1024;
  return fmt::format("using {}virt/{}res/{}shr/{}data kb, {}", pages[0] * kb, pages[1] * kb, pages[2] * kb,
                     pages[5] * kb, text());
}

std::string StepTimes::json() const {
  std::string text = "{";
  for (const auto &[name, ms] : steps_)
    text += fmt::format("{}\"{}\": {:.3f}", text.size() > 1 ? ", " : "", name, ms);
  return text + "}\n";
}

} // namespace tapjit
