// SPDX-License-Identifier: GPL-2.0-or-later
// The -c command: started before the session and held right behind its exec, so that a script sees all that the program
// does and nothing of how it was started.
#pragma once

#include <string>
#include <sys/types.h>

#include "frontend/base/result.h"

namespace tapjit::stapio {

class TargetCommand {
public:
  // Words as a shell splits them; a command with shell syntax runs under /bin/sh -c. Returns once the program is held.
  Result<void> start(const std::string &command);

  pid_t pid() const { return pid_; } // 0: none
  void go_on();                      // once; from the thread that called start()
  void end();                        // if it is still held: kills it

  // What waitpid(2) said of process `pid`: true when it is the command and that one has ended.
  bool ended(pid_t pid, int status);
  int wait_status() const { return wait_status_; }

private:
  pid_t pid_ = 0;
  bool held_ = false, running_ = false;
  int wait_status_ = 0;
};

} // namespace tapjit::stapio
