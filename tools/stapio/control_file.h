// SPDX-License-Identifier: GPL-2.0-or-later
// The module's control file, /dev/systemtap/NAME.
#pragma once

#include <pthread.h>
#include <string>
#include <vector>

#include "frontend/base/result.h"
#include "runtime/core/wire.h"
#include "tools/stapio/records.h"

namespace tapjit::stapio {

// Of the session with this control file: probes are placed, and nothing has asked for the end.
bool is_running(int control_fd);

class ControlFile {
public:
  ControlFile() = default;
  ControlFile(const ControlFile &) = delete;
  ControlFile &operator=(const ControlFile &) = delete;
  ~ControlFile();

  Result<void> open(const std::string &module);
  Result<std::vector<Format>> formats();
  Result<tap_stats> stats();
  int fd() const { return fd_; }

private:
  int fd_ = -1;
};

// START and STOP may take long (begin handlers wait for their reader), so each runs in a thread of its own; its end can
// be polled for.
class ControlCall {
public:
  ControlCall();
  ControlCall(const ControlCall &) = delete;
  ControlCall &operator=(const ControlCall &) = delete;
  ~ControlCall(); // waits for the thread

  void start(int control_fd, unsigned long request, int64_t target); // `target` of TAP_IOC_START
  bool started() const { return started_; }
  int done_fd() const { return done_; } // readable when the call has returned
  int finish();                         // 0 or an errno

private:
  static void *run(void *self);
  pthread_t thread_ = {};
  int control_ = -1, done_ = -1;
  unsigned long request_ = 0;
  tap_start argument_ = {};
  int outcome_ = 0;
  bool started_ = false, joined_ = false;
};

} // namespace tapjit::stapio
