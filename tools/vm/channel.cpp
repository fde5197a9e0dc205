// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/channel.h"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace tapjit::vm {
namespace {
const char gone[] = "the guest went away";
}

Result<void> Channel::receive() {
  char piece[65536];
  for (int turn = 0; turn < 16; turn++) {
    ssize_t got = recv(fd_, piece, sizeof(piece), MSG_DONTWAIT);
    if (got > 0) {
      decoder_.feed({piece, static_cast<size_t>(got)});
      continue;
    }
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
      return {};
    // What came before the end is taken first; the next call says that it ended.
    if (turn > 0)
      return {};
    return Error{gone, ""};
  }
  return {};
}

Result<void> Channel::send(uint32_t id, uint16_t type, std::string_view payload) {
  std::string bytes = encode_frame(id, type, payload);
  for (size_t done = 0; done < bytes.size();) {
    ssize_t written = ::send(fd_, bytes.data() + done, bytes.size() - done, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (written > 0) {
      done += static_cast<size_t>(written);
      continue;
    }
    if (written < 0 && errno != EAGAIN && errno != EINTR)
      return Error{gone, ""};
    pollfd wait{fd_, POLLIN | POLLOUT, 0};
    if (poll(&wait, 1, -1) > 0 && (wait.revents & (POLLIN | POLLHUP)))
      if (Result<void> received = receive(); !received)
        return received;
  }
  return {};
}

std::optional<Frame> Channel::take() { return decoder_.next(); }

} // namespace tapjit::vm
