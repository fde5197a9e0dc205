// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/btf_variable.h"

#include "frontend/target/calling_convention.h"
#include "frontend/target/names.h"

namespace tapjit::target {

Result<std::unique_ptr<BtfVariables>> BtfVariables::open(std::span<const char> bytes, const BtfVariables *base) {
  auto btf = Btf::open(bytes, base ? &base->btf_ : nullptr);
  if (!btf)
    return btf.error();
  return std::unique_ptr<BtfVariables>(new BtfVariables(std::move(*btf)));
}

void BtfVariables::list_functions() const {
  if (has_all_functions_)
    return;
  functions_.clear();
  for (BtfId id = btf_.first(); id <= btf_.last(); ++id)
    if (BtfType type = btf_.type(id); type.kind == BtfKind::Function)
      functions_[std::string(type.name)].push_back(id);
  has_all_functions_ = true;
}

const std::vector<BtfId> &BtfVariables::named(std::string_view name) const {
  auto known = functions_.find(name);
  if (known == functions_.end()) {
    std::vector<BtfId> found;
    BtfId id = 0; // a module's own functions come first
    while (!has_all_functions_ && (id = btf_.find(BtfKind::Function, name, id)) >= btf_.first())
      found.push_back(id);
    known = functions_.emplace(std::string(name), std::move(found)).first;
  }
  return known->second;
}

TypeRef BtfVariables::function(std::string_view name) const {
  const std::vector<BtfId> &functions = named(name);
  return functions.empty() ? 0 : btf_ref(functions[0]);
}

const std::vector<BtfId> &BtfVariables::functions_at(const FunctionSite &site) const {
  return named(btf_.type(btf_id(site.die)).name);
}

bool BtfVariables::is_same_type(TypeRef a, TypeRef b) const {
  ValueType first = types_.describe(a), second = types_.describe(b);
  if (first.kind != second.kind || first.size != second.size || first.is_signed != second.is_signed)
    return false;
  if (first.kind != TypeKind::Pointer)
    return first.die == second.die || (first.kind != TypeKind::Struct && first.kind != TypeKind::Union);
  ValueType first_target = types_.describe(types_.target(a)), second_target = types_.describe(types_.target(b));
  return first_target.kind == second_target.kind && first_target.die == second_target.die;
}

bool BtfVariables::is_same_call(BtfId a, BtfId b) const {
  std::vector<BtfParameter> first = btf_.parameters(prototype(a)), second = btf_.parameters(prototype(b));
  auto result = [&](BtfId function) { return btf_ref(btf_.type(prototype(function)).size_or_type); };
  if (first.size() != second.size() || !is_same_type(result(a), result(b)))
    return false;
  for (size_t i = 0; i < first.size(); ++i)
    if (!is_same_type(btf_ref(first[i].type), btf_ref(second[i].type)))
      return false;
  return true;
}

std::optional<AccessFailure> BtfVariables::ambiguity(const FunctionSite &site) const {
  const std::vector<BtfId> &functions = functions_at(site);
  for (BtfId other : functions)
    if (!is_same_call(functions[0], other))
      return AccessFailure{AccessError::NotAvailable,
                           "BTF knows " + std::to_string(functions.size()) + " functions `" + site.function +
                               "` that are called differently, and not which of them this is",
                           {}};
  return std::nullopt;
}

Access<VarAccess> BtfVariables::variable(const FunctionSite &site, std::string_view name,
                                         const std::vector<PathStep> &path, bool address_of) const {
  if (auto failure = ambiguity(site))
    return *failure;
  NameGuesser guesser(name);
  std::vector<TypeRef> types;
  std::string there;
  std::optional<size_t> wanted;
  for (BtfId function : functions_at(site)) {
    types.clear();
    for (const BtfParameter &parameter : btf_.parameters(prototype(function))) {
      if (parameter.name == name)
        wanted = types.size();
      types.push_back(btf_ref(parameter.type));
      guesser.consider(parameter.name);
    }
    if (wanted)
      break;
  }
  if (!wanted || name.empty()) {
    for (const std::string &parameter : parameter_names(site))
      there += (there.empty() ? "`$" : ", `$") + parameter + "`";
    return AccessFailure{AccessError::NoSuchVariable,
                         "no parameter `" + std::string(name) + "` of `" + site.function + "`" +
                             (there.empty() ? "; there are none" : "; there are: " + there) +
                             "; BTF knows no other variables",
                         guesser.best()};
  }
  TypeRef result = btf_ref(btf_.type(prototype(btf_id(site.die))).size_or_type);
  Access<Place> place = parameter_place(types_, result, types, *wanted);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return *failure;
  return walk_path(types_, std::get<Place>(place), types[*wanted], path, address_of);
}

Access<VarAccess> BtfVariables::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                             bool address_of) const {
  if (auto failure = ambiguity(site))
    return *failure;
  TypeRef result = btf_ref(btf_.type(prototype(btf_id(site.die))).size_or_type);
  if (types_.describe(result).kind == TypeKind::Void)
    return AccessFailure{AccessError::NoReturnValue, "`" + site.function + "` returns nothing", {}};
  Access<Place> place = return_place(types_, result);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return *failure;
  return walk_path(types_, std::get<Place>(place), result, path, address_of);
}

std::optional<Access<VarAccess>>
BtfVariables::per_cpu_variable(std::string_view name, const std::vector<PathStep> &path, bool address_of) const {
  BtfId section = btf_.find(BtfKind::DataSection, ".data..percpu");
  for (const BtfPlacedVariable &placed : btf_.variables(section)) {
    BtfType variable = btf_.type(placed.variable);
    if (variable.kind != BtfKind::Variable || variable.name != name)
      continue;
    Place place{{{StepKind::PushPerCpu, placed.offset}}, true};
    return walk_path(types_, place, btf_ref(variable.size_or_type), path, address_of);
  }
  return std::nullopt;
}

std::vector<std::string> BtfVariables::parameter_names(const FunctionSite &site) const {
  std::vector<std::string> names;
  for (const BtfParameter &parameter : btf_.parameters(prototype(btf_id(site.die))))
    if (!parameter.name.empty())
      names.emplace_back(parameter.name);
  return names;
}

std::vector<TypeParameter> BtfVariables::parameters(TypeRef function) const {
  std::vector<TypeParameter> parameters;
  for (const BtfParameter &parameter : btf_.parameters(prototype(btf_id(function))))
    parameters.push_back({std::string(parameter.name), btf_ref(parameter.type)});
  return parameters;
}

std::optional<int64_t> BtfVariables::enumerator(std::string_view name) const {
  for (BtfId id = 1; id <= btf_.last(); ++id) {
    BtfKind kind = btf_.type(id).kind;
    if (kind != BtfKind::Enum && kind != BtfKind::Enum64)
      continue;
    for (const BtfEnumerator &enumerator : btf_.enumerators(id))
      if (enumerator.name == name)
        return enumerator.value;
  }
  return std::nullopt;
}

} // namespace tapjit::target
