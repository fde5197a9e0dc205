// SPDX-License-Identifier: GPL-2.0-or-later
// Sites on code of the kernel and its modules: shared by kernel.function, kernel.statement, kprobe.function and their
// like.
#pragma once

#include "tapset/family.h"

namespace tapjit::tapset {

bool has_component(Components components, std::string_view name);

// Why `.maxactive(N)`, the last component, cannot be taken; nullopt when it can or is not there.
std::optional<ProbeMatch> check_maxactive(Components components);
// The constants of a return probe's site besides its place.
void add_maxactive(Components components, ir::Site &site);

// How the runtime finds the place: by symbol and offset when only one symbol has that name; else by link address,
// against a symbol whose name is unique. Without one the runtime says that it cannot place it.
void add_place(const target::Target &target, const target::FunctionSite &function, ir::Site &site);

// The address that the place was linked at, and what tells where the kernel was loaded to.
void add_link_address(const target::Target &target, uint64_t address, ir::Site &site);

// Why no site is left of `pattern`; `component` holds it. `owner` has the functions: "the kernel", "module `loop`".
ProbeMatch nothing_found(const target::FunctionPattern &pattern, const target::FunctionMatches &matches,
                         size_t component, const std::string &owner = "the kernel");

// Of a callee with code of its own: where its caller's code is.
std::vector<CallerCode> callers_of(const target::Target &target, const target::FunctionSite &function);
// Whether it is a callee in a module where no symbol tells where a part of its caller's code is.
bool has_unplaced_caller(const target::FunctionSite &function);

// A site at an address of the running kernel, `ROOT.statement(ADDRESS).absolute`; only in guru mode.
ProbeMatch absolute_site(FamilyState &state, Components components);

// Hooks of families whose sites have a FunctionContext.
TargetAnswer function_variable(FamilyState &state, const SiteContext &context, const TargetQuery &query);
std::vector<std::string> listed_variables(FamilyState &state, const SiteContext &context);
std::vector<std::string> function_names(FamilyState &state, const SiteContext &context, std::string_view group);

} // namespace tapjit::tapset
