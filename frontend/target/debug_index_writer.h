// SPDX-License-Identifier: GPL-2.0-or-later
// Collects the tables of a DebugIndex and lays them out.
#pragma once

#include "frontend/target/debug_index.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tapjit::target {

class DebugIndexWriter {
public:
  DebugIndexWriter();
  uint32_t intern(std::string_view text);
  void add(IndexRow row) { rows_.push_back(row); }
  void add(IndexSymbol symbol) { symbols_.push_back(symbol); }
  void add(IndexSection section) { sections_.push_back(section); }
  void add(IndexRefusal refusal) { refusals_.push_back(refusal); }
  void add(IndexCopy copy) { copies_.push_back(copy); }
  const std::vector<IndexSymbol> &symbols() const { return symbols_; }
  size_t row_count() const { return rows_.size(); }
  std::string finish();

private:
  std::string_view text(uint32_t offset) const { return strings_.data() + offset; }
  std::string strings_;
  std::unordered_map<std::string, uint32_t> known_;
  std::vector<IndexRow> rows_;
  std::vector<IndexSymbol> symbols_;
  std::vector<IndexSection> sections_;
  std::vector<IndexRefusal> refusals_;
  std::vector<IndexCopy> copies_;
};

} // namespace tapjit::target
