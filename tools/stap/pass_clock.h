// SPDX-License-Identifier: GPL-2.0-or-later
// Time of a pass, as `stap -v` prints it.
#pragma once

#include <chrono>
#include <string>
#include <sys/resource.h>
#include <sys/time.h>
#include <utility>
#include <vector>

namespace tapjit {

// Starts when it is made.
class PassClock {
public:
  PassClock() { getrusage(RUSAGE_SELF, &usage_); }

  double real_ms() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_).count();
  }
  // "in 1usr/0sys/2real ms".
  std::string text() const;
  // The same behind this process's memory: "using 9virt/8res/7shr/6data kb, in 1usr/0sys/2real ms".
  std::string text_with_memory() const;

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  rusage usage_{};
};

// Names and wall milliseconds of the steps of a run, in order; the bench prints them (--time-steps).
class StepTimes {
public:
  void add(std::string name, double ms) { steps_.emplace_back(std::move(name), ms); }
  std::string json() const;

private:
  std::vector<std::pair<std::string, double>> steps_;
};

} // namespace tapjit
