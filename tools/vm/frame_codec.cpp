// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/frame_codec.h"

#include <cassert>

namespace tapjit::vm {

std::string encode_frame(uint32_t id, uint16_t type, std::string_view payload) {
  assert(payload.size() <= VM_FRAME_LIMIT);
  vm_frame header{id, type, 0, static_cast<uint32_t>(payload.size())};
  std::string bytes;
  bytes.reserve(sizeof(header) + payload.size());
  bytes.append(bytes_of(header));
  bytes.append(payload);
  return bytes;
}

std::string encode_run(const std::vector<std::string> &arguments, const std::map<std::string, std::string> &environment,
                       const std::string &working_folder, uint32_t flags) {
  vm_run header{flags, static_cast<uint32_t>(arguments.size()), static_cast<uint32_t>(environment.size()), 0};
  std::string payload(bytes_of(header));
  auto add = [&payload](const std::string &text) {
    payload += text;
    payload += '\0';
  };
  add(working_folder);
  for (const std::string &argument : arguments)
    add(argument);
  for (const auto &[name, value] : environment)
    add(name + "=" + value);
  return payload;
}

void FrameDecoder::feed(std::string_view bytes) {
  if (start_ > 0 && start_ == bytes_.size()) {
    bytes_.clear();
    start_ = 0;
  } else if (start_ > (1u << 20)) {
    bytes_.erase(0, start_);
    start_ = 0;
  }
  bytes_.append(bytes);
}

std::optional<Frame> FrameDecoder::next() {
  std::string_view rest = std::string_view(bytes_).substr(start_);
  std::optional<vm_frame> header = read_struct<vm_frame>(rest);
  if (broken_ || !header)
    return std::nullopt;
  if (header->length > VM_FRAME_LIMIT) {
    broken_ = true;
    return std::nullopt;
  }
  if (rest.size() < sizeof(vm_frame) + header->length)
    return std::nullopt;
  Frame frame{header->id, header->type, std::string(rest.substr(sizeof(vm_frame), header->length))};
  start_ += sizeof(vm_frame) + header->length;
  return frame;
}

} // namespace tapjit::vm
