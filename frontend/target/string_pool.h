// SPDX-License-Identifier: GPL-2.0-or-later
// Texts by number, each once. The texts themselves stay where they are.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace tapjit::target {

class StringPool {
public:
  StringPool() : slots_(first_slots, 0) {}
  // The number of `text`, from 0 up in order of first use. `keep` gives the bytes that stay for a text that is new.
  template <typename Keep> uint32_t add(std::string_view text, const Keep &keep) {
    if (texts_.size() * 2 >= slots_.size())
      grow();
    uint32_t hash = hash_of(text);
    size_t mask = slots_.size() - 1, at = hash & mask;
    for (; slots_[at]; at = (at + 1) & mask)
      if (hashes_[slots_[at] - 1] == hash && texts_[slots_[at] - 1] == text)
        return slots_[at] - 1;
    texts_.push_back(keep(text));
    hashes_.push_back(hash);
    return (slots_[at] = static_cast<uint32_t>(texts_.size())) - 1;
  }
  // For a text that outlives the pool.
  uint32_t add(std::string_view text) {
    return add(text, [](std::string_view kept) { return kept; });
  }
  const std::vector<std::string_view> &texts() const { return texts_; }

private:
  static constexpr size_t first_slots = 1 << 12; // a power of two, as always
  static uint32_t hash_of(std::string_view text) {
    constexpr uint64_t factor = 0x9e3779b97f4a7c15;
    uint64_t hash = text.size() * factor, word;
    for (; text.size() >= sizeof word; text.remove_prefix(sizeof word)) {
      memcpy(&word, text.data(), sizeof word);
      hash = (hash ^ word) * factor;
      hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, text.data(), text.size());
    hash = (hash ^ word) * factor;
    return static_cast<uint32_t>(hash >> 32);
  }
  void grow() {
    slots_.assign(slots_.size() * 4, 0);
    size_t mask = slots_.size() - 1;
    for (uint32_t number = 0; number < texts_.size(); ++number) {
      size_t at = hashes_[number] & mask;
      while (slots_[at])
        at = (at + 1) & mask;
      slots_[at] = number + 1;
    }
  }
  std::vector<std::string_view> texts_; // by number
  std::vector<uint32_t> hashes_;        // by number
  std::vector<uint32_t> slots_;         // number + 1; 0: free
};

} // namespace tapjit::target
