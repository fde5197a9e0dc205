// SPDX-License-Identifier: GPL-2.0-or-later
// Writes a program's output to a descriptor that may be a slow pipe, without being deaf to ^C meanwhile.
#pragma once

#include <functional>
#include <string_view>

namespace tapjit::vm {

class OutputFile {
public:
  // `on_signal` is called when `interrupt_fd` can be read, and reads it. Both descriptors stay the caller's; -1: none.
  OutputFile(int fd, int interrupt_fd, std::function<bool()> on_signal);

  // False once, when the reader has gone; after that everything is dropped.
  bool write(std::string_view bytes);

private:
  int fd_;
  int interrupt_fd_;
  bool regular_ = false;
  std::function<bool()> on_signal_;
};

} // namespace tapjit::vm
