// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/progress.h"

#include <chrono>
#include <csignal>
#include <fmt/format.h>

namespace tapjit {

// Signals are the other threads': kbuild's caller holds them back while its temporary directory exists.
Progress::Progress(std::string line) : line_(std::move(line)) {
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  thread_ = std::thread([this] { wait(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Progress::~Progress() {
  {
    std::lock_guard lock(mutex_);
    over_ = true;
  }
  over_changed_.notify_one();
  thread_.join();
}

void Progress::wait() {
  std::unique_lock lock(mutex_);
  if (!over_changed_.wait_for(lock, std::chrono::seconds(2), [this] { return over_; }))
    fmt::print(stderr, "{}\n", line_);
}

} // namespace tapjit
