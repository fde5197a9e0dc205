// SPDX-License-Identifier: GPL-2.0-or-later
// Target variables of one file with DWARF: finds the variable's DIE, its place, follows the script's path through the
// types.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/dwarf_expression.h"
#include "frontend/target/dwarf_types.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/target.h"

#include <memory>

namespace tapjit::target {

class DwarfVariables {
public:
  // Opens the file's DWARF; `index` is of the same file and outlives this.
  static Result<std::unique_ptr<DwarfVariables>> open(const std::string &path, const DebugIndex &index);
  ~DwarfVariables();

  Access<VarAccess> variable(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path,
                             bool address_of);
  Access<VarAccess> return_value(const FunctionSite &site, const std::vector<PathStep> &path, bool address_of);
  std::vector<std::string> variable_names(const FunctionSite &site, bool parameters_only);
  // Of a function's DIE, as declared.
  std::vector<TypeParameter> parameters(uint64_t function) const;
  // `owner` ("the kernel") is for messages.
  Access<VarAccess> global_variable(std::string_view name, const std::vector<PathStep> &path, bool address_of,
                                    const std::string &owner);
  // Units whose DIEs are in another file, which is not read.
  bool has_split_units() const { return !index_.rows(RowKind::SplitUnit).empty(); }
  Dwarf *dwarf() const { return dwarf_; }
  const TypeSource &types() const { return types_; }

private:
  explicit DwarfVariables(std::unique_ptr<ElfFile> file, Dwarf *dwarf, const DebugIndex &index)
      : file_(std::move(file)), dwarf_(dwarf), index_(index), types_(dwarf, index) {}
  struct Local;
  PerCpuSection per_cpu() const;
  Access<Place> place_of(Local &local, uint64_t address);
  std::string nearest_place(Local local);
  Access<VarAccess> declared(Dwarf_Die declaration, const std::vector<PathStep> &path, bool address_of);
  std::optional<Dwarf_Die> declaration_in(std::string_view file, std::string_view name);
  std::optional<Dwarf_Die> declaration_anywhere(std::string_view name);
  AccessFailure ambiguous(std::string_view name, const std::vector<const IndexRow *> &variables,
                          const std::string &owner) const;
  std::vector<const IndexRow *> defined_variables(std::string_view name, std::string_view file);
  std::unique_ptr<ElfFile> file_;
  Dwarf *dwarf_;
  const DebugIndex &index_;
  DwarfTypes types_;
};

} // namespace tapjit::target
