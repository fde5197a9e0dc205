// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/output_file.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapjit::vm {

OutputFile::OutputFile(int fd, int interrupt_fd, std::function<bool()> on_signal)
    : fd_(fd), interrupt_fd_(interrupt_fd), on_signal_(std::move(on_signal)) {
  struct stat facts;
  regular_ = fd >= 0 && fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

bool OutputFile::write(std::string_view bytes) {
  while (fd_ >= 0 && !bytes.empty()) {
    size_t piece = bytes.size();
    if (!regular_) {
      pollfd waits[2] = {{fd_, POLLOUT, 0}, {interrupt_fd_, POLLIN, 0}};
      if (poll(waits, 2, -1) < 0)
        continue;
      if ((waits[1].revents & POLLIN) && !on_signal_())
        interrupt_fd_ = -1;
      if (!(waits[0].revents & (POLLOUT | POLLERR | POLLHUP)))
        continue;
      // A pipe that says it can be written takes PIPE_BUF bytes without waiting (pipe(7)).
      piece = std::min<size_t>(piece, PIPE_BUF);
    }
    ssize_t written = ::write(fd_, bytes.data(), piece);
    if (written < 0 && (errno == EINTR || errno == EAGAIN))
      continue;
    if (written < 0) {
      fd_ = -1;
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

} // namespace tapjit::vm
