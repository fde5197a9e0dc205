// SPDX-License-Identifier: GPL-2.0-or-later
// One end of a stream of frames on a non-blocking socket. While it waits to write it keeps reading, so that two ends
// that both have much to say do not wait for each other.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>

#include "frontend/base/result.h"
#include "tools/vm/frame_codec.h"

namespace tapjit::vm {

class Channel {
public:
  explicit Channel(int fd = -1) : fd_(fd) {} // does not own it
  int fd() const { return fd_; }

  Result<void> send(uint32_t id, uint16_t type, std::string_view payload);

  // A frame that has been read already; nothing when there is none.
  std::optional<Frame> take();

  // Reads what is there without waiting. The error says that the other end is gone or broken.
  Result<void> receive();

private:
  int fd_;
  FrameDecoder decoder_;
};

} // namespace tapjit::vm
