// SPDX-License-Identifier: GPL-2.0-or-later
// The host of the user runtime (host.h): what a unit that runs in this process may ask of it, and where its
// output goes. Records are printed as tools/stapio prints those of a kernel module.
#pragma once

#include "runtime/user/host.h"
#include "tools/stapio/records.h"

#include <string>
#include <vector>

namespace tapjit::user {

struct HostOptions {
  int output_fd = 1; // the script's output
  int error_fd = 2;  // "ERROR: ..." and "WARNING: ..." lines
  bool warnings = true;
  int64_t target = 0;     // target(): the process of -x or -c
  int interrupt_fd = -1;  // the session ends when this becomes readable (the pipe of a signal handler)
  int command_pidfd = -1; // and when the process of this pidfd ends
  int running_fd = -1;    // gets one byte when the begin probes have run and the others are in place
};

// One session. Not to be copied or moved: the callbacks hold its address.
class Host {
public:
  explicit Host(const HostOptions &options);
  Host(const Host &) = delete;
  const tap_host &callbacks() const { return callbacks_; }
  // Lines that went to error_fd as errors.
  unsigned errors() const { return errors_; }

private:
  bool wait_until(int64_t monotonic_ns);
  void print_unit(const tap_program &program, const uint8_t *unit, uint32_t bytes);
  void print_line(const char *prefix, const std::string &text);

  HostOptions options_;
  tap_host callbacks_;
  std::vector<stapio::Format> formats_;
  std::string text_; // reused by print_unit
  bool ended_ = false;
  unsigned errors_ = 0;
};

} // namespace tapjit::user
