// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/guest_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "tools/vm/elf_closure.h"
#include "tools/vm/frame.h"
#include "tools/vm/host_files.h"

namespace tapjit::vm {
namespace {

// loglevel 7: all kernel messages on the console, which is a log of its own. tsc=reliable: TCG's counter is the host's
// clock; on a loaded host the watchdog would give it up for a slow one. The two time limits: vCPUs are threads that a
// loaded host may leave waiting, which is no fault of the guest's kernel.
const char kernel_command_line[] = "console=ttyS0 loglevel=7 panic=-1 random.trust_cpu=on tsc=reliable "
                                   "rcupdate.rcu_cpu_stall_timeout=60 watchdog_thresh=60";

std::string descriptor_path(int fd) { return "/proc/self/fd/" + std::to_string(fd); }

void close_if_open(int &fd) {
  if (fd >= 0)
    close(fd);
  fd = -1;
}

std::string read_memory_file(int fd) {
  std::string text;
  char piece[65536];
  for (ssize_t got; (got = pread(fd, piece, sizeof(piece), static_cast<off_t>(text.size()))) > 0;)
    text.append(piece, static_cast<size_t>(got));
  return text;
}

bool write_all(int fd, const std::string &bytes) {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t written = write(fd, bytes.data() + done, bytes.size() - done);
    if (written < 0 && errno != EINTR)
      return false;
    done += written > 0 ? static_cast<size_t>(written) : 0;
  }
  return true;
}

// In the child, between fork and exec: no allocation here.
[[noreturn]] void become_machine(char *const *arguments, int messages, const int *keep, size_t keep_count,
                                 pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent)
    _exit(127);
  setsid(); // ^C in the terminal is for us, not for the machine
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  int nothing = open("/dev/null", O_RDWR);
  dup2(nothing, 0);
  dup2(nothing, 1);
  dup2(messages, 2);
  for (size_t i = 0; i < keep_count; i++)
    fcntl(keep[i], F_SETFD, 0);
  execv(arguments[0], arguments);
  _exit(127);
}

} // namespace

std::vector<std::string> machine_arguments(const MachineOptions &options, const std::string &qemu,
                                           const std::string &kernel, int initramfs_fd, int console_fd,
                                           int channel_fd) {
  // One host thread runs both CPUs in turn: with thread=multi QEMU 7.2 sends a CPU to address 0 when another CPU places
  // or removes a probe in code that it is running, also with the kernel's own kprobe_events and none of our modules.
  std::string line = kernel_command_line;
  if (!options.extra_command_line.empty())
    line += " " + options.extra_command_line;
  std::vector<std::string> words{qemu,
                                 "-accel",
                                 options.use_kvm ? "kvm" : "tcg,thread=single",
                                 "-cpu",
                                 "max",
                                 "-smp",
                                 std::to_string(options.processors),
                                 "-m",
                                 std::to_string(options.memory_megabytes),
                                 "-nodefaults",
                                 "-no-user-config",
                                 "-display",
                                 "none",
                                 "-no-reboot",
                                 "-kernel",
                                 kernel,
                                 "-initrd",
                                 descriptor_path(initramfs_fd),
                                 "-append",
                                 line,
                                 "-chardev",
                                 "file,id=console,path=" + descriptor_path(console_fd) + ",append=on",
                                 "-serial",
                                 "chardev:console",
                                 "-chardev",
                                 "socket,id=agent,fd=" + std::to_string(channel_fd),
                                 "-device",
                                 "virtio-serial-pci",
                                 "-device",
                                 std::string("virtserialport,chardev=agent,name=") + VM_PORT_NAME};
  if (options.count_instructions)
    words.insert(words.end(), {"-icount", "shift=0,sleep=off"});
  return words;
}

Result<GuestProcess> GuestProcess::start(const MachineOptions &options) {
  Result<std::string> kernel = kernel_image(options.release);
  if (!kernel)
    return kernel.error();
  std::string qemu = find_in_path("qemu-system-x86_64");
  if (qemu.empty())
    return Error{"`qemu-system-x86_64` is not in PATH", "install the package qemu-system-x86"};

  GuestProcess guest;
  int ends[2] = {-1, -1};
  int archive = memfd_create("tapjit-initramfs", MFD_CLOEXEC);
  guest.console_ = memfd_create("tapjit-console", MFD_CLOEXEC);
  guest.messages_ = memfd_create("tapjit-qemu", MFD_CLOEXEC);
  if (archive < 0 || guest.console_ < 0 || guest.messages_ < 0 || !write_all(archive, options.initramfs) ||
      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    Error error{std::string("cannot prepare the guest: ") + strerror(errno), ""};
    close_if_open(archive);
    return error;
  }
  guest.channel_ = ends[0];
  fcntl(guest.channel_, F_SETFL, O_NONBLOCK);

  std::vector<std::string> arguments = machine_arguments(options, qemu, *kernel, archive, guest.console_, ends[1]);
  std::vector<char *> pointers;
  for (std::string &argument : arguments)
    pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const int keep[] = {archive, guest.console_, ends[1]};
  pid_t parent = getpid();
  guest.pid_ = fork();
  if (guest.pid_ == 0)
    become_machine(pointers.data(), guest.messages_, keep, std::size(keep), parent);
  int failure = errno;
  close_if_open(ends[1]);
  close_if_open(archive);
  if (guest.pid_ < 0)
    return Error{std::string("cannot start `") + qemu + "`: " + strerror(failure), ""};
  guest.process_handle_ = static_cast<int>(syscall(SYS_pidfd_open, guest.pid_, 0));
  return guest;
}

GuestProcess::GuestProcess(GuestProcess &&other) noexcept { *this = std::move(other); }

GuestProcess &GuestProcess::operator=(GuestProcess &&other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(process_handle_, other.process_handle_);
  std::swap(channel_, other.channel_);
  std::swap(console_, other.console_);
  std::swap(messages_, other.messages_);
  return *this;
}

GuestProcess::~GuestProcess() {
  kill();
  for (int *fd : {&process_handle_, &channel_, &console_, &messages_})
    close_if_open(*fd);
}

std::string GuestProcess::console() const { return read_memory_file(console_); }

std::string last_lines(std::string text, size_t lines) {
  std::erase(text, '\r');
  size_t start = text.size();
  for (size_t seen = 0; start > 0; start--)
    if (text[start - 1] == '\n' && seen++ == lines)
      break;
  return text.substr(start);
}

std::string GuestProcess::console_tail(size_t lines) const {
  return last_lines(console(), lines) + read_memory_file(messages_);
}

bool GuestProcess::wait_for_end(int milliseconds) {
  if (pid_ < 0)
    return true;
  pollfd wait{process_handle_, POLLIN, 0};
  if (poll(&wait, 1, milliseconds) <= 0)
    return false;
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
  return true;
}

void GuestProcess::kill() {
  if (pid_ < 0)
    return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

} // namespace tapjit::vm
