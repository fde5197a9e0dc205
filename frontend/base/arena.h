// SPDX-License-Identifier: GPL-2.0-or-later
// Arena: memory for nodes that live and die together. Nothing in it is destroyed one by one, so only trivially
// destructible types may be made in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tapjit {

class Arena {
public:
  Arena() = default;
  Arena(const Arena &) = delete;
  Arena &operator=(const Arena &) = delete;
  Arena(Arena &&) = default;
  Arena &operator=(Arena &&) = default;

  // Uninitialised memory, aligned to at most alignof(max_align_t); valid as long as the arena.
  void *allocate(size_t size, size_t align) {
    uintptr_t at = (cursor_ + align - 1) & ~(uintptr_t{align} - 1);
    if (at + size > limit_ || cursor_ == 0) {
      grow(size + align);
      at = (cursor_ + align - 1) & ~(uintptr_t{align} - 1);
    }
    cursor_ = at + size;
    return reinterpret_cast<void *>(at);
  }

  template <typename T, typename... Args> T *make(Args &&...args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T), alignof(T))) T{std::forward<Args>(args)...};
  }

  // A copy of `items` that lives in the arena.
  template <typename T> std::span<T> copy(std::span<const T> items) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (items.empty())
      return {};
    T *to = static_cast<T *>(allocate(sizeof(T) * items.size(), alignof(T)));
    std::memcpy(static_cast<void *>(to), items.data(), sizeof(T) * items.size());
    return {to, items.size()};
  }
  template <typename T> std::span<T> copy(const std::vector<T> &items) { return copy(std::span<const T>(items)); }

  std::string_view copy(std::string_view text) {
    if (text.empty())
      return {};
    char *to = static_cast<char *>(allocate(text.size(), 1));
    std::memcpy(to, text.data(), text.size());
    return {to, text.size()};
  }

private:
  void grow(size_t needed) {
    size_t size = chunks_.empty() ? 16384 : 131072;
    if (needed > size)
      size = needed;
    chunks_.push_back(std::make_unique_for_overwrite<std::byte[]>(size));
    cursor_ = reinterpret_cast<uintptr_t>(chunks_.back().get());
    limit_ = cursor_ + size;
  }

  std::vector<std::unique_ptr<std::byte[]>> chunks_;
  uintptr_t cursor_ = 0;
  uintptr_t limit_ = 0;
};

} // namespace tapjit
