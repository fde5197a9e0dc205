// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/session.h"

#include "tools/stapio/surroundings.h"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <set>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/stapio/control_file.h"
#include "tools/stapio/merge.h"
#include "tools/stapio/standard_input.h"
#include "tools/stapio/target_command.h"
#include "tools/staprun/messages.h"

namespace tapjit::stapio {
namespace {

const size_t first_buffer = 1u << 20;
const size_t warnings_limit = 1024;
const size_t largest_buffer = 1u << 30; // a ring is not larger

int say_error(const Error &error) {
  TAPJIT_ERROR("%s", error.observed.c_str());
  if (!error.advice.empty())
    fprintf(stderr, "%s\n", error.advice.c_str());
  return 1;
}

class Session {
public:
  explicit Session(const staprun::RunOptions &options) : options_(options) {}
  int run();

private:
  Result<void> prepare();
  Result<void> open_output();
  void poll_once();
  void read_control();
  void take_chunks(std::string_view bytes);
  void take_records(std::string_view records);
  void take_state(uint32_t state);
  void warn(const std::string &message);
  void take_signals();
  void reap();
  void start_returned();
  void stop();
  void flush();
  void report();

  const staprun::RunOptions &options_;
  ControlFile control_;
  ControlCall start_, stop_;
  TargetCommand command_;
  StandardInput input_;
  UnitMerger merger_;
  std::vector<Format> formats_;
  std::string buffer_, text_;
  std::set<std::string> warnings_; // those shown
  uint64_t watermark_ = 0;
  int signals_ = -1, output_ = STDOUT_FILENO;
  bool output_is_file_ = false;
  bool starting_ = true;  // TAP_IOC_START has not returned
  bool finished_ = false; // all output has been read
  bool failed_ = false;   // the exit code is 1
};

Result<void> Session::open_output() {
  if (!options_.output_file.empty()) {
    char path[PATH_MAX];
    time_t now = time(nullptr);
    tm local = {};
    localtime_r(&now, &local);
    if (strftime(path, sizeof(path), options_.output_file.c_str(), &local) == 0)
      return Error{"the output file's name '" + options_.output_file + "' is too long", ""};
    output_ = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (output_ < 0)
      return Error{"cannot open '" + std::string(path) + "': " + strerror(errno), ""};
  }
  struct stat facts;
  output_is_file_ = fstat(output_, &facts) == 0 && S_ISREG(facts.st_mode);
  return {};
}

Result<void> Session::prepare() {
  sigset_t set;
  sigemptyset(&set);
  for (int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGCHLD, SIGUSR2})
    sigaddset(&set, number);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  signal(SIGPIPE, SIG_IGN);
  if (Result<void> opened = open_output(); !opened)
    return opened;
  if (Result<void> opened = control_.open(options_.words[0]); !opened)
    return opened;
  Result<std::vector<Format>> formats = control_.formats();
  if (!formats)
    return formats.error();
  formats_ = std::move(*formats);
  if (options_.target_pid && kill(static_cast<pid_t>(options_.target_pid), 0) != 0 && errno == ESRCH)
    return Error{"there is no process " + std::to_string(options_.target_pid), ""};
  if (options_.forward_input)
    if (Result<void> taken = input_.take(); !taken)
      return taken;
  if (options_.has_command)
    if (Result<void> started = command_.start(options_.command); !started)
      return started;
  buffer_.resize(first_buffer);
  return {};
}

int Session::run() {
  if (Result<void> prepared = prepare(); !prepared)
    return say_error(prepared.error());
  int64_t target = options_.has_command ? command_.pid() : options_.target_pid;
  start_.start(control_.fd(), TAP_IOC_START, target);
  while (!finished_)
    poll_once();
  merger_.release_all([this](std::string_view records) { take_records(records); });
  flush();
  report();
  return failed_ ? 1 : 0;
}

void Session::poll_once() {
  pollfd waits[4] = {{control_.fd(), POLLIN, 0},
                     {signals_, POLLIN, 0},
                     {starting_ ? start_.done_fd() : -1, POLLIN, 0},
                     {stop_.started() ? stop_.done_fd() : -1, POLLIN, 0}};
  poll(waits, 4, options_.wake_up_milliseconds);
  if (waits[1].revents)
    take_signals();
  if (waits[2].revents)
    start_returned();
  if (waits[3].revents)
    if (int failure = stop_.finish()) {
      TAPJIT_ERROR("cannot stop the session: %s", strerror(failure));
      failed_ = finished_ = true;
    }
  read_control();
}

void Session::start_returned() {
  starting_ = false;
  if (int failure = start_.finish()) {
    failed_ = true;
    command_.end();
    if (failure == EBUSY)
      TAPJIT_ERROR("the session has been started already");
    // Else an error record of the module says why.
    stop();
    return;
  }
  if (options_.ready_fd >= 0) {
    if (write(options_.ready_fd, "r", 1) < 0)
      failed_ = true;
    close(options_.ready_fd);
  }
  if (options_.forward_input && !stop_.started()) {
    Result<void> forwarded = input_.forward(options_.words[0], control_.fd());
    if (!forwarded && is_running(control_.fd())) { // else exit() came first
      say_error(forwarded.error());
      failed_ = true;
      stop();
    }
  }
  // Also when a begin handler has called exit(). What still runs when the session ends is left alone.
  command_.go_on();
}

void Session::stop() { stop_.start(control_.fd(), TAP_IOC_STOP, 0); }

void Session::read_control() {
  for (;;) {
    ssize_t got = read(control_.fd(), buffer_.data(), buffer_.size());
    if (got > 0) {
      take_chunks(std::string_view(buffer_).substr(0, static_cast<size_t>(got)));
      flush();
      return;
    }
    if (got == 0) {
      finished_ = true;
      return;
    }
    if (errno == EMSGSIZE && buffer_.size() < largest_buffer) {
      buffer_.resize(buffer_.size() * 2);
      continue;
    }
    if (errno != EAGAIN && errno != EINTR) {
      TAPJIT_ERROR("cannot read the session's output: %s", strerror(errno));
      failed_ = finished_ = true;
    }
    return;
  }
}

void Session::take_chunks(std::string_view bytes) {
  while (bytes.size() >= sizeof(tap_chunk)) {
    tap_chunk chunk;
    memcpy(&chunk, bytes.data(), sizeof(chunk));
    bytes.remove_prefix(sizeof(chunk));
    bool whole = chunk.size <= bytes.size();
    std::string_view data = bytes.substr(0, chunk.size);
    if (!whole || (chunk.kind == TAP_CHUNK_DATA && !merger_.add(chunk.ring, data))) {
      TAPJIT_ERROR("the session's output is damaged");
      failed_ = true;
      stop();
      return;
    }
    bytes.remove_prefix(chunk.size);
    if (chunk.kind == TAP_CHUNK_STATE)
      take_state(chunk.state);
    if (chunk.watermark > watermark_) {
      watermark_ = chunk.watermark;
      merger_.release(watermark_, [this](std::string_view records) { take_records(records); });
    }
  }
}

void Session::take_state(uint32_t state) {
  if (state == TAP_STATE_ERROR)
    failed_ = true;
  if (state == TAP_STATE_ERROR || state == TAP_STATE_STOPPING)
    stop();
}

void Session::take_records(std::string_view records) {
  while (!records.empty()) {
    size_t before = text_.size();
    RecordKind kind = take_record(records, formats_, text_);
    if (kind == RecordKind::Output)
      continue;
    // What was printed before the message is shown before it.
    std::string message = text_.substr(before);
    text_.resize(before);
    if (kind == RecordKind::Warning) {
      warn(message);
      continue;
    }
    flush();
    if (kind == RecordKind::Command) {
      run_shell_command(message);
      continue;
    }
    failed_ = true;
    if (kind == RecordKind::Error) {
      fprintf(stderr, "ERROR: %s\n", message.c_str());
      continue;
    }
    TAPJIT_ERROR("a record of the session's output is damaged");
    return;
  }
}

// The same warning is shown once, unless -v asks for all.
void Session::warn(const std::string &message) {
  if (options_.suppress_warnings)
    return;
  if (options_.verbose == 0) {
    if (warnings_.size() == warnings_limit || !warnings_.insert(message).second)
      return;
  }
  flush();
  fprintf(stderr, "WARNING: %s\n", message.c_str());
  if (warnings_.size() == warnings_limit)
    fprintf(stderr, "WARNING deduplication table full\n");
}

// Everything goes out with each batch. A reader that takes nothing must not keep ^C from being heard.
void Session::flush() {
  std::string_view rest = text_;
  while (!rest.empty() && output_ >= 0) {
    size_t piece = rest.size();
    if (!output_is_file_) {
      pollfd waits[2] = {{output_, POLLOUT, 0}, {signals_, POLLIN, 0}};
      if (poll(waits, 2, -1) < 0)
        continue;
      if (waits[1].revents)
        take_signals();
      if (!waits[0].revents)
        continue;
      piece = std::min<size_t>(piece, PIPE_BUF); // a pipe that can be written takes so much without waiting
    }
    ssize_t written = write(output_, rest.data(), piece);
    if (written >= 0) {
      rest.remove_prefix(static_cast<size_t>(written));
    } else if (errno != EINTR && errno != EAGAIN) {
      if (errno != EPIPE)
        TAPJIT_ERROR("cannot write output: %s", strerror(errno));
      failed_ = true;
      output_ = -1; // nobody takes it: the session ends
      stop();
    }
  }
  text_.clear();
}

void Session::take_signals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGCHLD)
      reap();
    else if (info.ssi_signo != SIGUSR2)
      stop();
  }
}

void Session::reap() {
  int status;
  for (pid_t pid; (pid = waitpid(-1, &status, WNOHANG)) > 0;) {
    if (!command_.ended(pid, status))
      continue;
    if (WIFSIGNALED(status) && !stop_.started()) {
      TAPJIT_WARNING("Child process exited with signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
      failed_ = true;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) != 0) {
      TAPJIT_WARNING("Child process exited with status %d", WEXITSTATUS(status));
      failed_ = true;
    }
    stop();
  }
}

void Session::report() {
  Result<tap_stats> stats = control_.stats();
  if (!stats) {
    failed_ = true;
    TAPJIT_ERROR("%s", stats.error().observed.c_str());
    return;
  }
  auto count = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  if (options_.suppress_warnings)
    return;
  if (stats->errors || stats->skipped_total)
    TAPJIT_WARNING("Number of errors: %llu, skipped probes: %llu", count(stats->errors), count(stats->skipped_total));
  if (stats->lost_units)
    TAPJIT_WARNING("There were %llu transport failures.", count(stats->lost_units));
  if (options_.verbose == 0)
    return;
  const struct {
    const char *reason;
    uint64_t number;
  } reasons[] = {{"lock time-outs", stats->skipped_lock},
                 {"reentrancy", stats->skipped_reentrant},
                 {"low stack", stats->skipped_lowstack},
                 {"overload", stats->skipped_overload},
                 {"missing return probe instances", stats->missed_kretprobe}};
  for (const auto &[reason, number] : reasons)
    if (number)
      TAPJIT_WARNING("Skipped due to %s: %llu", reason, count(number));
}

} // namespace

int run_session(const staprun::RunOptions &options) { return Session(options).run(); }

} // namespace tapjit::stapio
