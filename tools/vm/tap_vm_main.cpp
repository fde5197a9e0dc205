// SPDX-License-Identifier: GPL-2.0-or-later
// tap-vm: guests from the command line, for tests and for the curious.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <getopt.h>
#include <optional>
#include <unistd.h>

#include "tools/vm/guest.h"
#include "tools/vm/host_files.h"
#include "tools/vm/run_module.h"
#include "tools/vm/session_server.h"

using namespace tapjit;

namespace {

const char usage[] = "usage: tap-vm exec [OPTION]... [--] PROGRAM [ARGUMENT]...   run a program in a guest\n"
                     "       tap-vm module [OPTION]... FILE.ko [NAME=VALUE]...    load a session module with staprun, "
                     "as stap --vm does\n"
                     "       tap-vm serve --socket PATH [OPTION]...               keep a guest for many runs\n"
                     "       tap-vm dmesg|console|stop --socket PATH              ask or end a kept guest\n"
                     "  --kernel RELEASE   the guest's kernel (the newest in /boot)\n"
                     "  --socket PATH      a kept guest's socket; without it `exec` boots a guest of its own\n"
                     "  --put HOST:GUEST   copy a file first; may be repeated\n"
                     "  --program PATH     copy a program with its libraries first; may be repeated\n"
                     "  --module NAME      load a module of the kernel's own at boot; may be repeated\n"
                     "  --command CMD      module: the program for staprun -c\n"
                     "  --limit SECONDS    end the program after that\n"
                     "  --stdin            pass standard input on\n"
                     "  --check-kernel     fail when the kernel reports a problem during the run\n"
                     "  --append TEXT      more words for the kernel's command line\n"
                     "  --count-instructions  the guest's TSC and clock count its instructions (QEMU's -icount)\n"
                     "  --background       serve: return as soon as the guest is ready\n"
                     "  --idle SECONDS     serve: end after that long without a client (900)\n"
                     "  --log FILE         serve: where the server's own messages go\n";

struct Arguments {
  std::string command;
  std::string socket, log;
  std::optional<std::string> program_command;
  std::vector<std::string> puts, programs, words;
  vm::BootOptions boot;
  int limit_seconds = 0, idle_seconds = 900;
  bool with_stdin = false, check_kernel = false, background = false;
};

int fail(const Error &error) {
  fprintf(stderr, "tap-vm: %s\n", error.observed.c_str());
  if (!error.advice.empty())
    fprintf(stderr, "tap-vm: %s\n", error.advice.c_str());
  return 125;
}

std::optional<Arguments> parse(int argc, char **argv) {
  static const option options[] = {{"kernel", 1, nullptr, 'k'},       {"socket", 1, nullptr, 's'},
                                   {"command", 1, nullptr, 'C'},      {"put", 1, nullptr, 'p'},
                                   {"program", 1, nullptr, 'P'},      {"module", 1, nullptr, 'm'},
                                   {"limit", 1, nullptr, 'l'},        {"stdin", 0, nullptr, 'i'},
                                   {"check-kernel", 0, nullptr, 'c'}, {"append", 1, nullptr, 'a'},
                                   {"background", 0, nullptr, 'b'},   {"idle", 1, nullptr, 'd'},
                                   {"log", 1, nullptr, 'L'},          {"count-instructions", 0, nullptr, 'I'},
                                   {nullptr, 0, nullptr, 0}};
  Arguments arguments;
  if (argc < 2)
    return std::nullopt;
  arguments.command = argv[1];
  optind = 2;
  for (int choice; (choice = getopt_long(argc, argv, "+", options, nullptr)) != -1;) {
    switch (choice) {
    case 'k':
      arguments.boot.release = optarg;
      break;
    case 's':
      arguments.socket = optarg;
      break;
    case 'p':
      arguments.puts.push_back(optarg);
      break;
    case 'C':
      arguments.program_command = optarg;
      break;
    case 'P':
      arguments.programs.push_back(optarg);
      break;
    case 'm':
      arguments.boot.extra_modules.push_back(optarg);
      break;
    case 'l':
      arguments.limit_seconds = atoi(optarg);
      break;
    case 'i':
      arguments.with_stdin = true;
      break;
    case 'c':
      arguments.check_kernel = true;
      break;
    case 'a':
      arguments.boot.extra_command_line = optarg;
      break;
    case 'I':
      arguments.boot.count_instructions = true;
      break;
    case 'b':
      arguments.background = true;
      break;
    case 'd':
      arguments.idle_seconds = atoi(optarg);
      break;
    case 'L':
      arguments.log = optarg;
      break;
    default:
      return std::nullopt;
    }
  }
  arguments.words.assign(argv + optind, argv + argc);
  if (arguments.boot.release.empty())
    arguments.boot.release = vm::newest_installed_release();
  return arguments;
}

Result<void> copy_files(vm::Guest &guest, const Arguments &arguments) {
  for (const std::string &put : arguments.puts) {
    size_t colon = put.find(':');
    std::string host = put.substr(0, colon);
    std::string place = colon == std::string::npos ? host : put.substr(colon + 1);
    if (Result<void> done = guest.put_file(host, place, access(host.c_str(), X_OK) == 0 ? 0755 : 0644); !done)
      return done;
  }
  for (const std::string &program : arguments.programs)
    if (Result<void> done = guest.put_program(program); !done)
      return done;
  return {};
}

int run_in(vm::Guest &guest, const Arguments &arguments) {
  if (Result<void> copied = copy_files(guest, arguments); !copied)
    return fail(copied.error());
  uint64_t first = 0;
  if (arguments.check_kernel) {
    Result<vm::KernelMessages> before = guest.kernel_messages(0);
    if (!before)
      return fail(before.error());
    first = before->next_sequence;
  }
  vm::RunRequest request;
  request.arguments = arguments.words;
  request.stdin_fd = arguments.with_stdin ? STDIN_FILENO : -1;
  request.time_limit = std::chrono::seconds(arguments.limit_seconds);
  vm::RunOutput output;
  output.stdout_fd = STDOUT_FILENO;
  output.stderr_fd = STDERR_FILENO;
  Result<vm::RunStatus> status = guest.run(request, output);
  if (!status)
    return fail(status.error());
  if (arguments.check_kernel) {
    Result<vm::KernelMessages> after = guest.kernel_messages(first);
    if (!after)
      return fail(after.error());
    std::vector<std::string> problems = vm::kernel_problems(after->lines);
    for (const std::string &line : problems)
      fprintf(stderr, "tap-vm: the guest's kernel says: %s\n", line.c_str());
    if (!problems.empty())
      return 124;
  }
  return status->exit_code();
}

int execute(const Arguments &arguments) {
  if (arguments.words.empty()) {
    fputs(usage, stderr);
    return 125;
  }
  Result<vm::Guest> guest =
      arguments.socket.empty() ? vm::Guest::boot(arguments.boot) : vm::Guest::connect(arguments.socket);
  if (!guest)
    return fail(guest.error());
  int code = run_in(*guest, arguments);
  if (arguments.socket.empty())
    if (Result<void> off = guest->power_off(); !off)
      return fail(off.error());
  return code;
}

int signal_pipe[2];

void pass_signal(int number) {
  unsigned char byte = static_cast<unsigned char>(number);
  if (write(signal_pipe[1], &byte, 1) < 0)
    return; // the pipe is full of them already
}

int load(const Arguments &arguments) {
  if (arguments.words.empty() || pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    fputs(usage, stderr);
    return 125;
  }
  signal(SIGINT, pass_signal);
  signal(SIGTERM, pass_signal);
  signal(SIGPIPE, SIG_IGN);
  if (!arguments.socket.empty())
    setenv("TAPJIT_VM_SOCKET", arguments.socket.c_str(), 1);
  vm::VmRequest request;
  request.release = arguments.boot.release;
  request.module_path = arguments.words[0];
  request.module_name = request.module_path.substr(request.module_path.rfind('/') + 1);
  request.module_name.resize(std::min(request.module_name.size(), request.module_name.find(".ko")));
  request.parameters.assign(arguments.words.begin() + 1, arguments.words.end());
  request.command = arguments.program_command;
  request.interrupt_fd = signal_pipe[0];
  request.time_limit = std::chrono::seconds(arguments.limit_seconds);
  Result<int> code = vm::run_module(request);
  return code ? *code : fail(code.error());
}

int ask(const Arguments &arguments) {
  Result<vm::Guest> guest = vm::Guest::connect(arguments.socket);
  if (!guest)
    return fail(guest.error());
  if (arguments.command == "stop") {
    Result<void> off = guest->power_off();
    return off ? 0 : fail(off.error());
  }
  if (arguments.command == "console") {
    Result<std::string> text = guest->console();
    if (!text)
      return fail(text.error());
    fputs(text->c_str(), stdout);
    return 0;
  }
  Result<vm::KernelMessages> messages = guest->kernel_messages(0);
  if (!messages)
    return fail(messages.error());
  for (const std::string &line : messages->lines)
    puts(line.c_str());
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  if (argc == 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
    fputs(usage, stdout);
    return 0;
  }
  std::optional<Arguments> arguments = parse(argc, argv);
  if (!arguments) {
    fputs(usage, stderr);
    return 125;
  }
  const std::string &command = arguments->command;
  if (command == "module")
    return load(*arguments);
  if (command == "exec")
    return execute(*arguments);
  if (command == "serve" && !arguments->socket.empty()) {
    Result<void> served = vm::serve_guest({arguments->boot, arguments->socket, arguments->log,
                                           std::chrono::seconds(arguments->idle_seconds), arguments->background});
    return served ? 0 : fail(served.error());
  }
  if ((command == "dmesg" || command == "console" || command == "stop") && !arguments->socket.empty())
    return ask(*arguments);
  fputs(usage, stderr);
  return 125;
}
