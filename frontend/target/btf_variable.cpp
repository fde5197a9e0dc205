// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/btf_variable.h"

#include "frontend/target/calling_convention.h"
#include "frontend/target/names.h"

namespace tapjit::target {

Result<std::unique_ptr<BtfVariables>> BtfVariables::open(std::span<const char> bytes) {
  auto btf = Btf::open(bytes);
  if (!btf)
    return btf.error();
  return std::unique_ptr<BtfVariables>(new BtfVariables(std::move(*btf)));
}

BtfId BtfVariables::prototype(const FunctionSite &site) const {
  BtfType function = btf_.type(btf_id(site.die));
  return function.kind == BtfKind::Function ? function.size_or_type : 0;
}

Access<VarAccess> BtfVariables::variable(const FunctionSite &site, std::string_view name,
                                         const std::vector<PathStep> &path, bool address_of) const {
  NameGuesser guesser(name);
  std::vector<TypeRef> types;
  std::string there;
  std::optional<size_t> wanted;
  for (const BtfParameter &parameter : btf_.parameters(prototype(site))) {
    if (parameter.name == name)
      wanted = types.size();
    types.push_back(btf_ref(parameter.type));
    if (parameter.name.empty())
      continue;
    guesser.consider(parameter.name);
    there += (there.empty() ? "`$" : ", `$") + std::string(parameter.name) + "`";
  }
  if (!wanted || name.empty())
    return AccessFailure{AccessError::NoSuchVariable,
                         "no parameter `" + std::string(name) + "` of `" + site.function + "`" +
                             (there.empty() ? "; there are none" : "; there are: " + there) +
                             "; BTF knows no other variables",
                         guesser.best()};
  TypeRef result = btf_ref(btf_.type(prototype(site)).size_or_type);
  Access<Place> place = parameter_place(types_, result, types, *wanted);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return *failure;
  return walk_path(types_, std::get<Place>(place), types[*wanted], path, address_of);
}

Access<VarAccess> BtfVariables::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                             bool address_of) const {
  TypeRef result = btf_ref(btf_.type(prototype(site)).size_or_type);
  if (types_.describe(result).kind == TypeKind::Void)
    return AccessFailure{AccessError::NoReturnValue, "`" + site.function + "` returns nothing", {}};
  Access<Place> place = return_place(types_, result);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return *failure;
  return walk_path(types_, std::get<Place>(place), result, path, address_of);
}

std::vector<std::string> BtfVariables::parameter_names(const FunctionSite &site) const {
  std::vector<std::string> names;
  for (const BtfParameter &parameter : btf_.parameters(prototype(site)))
    if (!parameter.name.empty())
      names.emplace_back(parameter.name);
  return names;
}

} // namespace tapjit::target
