// SPDX-License-Identifier: GPL-2.0-or-later
// A sequence of ids (ids.h) that looks like a std::vector of them, for operands of instructions and predecessors of
// blocks: a handler has many of these lists, and most have at most three ids. So many stand in the object itself,
// without memory of their own.
#pragma once

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace tapjit::ir {

template <typename Id> class ShortList {
public:
  ShortList() = default;
  ShortList(std::initializer_list<Id> values) { append(values.begin(), values.size()); }
  ShortList(std::span<const Id> values) { append(values.data(), values.size()); }
  ShortList(const std::vector<Id> &values) { append(values.data(), values.size()); }
  ShortList(const ShortList &other) { append(other.data(), other.size_); }
  ShortList(ShortList &&other) noexcept { swap(other); }
  ShortList &operator=(ShortList other) noexcept {
    swap(other);
    return *this;
  }
  ~ShortList() {
    if (is_outside())
      delete[] outside();
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Id *data() { return is_outside() ? outside() : inside_; }
  const Id *data() const { return is_outside() ? outside() : inside_; }
  Id *begin() { return data(); }
  Id *end() { return data() + size_; }
  const Id *begin() const { return data(); }
  const Id *end() const { return data() + size_; }
  Id &operator[](size_t index) { return data()[index]; }
  Id operator[](size_t index) const { return data()[index]; }
  Id &back() { return data()[size_ - 1]; }
  Id back() const { return data()[size_ - 1]; }

  void clear() { shrink(0); }
  void push_back(Id value) { append(&value, 1); }
  void append(const ShortList &more) { append(more.data(), more.size_); }
  void truncate(size_t count) { shrink(count); } // keeps the first `count`
  // `at` is of this sequence; what stands behind it moves up.
  void erase(const Id *at) {
    Id *place = data() + (at - data());
    std::copy(place + 1, end(), place);
    shrink(size_ - 1);
  }

  operator std::span<const Id>() const { return {data(), size_}; }
  friend bool operator==(const ShortList &a, const ShortList &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  static constexpr size_t most_inside = 3;

  // More than `most_inside` stand in memory of their own: inside_[0] is how many it has room for, the rest its address.
  bool is_outside() const { return size_ > most_inside; }
  Id *outside() const {
    Id *memory;
    static_assert(sizeof memory <= sizeof(Id[most_inside - 1]));
    memcpy(&memory, &inside_[1], sizeof memory);
    return memory;
  }
  size_t room() const { return is_outside() ? inside_[0].index : most_inside; }

  void append(const Id *values, size_t count) {
    size_t wanted = size_ + count;
    if (wanted > room()) {
      size_t space = std::max(wanted, 2 * room());
      Id *memory = new Id[space];
      std::copy_n(data(), size_, memory);
      std::copy_n(values, count, memory + size_); // `values` may be in what goes now
      if (is_outside())
        delete[] outside();
      inside_[0].index = uint32_t(space);
      memcpy(static_cast<void *>(&inside_[1]), &memory, sizeof memory);
    } else {
      std::copy_n(values, count, data() + size_);
    }
    size_ = uint32_t(wanted);
  }

  void shrink(size_t count) {
    if (is_outside() && count <= most_inside) {
      Id *memory = outside();
      std::copy_n(memory, count, inside_);
      delete[] memory;
    }
    size_ = uint32_t(count);
  }

  void swap(ShortList &other) noexcept {
    std::swap(size_, other.size_);
    std::swap(inside_, other.inside_);
  }

  uint32_t size_ = 0;
  Id inside_[most_inside];
};

} // namespace tapjit::ir
