// SPDX-License-Identifier: GPL-2.0-or-later
// The operands of one instruction: a sequence of ValueIds that looks like a std::vector of them. Most instructions have
// at most three, and a handler has many instructions, so these stand in the object itself, without memory of their own.
#pragma once

#include "ir/ids.h"

#include <algorithm>
#include <cstring>
#include <initializer_list>
#include <span>
#include <utility>
#include <vector>

namespace tapjit::ir {

class Operands {
public:
  Operands() = default;
  Operands(std::initializer_list<ValueId> values) { append(values.begin(), values.size()); }
  Operands(std::span<const ValueId> values) { append(values.data(), values.size()); }
  Operands(const std::vector<ValueId> &values) { append(values.data(), values.size()); }
  Operands(const Operands &other) { append(other.data(), other.size_); }
  Operands(Operands &&other) noexcept { swap(other); }
  Operands &operator=(Operands other) noexcept {
    swap(other);
    return *this;
  }
  ~Operands() {
    if (is_outside())
      delete[] outside();
  }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ValueId *data() { return is_outside() ? outside() : inside_; }
  const ValueId *data() const { return is_outside() ? outside() : inside_; }
  ValueId *begin() { return data(); }
  ValueId *end() { return data() + size_; }
  const ValueId *begin() const { return data(); }
  const ValueId *end() const { return data() + size_; }
  ValueId &operator[](size_t index) { return data()[index]; }
  ValueId operator[](size_t index) const { return data()[index]; }
  ValueId &back() { return data()[size_ - 1]; }
  ValueId back() const { return data()[size_ - 1]; }

  void clear() { shrink(0); }
  void push_back(ValueId value) { append(&value, 1); }
  void append(const Operands &more) { append(more.data(), more.size_); }
  void truncate(size_t count) { shrink(count); } // keeps the first `count`
  // `at` is of this sequence; what stands behind it moves up.
  void erase(const ValueId *at) {
    ValueId *place = data() + (at - data());
    std::copy(place + 1, end(), place);
    shrink(size_ - 1);
  }

  operator std::span<const ValueId>() const { return {data(), size_}; }
  friend bool operator==(const Operands &a, const Operands &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

private:
  static constexpr size_t most_inside = 3;

  // More than `most_inside` stand in memory of their own: inside_[0] is how many it has room for, the rest its address.
  bool is_outside() const { return size_ > most_inside; }
  ValueId *outside() const {
    ValueId *memory;
    static_assert(sizeof memory <= sizeof(ValueId[most_inside - 1]));
    memcpy(&memory, &inside_[1], sizeof memory);
    return memory;
  }
  size_t room() const { return is_outside() ? inside_[0].index : most_inside; }

  void append(const ValueId *values, size_t count) {
    size_t wanted = size_ + count;
    if (wanted > room()) {
      size_t space = std::max(wanted, 2 * room());
      ValueId *memory = new ValueId[space];
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
      ValueId *memory = outside();
      std::copy_n(memory, count, inside_);
      delete[] memory;
    }
    size_ = uint32_t(count);
  }

  void swap(Operands &other) noexcept {
    std::swap(size_, other.size_);
    std::swap(inside_, other.inside_);
  }

  uint32_t size_ = 0;
  ValueId inside_[most_inside];
};

} // namespace tapjit::ir
