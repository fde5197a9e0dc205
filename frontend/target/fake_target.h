// SPDX-License-Identifier: GPL-2.0-or-later
// A Target whose facts a test writes down: no files are read, so that a test does not depend on an installed kernel.
#pragma once

#include "frontend/target/target.h"

#include <map>

namespace tapjit::target {

struct FakeFunction {
  FunctionSite site;
  std::vector<std::string> parameters;        // in order; each has a row in `variables`
  std::map<std::string, VarAccess> variables; // "count", "file->f_inode"; "return" is the return value
  std::map<uint32_t, uint64_t> lines;         // source lines with code, and where it begins
  std::map<std::string, uint32_t> labels;     // on one of these lines
  std::vector<std::string> callees;           // functions that it calls
};

class FakeTarget final : public Target {
public:
  KernelFiles kernel_files{"6.1.0-fake", "/fake/build", "/fake/vmlinux", "/fake/System.map"};
  std::map<std::string, std::string> config; // "CONFIG_SMP": "y"
  std::vector<FakeFunction> known_functions;
  std::map<std::string, SymbolFact> symbols;
  std::vector<Tracepoint> known_tracepoints;
  std::map<std::string, ModuleBuild> tracepoint_modules; // of those that modules have
  std::optional<Error> functions_error;                  // as when nothing is installed

  // A function with parameters of type long in the ABI's registers, returning long.
  mutable std::string type_modules; // where the last cast() was told to look

  void add_function(const std::string &name, uint64_t address, const std::vector<std::string> &parameters);

  const KernelFiles &files() const override { return kernel_files; }
  std::string build_id() const override { return "00112233445566778899aabbccddeeff00112233"; }
  std::optional<std::string> kconfig(std::string_view name) const override;
  Result<FunctionMatches> code(const CodeQuery &query) const override;
  std::optional<SymbolFact> symbol(std::string_view name) const override;
  Access<VarAccess> variable(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path,
                             bool at_return, bool address_of) const override;
  Access<VarAccess> return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                 bool address_of) const override;
  std::vector<std::string> variable_names(const FunctionSite &site, bool parameters_only) const override;
  Access<VarAccess> cast(std::string_view type, std::string_view modules, const std::vector<PathStep> &path,
                         bool address_of) const override;
  Access<VarAccess> global_variable(std::string_view name, std::string_view modules, const std::vector<PathStep> &path,
                                    bool address_of) const override;
  Access<VarAccess> follow(const ValueType &type, const std::vector<PathStep> &path, bool address_of) const override;
  Result<TracepointMatches> tracepoints(std::string_view pattern) const override;
  std::optional<ModuleBuild> tracepoint_module(const std::string &name) const override;
  Access<VarAccess> tracepoint_argument(const Tracepoint &tracepoint, std::string_view name,
                                        const std::vector<PathStep> &path, bool address_of) const override;

private:
  std::vector<FunctionSite> places_in(const FakeFunction &function, const CodeQuery &query) const;
  const FakeFunction *function_of(const FunctionSite &site) const;
};

} // namespace tapjit::target
