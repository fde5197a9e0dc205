// SPDX-License-Identifier: GPL-2.0-or-later
// Target over an installed kernel.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/kernel_files.h"
#include "frontend/target/target.h"

#include <functional>
#include <memory>
#include <span>

namespace tapjit::target {

class DwarfVariables;

// Bytes that stay valid and 8-byte aligned as long as `keep` lives: a mapped cache entry, or memory.
struct IndexBytes {
  std::span<const char> bytes;
  std::shared_ptr<const void> keep;
};

// Where the driver keeps indexes; `key` is unique to content and format ("debug-index-BUILDID"). Both may be empty:
// then the index is made anew.
struct IndexStore {
  std::function<std::optional<IndexBytes>(const std::string &key)> load;
  std::function<void(const std::string &key, std::string_view bytes)> save;
};

struct KernelTargetOptions {
  std::string release_or_dir; // see find_kernel_files
  SearchPlaces places;
  IndexStore store;
  unsigned threads = 2;
};

class KernelTarget final : public Target {
public:
  // Finds the kernel's files; opens nothing else yet.
  static Result<std::unique_ptr<KernelTarget>> open(KernelTargetOptions options);
  ~KernelTarget() override;

  const KernelFiles &files() const override { return files_; }
  std::string build_id() const override;
  std::optional<std::string> kconfig(std::string_view name) const override;
  Result<FunctionMatches> functions(std::string_view pattern, FunctionKind kind) const override;
  std::optional<SymbolFact> symbol(std::string_view name) const override;
  Access<VarAccess> variable(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path,
                             bool at_return, bool address_of) const override;
  Access<VarAccess> return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                 bool address_of) const override;
  std::vector<std::string> variable_names(const FunctionSite &site, bool parameters_only) const override;
  Access<VarAccess> cast(std::string_view type, const std::vector<PathStep> &path, bool address_of) const override;
  Access<VarAccess> global_variable(std::string_view name, const std::vector<PathStep> &path,
                                    bool address_of) const override;
  Access<VarAccess> follow(const ValueType &type, const std::vector<PathStep> &path, bool address_of) const override;
  Result<TracepointMatches> tracepoints(std::string_view pattern) const override;
  Access<VarAccess> tracepoint_argument(const Tracepoint &tracepoint, std::string_view name,
                                        const std::vector<PathStep> &path, bool address_of) const override;

private:
  explicit KernelTarget(KernelTargetOptions options);
  // Everything below is opened when first asked for; the mutable members cache that.
  Result<const DebugIndex *> index() const;
  Result<DwarfVariables *> dwarf() const;
  Result<IndexBytes> make_index(const std::string &key) const;
  FunctionSite site_of(const IndexRow &row) const;
  void place(FunctionSite &site) const;
  void add_inlined(const std::vector<IndexRow> &rows, FunctionMatches &matches) const;
  void add_symbols(std::string_view name, FunctionMatches &matches) const;
  std::vector<IndexRow> rows_named(RowKind kind, std::string_view name, std::string_view file) const;
  void add_described(std::string_view name, FunctionKind kind, std::string_view file, FunctionMatches &matches) const;
  void suggest(std::string_view name, FunctionMatches &matches) const;

  KernelTargetOptions options_;
  KernelFiles files_;
  mutable std::optional<std::string> build_id_;
  mutable std::optional<Kconfig> kconfig_;
  mutable IndexBytes index_bytes_;
  mutable std::optional<Error> index_error_;
  mutable std::unique_ptr<DebugIndex> index_;
  mutable std::unique_ptr<DwarfVariables> dwarf_;
};

} // namespace tapjit::target
