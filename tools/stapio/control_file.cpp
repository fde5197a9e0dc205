// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/control_file.h"

#include "tools/stapio/surroundings.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace tapjit::stapio {

ControlFile::~ControlFile() {
  if (fd_ >= 0)
    close(fd_);
}

Result<void> ControlFile::open(const std::string &module) {
  std::string path = "/dev/systemtap/" + module;
  fd_ = ::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0 && errno == EBUSY)
    return Error{"the session '" + module + "' has a reader already", ""};
  if (fd_ < 0)
    return Error{"cannot open '" + path + "': " + strerror(errno), "is the module loaded, and /dev a devtmpfs?"};
  tap_info info = {};
  if (ioctl(fd_, TAP_IOC_INFO, &info) != 0)
    return Error{"'" + path + "' does not answer: " + strerror(errno), ""};
  if (info.abi != TAP_ABI)
    return Error{"module '" + module + "' speaks version " + std::to_string(info.abi) + " of the protocol, stapio " +
                     std::to_string(static_cast<int>(TAP_ABI)),
                 "compile it with this version of stap"};
  return {};
}

Result<std::vector<Format>> ControlFile::formats() {
  tap_info info = {};
  if (ioctl(fd_, TAP_IOC_INFO, &info) != 0)
    return Error{std::string("cannot read the module's facts: ") + strerror(errno), ""};
  std::string bytes(info.formats_bytes, '\0');
  tap_formats_request request = {reinterpret_cast<uint64_t>(bytes.data()), bytes.size()};
  if (!bytes.empty() && ioctl(fd_, TAP_IOC_FORMATS, &request) != 0)
    return Error{std::string("cannot read the module's formats: ") + strerror(errno), ""};
  std::vector<Format> formats;
  if (!parse_formats(bytes, formats) || formats.size() != info.formats)
    return Error{"the module's format table is damaged", ""};
  return formats;
}

Result<tap_stats> ControlFile::stats() {
  tap_stats stats = {};
  if (ioctl(fd_, TAP_IOC_STATS, &stats) != 0)
    return Error{std::string("cannot read the session's counts: ") + strerror(errno), ""};
  return stats;
}

bool is_running(int control_fd) {
  tap_info info = {};
  return ioctl(control_fd, TAP_IOC_INFO, &info) == 0 && info.state == TAP_STATE_RUNNING;
}

ControlCall::ControlCall() : done_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

ControlCall::~ControlCall() {
  finish();
  close(done_);
}

void *ControlCall::run(void *self) {
  ControlCall &call = *static_cast<ControlCall *>(self);
  int rc;
  do {
    rc = call.request_ == TAP_IOC_START ? ioctl(call.control_, TAP_IOC_START, &call.argument_)
                                        : ioctl(call.control_, call.request_);
  } while (rc != 0 && errno == EINTR);
  call.outcome_ = rc == 0 ? 0 : errno;
  eventfd_write(call.done_, 1);
  return nullptr;
}

void ControlCall::start(int control_fd, unsigned long request, int64_t target) {
  if (started_)
    return;
  started_ = true;
  control_ = control_fd;
  request_ = request;
  argument_.target = target;
  Timezone zone = local_timezone();
  argument_.seconds_west = zone.seconds_west;
  snprintf(argument_.timezone, sizeof(argument_.timezone), "%s", zone.name.c_str());
  if (int failure = pthread_create(&thread_, nullptr, run, this)) {
    joined_ = true;
    outcome_ = failure;
    eventfd_write(done_, 1);
  }
}

int ControlCall::finish() {
  if (started_ && !joined_)
    pthread_join(thread_, nullptr);
  joined_ = true;
  eventfd_t count;
  eventfd_read(done_, &count);
  return outcome_;
}

} // namespace tapjit::stapio
