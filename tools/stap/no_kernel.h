// SPDX-License-Identifier: GPL-2.0-or-later
// The target of a run that has no kernel (user runtime): every question about one is answered with what to do.
#pragma once

#include "frontend/target/target.h"

namespace tapjit {

class NoKernel final : public target::Target {
public:
  // `why`: why no kernel could be had, for messages; empty when the user asked for the user runtime.
  explicit NoKernel(std::string why) : why_(std::move(why)) {}

  std::optional<Error> absent() const override { return refusal(); }
  const target::KernelFiles &files() const override { return files_; }
  std::string build_id() const override { return {}; }
  std::optional<std::string> kconfig(std::string_view) const override { return std::nullopt; }
  Result<target::FunctionMatches> code(const target::CodeQuery &) const override { return refusal(); }
  std::optional<target::SymbolFact> symbol(std::string_view) const override { return std::nullopt; }
  target::Access<target::VarAccess> variable(const target::FunctionSite &, std::string_view,
                                             const std::vector<target::PathStep> &, bool, bool) const override {
    return failure();
  }
  target::Access<target::VarAccess> return_value(const target::FunctionSite &, const std::vector<target::PathStep> &,
                                                 bool) const override {
    return failure();
  }
  std::vector<std::string> variable_names(const target::FunctionSite &, bool) const override { return {}; }
  target::Access<target::VarAccess> cast(std::string_view, std::string_view, const std::vector<target::PathStep> &,
                                         bool) const override {
    return failure();
  }
  target::Access<target::VarAccess> follow(const target::ValueType &, const std::vector<target::PathStep> &,
                                           bool) const override {
    return failure();
  }
  target::Access<target::VarAccess> global_variable(std::string_view, std::string_view,
                                                    const std::vector<target::PathStep> &, bool) const override {
    return failure();
  }
  Result<target::TracepointMatches> tracepoints(std::string_view) const override { return refusal(); }
  target::Access<target::VarAccess> tracepoint_argument(const target::Tracepoint &, std::string_view,
                                                        const std::vector<target::PathStep> &, bool) const override {
    return failure();
  }

private:
  Error refusal() const {
    return {why_.empty() ? "this needs the kernel runtime, and --runtime=user was given"
                         : "this needs the kernel runtime, and " + why_,
            "`--vm` runs the script in a guest with a kernel that can be traced"};
  }
  target::AccessFailure failure() const { return {target::AccessError::NoDebuginfo, refusal().observed, {}}; }

  std::string why_;
  target::KernelFiles files_;
};

} // namespace tapjit
