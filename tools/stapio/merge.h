// SPDX-License-Identifier: GPL-2.0-or-later
// Brings the units of all rings into one order. Within a ring they come in the order of their sequence numbers; below
// the watermark nothing is missing (runtime/ABI.md), so what is below it can go out.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <queue>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::stapio {

class UnitMerger {
public:
  // Whole units of one ring, as a DATA chunk carries them. False when they are not well formed.
  bool add(uint32_t ring, std::string_view units);

  // Hands over the records of each unit with a sequence number below `watermark`, in order.
  void release(uint64_t watermark, const std::function<void(std::string_view records)> &take);
  void release_all(const std::function<void(std::string_view records)> &take);

  bool empty() const { return next_.empty(); }

private:
  struct Piece {
    std::string bytes;
    size_t at = 0;
  };
  struct Head {
    uint64_t sequence;
    uint32_t ring;
    bool operator>(const Head &other) const { return sequence > other.sequence; }
  };
  void push_head(uint32_t ring);

  std::vector<std::deque<Piece>> rings_;
  std::priority_queue<Head, std::vector<Head>, std::greater<Head>> next_; // the first unit of each ring that has one
};

} // namespace tapjit::stapio
