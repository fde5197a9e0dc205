// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/surroundings.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <sys/wait.h>
#include <unistd.h>

namespace tapjit::stapio {

Timezone local_timezone() {
  time_t now = time(nullptr);
  tm local = {};
  if (!localtime_r(&now, &local))
    return {0, "UTC"};
  return {-int64_t{local.tm_gmtoff}, local.tm_zone ? local.tm_zone : ""};
}

void run_shell_command(const std::string &command) {
  // By a process in between, which ends at once: nobody has to wait for the command.
  pid_t between = fork();
  if (between == 0) {
    if (fork() != 0)
      _exit(0);
    sigset_t none;
    sigemptyset(&none);
    for (int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGQUIT})
      signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char *>(nullptr));
    _exit(127);
  }
  if (between < 0)
    fprintf(stderr, "WARNING: cannot run `%s`: %s\n", command.c_str(), strerror(errno));
  while (between > 0 && waitpid(between, nullptr, 0) < 0 && errno == EINTR)
    ;
}

} // namespace tapjit::stapio
