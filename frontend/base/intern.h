// SPDX-License-Identifier: GPL-2.0-or-later
// Names: each spelling is kept once, so that two names are equal exactly when their pointers are.
#pragma once

#include "frontend/base/arena.h"

#include <functional>
#include <string_view>
#include <unordered_map>

namespace tapjit {

// An interned string. Valid as long as the Interner that made it; a default-made name is empty and equals only itself.
class Name {
public:
  Name() = default;
  std::string_view view() const { return text_ ? *text_ : std::string_view(); }
  bool empty() const { return !text_ || text_->empty(); }
  explicit operator bool() const { return !empty(); }
  bool operator==(const Name &other) const = default;

private:
  friend class Interner;
  friend struct std::hash<Name>;
  explicit Name(const std::string_view *text) : text_(text) {}
  const std::string_view *text_ = nullptr;
};

class Interner {
public:
  Interner() = default;
  Interner(const Interner &) = delete;
  Interner &operator=(const Interner &) = delete;

  Name intern(std::string_view text) {
    if (auto found = names_.find(text); found != names_.end())
      return Name(found->second);
    const std::string_view *kept = arena_.make<std::string_view>(arena_.copy(text));
    names_.emplace(*kept, kept);
    return Name(kept);
  }

  Name find(std::string_view text) const {
    auto found = names_.find(text);
    return found == names_.end() ? Name() : Name(found->second);
  }

private:
  Arena arena_;
  std::unordered_map<std::string_view, const std::string_view *> names_;
};

} // namespace tapjit

template <> struct std::hash<tapjit::Name> {
  size_t operator()(tapjit::Name name) const { return std::hash<const void *>()(name.text_); }
};
