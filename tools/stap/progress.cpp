// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/progress.h"

#include <chrono>
#include <fmt/format.h>

namespace tapjit {

Progress::Progress(std::string line) : line_(std::move(line)), thread_([this] { wait(); }) {}

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
