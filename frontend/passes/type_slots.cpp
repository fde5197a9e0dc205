// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/type_slots.h"

namespace tapjit {

using namespace ast;

std::string_view with_article(Type type) {
  switch (type) {
  case Type::number:
    return "a long";
  case Type::string:
    return "a string";
  case Type::stats:
    return "a statistic";
  case Type::none:
    return "no value";
  case Type::unknown:
    break;
  }
  return "unknown";
}

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }

TypeSlots::TypeSlots(Diagnostics &diagnostics) : diagnostics_(diagnostics) {
  // The constants, numbered as ast::Type.
  for (Type type : {Type::unknown, Type::none, Type::number, Type::string, Type::stats})
    make(type, Loc());
}

Slot TypeSlots::make(Type type, Range where) {
  slots_.push_back({next(), type, where});
  return static_cast<Slot>(slots_.size() - 1);
}

Slot TypeSlots::root(Slot slot) {
  while (slots_[slot].parent != slot)
    slot = slots_[slot].parent = slots_[slots_[slot].parent].parent;
  return slot;
}

void TypeSlots::conflict(std::string_view name, Type here, Range range, Slot other) {
  const State &state = slots_[root(other)];
  if (state.type == Type::stats) {
    complained_.insert(range.at.value);
    diagnostics_.report(DiagId::stat_assigned, range, {name}).note(state.where, "it is a statistic because of this");
    return;
  }
  if (!conflicts_.emplace(root(other), here).second)
    return; // said once of each variable
  Diagnostic &diagnostic =
      diagnostics_.report(DiagId::type_conflict, range, {name, with_article(here), with_article(state.type)});
  if (state.where.at && !(state.where.at == range.at))
    diagnostic.note(state.where, "it is " + std::string(with_article(state.type)) + " because of this");
  diagnostic.hint(std::string(hint_));
}

void TypeSlots::constrain(Slot slot, Type type, Range range, std::string_view name) {
  State &state = slots_[root(slot)];
  if (state.type == type || type == Type::unknown)
    return;
  if (state.type != Type::unknown)
    return conflict(name, type, range, slot);
  state.type = type;
  state.where = range;
}

void TypeSlots::unify(Slot left, Slot right, Range range, std::string_view name) {
  left = root(left);
  right = root(right);
  if (left == right)
    return;
  if (is_constant_slot(right))
    return constrain(left, slots_[right].type, range, name);
  if (is_constant_slot(left))
    return constrain(right, slots_[left].type, range, name);
  State &a = slots_[left], &b = slots_[right];
  if (a.type != Type::unknown && b.type != Type::unknown && a.type != b.type)
    return conflict(name, a.type, range, right);
  if (a.type == Type::unknown) {
    a.type = b.type;
    a.where = b.where;
  }
  b.parent = left;
}

} // namespace tapjit
