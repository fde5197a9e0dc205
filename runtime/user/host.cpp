// SPDX-License-Identifier: GPL-2.0-or-later
#include "runtime/user/user_host.h"

#include "tools/stapio/surroundings.h"

#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/uio.h>
#include <unistd.h>

namespace tapjit::user {
namespace {

int64_t clock_ns(clockid_t clock) {
  timespec now;
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// False: the reader is gone.
bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR)
      continue;
    if (written < 0 && errno == EAGAIN) {
      pollfd waiting = {fd, POLLOUT, 0};
      poll(&waiting, 1, -1);
      continue;
    }
    if (written < 0)
      return false;
    bytes.remove_prefix(size_t(written));
  }
  return true;
}

bool read_memory(void *, void *to, uint64_t address, uint32_t bytes) {
  iovec local = {to, bytes}, remote = {reinterpret_cast<void *>(address), bytes};
  return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) == ssize_t(bytes);
}

bool write_memory(void *, uint64_t address, const void *from, uint32_t bytes) {
  iovec local = {const_cast<void *>(from), bytes}, remote = {reinterpret_cast<void *>(address), bytes};
  return process_vm_writev(getpid(), &local, 1, &remote, 1, 0) == ssize_t(bytes);
}

int64_t fact_of_process(tap_fact fact) {
  switch (fact) {
  case TAP_FACT_PID:
    return getpid();
  case TAP_FACT_TID:
    return gettid();
  case TAP_FACT_PPID:
    return getppid();
  case TAP_FACT_UID:
    return getuid();
  case TAP_FACT_EUID:
    return geteuid();
  case TAP_FACT_GID:
    return getgid();
  case TAP_FACT_EGID:
    return getegid();
  case TAP_FACT_PGRP:
    return getpgrp();
  case TAP_FACT_SID:
    return getsid(0);
  case TAP_FACT_TARGET:
    break;
  }
  return 0;
}

uint32_t execname(void *, char *to, uint32_t size) {
  char name[17] = {};
  prctl(PR_GET_NAME, name);
  return uint32_t(snprintf(to, size, "%s", name)) < size ? uint32_t(strlen(to)) : size - 1;
}

uint32_t parent_execname(void *, char *to, uint32_t size) {
  char name[17] = {};
  std::string path = "/proc/" + std::to_string(getppid()) + "/comm";
  if (FILE *file = fopen(path.c_str(), "re")) {
    if (!fgets(name, sizeof(name), file))
      name[0] = 0;
    fclose(file);
  }
  name[strcspn(name, "\n")] = 0;
  return uint32_t(snprintf(to, size, "%s", name)) < size ? uint32_t(strlen(to)) : size - 1;
}

} // namespace

Host::Host(const HostOptions &options) : options_(options) {
  callbacks_.self = this;
  callbacks_.alloc = [](void *, uint64_t bytes) { return calloc(1, bytes); };
  callbacks_.free = [](void *, void *memory) { free(memory); };
  callbacks_.realtime_ns = [](void *) { return clock_ns(CLOCK_REALTIME); };
  callbacks_.monotonic_ns = [](void *) { return clock_ns(CLOCK_MONOTONIC); };
  callbacks_.wait_until = [](void *self, int64_t ns) { return static_cast<Host *>(self)->wait_until(ns); };
  callbacks_.read_memory = read_memory;
  callbacks_.write_memory = write_memory;
  callbacks_.fact = [](void *self, tap_fact fact) {
    return fact == TAP_FACT_TARGET ? static_cast<Host *>(self)->options_.target : fact_of_process(fact);
  };
  callbacks_.execname = execname;
  callbacks_.parent_execname = parent_execname;
  callbacks_.seconds_west = [](void *) { return stapio::local_timezone().seconds_west; };
  callbacks_.timezone = [](void *, char *to, uint32_t size) {
    int length = snprintf(to, size, "%s", stapio::local_timezone().name.c_str());
    return uint32_t(length) < size ? uint32_t(length) : size - 1;
  };
  callbacks_.print_unit = [](void *self, const tap_program *program, const uint8_t *unit, uint32_t bytes) {
    static_cast<Host *>(self)->print_unit(*program, unit, bytes);
  };
  callbacks_.format = [](void *, char *to, uint64_t size, const char *format, va_list args) {
    return vsnprintf(to, size, format, args);
  };
}

bool Host::wait_until(int64_t monotonic_ns) {
  if (options_.running_fd >= 0) { // a session waits first when it runs
    write_all(options_.running_fd, "r");
    options_.running_fd = -1;
  }
  while (!ended_) {
    int64_t left = monotonic_ns == INT64_MAX ? INT64_MAX : monotonic_ns - clock_ns(CLOCK_MONOTONIC);
    timespec timeout = {time_t(left / 1'000'000'000), long(left % 1'000'000'000)};
    if (left < 0)
      timeout = {0, 0};
    pollfd ends[2] = {{options_.interrupt_fd, POLLIN, 0}, {options_.command_pidfd, POLLIN, 0}};
    int ready = ppoll(ends, 2, left == INT64_MAX ? nullptr : &timeout, nullptr);
    if (ready > 0)
      ended_ = true;
    else if (left <= 0 || (ready == 0 && clock_ns(CLOCK_MONOTONIC) >= monotonic_ns))
      return true;
  }
  return false;
}

void Host::print_line(const char *prefix, const std::string &text) {
  write_all(options_.error_fd, std::string(prefix) + text + "\n");
}

void Host::print_unit(const tap_program &program, const uint8_t *unit, uint32_t bytes) {
  if (formats_.size() != program.format_count) {
    formats_.clear();
    for (uint32_t i = 0; i < program.format_count; i++)
      formats_.push_back({{program.formats[i].text, program.formats[i].length}, program.formats[i].args});
  }
  std::string_view records(reinterpret_cast<const char *>(unit), bytes);
  records.remove_prefix(sizeof(tap_unit_header));
  text_.clear();
  while (!records.empty()) {
    std::string line;
    size_t before = text_.size();
    auto kind = stapio::take_record(records, formats_, text_);
    if (kind == stapio::RecordKind::Broken)
      break;
    if (kind == stapio::RecordKind::Output)
      continue;
    line = text_.substr(before);
    text_.resize(before);
    // Output that came before a message is seen before it.
    ended_ |= !write_all(options_.output_fd, text_);
    text_.clear();
    if (kind == stapio::RecordKind::Command) {
      stapio::run_shell_command(line);
      continue;
    }
    errors_ += kind == stapio::RecordKind::Error;
    if (kind == stapio::RecordKind::Error || options_.warnings)
      print_line(kind == stapio::RecordKind::Error ? "ERROR: " : "WARNING: ", line);
  }
  ended_ |= !write_all(options_.output_fd, text_);
}

} // namespace tapjit::user
