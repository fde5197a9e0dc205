// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/user_run.h"

#include "codegen/jit/jit.h"
#include "runtime/user/user_host.h"
#include "tools/stap/run_pass.h"
#include "tools/stap/session_signals.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tapjit {

namespace {

// All that machine code of the user runtime may use of this process; code generation itself asks for these.
std::vector<codegen::JitImport> imports() {
  auto address = [](auto *function) { return reinterpret_cast<void *>(function); };
  return {{"memcpy", address(&memcpy)},
          {"memmove", address(&memmove)},
          {"memset", address(&memset)},
          {"memcmp", address(&memcmp)},
          {"bcmp", address(&memcmp)},
          {"strlen", address(&strlen)},
          {"memchr", address(static_cast<const void *(*)(const void *, int, size_t)>(&memchr))}};
}

// The process of -c. It is there from the start, so that target() is known; its program starts when the probes are
// running (a byte to go_fd()), and it is ended with the session.
class Command {
public:
  Result<void> start(const std::string &text) {
    if (pipe2(go_, O_CLOEXEC) != 0 || (pid_ = fork()) < 0)
      return Error{fmt::format("cannot start the command `{}`: {}", text, strerror(errno)), ""};
    if (pid_ == 0) {
      close(go_[1]);
      char byte;
      if (read(go_[0], &byte, 1) != 1) // stap is gone, or the session ended before it ran
        _exit(0);
      execl("/bin/sh", "sh", "-c", text.c_str(), nullptr);
      _exit(127);
    }
    pidfd_ = int(syscall(SYS_pidfd_open, pid_, 0));
    return {};
  }
  // Whether it ended well, or was still running. Says how it ended otherwise, as stapio does.
  bool end() {
    int status = 0;
    pid_t done = waitpid(pid_, &status, WNOHANG);
    if (done == 0) {
      kill(pid_, SIGTERM);
      waitpid(pid_, nullptr, 0);
    }
    pid_ = 0;
    if (done <= 0 || status == 0)
      return true;
    if (WIFSIGNALED(status))
      fmt::print(stderr, "WARNING: Child process exited with signal {} ({})\n", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else
      fmt::print(stderr, "WARNING: Child process exited with status {}\n", WEXITSTATUS(status));
    return false;
  }
  ~Command() {
    if (pid_ > 0)
      end();
    if (pidfd_ >= 0)
      close(pidfd_);
    for (int fd : go_)
      if (fd >= 0)
        close(fd);
  }
  pid_t pid() const { return pid_; }
  int go_fd() const { return go_[1]; }
  int pidfd() const { return pidfd_; }

private:
  pid_t pid_ = 0;
  int pidfd_ = -1;
  int go_[2] = {-1, -1}; // both ends stay open here: a write never meets a closed pipe
};

} // namespace

Result<int> run_in_process(const Options &options, const codegen::Platform &platform, std::string_view object,
                           StepTimes &times) {
  PassClock link_clock;
  std::vector<std::string_view> objects{object};
  for (const codegen::RuntimeObject &part : platform.objects)
    objects.push_back(part.object);
  auto program = codegen::jit_load(objects, imports(), {TAP_USER_ENTRY});
  if (!program)
    return program.error();
  auto entry = program->address(TAP_USER_ENTRY);
  if (!entry)
    return entry.error();
  times.add("jit", link_clock.real_ms());

  auto output = open_output(options);
  if (!output)
    return output.error();
  SessionSignals signals;
  Command command;
  user::HostOptions host_options;
  host_options.output_fd = *output;
  host_options.warnings = !options.suppress_warnings;
  host_options.interrupt_fd = signals.read_fd();
  host_options.target = options.target_pid;
  if (options.has_command) {
    if (auto started = command.start(options.command); !started)
      return started.error();
    host_options.target = command.pid();
    host_options.command_pidfd = command.pidfd();
    host_options.running_fd = command.go_fd();
  }
  user::Host host(host_options);
  int status = reinterpret_cast<tap_user_main_fn>(*entry)(&host.callbacks());
  if (*output != 1)
    close(*output);
  if (status == TAP_USER_NO_MEMORY)
    return Error{
        "not enough memory for the arrays, strings and buffers of this script",
        "lower MAXMAPENTRIES, MAXSTRINGLEN, MAXNESTING or STP_BUFFER_KB (-D), or give arrays a size: `global a[100]`"};
  if (options.has_command && !command.end() && status == 0)
    status = 1;
  return status;
}

} // namespace tapjit
