// SPDX-License-Identifier: GPL-2.0-or-later
// What DWARF says of variables at the first instruction of a function, held against what can be there.
//
// A location list is exact to the instruction. A variable that has one place for all of its scope has a single
// expression instead (DW_FORM_exprloc), and there compilers leave the prologue out of account: gcc 12 says `fbreg -72`,
// `breg7 16` or `reg3` of a local, and of ip_rt_update_pmtu() in 6.1 even `reg13` of a parameter. Before the first
// instruction the call has put something into the registers that pass its parameters and into the caller's frame,
// nowhere else (System V ABI, AMD64 supplement, 3.2.3): below the return address nothing is stored, and other registers
// have what the caller left there.
#pragma once

#include "frontend/target/dwarf_types.h"
#include "frontend/target/type_path.h"

#include <elfutils/libdw.h>
#include <set>
#include <string_view>

namespace tapjit::target {

enum class EntryTruth : uint8_t {
  Held,    // by this call's parameters, the caller's frame or memory elsewhere
  Frame,   // in memory of the function's frame: its address can be told, nothing is stored there yet
  Nowhere, // not there yet
};

// A function at whose first instruction a probe is.
class FunctionEntry {
public:
  // `symbol` covers the function: that of a copy which the compiler specialised has a dot (f.isra.0, f.constprop.0).
  FunctionEntry(const DwarfTypes &types, Dwarf_Die function, std::string_view symbol);

  EntryTruth truth_of(const Place &place) const;
  // The register that makes the place one of nowhere; nullopt: none does.
  std::optional<int64_t> unset_register(const Place &place) const;
  // Where the caller passes the parameter; NotAvailable when the prototype does not tell.
  Access<Place> passed(std::string_view parameter) const;

private:
  const DwarfTypes &types_;
  TypeRef result_ = 0;
  std::vector<std::string_view> names_;
  std::vector<TypeRef> parameters_;
  // Called as its prototype says: it is no specialised copy, whose parameters may be fewer, or parts of structs.
  bool is_as_declared_;
  std::set<int64_t> registers_; // that pass parameters
};

} // namespace tapjit::target
