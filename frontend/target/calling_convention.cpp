// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/calling_convention.h"

#include <algorithm>
#include <array>
#include <optional>

namespace tapjit::target {

namespace {

// DWARF numbers of rdi, rsi, rdx, rcx, r8, r9.
constexpr std::array<int64_t, 6> parameter_registers = {5, 4, 1, 2, 8, 9};
constexpr int64_t rax = 0, rdx = 1, rsp = 7;
constexpr uint64_t word = 8;
constexpr uint64_t most_in_registers = 2 * word;

struct Layout {
  uint64_t size = 0, alignment = 1;
  bool has_float = false;
  bool is_unaligned = false; // packed: a member is not where its type would put it
};

// More members than any struct of registers has; a damaged type may hold itself.
constexpr unsigned most_members = 4096;

// BTF and DWARF tell where members are, not how a type is aligned; members' natural alignment tells it.
Layout layout_within(const TypeSource &types, TypeRef type, unsigned &left) {
  ValueType facts = types.describe(type);
  Layout layout{facts.size, 1, facts.kind == TypeKind::Float, false};
  if (left == 0)
    return layout;
  --left;
  if (facts.kind == TypeKind::Array) {
    Layout element = layout_within(types, types.target(type), left);
    return {facts.size, element.alignment, element.has_float, element.is_unaligned};
  }
  if (facts.kind != TypeKind::Struct && facts.kind != TypeKind::Union) {
    layout.alignment = std::clamp<uint64_t>(facts.size, 1, 16);
    return layout;
  }
  for (const TypeMember &member : types.members(type)) {
    Layout inner = layout_within(types, member.type, left);
    layout.has_float |= inner.has_float;
    layout.is_unaligned |= inner.is_unaligned;
    if (member.bits) // bit-fields may stand anywhere
      continue;
    layout.is_unaligned |= member.offset % inner.alignment != 0;
    layout.alignment = std::max(layout.alignment, inner.alignment);
  }
  return layout;
}

Layout layout_of(const TypeSource &types, TypeRef type) {
  unsigned left = most_members;
  return layout_within(types, type, left);
}

// Passed and returned in general registers (class INTEGER), else in memory.
bool fits_registers(const Layout &layout) { return layout.size <= most_in_registers && !layout.is_unaligned; }

AccessFailure unsupported(const TypeSource &types, TypeRef type) {
  return {AccessError::Unsupported, "it is a `" + types.name(type) + "`, which holds floating point", {}};
}

} // namespace

std::span<const int64_t> argument_registers() { return parameter_registers; }

Access<Place> parameter_place(const TypeSource &types, TypeRef result, std::span<const TypeRef> parameters,
                              size_t number) {
  size_t used = 0;       // registers
  uint64_t stack = word; // from rsp; the return address comes first
  Layout returned = layout_of(types, result);
  if (!fits_registers(returned)) // the caller passes the address of the memory for it
    ++used;
  for (size_t i = 0; i < parameters.size() && i <= number; ++i) {
    Layout layout = layout_of(types, parameters[i]);
    if (layout.has_float)
      return unsupported(types, parameters[i]);
    size_t words = (layout.size + word - 1) / word;
    Place place;
    if (fits_registers(layout) && used + words <= parameter_registers.size()) {
      if (words > 0)
        place.steps = {{StepKind::PushRegister, parameter_registers[used]}};
      if (words > 1)
        place.upper = {{StepKind::PushRegister, parameter_registers[used + 1]}};
      used += words;
    } else {
      uint64_t alignment = std::max(layout.alignment, word);
      // The stack is aligned to 16 where the return address ends.
      stack = word + (stack - word + alignment - 1) / alignment * alignment;
      place.in_memory = true;
      place.steps = {{StepKind::PushRegister, rsp}};
      append_addition(place.steps, static_cast<int64_t>(stack));
      stack += words * word;
    }
    if (i == number && (place.in_memory || words > 0))
      return place;
  }
  return AccessFailure{AccessError::Unsupported, "it has no bytes", {}};
}

Access<Place> return_place(const TypeSource &types, TypeRef result) {
  Layout layout = layout_of(types, result);
  if (layout.has_float)
    return unsupported(types, result);
  if (!fits_registers(layout)) // rax has the address that the caller passed
    return Place{{{StepKind::PushRegister, rax}}, true};
  Place place{{{StepKind::PushRegister, rax}}, false};
  if (layout.size > word)
    place.upper = {{StepKind::PushRegister, rdx}};
  return place;
}

} // namespace tapjit::target
