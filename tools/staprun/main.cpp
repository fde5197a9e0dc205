// SPDX-License-Identifier: GPL-2.0-or-later
// staprun: the guarded door to the kernel. It checks and loads one module file, starts stapio beside itself, waits for
// it, and unloads the module, however stapio ended.
#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/staprun/kernel_module.h"
#include "tools/staprun/messages.h"
#include "tools/staprun/run_options.h"

using namespace tapjit;
using namespace tapjit::staprun;

namespace {

const int passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR2};

int fail(const Error &error) {
  TAPJIT_ERROR("%s", error.observed.c_str());
  if (!error.advice.empty())
    fprintf(stderr, "%s\n", error.advice.c_str());
  return 1;
}

// Beside this program, never from the environment.
std::string stapio_path() {
  char self[PATH_MAX];
  ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
  std::string path(self, length > 0 ? static_cast<size_t>(length) : 0);
  path.resize(path.rfind('/') + 1);
  if (access((path + "stapio").c_str(), X_OK) == 0)
    return path + "stapio";
  return path + "../libexec/tapjit/stapio";
}

std::string module_path(const std::string &word) {
  if (word.find('/') != std::string::npos || word.ends_with(".ko"))
    return word;
  utsname names;
  uname(&names);
  return std::string("/lib/modules/") + names.release + "/systemtap/" + word + ".ko";
}

std::vector<std::string> stapio_arguments(const RunOptions &options, const std::string &name, int ready_fd) {
  std::vector<std::string> words{"stapio"};
  for (int i = 0; i < options.verbose; i++)
    words.push_back("-v");
  if (options.suppress_warnings)
    words.push_back("-w");
  if (options.has_command)
    words.insert(words.end(), {"-c", options.command});
  if (options.target_pid)
    words.insert(words.end(), {"-x", std::to_string(options.target_pid)});
  if (!options.output_file.empty())
    words.insert(words.end(), {"-o", options.output_file});
  if (options.forward_input)
    words.push_back("-i");
  words.insert(words.end(), {"-T", std::to_string(options.wake_up_milliseconds)});
  if (ready_fd >= 0)
    words.insert(words.end(), {"--ready-fd", std::to_string(ready_fd)});
  words.push_back(name);
  return words;
}

pid_t start_stapio(const RunOptions &options, const std::string &name, int ready_fd) {
  std::string path = stapio_path();
  std::vector<std::string> words = stapio_arguments(options, name, ready_fd);
  std::vector<char *> pointers;
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  pid_t parent = getpid();
  pid_t child = fork();
  if (child != 0)
    return child;
  // If this process is killed, stapio ends the session.
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (getppid() != parent)
    _exit(1);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(path.c_str(), pointers.data());
  TAPJIT_ERROR("cannot start '%s': %s", path.c_str(), strerror(errno));
  _exit(1);
}

sigset_t watched_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGCHLD);
  for (int number : passed_on)
    sigaddset(&set, number);
  return set;
}

// Returns stapio's exit code.
int wait_for_stapio(pid_t child) {
  sigset_t set = watched_signals();
  for (;;) {
    siginfo_t info;
    int number = sigwaitinfo(&set, &info);
    // A signal of the terminal reaches stapio by itself: it is in the same process group.
    if (number > 0 && number != SIGCHLD && info.si_code != SI_KERNEL)
      kill(child, number);
    int status = 0;
    if (waitpid(child, &status, WNOHANG) != child)
      continue;
    if (WIFEXITED(status))
      return WEXITSTATUS(status);
    TAPJIT_WARNING("stapio was ended by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return 1;
  }
}

int unload_all(const RunOptions &options) {
  int code = 0;
  std::vector<std::string> sessions = loaded_sessions();
  for (const std::string &word : options.words) {
    if (word == "*") {
      for (const std::string &name : sessions)
        if (Result<void> done = unload_module(name); !done)
          code = fail(done.error());
      continue;
    }
    if (std::find(sessions.begin(), sessions.end(), word) == sessions.end()) {
      TAPJIT_ERROR("no session module named '%s' is loaded", word.c_str());
      code = 1;
    } else if (Result<void> done = unload_module(word); !done) {
      code = fail(done.error());
    }
  }
  return code;
}

// Loads, runs, unloads. `ready_fd`: where stapio tells that the session runs, or -1.
int run_session(const RunOptions &options, int ready_fd) {
  Result<ModuleFile> module = open_module(module_path(options.words[0]));
  if (!module)
    return fail(module.error());
  if (options.fresh_name) {
    std::string name = module->name.substr(0, 40) + "_" + std::to_string(getpid());
    if (Result<void> renamed = rename_module(*module, name); !renamed)
      return fail(renamed.error());
  }
  std::vector<std::string> parameters(options.words.begin() + 1, options.words.end());
  if (Result<void> known = check_parameters(*module, parameters); !known)
    return fail(known.error());

  // Blocked before the module is in, so that no signal leaves it behind.
  sigset_t set = watched_signals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
  if (Result<void> loaded = load_module(*module, parameters); !loaded)
    return fail(loaded.error());
  if (options.verbose > 1)
    fprintf(stderr, "staprun: loaded module '%s'\n", module->name.c_str());
  pid_t child = start_stapio(options, module->name, ready_fd);
  if (child < 0)
    TAPJIT_ERROR("cannot start a process: %s", strerror(errno));
  int code = child < 0 ? 1 : wait_for_stapio(child);
  if (Result<void> unloaded = unload_module(module->name); !unloaded)
    code = fail(unloaded.error());
  else if (options.verbose > 1)
    fprintf(stderr, "staprun: unloaded module '%s'\n", module->name.c_str());
  return code;
}

// Returns in the foreground once the session runs, and prints the background process's number.
int run_in_background(const RunOptions &options) {
  int ready[2];
  if (pipe2(ready, 0) != 0) {
    TAPJIT_ERROR("cannot make a pipe: %s", strerror(errno));
    return 1;
  }
  pid_t child = fork();
  if (child == 0) {
    close(ready[0]);
    setsid();
    int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(nothing, 0);
    dup2(nothing, 1);
    _exit(run_session(options, ready[1]));
  }
  close(ready[1]);
  char byte = 0;
  if (child > 0 && read(ready[0], &byte, 1) == 1) {
    printf("%d\n", child);
    return 0;
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

} // namespace

int main(int argc, char **argv) {
  RunOptions options;
  switch (parse_run_options(argc, argv, options)) {
  case Parsed::Help:
    printf("usage: staprun%s", run_usage);
    return 0;
  case Parsed::Version:
    printf("tapjit staprun 0.1.0\n");
    return 0;
  case Parsed::Wrong:
    fprintf(stderr, "Try 'staprun -h'.\n");
    return 1;
  case Parsed::Run:
    break;
  }
  if (Result<void> permitted = may_load_modules(); !permitted)
    return fail(permitted.error());
  if (options.unload)
    return unload_all(options);
  return options.daemon ? run_in_background(options) : run_session(options, -1);
}
