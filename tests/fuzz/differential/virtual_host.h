// SPDX-License-Identifier: GPL-2.0-or-later
// A host of the user runtime whose clock jumps to the next timer, and whose output stays in memory.
#pragma once

#include "runtime/user/host.h"
#include "tools/stapio/records.h"

#include <string>
#include <vector>

namespace tapjit::differential {

class VirtualHost {
public:
  VirtualHost(int64_t start_ns, int64_t length_ns);
  VirtualHost(const VirtualHost &) = delete;
  const tap_host &callbacks() const { return callbacks_; }

  std::string output, messages;

private:
  void print_unit(const tap_program &program, const uint8_t *unit, uint32_t bytes);

  tap_host callbacks_;
  int64_t now_, end_;
  std::vector<stapio::Format> formats_;
};

} // namespace tapjit::differential
