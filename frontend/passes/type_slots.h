// SPDX-License-Identifier: GPL-2.0-or-later
// Slots: what stands for a type that is still to be found out, of a variable, a result, an array's key. Those that must
// be of one type are joined (union-find); each keeps the place that decided its type, for messages.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"

#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tapjit {

using Slot = uint32_t;

// The slot that is always of this type.
constexpr Slot constant_slot(ast::Type type) { return static_cast<Slot>(type); }
constexpr bool is_constant_slot(Slot slot) { return slot <= constant_slot(ast::Type::stats); }

// "a long", "a string".
std::string_view with_article(ast::Type type);
// In backquotes.
std::string quoted(std::string_view name);

class TypeSlots {
public:
  explicit TypeSlots(Diagnostics &diagnostics);

  Slot make(ast::Type type, Range where);
  // The slot that the next make() gives; those of a list follow one another.
  Slot next() const { return static_cast<Slot>(slots_.size()); }
  Slot root(Slot slot);
  ast::Type type_of(Slot slot) { return slots_[root(slot)].type; }
  // What decided the type.
  Range where(Slot slot) { return slots_[root(slot)].where; }

  // The slot gets a type; what `name` is at `range` says so. Another type before is reported.
  void constrain(Slot slot, ast::Type type, Range range, std::string_view name);
  // Two slots are of one type from here on.
  void unify(Slot left, Slot right, Range range, std::string_view name);
  // Reports that `name`, whose slot is `other`, is used as another type here; once for each slot and type.
  void conflict(std::string_view name, ast::Type here, Range range, Slot other);
  // The hint of conflicts from here on; empty for none.
  void set_hint(std::string_view hint) { hint_ = hint; }
  std::string_view hint() const { return hint_; }
  // Whether a statistic's misuse was reported at this place.
  bool complained(Loc loc) const { return complained_.contains(loc.value); }

private:
  struct State {
    Slot parent;
    ast::Type type;
    Range where;
  };

  Diagnostics &diagnostics_;
  std::vector<State> slots_;
  std::string_view hint_;
  std::set<std::pair<Slot, ast::Type>> conflicts_; // said of these slots, needed as these types
  std::unordered_set<uint32_t> complained_;
};

} // namespace tapjit
