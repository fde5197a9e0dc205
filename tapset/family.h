// SPDX-License-Identifier: GPL-2.0-or-later
// Probe families. A family is one file that ends in one FamilyHooks and has one line in families.def; its sites end in
// ir::Site, whose `constants` are the fields of struct tap_site_<family> in runtime/.
//
// Adding one: NAME.cpp here, runtime/<platform>/probe_NAME.h, its line in families.def, a run test.
#pragma once

#include "frontend/probe_family.h"
#include "frontend/target/target.h"

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace tapjit::tapset {

struct FamilyHooks;

// What target variables of a site are resolved from.
struct FunctionContext {
  target::FunctionSite site;
  bool is_return = false;
};
struct TracepointContext {
  target::Tracepoint tracepoint;
};
// A file whose readers or writers run the handler.
struct FileContext {
  bool is_read;
};
struct SiteContext {
  const FamilyHooks *family;
  std::variant<FunctionContext, TracepointContext, FileContext> facts;
};

// One elaboration's state: the traced kernel, and the contexts that TargetContextId counts.
struct FamilyState {
  const target::Target &target;
  bool guru = false;
  bool listing = false;      // points are listed by name: one inlined copy of a function stands for all
  bool kernel_types = false; // `@cast` without a module means the kernel, as up to --compatible 4.2
  bool any_caller = false;   // `.callee` hits whoever calls
  std::vector<SiteContext> contexts = {};
  std::set<std::string> read_files = {}; // that a probe of procfs is there for

  TargetContextId add(SiteContext context) {
    contexts.push_back(std::move(context));
    return TargetContextId(contexts.size() - 1);
  }
};

using Components = std::span<const ProbeComponent>;

struct FamilyHooks {
  const char *name;
  // The probe points that it takes, "timer.ms(number).randomize(number)"; `match` gets the number of the one that fits.
  // "FORM until 1.7": with --compatible of that version or an older one.
  std::span<const char *const> forms;
  ProbeMatch (*match)(FamilyState &state, Components components, size_t form);
  // A variable of a site ("$count", with its `$`s), and the names that "$$vars" and its like list. Null: the family's
  // sites have none.
  TargetAnswer (*variable)(FamilyState &state, const SiteContext &context, const TargetQuery &query) = nullptr;
  std::vector<std::string> (*names)(FamilyState &state, const SiteContext &context, std::string_view group) = nullptr;
  // Variables with their types as -L shows them. Null: as `names` and `variable` tell.
  std::vector<std::string> (*variables)(FamilyState &state, const SiteContext &context) = nullptr;
};

// All families over one kernel. `target` must outlive the result.
struct FamilyOptions {
  bool guru = false;    // points that cannot be checked are allowed
  bool listing = false; // see FamilyState
  std::string compatible = "5.6";
  bool any_caller = false; // see FamilyState
};
ProbeFamilies make_probe_families(const target::Target &target, const FamilyOptions &options = {});

// ---- shared by the families

// Where the running kernel is, is told by a symbol: one that can be probed, that every kernel has, and that is the only
// one of its name; with its link address.
struct Anchor {
  std::string symbol;
  uint64_t address;
};
std::optional<Anchor> kernel_anchor(const target::Target &target);

// `kernel.function("x").return`, as pp() shows it.
std::string point_text(Components components);
// A known point that has no sites, and why; `component` is the one at fault.
ProbeMatch refuse(std::string reason, std::string hint, size_t component);
ProbeMatch single_site(ResolvedSite site);
// "did you mean `a` or `b`?"; empty when there is nothing to guess.
std::string did_you_mean(const std::vector<std::string> &names, std::string_view prefix = "");
// A C type as -L shows it: "const char *" is "char const*".
std::string listed_type(std::string_view type);
TargetAnswer answer(const target::Access<target::VarAccess> &access, std::string_view prefix = "$");

} // namespace tapjit::tapset
