// SPDX-License-Identifier: GPL-2.0-or-later
// Result<T>: a value, or the environment's error (a missing file, a kernel that is not installed, a full disk).
// A user's mistake in script text is a located diagnostic (diagnostics.h), never a Result; a bug is an assert.
#pragma once

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace tapjit {

// What went wrong outside the script: `observed` says what was seen and where, `advice` what to do about it (may be
// empty).
struct Error {
  std::string observed;
  std::string advice;
};

template <typename T> class [[nodiscard]] Result {
public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state_.index() == 0; }
  T &operator*() { return *std::get_if<0>(&state_); }
  const T &operator*() const { return *std::get_if<0>(&state_); }
  T *operator->() { return std::get_if<0>(&state_); }
  const T *operator->() const { return std::get_if<0>(&state_); }
  const Error &error() const {
    assert(state_.index() == 1);
    return *std::get_if<1>(&state_);
  }

private:
  std::variant<T, Error> state_;
};

template <> class [[nodiscard]] Result<void> {
public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  explicit operator bool() const { return !error_; }
  const Error &error() const {
    assert(error_);
    return *error_;
  }

private:
  std::optional<Error> error_;
};

} // namespace tapjit
