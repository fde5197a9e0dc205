// SPDX-License-Identifier: GPL-2.0-or-later
// Target variables of a kernel that has BTF: what functions take and return, by prototype and calling convention.
#pragma once

#include "frontend/target/btf_types.h"
#include "frontend/target/target.h"

#include <map>
#include <memory>
#include <optional>

namespace tapjit::target {

class BtfVariables {
public:
  // `bytes` must outlive this, and so must `base`, the kernel's when this is a module's.
  static Result<std::unique_ptr<BtfVariables>> open(std::span<const char> bytes, const BtfVariables *base = nullptr);

  const TypeSource &types() const { return types_; }
  // The value of an enumerator, whatever its type.
  std::optional<int64_t> enumerator(std::string_view name) const;
  // The function of this name; 0: there is none. A site of it has it as `die`.
  TypeRef function(std::string_view name) const;
  // Calls `visit(name, function)` once for each name.
  template <typename Visit> void each_function(const Visit &visit) const {
    list_functions();
    for (const auto &[name, functions] : functions_)
      if (!functions.empty())
        visit(std::string_view(name), btf_ref(functions[0]));
  }

  // As those of Target; `site.die` is a function of BTF.
  Access<VarAccess> variable(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path,
                             bool address_of) const;
  Access<VarAccess> return_value(const FunctionSite &site, const std::vector<PathStep> &path, bool address_of) const;
  // A per-CPU variable; BTF lists no others. nullopt: there is none of that name.
  std::optional<Access<VarAccess>> per_cpu_variable(std::string_view name, const std::vector<PathStep> &path,
                                                    bool address_of) const;
  std::vector<std::string> parameter_names(const FunctionSite &site) const;
  // Of a function as function() gives it.
  std::vector<TypeParameter> parameters(TypeRef function) const;

private:
  explicit BtfVariables(Btf btf) : btf_(std::move(btf)), types_(btf_) {}
  // BTF may list a name several times: functions of several files, weak ones and what replaces them.
  const std::vector<BtfId> &named(std::string_view name) const;
  void list_functions() const;
  const std::vector<BtfId> &functions_at(const FunctionSite &site) const;
  BtfId prototype(BtfId function) const { return btf_.type(function).size_or_type; }
  bool is_same_type(TypeRef a, TypeRef b) const;
  bool is_same_call(BtfId a, BtfId b) const;
  // Nothing says which of several the symbol's is; that is no problem when they are called alike.
  std::optional<AccessFailure> ambiguity(const FunctionSite &site) const;

  Btf btf_;
  BtfTypes types_;
  mutable std::map<std::string, std::vector<BtfId>, std::less<>> functions_; // of names that were asked for
  mutable bool has_all_functions_ = false;
};

} // namespace tapjit::target
