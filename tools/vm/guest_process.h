// SPDX-License-Identifier: GPL-2.0-or-later
// The QEMU process of one guest. It holds no path on disk (kernel archive and console are memory files, the channel is
// a socket pair), and it dies with the process that started it, so that nothing is left behind however that one ends.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::vm {

struct MachineOptions {
  std::string release;
  std::string initramfs;          // the archive's bytes
  std::string extra_command_line; // appended to the kernel's
  unsigned memory_megabytes = 768;
  unsigned processors = 2;
  bool use_kvm = false;
  bool count_instructions = false; // TCG only; see BootOptions
};

// Of a console's text; carriage returns are dropped.
std::string last_lines(std::string text, size_t lines);

class GuestProcess {
public:
  static Result<GuestProcess> start(const MachineOptions &options);

  GuestProcess(GuestProcess &&other) noexcept;
  GuestProcess &operator=(GuestProcess &&other) noexcept;
  ~GuestProcess(); // ends the process

  int channel() const { return channel_; }               // stream socket to the agent; stays owned by this object
  int process_handle() const { return process_handle_; } // pidfd: readable once the process has ended

  // The last `lines` lines of the guest's console, then what QEMU itself said on its standard error.
  std::string console_tail(size_t lines) const;
  std::string console() const; // all of it

  // Waits up to `milliseconds` for the process to end by itself; true if it did.
  bool wait_for_end(int milliseconds);
  void kill();

private:
  GuestProcess() = default;
  pid_t pid_ = -1;
  int process_handle_ = -1;
  int channel_ = -1;
  int console_ = -1;
  int messages_ = -1; // QEMU's standard error
};

// QEMU's arguments; the descriptors are those that the child process will hold. For tests.
std::vector<std::string> machine_arguments(const MachineOptions &options, const std::string &qemu,
                                           const std::string &kernel, int initramfs_fd, int console_fd, int channel_fd);

} // namespace tapjit::vm
