// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/run_pass.h"

#include "tools/stap/session_signals.h"
#include "tools/vm/run_module.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace tapjit {

namespace {

std::vector<std::string> staprun_options(const Options &options, bool forward_input) {
  std::vector<std::string> words;
  for (int i = 1; i < options.verbose[4]; ++i)
    words.push_back("-v");
  if (options.suppress_warnings)
    words.push_back("-w");
  if (options.module_name.empty())
    words.push_back("-R");
  if (forward_input)
    words.push_back("-i");
  return words;
}

} // namespace

Result<int> open_output(const Options &options) {
  if (options.output_file.empty())
    return 1;
  char path[4096];
  time_t now = time(nullptr);
  struct tm parts{};
  localtime_r(&now, &parts);
  if (strftime(path, sizeof path, options.output_file.c_str(), &parts) == 0)
    return Error{fmt::format("option -o: `{}` gives no file name", options.output_file), ""};
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return Error{fmt::format("option -o: cannot open `{}`: {}", path, strerror(errno)), ""};
  return fd;
}

Result<int> run_module_in_guest(const Options &options, const KernelChoice &choice, const std::string &module_path,
                                const std::string &module_name, bool forward_input) {
  auto output = open_output(options);
  if (!output)
    return output.error();
  SessionSignals signals;
  vm::VmRequest request;
  request.release = choice.release;
  request.module_path = module_path;
  request.module_name = module_name;
  request.staprun_options = staprun_options(options, forward_input);
  if (forward_input)
    request.stdin_fd = STDIN_FILENO;
  if (options.has_command)
    request.command = options.command;
  request.target_pid = options.target_pid;
  request.stdout_fd = *output;
  request.interrupt_fd = signals.read_fd();
  auto status = vm::run_module(request);
  if (*output != 1)
    close(*output);
  return status;
}

Result<int> run_module_on_host(const Options &options, const std::string &module_path, bool forward_input) {
  std::error_code error;
  std::filesystem::path staprun = std::filesystem::read_symlink("/proc/self/exe", error).parent_path() / "staprun";
  std::vector<std::string> words{staprun};
  for (std::string &word : staprun_options(options, forward_input))
    words.push_back(std::move(word));
  auto add = [&words](const char *option, std::string value) {
    words.push_back(option);
    words.push_back(std::move(value));
  };
  if (options.has_command)
    add("-c", options.command);
  if (options.target_pid)
    add("-x", std::to_string(options.target_pid));
  if (!options.output_file.empty())
    add("-o", options.output_file);
  words.push_back(module_path);
  std::vector<char *> arguments;
  for (std::string &word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);

  SessionSignals signals;
  pid_t child = -1;
  if (int failed = posix_spawn(&child, staprun.c_str(), nullptr, nullptr, arguments.data(), environ))
    return Error{fmt::format("cannot start `{}`: {}", staprun.string(), strerror(failed)),
                 "staprun is installed beside stap"};
  int status = 0;
  for (;;) {
    unsigned char number = 0;
    while (read(signals.read_fd(), &number, 1) == 1)
      kill(child, number);
    pid_t done = waitpid(child, &status, WNOHANG);
    if (done == child)
      break;
    struct timespec pause = {0, 20'000'000};
    nanosleep(&pause, nullptr); // ended early by a signal of ours
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

} // namespace tapjit
