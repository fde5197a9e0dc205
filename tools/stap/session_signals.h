// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <iterator>
#include <unistd.h>

namespace tapjit {

// The signals that end a session; their numbers come out of read_fd() one byte each while this lives. Those that are
// ignored stay so: nohup means it. SIGUSR2, by which switch_file() asks for the next output file, ends nothing.
class SessionSignals {
public:
  SessionSignals() {
    if (pipe2(pipe_, O_CLOEXEC | O_NONBLOCK) != 0)
      pipe_[0] = pipe_[1] = -1;
    write_fd_ = pipe_[1];
    struct sigaction action = {};
    action.sa_handler = [](int number) {
      int saved = errno;
      unsigned char byte = static_cast<unsigned char>(number);
      (void)!write(write_fd_, &byte, 1);
      errno = saved;
    };
    action.sa_flags = SA_RESTART;
    for (size_t i = 0; i < std::size(numbers); ++i) {
      sigaction(numbers[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN)
        sigaction(numbers[i], &action, nullptr);
    }
    switch_file_before_ = signal(SIGUSR2, SIG_IGN);
  }
  ~SessionSignals() {
    for (size_t i = 0; i < std::size(numbers); ++i)
      sigaction(numbers[i], &before_[i], nullptr);
    signal(SIGUSR2, switch_file_before_);
    close(pipe_[0]);
    close(pipe_[1]);
  }
  SessionSignals(const SessionSignals &) = delete;
  int read_fd() const { return pipe_[0]; }

private:
  static constexpr int numbers[] = {SIGINT, SIGTERM, SIGHUP};
  static inline int write_fd_ = -1;
  int pipe_[2];
  struct sigaction before_[std::size(numbers)];
  sighandler_t switch_file_before_ = SIG_DFL;
};

} // namespace tapjit
