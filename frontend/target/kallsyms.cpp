// SPDX-License-Identifier: GPL-2.0-or-later
// The tables stand next to each other, each aligned to 8:
//   token_table  256 texts, each ends in NUL; 512 at most of them in a name
//   token_index  u16[256]: where in token_table each text begins
//   markers      u32[(count + 255) / 256]: where in names every 256th name begins
//   names        count names: a length (one byte, or two when the first has its top bit set), then that many tokens;
//                the first character of the expanded text is the symbol's type
//   num_syms     u32
//   offsets      s32[count], relative_base u64: addresses
//   seqs_of_names u8[3 * count]: since 6.2 (60443c88f3a8, "kallsyms: Improve the performance of
//                kallsyms_lookup_name()"), also in stable kernels
// Since 6.4 (404bad70fcf7, "scripts/kallsyms: change the output order") the order is num_syms names markers token_table
// token_index offsets relative_base seqs_of_names; before, it was offsets relative_base num_syms names markers
// [seqs_of_names] token_table token_index. Each table checks the others.
#include "frontend/target/kallsyms.h"

#include <cstring>
#include <string_view>

namespace tapjit::target {

namespace {

constexpr size_t token_count = 256, names_per_marker = 256;
constexpr size_t alignment = 8;

size_t aligned(size_t offset) { return (offset + alignment - 1) / alignment * alignment; }

class Reader {
public:
  explicit Reader(std::span<const char> bytes) : bytes_(bytes) {}

  std::optional<std::vector<KernelSymbol>> read(uint64_t text) {
    for (size_t at = 0; at + token_count * 2 <= bytes_.size(); at += alignment)
      if (is_token_index(at) && find_tokens(at) && find_names())
        return with_addresses(text);
    return std::nullopt;
  }

private:
  template <typename T> T at(size_t offset) const {
    T value{};
    if (offset <= bytes_.size() && sizeof value <= bytes_.size() - offset)
      memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  // Offsets of non-empty texts rise by at least 2 and by less than the longest token.
  bool is_token_index(size_t offset) const {
    constexpr unsigned longest_token = 128;
    if (at<uint16_t>(offset) != 0)
      return false;
    for (size_t i = 1; i < token_count; ++i) {
      unsigned step = at<uint16_t>(offset + 2 * i) - at<uint16_t>(offset + 2 * i - 2);
      if (step < 2 || step > longest_token)
        return false;
    }
    return true;
  }

  // The table of tokens ends where the index begins.
  bool find_tokens(size_t index) {
    size_t last = at<uint16_t>(index + 2 * (token_count - 1));
    for (size_t length = 1; length < 128; ++length) {
      size_t size = aligned(last + length + 1);
      if (size > index || (length > 1 && size == aligned(last + length)))
        continue;
      if (is_token_table(index - size, index)) {
        index_ = index;
        tokens_ = index - size;
        return true;
      }
    }
    return false;
  }

  bool is_token_table(size_t table, size_t index) const {
    for (size_t i = 0; i < token_count; ++i) {
      size_t begin = table + at<uint16_t>(index + 2 * i);
      size_t end = i + 1 < token_count ? table + at<uint16_t>(index + 2 * i + 2) : index;
      size_t nul = begin;
      while (nul < end && bytes_[nul] != '\0')
        ++nul;
      bool is_whole = i + 1 < token_count ? nul + 1 == end : nul < end;
      if (nul == begin || !is_whole)
        return false;
    }
    return true;
  }

  // Back from the tokens: a number that is followed by as many names and their markers.
  bool find_names() {
    constexpr uint64_t fewest = names_per_marker, most = 1u << 22;
    for (size_t number = tokens_; number >= 2 * alignment; number -= alignment) {
      uint64_t count = at<uint64_t>(number - alignment);
      if (count < fewest || count > most || !has_names(number, count))
        continue;
      read_names(number, count);
      return true;
    }
    return false;
  }

  // The length of the name at `offset`, which is moved behind it; 0: none can be there.
  size_t take_length(size_t &offset) const {
    size_t length = at<uint8_t>(offset++);
    if (length & 0x80)
      length = (length & 0x7f) | static_cast<size_t>(at<uint8_t>(offset++)) << 7;
    return offset <= tokens_ && length <= tokens_ - offset ? length : 0;
  }

  bool has_names(size_t names, size_t count) const {
    std::vector<uint32_t> markers;
    size_t offset = names;
    for (size_t i = 0; i < count; ++i) {
      if (i % names_per_marker == 0)
        markers.push_back(static_cast<uint32_t>(offset - names));
      size_t length = take_length(offset);
      if (length == 0)
        return false;
      offset += length;
    }
    offset = aligned(offset);
    for (uint32_t marker : markers) {
      if (at<uint32_t>(offset) != marker)
        return false;
      offset += sizeof marker;
    }
    offset = aligned(offset);
    return offset == tokens_ || aligned(offset + 3 * count) == tokens_;
  }

  void read_names(size_t names, size_t count) {
    size_t offset = names;
    symbols_.resize(count);
    for (KernelSymbol &symbol : symbols_) {
      size_t length = take_length(offset);
      for (size_t end = offset + length; offset < end; ++offset)
        symbol.name += bytes_.data() + tokens_ + at<uint16_t>(index_ + 2 * at<uint8_t>(offset));
      symbol.type = symbol.name[0];
      symbol.name.erase(0, 1);
    }
    names_ = names;
  }

  // The place and the meaning that put _text where it is.
  std::optional<std::vector<KernelSymbol>> with_addresses(uint64_t text) {
    size_t table = aligned(symbols_.size() * 4);
    size_t after = index_ + token_count * 2, before = names_ - 2 * alignment;
    struct Place {
      size_t offsets, base;
    };
    for (Place place : {Place{after, after + table}, Place{before - table, before}})
      for (bool absolute_percpu : {false, true})
        if (place.offsets < bytes_.size() && place.base < bytes_.size() &&
            put_addresses(place.offsets, at<uint64_t>(place.base), absolute_percpu, text))
          return std::move(symbols_);
    return std::nullopt;
  }

  // CONFIG_KALLSYMS_ABSOLUTE_PERCPU (until 6.15): an offset >= 0 is an address, another counts down from base - 1.
  bool put_addresses(size_t offsets, uint64_t base, bool absolute_percpu, uint64_t text) {
    bool found = false;
    for (size_t i = 0; i < symbols_.size(); ++i) {
      int32_t offset = at<int32_t>(offsets + 4 * i);
      symbols_[i].address = !absolute_percpu ? base + static_cast<uint32_t>(offset)
                            : offset >= 0    ? static_cast<uint32_t>(offset)
                                             : base - 1 - static_cast<uint64_t>(static_cast<int64_t>(offset));
      if (symbols_[i].name == "_text") {
        if (symbols_[i].address != text)
          return false;
        found = true;
      }
    }
    return found;
  }

  std::span<const char> bytes_;
  size_t tokens_ = 0, index_ = 0, names_ = 0;
  std::vector<KernelSymbol> symbols_;
};

} // namespace

std::optional<std::vector<KernelSymbol>> read_kallsyms(std::span<const char> rodata, uint64_t text) {
  return Reader(rodata).read(text);
}

} // namespace tapjit::target
