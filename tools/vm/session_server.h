// SPDX-License-Identifier: GPL-2.0-or-later
// Keeps one guest and lets clients (Guest::connect) use it over a Unix socket, several at a time. It passes frames on,
// with the ids renamed so that clients do not meet. A guest that dies or hangs is replaced; its clients are told.
#pragma once

#include <chrono>
#include <string>

#include "tools/vm/guest.h"

namespace tapjit::vm {

struct ServeOptions {
  BootOptions boot;
  std::string socket_path; // made for this user alone; removed at the end
  std::string log_path;    // empty: standard error, or nowhere in the background
  std::chrono::seconds idle_limit{900};
  bool background = false; // return once the guest is ready, and serve from a process of its own
};

// Serves until a client asks for power off, SIGTERM or SIGINT comes, or nobody was connected for the idle limit.
Result<void> serve_guest(const ServeOptions &options);

} // namespace tapjit::vm
