// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/target_command.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>
#include <wordexp.h>

namespace tapjit::stapio {
namespace {

// In the child. Traced by its parent, it stops when exec has replaced it.
[[noreturn]] void become_program(char *const *words, int report) {
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  signal(SIGPIPE, SIG_DFL);
  int failure = 0;
  if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) == 0)
    execvp(words[0], words);
  failure = errno;
  if (write(report, &failure, sizeof(failure)) < 0)
    _exit(126);
  _exit(127);
}

// Whether a character that ends or connects commands stands outside of quotes. wordexp() tells of those that it sees;
// what stands right behind a pattern glibc's takes for a part of it: `ls /proc/*; ls`.
bool needs_shell(const std::string &command) {
  char quote = 0;
  for (size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == '\\' && quote != '\'')
      ++i;
    else if (quote)
      quote = c == quote ? 0 : quote;
    else if (c == '\'' || c == '"')
      quote = c;
    else if (strchr(";&|<>()\n", c))
      return true;
  }
  return false;
}

} // namespace

Result<void> TargetCommand::start(const std::string &command) {
  wordexp_t words = {};
  int outcome = wordexp(command.c_str(), &words, WRDE_NOCMD);
  std::vector<char *> pointers;
  std::string shell = "/bin/sh", option = "-c", text = command;
  bool plain = outcome == 0 && words.we_wordc > 0 && !strchr(words.we_wordv[0], '=') && !needs_shell(command);
  if (plain)
    pointers.assign(words.we_wordv, words.we_wordv + words.we_wordc);
  else if (outcome == 0 && words.we_wordc == 0)
    return Error{"the command of -c is empty", ""};
  else
    pointers = {shell.data(), option.data(), text.data()};
  std::string name = pointers[0];
  pointers.push_back(nullptr);

  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0)
    return Error{std::string("cannot make a pipe: ") + strerror(errno), ""};
  pid_ = fork();
  if (pid_ == 0)
    become_program(pointers.data(), report[1]);
  int failure = pid_ < 0 ? errno : 0;
  close(report[1]);
  // The pipe closes at exec; a number in it is why there was none.
  bool failed = pid_ < 0 || read(report[0], &failure, sizeof(failure)) == sizeof(failure);
  close(report[0]);
  if (outcome == 0)
    wordfree(&words);
  int status = 0;
  if (pid_ > 0)
    waitpid(pid_, &status, failed ? 0 : WUNTRACED);
  if (failed) {
    pid_ = 0;
    return Error{"cannot run '" + name + "': " + strerror(failure), ""};
  }
  held_ = running_ = WIFSTOPPED(status);
  if (held_) // if this process is killed before it goes on, it does not run untraced
    ptrace(PTRACE_SETOPTIONS, pid_, nullptr, PTRACE_O_EXITKILL);
  return held_ ? Result<void>() : Result<void>(Error{"'" + name + "' ended before it began", ""});
}

void TargetCommand::go_on() {
  if (held_)
    ptrace(PTRACE_DETACH, pid_, nullptr, nullptr);
  held_ = false;
}

void TargetCommand::end() {
  if (held_)
    kill(pid_, SIGKILL);
}

bool TargetCommand::ended(pid_t pid, int status) {
  if (pid != pid_ || !running_ || WIFSTOPPED(status))
    return false;
  running_ = false;
  wait_status_ = status;
  return true;
}

} // namespace tapjit::stapio
