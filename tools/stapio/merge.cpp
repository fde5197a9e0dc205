// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/merge.h"

#include <cstring>

#include "runtime/core/wire.h"

namespace tapjit::stapio {
namespace {

tap_unit_header header_at(std::string_view bytes) {
  tap_unit_header header;
  memcpy(&header, bytes.data(), sizeof(header));
  return header;
}

bool well_formed(std::string_view units) {
  while (!units.empty()) {
    if (units.size() < sizeof(tap_unit_header))
      return false;
    uint32_t size = header_at(units).size;
    if (size < sizeof(tap_unit_header) || size > units.size())
      return false;
    units.remove_prefix(size);
  }
  return true;
}

} // namespace

void UnitMerger::push_head(uint32_t ring) {
  const Piece &piece = rings_[ring].front();
  next_.push({header_at(std::string_view(piece.bytes).substr(piece.at)).seq, ring});
}

bool UnitMerger::add(uint32_t ring, std::string_view units) {
  if (units.empty())
    return true;
  if (!well_formed(units))
    return false;
  if (ring >= rings_.size())
    rings_.resize(ring + 1);
  bool was_empty = rings_[ring].empty();
  rings_[ring].push_back({std::string(units), 0});
  if (was_empty)
    push_head(ring);
  return true;
}

void UnitMerger::release(uint64_t watermark, const std::function<void(std::string_view records)> &take) {
  while (!next_.empty() && next_.top().sequence < watermark) {
    uint32_t ring = next_.top().ring;
    next_.pop();
    Piece &piece = rings_[ring].front();
    std::string_view unit = std::string_view(piece.bytes).substr(piece.at);
    uint32_t size = header_at(unit).size;
    take(unit.substr(sizeof(tap_unit_header), size - sizeof(tap_unit_header)));
    piece.at += size;
    if (piece.at == piece.bytes.size())
      rings_[ring].pop_front();
    if (!rings_[ring].empty())
      push_head(ring);
  }
}

void UnitMerger::release_all(const std::function<void(std::string_view records)> &take) { release(UINT64_MAX, take); }

} // namespace tapjit::stapio
