// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/guest.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "tools/vm/channel.h"
#include "tools/vm/elf_closure.h"
#include "tools/vm/guest_process.h"
#include "tools/vm/host_files.h"
#include "tools/vm/initramfs.h"
#include "tools/vm/kvm_trial.h"
#include "tools/vm/output_file.h"

namespace tapjit::vm {
namespace {

using Clock = std::chrono::steady_clock;

const size_t console_lines_shown = 60;
const int interrupts_that_end = 3; // a user who presses ^C so often wants his terminal back
const auto ending_grace = std::chrono::seconds(5);

int milliseconds_until(Clock::time_point moment) {
  auto left = std::chrono::duration_cast<milliseconds>(moment - Clock::now()).count();
  return left < 0 ? 0 : static_cast<int>(std::min<int64_t>(left, 1 << 30)) + 1;
}

std::string with_console(const std::string &what, const std::string &tail) {
  return tail.empty() ? what : what + "; its console ends:\n" + tail;
}

// Says on standard error that booting takes its time: after two seconds, and then every ten.
class BootProgress {
public:
  BootProgress(const std::string &release, bool wanted) : release_(release), wanted_(wanted) {}
  int milliseconds_to_next() const { return milliseconds_until(next_); }
  void look() {
    if (!wanted_ || Clock::now() < next_)
      return;
    auto passed = std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - start_).count();
    fprintf(stderr, "Booting a guest with Linux %s (%lld s) ...\n", release_.c_str(), static_cast<long long>(passed));
    next_ = Clock::now() + std::chrono::seconds(10);
  }

private:
  std::string release_;
  bool wanted_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(2);
};

// "6,339,5140900,-;text" -> "[5.140900] text"; lines that go on (they start with a blank) are dropped.
std::string readable_record(std::string_view record) {
  size_t semicolon = record.find(';');
  unsigned long long microseconds = 0;
  sscanf(std::string(record.substr(0, semicolon)).c_str(), "%*u,%*u,%llu", &microseconds);
  std::string_view text = semicolon == std::string_view::npos ? record : record.substr(semicolon + 1);
  char stamp[48];
  snprintf(stamp, sizeof(stamp), "[%llu.%06llu] ", microseconds / 1000000, microseconds % 1000000);
  return stamp + std::string(text.substr(0, text.find('\n')));
}

} // namespace

int RunStatus::exit_code() const {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

struct Guest::State {
  explicit State(GuestProcess own) : process(std::move(own)), channel(process->channel()) {}
  explicit State(int connection) : connection_fd(connection), channel(connection) {}
  ~State() {
    if (connection_fd >= 0)
      close(connection_fd);
  }

  std::optional<GuestProcess> process; // of our own; else it is a served one
  int connection_fd = -1;
  Channel channel;
  std::string release;
  uint32_t next_id = 1;
  uint32_t running_id = 0; // the run that run() waits for
  int interrupts = 0;      // how many signals it was sent for the user

  std::string console_tail() { return process ? process->console_tail(console_lines_shown) : std::string(); }
  Error lost(const std::string &what) {
    if (process)
      process->wait_for_end(200); // its last words
    return Error{with_console(what, console_tail()), ""};
  }

  Result<std::optional<Frame>> take();
  Result<Frame> answer(uint32_t id);
  Result<void> wait_until_ready(const BootOptions &options, milliseconds limit);
  Result<void> pass_signals(int interrupt_fd);
};

// A frame if there is one. VM_LOST turns into the error that it is.
Result<std::optional<Frame>> Guest::State::take() {
  std::optional<Frame> frame = channel.take();
  if (frame && frame->type == VM_LOST)
    return Error{frame->payload, ""};
  return frame;
}

// Waits for the next frame of transfer `id`; no agent of ours needs long for one.
Result<Frame> Guest::State::answer(uint32_t id) {
  Clock::time_point limit = Clock::now() + std::chrono::seconds(60);
  for (;;) {
    Result<std::optional<Frame>> frame = take();
    if (!frame)
      return frame.error();
    if (*frame && (*frame)->id == id)
      return std::move(**frame);
    if (*frame)
      continue;
    pollfd wait{channel.fd(), POLLIN, 0};
    if (poll(&wait, 1, milliseconds_until(limit)) == 0)
      return lost("the guest does not answer");
    if (Result<void> received = channel.receive(); !received)
      return lost(received.error().observed);
  }
}

Result<void> Guest::State::wait_until_ready(const BootOptions &options, milliseconds limit) {
  BootProgress progress(options.release, options.progress);
  Clock::time_point end = Clock::now() + limit;
  for (;;) {
    Result<std::optional<Frame>> frame = take();
    if (!frame)
      return frame.error();
    if (*frame && (*frame)->type == VM_READY) {
      std::optional<uint32_t> version = read_struct<uint32_t>((*frame)->payload);
      if (!version || *version != VM_PROTOCOL_VERSION)
        return Error{"the guest's agent speaks another version of the protocol", "build all of tapjit anew"};
      release = (*frame)->payload.substr(sizeof(uint32_t));
      return {};
    }
    pollfd waits[2] = {{channel.fd(), POLLIN, 0}, {options.interrupt_fd, POLLIN, 0}};
    poll(waits, 2, std::min(milliseconds_until(end), std::max(progress.milliseconds_to_next(), 1)));
    if (waits[1].revents & POLLIN)
      return Error{"interrupted while the guest booted", ""};
    if (waits[0].revents)
      if (Result<void> received = channel.receive(); !received)
        return lost("the guest did not boot: QEMU ended");
    if (Clock::now() >= end)
      return lost("the guest was not ready after " + std::to_string(limit.count() / 1000) + " s");
    progress.look();
  }
}

Guest::Guest(std::unique_ptr<State> state) : state_(std::move(state)) {}
Guest::Guest(Guest &&) noexcept = default;
Guest &Guest::operator=(Guest &&) noexcept = default;
Guest::~Guest() = default;

const std::string &Guest::release() const { return state_->release; }

std::unique_ptr<GuestProcess> Guest::take_process() && {
  if (!state_->process)
    return nullptr;
  return std::make_unique<GuestProcess>(std::move(*state_->process));
}

Result<Guest> Guest::boot(const BootOptions &options) {
  Result<std::string> archive = build_initramfs({options.release, options.support_folder, options.extra_modules});
  if (Result<std::string> image = kernel_image(options.release); !image)
    return image.error();
  if (!archive)
    return archive.error();
  MachineOptions machine{options.release,
                         *archive,
                         options.extra_command_line,
                         options.memory_megabytes,
                         options.count_instructions ? 1 : options.processors,
                         false,
                         options.count_instructions};
  KvmTrial trial = options.count_instructions ? KvmTrial::UseTcg : kvm_trial(options.accelerator);
  if (trial != KvmTrial::UseTcg) {
    machine.use_kvm = true;
    Result<GuestProcess> process = GuestProcess::start(machine);
    if (!process)
      return process.error();
    auto state = std::make_unique<State>(std::move(*process));
    milliseconds limit = trial == KvmTrial::Try ? milliseconds(10000) : options.ready_limit;
    Result<void> ready = state->wait_until_ready(options, limit);
    if (trial == KvmTrial::Try)
      remember_kvm_trial(static_cast<bool>(ready));
    if (ready)
      return Guest(std::move(state));
    if (trial == KvmTrial::UseKvm)
      return ready.error();
    machine.use_kvm = false;
  }
  Result<GuestProcess> process = GuestProcess::start(machine);
  if (!process)
    return process.error();
  auto state = std::make_unique<State>(std::move(*process));
  if (Result<void> ready = state->wait_until_ready(options, options.ready_limit); !ready)
    return ready.error();
  return Guest(std::move(state));
}

Result<Guest> Guest::connect(const std::string &socket_path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (socket_path.size() >= sizeof(address.sun_path))
    return Error{"the socket's path `" + socket_path + "` is too long", ""};
  memcpy(address.sun_path, socket_path.c_str(), socket_path.size());
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr *>(&address), sizeof(address)) != 0) {
    Error error{"no guest is served at `" + socket_path + "`: " + strerror(errno), "start one with `tap-vm serve`"};
    if (fd >= 0)
      close(fd);
    return error;
  }
  fcntl(fd, F_SETFL, O_NONBLOCK);
  auto state = std::make_unique<State>(fd);
  BootOptions options;
  options.progress = false;
  if (Result<void> ready = state->wait_until_ready(options, milliseconds(120000)); !ready)
    return ready.error();
  return Guest(std::move(state));
}

Result<void> Guest::put_bytes(std::string_view bytes, const std::string &guest_path, unsigned mode, int64_t mtime) {
  uint32_t id = state_->next_id++;
  vm_file file{mode, 0, mtime};
  Result<void> sent = state_->channel.send(id, VM_PUT_BEGIN, std::string(bytes_of(file)) + guest_path);
  for (size_t done = 0; sent && done < bytes.size(); done += VM_DATA_CHUNK)
    sent = state_->channel.send(id, VM_PUT_DATA, bytes.substr(done, VM_DATA_CHUNK));
  if (sent)
    sent = state_->channel.send(id, VM_PUT_END, {});
  if (!sent)
    return state_->lost(sent.error().observed);
  Result<Frame> frame = state_->answer(id);
  if (!frame)
    return frame.error();
  std::optional<vm_reply> reply = read_struct<vm_reply>(frame->payload);
  if (!reply || reply->error_number)
    return Error{"cannot write `" + guest_path + "` in the guest: " + strerror(reply ? reply->error_number : EPROTO),
                 ""};
  return {};
}

Result<void> Guest::put_file(const std::string &host_path, const std::string &guest_path, unsigned mode) {
  Result<std::string> content = read_whole_file(host_path);
  if (!content)
    return content.error();
  struct stat facts = {};
  stat(host_path.c_str(), &facts);
  return put_bytes(*content, guest_path, mode, facts.st_mtime);
}

Result<bool> Guest::has_file(const std::string &guest_path) {
  uint32_t id = state_->next_id++;
  if (Result<void> sent = state_->channel.send(id, VM_STAT, guest_path); !sent)
    return state_->lost(sent.error().observed);
  Result<Frame> frame = state_->answer(id);
  if (!frame)
    return frame.error();
  std::optional<vm_reply> reply = read_struct<vm_reply>(frame->payload);
  return reply && reply->error_number == 0;
}

Result<void> Guest::put_program(const std::string &host_path) {
  Result<std::vector<ProgramFile>> files = program_closure(host_path);
  if (!files)
    return files.error();
  for (const ProgramFile &file : *files) {
    struct stat facts;
    if (stat(file.host_path.c_str(), &facts) != 0)
      return Error{"cannot read `" + file.host_path + "`: " + strerror(errno), ""};
    uint32_t id = state_->next_id++;
    if (Result<void> sent = state_->channel.send(id, VM_STAT, file.guest_path); !sent)
      return state_->lost(sent.error().observed);
    Result<Frame> frame = state_->answer(id);
    if (!frame)
      return frame.error();
    std::optional<vm_reply> there = read_struct<vm_reply>(frame->payload);
    if (there && there->error_number == 0 && there->size == static_cast<uint64_t>(facts.st_size) &&
        there->mtime == facts.st_mtime)
      continue;
    if (Result<void> put = put_file(file.host_path, file.guest_path, facts.st_mode & 0777); !put)
      return put;
  }
  return {};
}

// --- runs ------------------------------------------------------------------------------------------------------------

Result<void> Guest::signal(int number) {
  uint32_t value = static_cast<uint32_t>(number);
  return state_->channel.send(state_->running_id, VM_SIGNAL, bytes_of(value));
}

Result<void> Guest::State::pass_signals(int interrupt_fd) {
  unsigned char numbers[64];
  ssize_t got = read(interrupt_fd, numbers, sizeof(numbers));
  for (ssize_t i = 0; i < got; i++) {
    interrupts++;
    uint32_t value = numbers[i] | VM_SIGNAL_GROUP;
    if (Result<void> sent = channel.send(running_id, VM_SIGNAL, bytes_of(value)); !sent)
      return sent;
  }
  return {};
}

namespace {

// The end of a program by its time limit: asked first, then made to.
class TimeLimit {
public:
  explicit TimeLimit(milliseconds limit) : limited_(limit.count() > 0), next_(Clock::now() + limit) {}
  int wait() const { return limited_ ? milliseconds_until(next_) : -1; }
  bool passed() const { return limited_ && Clock::now() >= next_; }
  // The signal to send now; 0 when nothing helps.
  int next_signal() {
    next_ = Clock::now() + ending_grace;
    step_++;
    return step_ == 1 ? SIGTERM : step_ == 2 ? SIGKILL : 0;
  }
  bool expired() const { return step_ > 0; }

private:
  bool limited_;
  Clock::time_point next_;
  int step_ = 0;
};

// Tells a program that prints nothing from a guest that hangs.
class Silence {
public:
  explicit Silence(milliseconds limit) : limit_(limit), next_(Clock::now() + limit) {}
  int wait() const { return milliseconds_until(next_); }
  bool passed() const { return Clock::now() >= next_; }
  void heard() {
    next_ = Clock::now() + limit_;
    asked_ = false;
  }
  // False: it was asked already.
  bool ask() {
    next_ = Clock::now() + limit_;
    return !std::exchange(asked_, true);
  }

private:
  milliseconds limit_;
  Clock::time_point next_;
  bool asked_ = false;
};

} // namespace

// A served guest's console comes from its server, which is alive.
Error Guest::hung(milliseconds limit) {
  std::string what = "the guest hangs: it has not answered for " + std::to_string(limit.count() / 1000) + " s";
  if (state_->process)
    return state_->lost(what);
  Result<std::string> text = console();
  return Error{with_console(what, text ? last_lines(*text, console_lines_shown) : ""), ""};
}

Result<RunStatus> Guest::run(const RunRequest &request, const RunOutput &output) {
  State &state = *state_;
  uint32_t id = state.running_id = state.next_id++;
  state.interrupts = 0;
  uint32_t flags = (request.stdin_fd >= 0 ? VM_RUN_STDIN : 0) | (request.end_all ? VM_RUN_END_ALL : 0);
  std::string payload = encode_run(request.arguments, request.environment, request.working_folder, flags);
  if (payload.size() > VM_FRAME_LIMIT)
    return Error{"the command line is too long for the guest", ""};
  if (Result<void> sent = state.channel.send(id, VM_RUN, payload); !sent)
    return state.lost(sent.error().observed);

  auto on_signal = [&state, &request] { return static_cast<bool>(state.pass_signals(request.interrupt_fd)); };
  OutputFile out(output.stdout_fd, request.interrupt_fd, on_signal);
  OutputFile err(output.stderr_fd, request.interrupt_fd, on_signal);
  TimeLimit limit(request.time_limit);
  Silence silence(request.silence_limit);
  int stdin_fd = request.stdin_fd;
  std::string named = "`" + request.arguments[0] + "`";
  for (;;) {
    Result<std::optional<Frame>> frame = state.take();
    if (!frame)
      return frame.error();
    if (*frame && (*frame)->id == id) {
      const std::string &bytes = (*frame)->payload;
      if ((*frame)->type == VM_STDOUT && output.on_stdout)
        output.on_stdout(bytes);
      else if ((*frame)->type == VM_STDOUT && !out.write(bytes))
        (void)signal(SIGTERM); // nobody reads it any more
      if ((*frame)->type == VM_STDERR && output.on_stderr)
        output.on_stderr(bytes);
      else if ((*frame)->type == VM_STDERR)
        err.write(bytes);
      if (std::optional<vm_exit> ended = read_struct<vm_exit>(bytes); ended && (*frame)->type == VM_EXIT) {
        if (ended->start_errno)
          return Error{"cannot start " + named + " in the guest: " + strerror(ended->start_errno), ""};
        if (limit.expired())
          return state.lost(named + " did not end within " + std::to_string(request.time_limit.count()) +
                            " ms and was ended by a signal");
        return RunStatus{ended->wait_status};
      }
    }
    if (*frame) {
      silence.heard();
      continue;
    }
    pollfd waits[3] = {{state.channel.fd(), POLLIN, 0}, {request.interrupt_fd, POLLIN, 0}, {stdin_fd, POLLIN, 0}};
    int limit_wait = limit.wait(), silence_wait = silence.wait();
    poll(waits, 3, limit_wait < 0 ? silence_wait : std::min(limit_wait, silence_wait));
    if (waits[0].revents)
      if (Result<void> received = state.channel.receive(); !received)
        return state.lost(received.error().observed + " while " + named + " ran");
    if (waits[1].revents & POLLIN)
      (void)state.pass_signals(request.interrupt_fd);
    if (state.interrupts >= interrupts_that_end)
      return state.lost(named + " did not heed " + std::to_string(state.interrupts) + " signals");
    if (waits[2].revents) {
      char piece[16384];
      ssize_t got = read(stdin_fd, piece, sizeof(piece));
      (void)state.channel.send(id, VM_STDIN, {piece, got > 0 ? static_cast<size_t>(got) : 0});
      stdin_fd = got > 0 ? stdin_fd : -1;
    }
    if (!waits[0].revents && silence.passed()) {
      if (!silence.ask())
        return hung(request.silence_limit);
      (void)state.channel.send(state.next_id++, VM_STAT, "/");
    }
    if (limit.passed()) {
      int number = limit.next_signal();
      if (number == 0)
        return state.lost(named + " did not end within " + std::to_string(request.time_limit.count()) +
                          " ms, nor by a signal");
      uint32_t all = static_cast<uint32_t>(number) | VM_SIGNAL_GROUP;
      (void)state.channel.send(id, VM_SIGNAL, bytes_of(all));
    }
  }
}

// --- the kernel's own words ------------------------------------------------------------------------------------------

Result<KernelMessages> Guest::kernel_messages(uint64_t first) {
  uint32_t id = state_->next_id++;
  if (Result<void> sent = state_->channel.send(id, VM_DMESG, bytes_of(first)); !sent)
    return state_->lost(sent.error().observed);
  KernelMessages messages;
  for (;;) {
    Result<Frame> frame = state_->answer(id);
    if (!frame)
      return frame.error();
    if (frame->type == VM_DMESG_DATA)
      messages.lines.push_back(readable_record(frame->payload));
    if (frame->type == VM_DMESG_END) {
      messages.next_sequence = read_struct<uint64_t>(frame->payload).value_or(first);
      return messages;
    }
  }
}

Result<std::string> Guest::console() {
  if (state_->process)
    return state_->process->console();
  uint32_t id = state_->next_id++;
  if (Result<void> sent = state_->channel.send(id, VM_CONSOLE, {}); !sent)
    return state_->lost(sent.error().observed);
  std::string text;
  for (;;) {
    Result<Frame> frame = state_->answer(id);
    if (!frame)
      return frame.error();
    if (frame->payload.empty())
      return text;
    text += frame->payload;
  }
}

Result<void> Guest::power_off() {
  if (Result<void> sent = state_->channel.send(0, VM_POWER_OFF, {}); !sent)
    return {}; // it is off already
  if (!state_->process) {
    // The server closes the connection once its guest is off.
    pollfd wait{state_->channel.fd(), POLLIN, 0};
    while (poll(&wait, 1, 10000) > 0)
      if (Result<void> received = state_->channel.receive(); !received)
        return {};
    return Error{"the server of the guest did not end within 10 s", ""};
  }
  if (!state_->process->wait_for_end(10000)) {
    Error error = state_->lost("the guest did not power off within 10 s");
    state_->process->kill();
    return error;
  }
  return {};
}

std::vector<std::string> kernel_problems(const std::vector<std::string> &lines) {
  static const char *const signs[] = {"BUG:",
                                      "kernel BUG",
                                      "WARNING:",
                                      "Oops",
                                      "general protection fault",
                                      "Call Trace:",
                                      "INFO: rcu",
                                      "rcu_sched",
                                      "rcu_preempt",
                                      "suspicious RCU",
                                      "possible recursive locking",
                                      "possible circular locking",
                                      "inconsistent lock state",
                                      "blocked for more than",
                                      "Kernel panic",
                                      "scheduling while atomic",
                                      "soft lockup",
                                      "hard LOCKUP",
                                      "unregister_netdevice: waiting",
                                      "UBSAN:",
                                      "KASAN:",
                                      "list_add corruption",
                                      "list_del corruption",
                                      "refcount_t:",
                                      "stack-protector:"};
  std::vector<std::string> problems;
  for (const std::string &line : lines)
    if (std::any_of(std::begin(signs), std::end(signs),
                    [&line](const char *sign) { return line.find(sign) != std::string::npos; }))
      problems.push_back(line);
  return problems;
}

} // namespace tapjit::vm
