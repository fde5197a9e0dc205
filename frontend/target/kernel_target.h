// SPDX-License-Identifier: GPL-2.0-or-later
// Target over an installed kernel.
#pragma once

#include "frontend/target/debug_file.h"
#include "frontend/target/kernel_files.h"
#include "frontend/target/kernel_modules.h"
#include "frontend/target/target.h"
#include "frontend/target/tracepoint_headers.h"

#include <functional>
#include <map>
#include <memory>

namespace tapjit::target {

// Headers whose types a script names, "<sys/time.h>" or "kernel<linux/sched.h><linux/fs_struct.h>".
struct HeaderRequest {
  bool of_kernel = false; // of the kernel's build tree, compiled as its modules are; else of this machine's programs
  std::vector<std::string> headers; // without the brackets
};

struct KernelTargetOptions {
  std::string release_or_dir; // see find_kernel_files
  SearchPlaces places;
  DebugServer server = {}; // asked for DWARF that is nowhere here; empty: nobody is
  IndexStore store;
  unsigned threads = 2;
  // Compiles a file that includes the headers; the path of an object whose debuginfo has their types. Null: none can.
  std::function<Result<std::string>(const HeaderRequest &)> compile_headers = {};
  bool prefer_btf = false; // ask BTF although there is DWARF; what BTF does not know is still asked of DWARF
};

class KernelTarget final : public Target {
public:
  // Finds the kernel's files; opens nothing else yet.
  static Result<std::unique_ptr<KernelTarget>> open(KernelTargetOptions options);
  ~KernelTarget() override;

  const KernelFiles &files() const override { return files_; }
  std::string build_id() const override;
  std::string module_build_id(const std::string &name) const override;
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
  Result<LineTable> line_table(const std::string &module) const override;
  std::optional<int64_t> enumerator(std::string_view name) const override;
  Access<Enumerators> enumerators(std::string_view type, std::string_view modules) const override;
  Access<Enumerators> enumerators(const ValueType &type) const override;
  std::vector<PrettyPiece> pretty(const ValueType &type, bool deep) const override;
  Result<TracepointMatches> tracepoints(std::string_view pattern) const override;
  Result<TracepointMatches> module_tracepoints(std::string_view modules, std::string_view pattern) const override;
  std::optional<ModuleBuild> tracepoint_module(const std::string &name) const override;
  Access<VarAccess> tracepoint_argument(const Tracepoint &tracepoint, std::string_view name,
                                        const std::vector<PathStep> &path, bool address_of) const override;

private:
  // A file other than the kernel's whose types or data are asked for.
  struct Source {
    DebugFile *file;
    std::string module;   // its name; empty: no module
    bool is_user = false; // values are in a process's memory
  };
  using SourceNumber = unsigned; // 0: the kernel; else of sources_, from 1
  struct TypeFacts {
    const TypeSource *types;
    std::string of; // "the kernel's debuginfo"
  };
  explicit KernelTarget(KernelTargetOptions options);
  Result<DwarfVariables *> dwarf() const { return kernel_->dwarf(); }
  // `one_of_many`: it was not named, and no server is asked for its debuginfo.
  DebugFile &module_file(const ModuleFile &found, bool one_of_many = false) const;
  DebugFile &file_of(const FunctionSite &site) const;
  SourceNumber source_of(DebugFile &file, const std::string &module, bool is_user = false) const;
  SourceNumber source_of(const FunctionSite &site) const;
  DebugFile &file_of(SourceNumber source) const { return source ? *sources_[source - 1].file : *kernel_; }
  Result<SourceNumber> header_source(const std::string &name) const;
  Result<SourceNumber> source_named(const std::string &name) const;
  std::string owner(SourceNumber source) const;
  Result<TypeFacts> types_of(SourceNumber source, bool in_btf) const;
  Result<TypeFacts> types_of(const ValueType &type) const;
  template <typename T, typename Ask> Access<T> ask_sources(std::string_view modules, const Ask &ask) const;
  Access<VarAccess> module_argument(const Tracepoint &tracepoint, unsigned number, const std::vector<PathStep> &path,
                                    bool address_of) const;
  Access<VarAccess> kernel_variable(std::string_view name, const std::vector<PathStep> &path, bool address_of) const;
  Access<VarAccess> settled(SourceNumber source, Access<VarAccess> access) const;
  std::optional<AccessFailure> place_in_module(const Source &source, std::vector<AccessStep> &steps,
                                               VarAccess &access) const;
  static void settle_site(DebugFile &file, const std::string &module, FunctionSite &site);
  Result<FunctionMatches> module_code(const CodeQuery &query) const;
  // BTF, if it is to answer what it and DWARF know both; else nullptr.
  const BtfVariables *btf() const { return kernel_->uses_btf() ? kernel_->btf() : nullptr; }

  KernelTargetOptions options_;
  KernelFiles files_;
  mutable std::optional<Kconfig> kconfig_;
  mutable std::optional<TracepointHeaders> tracepoints_;
  mutable std::optional<std::map<std::string, std::string>> tracepoint_modules_; // module names, by tracepoint
  std::unique_ptr<DebugFile> kernel_;
  // By name and path, opened when asked for.
  mutable std::map<std::pair<std::string, std::string>, std::unique_ptr<DebugFile>> modules_;
  mutable std::map<std::string, std::unique_ptr<DebugFile>> programs_; // by path; of headers, by what named them
  mutable std::map<std::string, Error> header_errors_; // of headers that do not compile, by what named them
  mutable std::vector<Source> sources_;
};

} // namespace tapjit::target
