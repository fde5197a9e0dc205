// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/run_module.h"

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/vm/elf_closure.h"
#include "tools/vm/guest.h"

namespace tapjit::vm {
namespace {

const char *const shell_keywords[] = {"if",   "then", "else", "elif", "fi", "for", "while", "until", "do",  "done",
                                      "case", "esac", "in",   "{",    "}",  "!",   "time",  "exec",  "env", "nohup"};
const off_t argument_file_limit = 64 << 20;

bool is_keyword(const std::string &word) {
  return std::any_of(std::begin(shell_keywords), std::end(shell_keywords),
                     [&word](const char *keyword) { return word == keyword; });
}

std::string without_quotes(std::string word) {
  std::erase_if(word, [](char c) { return c == '"' || c == '\''; });
  return word;
}

std::vector<std::string> split_words(const std::string &text, const char *separators) {
  std::vector<std::string> words;
  for (size_t at = text.find_first_not_of(separators); at != std::string::npos;) {
    size_t end = text.find_first_of(separators, at);
    words.push_back(text.substr(at, end - at));
    at = end == std::string::npos ? end : text.find_first_not_of(separators, end);
  }
  return words;
}

std::string working_folder() {
  char *here = getcwd(nullptr, 0);
  std::string folder = here ? here : "/";
  free(here);
  return folder;
}

// Files that the command names go along, so that `sh ./script.sh` finds its script.
Result<void> put_argument_files(Guest &guest, const std::string &command) {
  for (const std::string &raw : split_words(command, " \t\n|&;()<>=")) {
    std::string word = without_quotes(raw);
    std::string path = word.starts_with('/') ? word : working_folder() + "/" + word;
    struct stat facts;
    bool kernels_own = path.starts_with("/proc/") || path.starts_with("/sys/") || path.starts_with("/dev/");
    if (word.empty() || kernels_own || stat(path.c_str(), &facts) != 0 || !S_ISREG(facts.st_mode) ||
        facts.st_size > argument_file_limit || access(path.c_str(), R_OK) != 0)
      continue;
    Result<bool> there = guest.has_file(path);
    if (!there)
      return there.error();
    if (*there)
      continue;
    if (Result<void> put = guest.put_file(path, path, facts.st_mode & 0777); !put)
      return put;
  }
  return {};
}

Result<void> put_command(Guest &guest, const std::string &command) {
  for (const std::string &word : command_programs(command)) {
    std::string path = find_in_path(word);
    if (path.empty())
      continue; // the guest's busybox may have it; else its shell says so
    if (Result<void> put = guest.put_program(path); !put)
      return put;
  }
  return put_argument_files(guest, command);
}

Result<Guest> find_guest(const VmRequest &request) {
  if (const char *socket = getenv("TAPJIT_VM_SOCKET"); socket && *socket) {
    Result<Guest> guest = Guest::connect(socket);
    if (guest && guest->release() != request.release)
      return Error{"the guest at `" + std::string(socket) + "` runs " + guest->release() + ", not " + request.release,
                   ""};
    return guest;
  }
  BootOptions options;
  options.release = request.release;
  options.support_folder = request.support_folder;
  options.memory_megabytes = request.memory_megabytes;
  options.processors = request.processors;
  options.interrupt_fd = request.interrupt_fd;
  return Guest::boot(options);
}

void write_text(int fd, const std::string &text) {
  for (size_t done = 0; fd >= 0 && done < text.size();) {
    ssize_t written = write(fd, text.data() + done, text.size() - done);
    if (written <= 0)
      return;
    done += static_cast<size_t>(written);
  }
}

// Two stap processes may share a guest.
std::string guest_folder() { return "/tmp/tapjit-" + std::to_string(getpid()); }

RunRequest staprun_request(const VmRequest &request, const std::string &module) {
  RunRequest run;
  run.arguments = {"/usr/libexec/tapjit/staprun"};
  run.arguments.insert(run.arguments.end(), request.staprun_options.begin(), request.staprun_options.end());
  if (request.command)
    run.arguments.insert(run.arguments.end(), {"-c", *request.command});
  if (request.target_pid)
    run.arguments.insert(run.arguments.end(), {"-x", std::to_string(request.target_pid)});
  run.arguments.push_back(module);
  run.arguments.insert(run.arguments.end(), request.parameters.begin(), request.parameters.end());
  run.working_folder = request.command ? working_folder() : "/tmp";
  run.interrupt_fd = request.interrupt_fd;
  run.stdin_fd = request.stdin_fd;
  run.end_all = true;
  run.time_limit = request.time_limit;
  return run;
}

} // namespace

std::vector<std::string> command_programs(const std::string &command) {
  std::vector<std::string> programs;
  for (const std::string &part : split_words(command, "|&;()\n`")) {
    for (const std::string &raw : split_words(part, " \t")) {
      std::string word = without_quotes(raw);
      if (word.find('=') != std::string::npos || word.starts_with('-'))
        continue; // an assignment; an option of `env` or `nohup`
      if (std::find(programs.begin(), programs.end(), word) == programs.end() && !is_keyword(word))
        programs.push_back(word);
      if (!is_keyword(word) || word == "for" || word == "case")
        break;
    }
  }
  return programs;
}

Result<int> run_module(const VmRequest &request) {
  Result<Guest> guest = find_guest(request);
  if (!guest)
    return guest.error();
  std::string folder = guest_folder();
  std::string module = folder + "/" + request.module_name + ".ko";
  if (Result<void> put = guest->put_file(request.module_path, module, 0600); !put)
    return put.error();
  if (request.command)
    if (Result<void> put = put_command(*guest, *request.command); !put)
      return put.error();
  Result<KernelMessages> before = guest->kernel_messages(0);
  if (!before)
    return before.error();

  RunOutput output;
  output.stdout_fd = request.stdout_fd;
  output.stderr_fd = request.stderr_fd;
  Result<RunStatus> status = guest->run(staprun_request(request, module), output);
  if (!status)
    return status.error();
  Result<KernelMessages> after = guest->kernel_messages(before->next_sequence);
  if (!after)
    return after.error();
  if (getenv("TAPJIT_VM_SOCKET")) {
    RunRequest cleaning;
    cleaning.arguments = {"rm", "-rf", folder};
    if (Result<RunStatus> cleaned = guest->run(cleaning, {}); !cleaned)
      return cleaned.error();
  }
  std::vector<std::string> problems = kernel_problems(after->lines);
  if (problems.empty())
    return status->exit_code();
  std::string text = "ERROR: the guest's kernel reported a problem during the run:\n";
  for (const std::string &line : after->lines)
    text += line + "\n";
  write_text(request.stderr_fd, text);
  return 1;
}

} // namespace tapjit::vm
