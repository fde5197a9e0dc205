// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debug_index_writer.h"

#include <algorithm>
#include <cstring>
#include <thread>
#include <tuple>

namespace tapjit::target {

DebugIndexWriter::DebugIndexWriter() { texts_.add(""); }

uint32_t DebugIndexWriter::intern(std::string_view text) {
  return texts_.add(text, [&](std::string_view kept) {
    constexpr size_t block = 1 << 16;
    if (kept_.empty() || kept_.back().capacity() - kept_.back().size() < kept.size())
      kept_.emplace_back().reserve(std::max(block, kept.size()));
    std::string &bytes = kept_.back();
    size_t at = bytes.size();
    bytes.append(kept);
    return std::string_view(bytes).substr(at);
  });
}

template <typename T>
static void append_table(std::string &bytes, const std::vector<T> &table, uint64_t &offset, uint64_t &count) {
  bytes.resize((bytes.size() + 7) / 8 * 8);
  offset = bytes.size();
  count = table.size();
  bytes.append(reinterpret_cast<const char *>(table.data()), table.size() * sizeof(T));
}

// The texts in their order, so that rows sort and compare by offset and neighbours in a binary search share pages
// later.
std::string DebugIndexWriter::lay_out_strings() {
  // The first eight bytes as a number nearly always tell two texts apart.
  struct Keyed {
    uint64_t begin;
    uint32_t number;
  };
  const std::vector<std::string_view> &texts = texts_.texts();
  std::vector<Keyed> ordered;
  ordered.reserve(texts.size());
  for (uint32_t number = 0; number < texts.size(); ++number) {
    uint64_t begin = 0;
    memcpy(&begin, texts[number].data(), std::min(texts[number].size(), sizeof begin));
    ordered.push_back({__builtin_bswap64(begin), number});
  }
  std::sort(ordered.begin(), ordered.end(), [&](const Keyed &a, const Keyed &b) {
    return a.begin != b.begin ? a.begin < b.begin : texts[a.number] < texts[b.number];
  });
  size_t size = 0;
  for (std::string_view text : texts)
    size += text.size() + 1;
  std::string pool;
  pool.reserve(size);
  std::vector<uint32_t> moved(texts.size());
  for (const Keyed &text : ordered) {
    moved[text.number] = static_cast<uint32_t>(pool.size());
    pool.append(texts[text.number]).push_back('\0');
  }
  for (IndexRow &row : rows_)
    row.name = moved[row.name], row.file = moved[row.file];
  for (IndexSymbol &symbol : symbols_)
    symbol.name = moved[symbol.name];
  for (IndexSection &section : sections_)
    section.name = moved[section.name];
  for (IndexRefusal &refusal : refusals_)
    refusal.reason = moved[refusal.reason];
  return pool;
}

void DebugIndexWriter::sort_rows() {
  std::sort(rows_.begin(), rows_.end(), [](const IndexRow &a, const IndexRow &b) {
    return std::tie(a.kind, a.name, a.address, a.die) < std::tie(b.kind, b.name, b.address, b.die);
  });
  // Of a type one definition is enough: the first in the file, whichever thread saw it.
  auto is_repeated_type = [](const IndexRow &a, const IndexRow &b) {
    return a.kind == b.kind && a.name == b.name && a.kind >= static_cast<uint32_t>(RowKind::Struct) &&
           a.kind <= static_cast<uint32_t>(RowKind::Typedef);
  };
  rows_.erase(std::unique(rows_.begin(), rows_.end(), is_repeated_type), rows_.end());
}

void DebugIndexWriter::sort_symbols() {
  std::sort(symbols_.begin(), symbols_.end(), [](const IndexSymbol &a, const IndexSymbol &b) {
    return std::tie(a.name, a.address) < std::tie(b.name, b.address);
  });
  struct Place {
    uint64_t address;
    uint32_t number;
  };
  std::vector<Place> places;
  places.reserve(symbols_.size());
  for (const IndexSymbol &symbol : symbols_)
    places.push_back({symbol.address, static_cast<uint32_t>(places.size())});
  std::sort(places.begin(), places.end(), [](const Place &a, const Place &b) {
    return std::tie(a.address, a.number) < std::tie(b.address, b.number);
  });
  by_address_.reserve(places.size());
  for (const Place &place : places)
    by_address_.push_back(place.number);
}

// An abstract function's row says where its copies are. A scan gives both in order of the DIEs, so that there is
// nothing to sort and little to search.
void DebugIndexWriter::sort_copies() {
  auto is_before = [](const IndexCopy &a, const IndexCopy &b) {
    return std::tie(a.function, a.address, a.die) < std::tie(b.function, b.address, b.die);
  };
  if (!std::is_sorted(copies_.begin(), copies_.end(), is_before))
    std::sort(copies_.begin(), copies_.end(), is_before);
  auto at = copies_.begin();
  for (IndexRow &row : rows_) {
    if (row.kind != static_cast<uint32_t>(RowKind::Inlined))
      continue;
    if (at != copies_.begin() && std::prev(at)->function >= row.die)
      at = copies_.begin();
    while (at != copies_.end() && at->function < row.die)
      ++at;
    row.address = static_cast<uint64_t>(at - copies_.begin());
  }
}

// Apart from each other and in order; where several cover an address, the one that was added first does.
void DebugIndexWriter::flatten_refusals() {
  std::vector<uint64_t> borders;
  for (const IndexRefusal &refusal : refusals_)
    borders.insert(borders.end(), {refusal.begin, refusal.end});
  std::sort(borders.begin(), borders.end());
  borders.erase(std::unique(borders.begin(), borders.end()), borders.end());
  std::vector<IndexRefusal> flat;
  for (size_t i = 0; i + 1 < borders.size(); ++i) {
    auto first = std::find_if(refusals_.begin(), refusals_.end(), [&](const IndexRefusal &refusal) {
      return refusal.begin <= borders[i] && borders[i] < refusal.end;
    });
    if (first == refusals_.end())
      continue;
    if (!flat.empty() && flat.back().end == borders[i] && flat.back().reason == first->reason)
      flat.back().end = borders[i + 1];
    else
      flat.push_back({borders[i], borders[i + 1], first->reason, 0});
  }
  refusals_ = std::move(flat);
}

std::string DebugIndexWriter::finish(bool parallel) {
  sort_copies();
  const std::string pool = lay_out_strings();
  std::thread other;
  if (parallel)
    other = std::thread(&DebugIndexWriter::sort_rows, this);
  else
    sort_rows();
  sort_symbols();
  flatten_refusals();
  if (parallel)
    other.join();

  IndexHeader header{};
  memcpy(header.magic, IndexHeader::expected_magic, sizeof header.magic);
  std::string bytes;
  bytes.reserve(sizeof header + rows_.size() * sizeof(IndexRow) + copies_.size() * sizeof(IndexCopy) +
                symbols_.size() * (sizeof(IndexSymbol) + sizeof(uint32_t)) + sections_.size() * sizeof(IndexSection) +
                refusals_.size() * sizeof(IndexRefusal) + pool.size() + 64);
  bytes.resize(sizeof header);
  uint64_t same_count;
  append_table(bytes, rows_, header.rows, header.row_count);
  append_table(bytes, symbols_, header.symbols, header.symbol_count);
  append_table(bytes, by_address_, header.by_address, same_count);
  append_table(bytes, sections_, header.sections, header.section_count);
  append_table(bytes, refusals_, header.refusals, header.refusal_count);
  append_table(bytes, copies_, header.copies, header.copy_count);
  header.strings = bytes.size();
  header.strings_size = pool.size();
  bytes += pool;
  header.total_size = bytes.size();
  memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

} // namespace tapjit::target
