// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/differential/virtual_host.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>

namespace tapjit::differential {

VirtualHost::VirtualHost(int64_t start_ns, int64_t length_ns)
    : callbacks_{}, now_(start_ns), end_(start_ns + length_ns) {
  callbacks_.self = this;
  callbacks_.alloc = [](void *, uint64_t bytes) { return calloc(1, bytes); };
  callbacks_.free = [](void *, void *memory) { free(memory); };
  callbacks_.realtime_ns = [](void *host) { return static_cast<VirtualHost *>(host)->now_; };
  callbacks_.monotonic_ns = [](void *host) { return static_cast<VirtualHost *>(host)->now_; };
  callbacks_.wait_until = [](void *host, int64_t ns) {
    auto *own = static_cast<VirtualHost *>(host);
    if (ns > own->end_)
      return false;
    own->now_ = std::max(own->now_, ns);
    return true;
  };
  callbacks_.read_memory = [](void *, void *, uint64_t, uint32_t) { return false; };
  callbacks_.fact = [](void *, tap_fact) { return int64_t(0); };
  callbacks_.execname = [](void *, char *to, uint32_t) {
    *to = 0;
    return uint32_t(0);
  };
  callbacks_.print_unit = [](void *host, const tap_program *program, const uint8_t *unit, uint32_t bytes) {
    static_cast<VirtualHost *>(host)->print_unit(*program, unit, bytes);
  };
  callbacks_.format = [](void *, char *to, uint64_t size, const char *format, va_list args) {
    return vsnprintf(to, size, format, args);
  };
}

void VirtualHost::print_unit(const tap_program &program, const uint8_t *unit, uint32_t bytes) {
  if (formats_.size() != program.format_count)
    for (uint32_t i = 0; i < program.format_count; i++)
      formats_.push_back({{program.formats[i].text, program.formats[i].length}, program.formats[i].args});
  std::string_view records(reinterpret_cast<const char *>(unit), bytes);
  records.remove_prefix(sizeof(tap_unit_header));
  while (!records.empty()) {
    std::string text;
    auto kind = stapio::take_record(records, formats_, text);
    if (kind == stapio::RecordKind::Broken) {
      messages += "BROKEN RECORD\n";
      return;
    }
    if (kind == stapio::RecordKind::Output)
      output += text;
    else
      messages += (kind == stapio::RecordKind::Error ? "ERROR: " : "WARNING: ") + text + "\n";
  }
}

} // namespace tapjit::differential
