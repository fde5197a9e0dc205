// SPDX-License-Identifier: GPL-2.0-or-later
// Frames of frame.h as C++ values: encoding, and decoding of a byte stream that arrives in any pieces.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/vm/frame.h"

namespace tapjit::vm {

struct Frame {
  uint32_t id = 0;
  uint16_t type = 0; // vm_frame_type
  std::string payload;
};

// The frame's bytes. `payload` is at most VM_FRAME_LIMIT long.
std::string encode_frame(uint32_t id, uint16_t type, std::string_view payload);

// The bytes of a plain struct of frame.h, to build payloads.
template <typename T> std::string_view bytes_of(const T &value) {
  return {reinterpret_cast<const char *>(&value), sizeof(T)};
}

// The struct at the payload's start; nothing when the payload is shorter.
template <typename T> std::optional<T> read_struct(std::string_view payload) {
  if (payload.size() < sizeof(T))
    return std::nullopt;
  T value;
  __builtin_memcpy(&value, payload.data(), sizeof(T));
  return value;
}

// The payload of VM_RUN. `environment` is added to the agent's own.
std::string encode_run(const std::vector<std::string> &arguments, const std::map<std::string, std::string> &environment,
                       const std::string &working_folder, uint32_t flags);

// Cuts a stream into frames.
class FrameDecoder {
public:
  void feed(std::string_view bytes);

  // The next whole frame; nothing until more bytes come, or when the stream is broken.
  std::optional<Frame> next();

  // A length that no sender of ours writes: the stream cannot be followed any more.
  bool broken() const { return broken_; }

private:
  std::string bytes_;
  size_t start_ = 0;
  bool broken_ = false;
};

} // namespace tapjit::vm
