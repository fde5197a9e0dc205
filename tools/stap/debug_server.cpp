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

class DebugServer {
public:
  DebugServer(const char *urls, bool verbose)
      : verbose_(verbose), servers_(urls, [this](const target::DebuginfodProgress &progress) {
          transfer_->show(progress);
          look_for_signal();
          return interrupted_ == 0;
        }) {}

  Result<std::string> find(const std::string &build_id, const std::string &what) {
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

  bool verbose_;
  int interrupted_ = 0;
  Clock::duration taken_{};
  std::optional<Transfer> transfer_;
  std::optional<SessionSignals> signals_;
  target::Debuginfod servers_;
};

} // namespace

target::DebugServer debug_server(bool verbose) {
  const char *urls = getenv("DEBUGINFOD_URLS");
  if (!urls || !*urls)
    return {};
  auto server = std::make_shared<DebugServer>(urls, verbose);
  return [server](const std::string &build_id, const std::string &what) { return server->find(build_id, what); };
}

} // namespace tapjit
