// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/standard_input.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include "tools/stapio/control_file.h"

namespace tapjit::stapio {

namespace {

struct Ends {
  int input, file, control;
};

// Whether this byte is done with: EIO also says that a handler failed, and the session may go on all the same.
bool pass_byte(const Ends &ends, char byte) {
  const timespec moment = {0, 10'000'000};
  while (write(ends.file, &byte, 1) < 0) {
    if (errno == EIO)
      return is_running(ends.control);
    if (errno == ENOMEM)
      nanosleep(&moment, nullptr);
    else if (errno != EINTR)
      return false;
  }
  return true;
}

// Handlers may wait for this process to read their output, so they are not run by the thread that does. It ends with
// the process.
void *pass_on(void *argument) {
  Ends ends = *static_cast<Ends *>(argument);
  delete static_cast<Ends *>(argument);
  char byte;
  for (;;) {
    ssize_t got = read(ends.input, &byte, 1);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0 && errno == EIO && isatty(ends.input)) {
      sleep(1); // in the background: the terminal is the shell's now
      continue;
    }
    if (got <= 0 || !pass_byte(ends, byte))
      return nullptr;
  }
}

// A background process neither changes the terminal, which is another program's by then, nor is stopped for trying to.
void set_terminal(int terminal, const termios &how) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &set, &before);
  if (tcgetpgrp(terminal) == getpgrp())
    tcsetattr(terminal, TCSANOW, &how);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace

StandardInput::~StandardInput() {
  if (is_terminal_)
    set_terminal(input_, before_);
}

Result<void> StandardInput::take() {
  input_ = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
  int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (input_ < 0 || nothing < 0 || dup2(nothing, STDIN_FILENO) < 0)
    return Error{std::string("-i: cannot take standard input: ") + strerror(errno), ""};
  close(nothing);
  return {};
}

Result<void> StandardInput::forward(const std::string &module, int control) {
  std::string path = "/proc/systemtap/" + module + "/__stdin";
  file_ = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (file_ < 0)
    return Error{"-i: cannot open '" + path + "': " + strerror(errno),
                 "it is there for probes of input.char and input.line"};
  // In the background a terminal is another program's; a read there fails instead of stopping this process.
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTTIN);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  is_terminal_ = tcgetpgrp(input_) == getpgrp() && tcgetattr(input_, &before_) == 0;
  if (is_terminal_) {
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON);
    now.c_cc[VMIN] = 1;
    now.c_cc[VTIME] = 0;
    set_terminal(input_, now);
  }
  pthread_t thread;
  auto *ends = new Ends{input_, file_, control};
  if (int failure = pthread_create(&thread, nullptr, pass_on, ends)) {
    delete ends;
    return Error{std::string("-i: cannot start a thread: ") + strerror(failure), ""};
  }
  pthread_detach(thread);
  return {};
}

} // namespace tapjit::stapio
