// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 5 in a guest, as one call: boots a guest (or takes the one served at $TAPJIT_VM_SOCKET), loads the module with
// staprun there, brings its output here as it comes, and looks at the kernel's messages afterwards.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::vm {

struct VmRequest {
  std::string release;                      // the guest's kernel; must be the one that the module was built for
  std::string module_path;                  // the .ko on this machine
  std::string module_name;                  // as loaded
  std::vector<std::string> staprun_options; // e.g. {"-v", "-w"}; before the module
  std::vector<std::string> parameters;      // NAME=VALUE; after the module
  std::optional<std::string> command;       // -c: a program of this machine, or of the guest's busybox
  long target_pid = 0;                      // -x: a process of the guest
  std::string support_folder;               // where staprun, stapio and tap-guest-init are; empty: beside this program
  int stdin_fd = -1;                        // for `staprun -i`: passed on; -1: /dev/null
  int stdout_fd = 1;                        // for `stap -o FILE`: the opened file
  int stderr_fd = 2;
  // Each byte that can be read here is the number of a signal for the guest's staprun (SIGINT: end the session). -1:
  // none.
  int interrupt_fd = -1;
  std::chrono::milliseconds time_limit{0}; // 0: none
  // A guest of our own: its size.
  unsigned memory_megabytes = 768;
  unsigned processors = 2;
};

// staprun's exit code: 0 or 1; also 1 when the guest's kernel reported a problem (BUG, WARNING, Oops, RCU, lockdep),
// whose lines go to stderr_fd. An Error: no guest, a guest that died or hung (with the tail of its console), a file
// that is not there.
Result<int> run_module(const VmRequest &request);

// The words of a shell command that may name programs: the first of each part between separators, without keywords and
// assignments. For tests.
std::vector<std::string> command_programs(const std::string &command);

} // namespace tapjit::vm
