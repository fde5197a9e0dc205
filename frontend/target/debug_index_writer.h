// SPDX-License-Identifier: GPL-2.0-or-later
// Collects the tables of a DebugIndex and lays them out.
#pragma once

#include "frontend/target/debug_index.h"

#include "frontend/target/string_pool.h"

#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

class DebugIndexWriter {
public:
  DebugIndexWriter();
  // A number that stands for the text until finish(); the empty one's is 0.
  uint32_t intern(std::string_view text);
  void add(IndexRow row) { rows_.push_back(row); }
  void add(IndexSymbol symbol) { symbols_.push_back(symbol); }
  void add(IndexSection section) { sections_.push_back(section); }
  void add(IndexRefusal refusal) { refusals_.push_back(refusal); }
  void add(IndexCopy copy) { copies_.push_back(copy); }
  const std::vector<IndexSymbol> &symbols() const { return symbols_; }
  size_t row_count() const { return rows_.size(); }
  // The index as bytes. Sorts on two threads if `parallel`.
  std::string finish(bool parallel = false);

private:
  std::string lay_out_strings();
  void sort_rows();
  void sort_symbols();
  void flatten_refusals();
  void sort_copies();
  StringPool texts_;
  std::deque<std::string> kept_; // the pool's texts, some thousand in each
  std::vector<IndexRow> rows_;
  std::vector<IndexSymbol> symbols_;
  std::vector<uint32_t> by_address_;
  std::vector<IndexSection> sections_;
  std::vector<IndexRefusal> refusals_;
  std::vector<IndexCopy> copies_;
};

} // namespace tapjit::target
