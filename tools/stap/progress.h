// SPDX-License-Identifier: GPL-2.0-or-later
// A line on standard error for a step that is done once and may take long: it appears only when the step has lasted
// two seconds.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace tapjit {

class Progress {
public:
  explicit Progress(std::string line);
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;
  // The step is over.
  ~Progress();

private:
  void wait();
  std::string line_;
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  std::thread thread_;
};

} // namespace tapjit
