// SPDX-License-Identifier: GPL-2.0-or-later
// What a session gets from the process that reads its output: its time zone, and commands that it runs.
#pragma once

#include <cstdint>
#include <string>

namespace tapjit::stapio {

struct Timezone {
  int64_t seconds_west = 0; // of UTC, now
  std::string name;
};
Timezone local_timezone();

// Starts /bin/sh with the command, in this process's folder, with its output, and does not wait for it. One that cannot
// be started is said on standard error.
void run_shell_command(const std::string &command);

} // namespace tapjit::stapio
