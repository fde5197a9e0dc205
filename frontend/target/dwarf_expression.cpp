// SPDX-License-Identifier: GPL-2.0-or-later
// A DWARF expression is run symbolically: each element of its stack is the list of steps that computes it, so that
// DW_OP_dup and its like need no counterpart in the steps. Branches are refused; compilers do not use them for C
// variables.
#include "frontend/target/dwarf_expression.h"

#include "frontend/target/dwarf_types.h"

#include <dwarf.h>

namespace tapjit::target {

namespace {

using Steps = std::vector<AccessStep>;

constexpr int64_t rsp = 7;

AccessFailure unsupported(const std::string &what) { return {AccessError::Unsupported, what, {}}; }

class Translator {
public:
  Translator(const ExpressionScope &scope, Dwarf_Attribute *attribute) : scope_(scope), attribute_(attribute) {}

  Access<Place> run(Dwarf_Op *ops, size_t count) {
    if (count > 0 && ops[count - 1].atom == DW_OP_piece)
      return pieces(ops, count);
    return whole(ops, count);
  }

  // The expression names rsp itself, rather than the CFA.
  bool names_rsp() const { return names_rsp_; }

private:
  // [location, DW_OP_piece n]: all of a variable that is smaller than its container; or a struct in two halves of 8
  // bytes, one of which may be without a location: it is nowhere.
  Access<Place> pieces(Dwarf_Op *ops, size_t count) {
    constexpr unsigned half = 8;
    std::vector<Place> parts;
    size_t first = 0;
    for (size_t i = 0; i < count; ++i) {
      if (ops[i].atom == DW_OP_bit_piece || parts.size() == 2)
        return unsupported("it is kept in several pieces");
      if (ops[i].atom != DW_OP_piece)
        continue;
      const bool is_only = first == 0 && i + 1 == count;
      const uint64_t size = ops[i].number;
      if (!is_only && (size > half || (parts.empty() && size != half)))
        return unsupported("it is kept in several pieces");
      if (i == first && is_only)
        return AccessFailure{AccessError::NotAvailable, "the compiler removed it", {}};
      stack_.clear();
      Access<Place> part = i == first ? Access<Place>(Place{}) : whole(ops + first, i - first);
      if (is_only || std::holds_alternative<AccessFailure>(part))
        return part;
      parts.push_back(std::get<Place>(part));
      if (parts.back().in_memory)
        parts.back().steps.push_back({StepKind::Load, 0, static_cast<uint8_t>(size * 8), false});
      first = i + 1;
    }
    if (parts.size() != 2)
      return unsupported("it is kept in several pieces");
    Place place{parts[0].steps, false, parts[1].steps, parts[0].steps.empty(), parts[1].steps.empty()};
    if (place.misses_lower && place.misses_upper)
      return AccessFailure{AccessError::NotAvailable, "the compiler removed it", {}};
    return place;
  }

  Access<Place> whole(Dwarf_Op *ops, size_t count) {
    if (count == 0)
      return AccessFailure{AccessError::NotAvailable, "the compiler removed it", {}};
    for (size_t i = 0; i < count; ++i) {
      if (is_register_location(ops[i])) {
        if (count != 1)
          return unsupported("it is kept in several pieces");
        return Place{{register_step(ops[i])}, false};
      }
      if (ops[i].atom == DW_OP_stack_value && i + 1 == count)
        return finished(false);
      if (ops[i].atom == DW_OP_implicit_value && count == 1)
        return implicit_value(ops[i]);
      if (auto problem = step(ops[i]))
        return *problem;
    }
    return finished(true);
  }

  static bool is_register_location(const Dwarf_Op &op) {
    return (op.atom >= DW_OP_reg0 && op.atom <= DW_OP_reg31) || op.atom == DW_OP_regx;
  }
  AccessStep register_step(const Dwarf_Op &op) {
    return push_register(op.atom == DW_OP_regx ? static_cast<int64_t>(op.number) : op.atom - DW_OP_reg0);
  }
  AccessStep push_register(int64_t number) {
    names_rsp_ |= number == rsp;
    return {StepKind::PushRegister, number};
  }

  Access<Place> finished(bool in_memory) {
    if (stack_.empty())
      return unsupported("its location expression is damaged");
    return Place{stack_.back(), in_memory};
  }

  Access<Place> implicit_value(Dwarf_Op &op) {
    Dwarf_Block block;
    if (dwarf_getlocation_implicit_value(attribute_, &op, &block) != 0 || block.length > 8)
      return unsupported("it is a constant larger than 8 bytes");
    uint64_t value = 0;
    for (size_t i = 0; i < block.length; ++i)
      value |= static_cast<uint64_t>(block.data[i]) << (8 * i);
    return Place{{{StepKind::PushConstant, static_cast<int64_t>(value)}}, false};
  }

  void push(Steps steps) { stack_.push_back(std::move(steps)); }
  void push_constant(int64_t value) { push({{StepKind::PushConstant, value}}); }

  std::optional<AccessFailure> binary(StepKind kind) {
    if (stack_.size() < 2)
      return unsupported("its location expression is damaged");
    Steps right = std::move(stack_.back());
    stack_.pop_back();
    stack_.back().insert(stack_.back().end(), right.begin(), right.end());
    stack_.back().push_back({kind});
    return std::nullopt;
  }

  std::optional<AccessFailure> unary(AccessStep step) {
    if (stack_.empty())
      return unsupported("its location expression is damaged");
    stack_.back().push_back(step);
    return std::nullopt;
  }

  std::optional<AccessFailure> step(Dwarf_Op &op) {
    if (op.atom >= DW_OP_breg0 && op.atom <= DW_OP_breg31) {
      push({push_register(op.atom - DW_OP_breg0)});
      append_addition(stack_.back(), static_cast<int64_t>(op.number));
      return std::nullopt;
    }
    if (op.atom >= DW_OP_lit0 && op.atom <= DW_OP_lit31) {
      push_constant(op.atom - DW_OP_lit0);
      return std::nullopt;
    }
    if (auto kind = binary_kind(op.atom))
      return binary(*kind);
    return other_step(op);
  }

  static std::optional<StepKind> binary_kind(unsigned atom) {
    switch (atom) {
    case DW_OP_plus:
      return StepKind::Add;
    case DW_OP_minus:
      return StepKind::Subtract;
    case DW_OP_mul:
      return StepKind::Multiply;
    case DW_OP_and:
      return StepKind::And;
    case DW_OP_or:
      return StepKind::Or;
    case DW_OP_xor:
      return StepKind::Xor;
    case DW_OP_shl:
      return StepKind::ShiftLeft;
    case DW_OP_shr:
      return StepKind::ShiftRight;
    case DW_OP_shra:
      return StepKind::ShiftRightSigned;
    default:
      return std::nullopt;
    }
  }

  std::optional<AccessFailure> other_step(Dwarf_Op &op) {
    switch (op.atom) {
    case DW_OP_addr:
      push({});
      append_address(stack_.back(), scope_.per_cpu, op.number);
      return std::nullopt;
    case DW_OP_addrx:
    case DW_OP_GNU_addr_index: {
      auto address = indexed_address(attribute_, op);
      if (!address)
        return unsupported("its location expression is damaged");
      push({});
      append_address(stack_.back(), scope_.per_cpu, *address);
      return std::nullopt;
    }
    case DW_OP_const1u:
    case DW_OP_const2u:
    case DW_OP_const4u:
    case DW_OP_const8u:
    case DW_OP_constu:
    case DW_OP_const1s:
    case DW_OP_const2s:
    case DW_OP_const4s:
    case DW_OP_const8s:
    case DW_OP_consts:
      push_constant(static_cast<int64_t>(op.number)); // libdw has sign-extended the signed ones
      return std::nullopt;
    case DW_OP_bregx:
      push({push_register(static_cast<int64_t>(op.number))});
      append_addition(stack_.back(), static_cast<int64_t>(op.number2));
      return std::nullopt;
    case DW_OP_fbreg:
      return frame_base(static_cast<int64_t>(op.number));
    case DW_OP_call_frame_cfa:
      return push_cfa();
    case DW_OP_plus_uconst:
      if (stack_.empty())
        return unsupported("its location expression is damaged");
      append_addition(stack_.back(), static_cast<int64_t>(op.number));
      return std::nullopt;
    case DW_OP_neg:
      return unary({StepKind::Negate});
    case DW_OP_not:
      return unary({StepKind::Not});
    case DW_OP_deref:
      return unary({StepKind::Load, 0, 64, false});
    case DW_OP_deref_size:
      return unary({StepKind::Load, 0, static_cast<uint8_t>(op.number * 8), false});
    case DW_OP_dup:
      if (stack_.empty())
        return unsupported("its location expression is damaged");
      push(Steps(stack_.back()));
      return std::nullopt;
    case DW_OP_drop:
      if (stack_.empty())
        return unsupported("its location expression is damaged");
      stack_.pop_back();
      return std::nullopt;
    case DW_OP_swap:
      if (stack_.size() < 2)
        return unsupported("its location expression is damaged");
      std::swap(stack_.back(), stack_[stack_.size() - 2]);
      return std::nullopt;
    case DW_OP_over:
      if (stack_.size() < 2)
        return unsupported("its location expression is damaged");
      push(Steps(stack_[stack_.size() - 2]));
      return std::nullopt;
    case DW_OP_nop:
      return std::nullopt;
    case DW_OP_entry_value:
    case DW_OP_GNU_entry_value:
      return entry_value(op);
    case DW_OP_convert:
    case DW_OP_GNU_convert:
      return convert(op);
    case DW_OP_piece:
    case DW_OP_bit_piece:
      return unsupported("it is kept in several pieces");
    case DW_OP_implicit_pointer:
    case DW_OP_GNU_implicit_pointer:
      return AccessFailure{AccessError::NotAvailable, "the compiler removed the object that it points to", {}};
    default:
      return unsupported("its location uses DWARF operation " + std::to_string(op.atom));
    }
  }

  // At the entry the registers are the entry's. Elsewhere the caller's value is gone unless unwound, which a probe does
  // not do.
  std::optional<AccessFailure> entry_value(Dwarf_Op &op) {
    Dwarf_Attribute nested;
    Dwarf_Op *ops;
    size_t count;
    if (!scope_.at_function_entry)
      return AccessFailure{AccessError::NotAvailable, "only its value at the function's entry is known here", {}};
    if (dwarf_getlocation_attr(attribute_, &op, &nested) != 0 || dwarf_getlocation(&nested, &ops, &count) != 0 ||
        count != 1)
      return unsupported("its location uses an entry value of an expression");
    if (is_register_location(ops[0])) {
      push({register_step(ops[0])});
      return std::nullopt;
    }
    return step(ops[0]);
  }

  std::optional<AccessFailure> convert(Dwarf_Op &op) {
    Dwarf_Die type;
    if (op.number == 0 || stack_.empty()) // to the generic type: 64 bits
      return std::nullopt;
    if (dwarf_getlocation_die(attribute_, &op, &type) != 0)
      return unsupported("its location uses a typed DWARF operation");
    Dwarf_Attribute attribute;
    Dwarf_Word encoding = 0, size = 0;
    if (dwarf_attr(&type, DW_AT_encoding, &attribute))
      dwarf_formudata(&attribute, &encoding);
    if (dwarf_attr(&type, DW_AT_byte_size, &attribute))
      dwarf_formudata(&attribute, &size);
    bool is_signed = encoding == DW_ATE_signed || encoding == DW_ATE_signed_char;
    if (size == 0 || size > 8 || (!is_signed && encoding != DW_ATE_unsigned && encoding != DW_ATE_unsigned_char))
      return unsupported("its location converts to a type that is no integer");
    return unary({StepKind::Extend, 0, static_cast<uint8_t>(size * 8), is_signed});
  }

  std::optional<AccessFailure> frame_base(int64_t offset) {
    Dwarf_Attribute attribute;
    Dwarf_Op *ops;
    size_t count;
    if (!scope_.function || !dwarf_attr_integrate(scope_.function, DW_AT_frame_base, &attribute) ||
        dwarf_getlocation_addr(&attribute, scope_.address, &ops, &count, 1) != 1 || count != 1)
      return unsupported("the frame of its function is not described");
    if (is_register_location(ops[0]))
      push({register_step(ops[0])});
    else if (auto problem = step(ops[0]))
      return problem;
    append_addition(stack_.back(), offset);
    return std::nullopt;
  }

  // The CFA is the stack pointer before the call pushed the return address (x86-64 psABI); at the entry nothing else
  // was pushed. Elsewhere .debug_frame says how to get it.
  std::optional<AccessFailure> push_cfa() {
    constexpr int64_t return_address_size = 8;
    if (scope_.at_function_entry) {
      push({{StepKind::PushRegister, rsp}});
      append_addition(stack_.back(), return_address_size);
      return std::nullopt;
    }
    Dwarf_Frame *frame = nullptr;
    Dwarf_Op *ops;
    size_t count;
    if (!scope_.frames || dwarf_cfi_addrframe(scope_.frames, scope_.address, &frame) != 0)
      return unsupported("the stack frame at this address is not described");
    std::optional<AccessFailure> problem;
    if (dwarf_frame_cfa(frame, &ops, &count) != 0 || count == 0)
      problem = unsupported("the stack frame at this address is not described");
    for (size_t i = 0; !problem && i < count; ++i)
      problem = step(ops[i]);
    free(frame);
    return problem;
  }

  const ExpressionScope &scope_;
  Dwarf_Attribute *attribute_;
  std::vector<Steps> stack_;
  bool names_rsp_ = false;
};

std::string hex(uint64_t value) {
  char text[24];
  snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(value));
  return text;
}

// "it is kept only in [a, b), [c, d) of the code", at most three ranges.
std::string living_ranges(Dwarf_Attribute *attribute) {
  std::string text;
  Dwarf_Addr base, begin, end;
  Dwarf_Op *ops;
  size_t count;
  int shown = 0;
  for (ptrdiff_t next = 0; (next = dwarf_getlocations(attribute, next, &base, &begin, &end, &ops, &count)) > 0;)
    if (count > 0 && begin < end && shown++ < 3)
      text += std::string(text.empty() ? "" : ", ") + "[" + hex(begin) + ", " + hex(end) + ")";
  return text;
}

} // namespace

void append_address(std::vector<AccessStep> &steps, const PerCpuSection &per_cpu, uint64_t address) {
  bool is_per_cpu = per_cpu.begin <= address && address < per_cpu.end;
  if (is_per_cpu && per_cpu.begin == 0) {
    steps.push_back({StepKind::PushPerCpu, static_cast<int64_t>(address)});
    return;
  }
  steps.push_back({StepKind::PushAddress, static_cast<int64_t>(address)});
  if (is_per_cpu) {
    steps.push_back({StepKind::PushPerCpu, 0});
    steps.push_back({StepKind::Add});
  }
}

Access<Place> variable_place(const ExpressionScope &scope, Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  if (dwarf_attr_integrate(die, DW_AT_const_value, &attribute)) {
    Dwarf_Sword value;
    if (dwarf_formsdata(&attribute, &value) == 0)
      return Place{{{StepKind::PushConstant, value}}, false};
    return unsupported("it is a constant that is no integer");
  }
  if (!dwarf_attr_integrate(die, DW_AT_location, &attribute))
    return AccessFailure{AccessError::NotAvailable, "the compiler removed it", {}};
  Dwarf_Op *ops;
  size_t count;
  int found = dwarf_getlocation_addr(&attribute, scope.address, &ops, &count, 1);
  if (found < 0)
    return unsupported(std::string("its location cannot be read: ") + dwarf_errmsg(-1));
  if (found == 0 || count == 0) {
    std::string ranges = living_ranges(&attribute);
    return AccessFailure{AccessError::NotAvailable,
                         ranges.empty() ? "the compiler removed it"
                                        : "the compiler keeps it only at " + ranges + ", not at " + hex(scope.address),
                         {}};
  }
  Translator translator(scope, &attribute);
  Access<Place> place = translator.run(ops, count);
  if (auto *known = std::get_if<Place>(&place))
    known->needs_frame = translator.names_rsp() && dwarf_whatform(&attribute) == DW_FORM_exprloc;
  return place;
}

} // namespace tapjit::target
