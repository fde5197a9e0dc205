// SPDX-License-Identifier: GPL-2.0-or-later
// Target variables of a kernel that has BTF: what functions take and return, by prototype and calling convention.
#pragma once

#include "frontend/target/btf_types.h"
#include "frontend/target/target.h"

#include <memory>

namespace tapjit::target {

class BtfVariables {
public:
  // `bytes` must outlive this.
  static Result<std::unique_ptr<BtfVariables>> open(std::span<const char> bytes);

  const TypeSource &types() const { return types_; }
  // The function of this name; 0: there is none. A site of it has it as `die`.
  TypeRef function(std::string_view name) const { return types_.find_of_kind(BtfKind::Function, name); }
  // Calls `visit(name, function)` for each function.
  template <typename Visit> void each_function(const Visit &visit) const {
    for (BtfId id = 1; id <= btf_.last(); ++id)
      if (BtfType type = btf_.type(id); type.kind == BtfKind::Function)
        visit(type.name, btf_ref(id));
  }

  // As those of Target; `site.die` is a function of BTF.
  Access<VarAccess> variable(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path,
                             bool address_of) const;
  Access<VarAccess> return_value(const FunctionSite &site, const std::vector<PathStep> &path, bool address_of) const;
  std::vector<std::string> parameter_names(const FunctionSite &site) const;

private:
  explicit BtfVariables(Btf btf) : btf_(std::move(btf)), types_(btf_) {}
  BtfId prototype(const FunctionSite &site) const;

  Btf btf_;
  BtfTypes types_;
};

} // namespace tapjit::target
