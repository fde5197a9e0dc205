// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_entry.h"

#include "frontend/target/calling_convention.h"

#include <algorithm>
#include <dwarf.h>

namespace tapjit::target {

namespace {

constexpr int64_t rsp = 7, return_address_size = 8;

// LLVM says so of functions whose parameters it changed (DW_CC_nocall), and of other conventions.
bool has_own_convention(Dwarf_Die *function) {
  Dwarf_Attribute attribute;
  Dwarf_Word convention;
  return dwarf_attr_integrate(function, DW_AT_calling_convention, &attribute) &&
         dwarf_formudata(&attribute, &convention) == 0 && convention != DW_CC_normal;
}

// The declaration has all parameters in order; the code's own DIE may leave some out.
Dwarf_Die declared_function(Dwarf_Die function) {
  Dwarf_Attribute attribute;
  Dwarf_Die origin;
  bool has_origin = dwarf_attr(&function, DW_AT_abstract_origin, &attribute) && dwarf_formref_die(&attribute, &origin);
  return has_origin ? origin : function;
}

bool is_rsp_below_return_address(const std::vector<AccessStep> &steps, size_t at) {
  int64_t offset = 0;
  if (at + 2 < steps.size() && steps[at + 1].kind == StepKind::PushConstant && steps[at + 2].kind == StepKind::Add)
    offset = steps[at + 1].value;
  return offset < return_address_size;
}

} // namespace

FunctionEntry::FunctionEntry(const DwarfTypes &types, Dwarf_Die function, std::string_view symbol)
    : types_(types), result_(types.type_of_die(function)),
      is_as_declared_(symbol.find('.') == std::string_view::npos && !has_own_convention(&function)) {
  Dwarf_Die declared = declared_function(function), child;
  bool takes_more = false; // "...", or a K&R definition
  if (dwarf_child(&declared, &child) == 0)
    do {
      if (dwarf_tag(&child) == DW_TAG_formal_parameter) {
        const char *name = dwarf_diename(&child);
        names_.emplace_back(name ? name : "");
        parameters_.push_back(types.type_of_die(child));
      }
      takes_more |= dwarf_tag(&child) == DW_TAG_unspecified_parameters;
    } while (dwarf_siblingof(&child, &child) == 0);
  for (int64_t number : argument_registers())
    if (!is_as_declared_ || takes_more)
      registers_.insert(number);
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Access<Place> passed = parameter_place(types, result_, parameters_, i);
    if (const auto *place = std::get_if<Place>(&passed); place && !place->in_memory)
      for (const auto *steps : {&place->steps, &place->upper})
        for (const AccessStep &step : *steps)
          registers_.insert(step.value);
  }
}

std::optional<int64_t> FunctionEntry::unset_register(const Place &place) const {
  if (place.needs_frame)
    return rsp;
  for (const auto *steps : {&place.steps, &place.upper})
    for (const AccessStep &step : *steps)
      if (step.kind == StepKind::PushRegister && step.value != rsp && !registers_.count(step.value))
        return step.value;
  return std::nullopt;
}

EntryTruth FunctionEntry::truth_of(const Place &place) const {
  if (unset_register(place))
    return EntryTruth::Nowhere;
  bool is_below = false, loads = false;
  for (const auto *steps : {&place.steps, &place.upper})
    for (size_t i = 0; i < steps->size(); ++i) {
      is_below |= (*steps)[i].kind == StepKind::PushRegister && (*steps)[i].value == rsp &&
                  is_rsp_below_return_address(*steps, i);
      loads |= (*steps)[i].kind == StepKind::Load;
    }
  if (!is_below)
    return EntryTruth::Held;
  return place.in_memory && !loads && place.upper.empty() ? EntryTruth::Frame : EntryTruth::Nowhere;
}

Access<Place> FunctionEntry::passed(std::string_view parameter) const {
  auto named = std::find(names_.begin(), names_.end(), parameter);
  if (!is_as_declared_ || named == names_.end() || parameter.empty())
    return AccessFailure{AccessError::NotAvailable, "", {}};
  return parameter_place(types_, result_, parameters_, static_cast<size_t>(named - names_.begin()));
}

} // namespace tapjit::target
