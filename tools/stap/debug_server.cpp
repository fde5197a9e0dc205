// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/debug_server.h"

#include "frontend/target/debuginfod.h"
#include "tools/stap/session_signals.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <unistd.h>
#include <utility>

namespace tapjit {

namespace {

using Clock = std::chrono::steady_clock;

// The line on standard error about one query; `before`: what the queries before it took.
class Transfer {
public:
  Transfer(std::string what, Clock::duration before) : what_(std::move(what)), begin_(Clock::now() - before) {}
  ~Transfer() {
    if (is_shown_ && is_terminal_)
      fmt::print(stderr, "\n");
  }
  Transfer(const Transfer &) = delete;

  void show(const target::DebuginfodProgress &progress) {
    if (taken() < quiet_time_ || (is_shown_ && !is_terminal_))
      return;
    std::string line = progress.url.empty()
                           ? fmt::format("Asking debuginfod for the debug symbols of {} ...", what_)
                           : fmt::format("Fetching the debug symbols of {} from {} ...", what_, progress.url);
    if (progress.all > 0)
      line += fmt::format(" {:.1f} of {:.1f} MB", double(progress.have) / megabyte, double(progress.all) / megabyte);
    fmt::print(stderr, "{}{}{}", is_terminal_ ? "\r\033[K" : "", line, is_terminal_ ? "" : "\n");
    fflush(stderr);
    is_shown_ = true;
  }
  // By all until now.
  Clock::duration taken() const { return Clock::now() - begin_; }

private:
  static constexpr double megabyte = 1e6;
  std::string what_;
  bool is_terminal_ = isatty(STDERR_FILENO), is_shown_ = false;
  Clock::time_point begin_;
  std::chrono::seconds quiet_time_{getenv("DEBUGINFOD_PROGRESS") ? 0 : 2};
};

// Of the terminal, as standard input may be the script. Empty: yes.
std::string ask(const std::string &urls, const std::string &what) {
  FILE *terminal = fopen("/dev/tty", "r+e");
  if (!terminal)
    return fmt::format("debuginfod ({}) was not asked: there is no terminal for --download-debuginfo=ask", urls);
  fmt::print(terminal, "Ask debuginfod ({}) for the debug symbols of {}, and for others that are missing? [y/N] ", urls,
             what);
  fflush(terminal);
  const int answer = fgetc(terminal);
  fclose(terminal);
  return answer == 'y' || answer == 'Y' ? "" : fmt::format("debuginfod ({}) was not asked, as you said", urls);
}

class DebugServer {
public:
  DebugServer(const char *urls, const Options &options)
      : urls_(urls), verbose_(options.verbose[1] > 0), is_to_ask_(options.download == Options::Download::Ask),
        servers_(
            urls,
            [this](const target::DebuginfodProgress &progress) {
              transfer_->show(progress);
              look_for_signal();
              return interrupted_ == 0;
            },
            options.download_seconds) {}

  Result<std::string> find(const std::string &build_id, const std::string &what) {
    if (std::exchange(is_to_ask_, false))
      refusal_ = ask(urls_, what);
    if (!refusal_.empty())
      return Error{refusal_, ""};
    transfer_.emplace(what, taken_);
    signals_.emplace();
    auto found = servers_.find(build_id);
    look_for_signal(); // one may have come after the last progress
    signals_.reset();
    taken_ = transfer_->taken();
    transfer_.reset();
    if (int number = std::exchange(interrupted_, 0); number != 0)
      raise(number);
    if (found && verbose_)
      fmt::print(stderr, "debuginfod gave the debug symbols of {} (build-id {}): {}\n", what, build_id, *found);
    return found;
  }

private:
  void look_for_signal() {
    unsigned char number;
    if (read(signals_->read_fd(), &number, 1) == 1)
      interrupted_ = number;
  }

  std::string urls_;
  bool verbose_, is_to_ask_;
  std::string refusal_; // not empty: the servers are not to be asked
  int interrupted_ = 0;
  Clock::duration taken_{};
  std::optional<Transfer> transfer_;
  std::optional<SessionSignals> signals_;
  target::Debuginfod servers_;
};

} // namespace

target::DebugServer debug_server(const Options &options) {
  const char *urls = getenv("DEBUGINFOD_URLS");
  if (!urls || !*urls || options.download == Options::Download::No)
    return {};
  auto server = std::make_shared<DebugServer>(urls, options);
  return [server](const std::string &build_id, const std::string &what) { return server->find(build_id, what); };
}

} // namespace tapjit
