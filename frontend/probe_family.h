// SPDX-License-Identifier: GPL-2.0-or-later
// What pass 2 asks of the probe families (tapset/): where a base probe point is, and which target variables exist
// there. The driver hands one ProbeFamilies to elaborate(); tests hand a fake. Aliases, brace expansion, `?` and `!`
// are pass 2's own; wildcards in a component's *argument*
// ("vfs_*") are the family's; wildcards in a component *name* are pass 2's, by the patterns.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"
#include "frontend/target/var_access.h"
#include "ir/ir.h"

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace tapjit {

// One component of a base probe point as written, with the literal argument if it has one.
using ProbeComponent = ast::PointComponent;

// A form that a family takes, for wildcards in names, `did you mean` and -l / --dump-probe-types.
struct ProbePattern {
  struct Component {
    std::string name;
    ast::PointComponent::Arg arg = ast::PointComponent::Arg::none;
  };
  std::vector<Component> components; // kernel . function(string) . return
};

// Where target variables are looked up: an index of the family's own. Sites that share one have the same variables at
// the same places, so that one handler can serve them all.
using TargetContextId = Id<struct TargetContextTag>;

// Code, as linked, that a call returns to; counted from `anchor_symbol` as target::VarAccess does.
struct CallerCode {
  uint64_t begin = 0, end = 0;
  std::string anchor_symbol;
  uint64_t anchor = 0;
  std::string build_id;
  friend bool operator==(const CallerCode &, const CallerCode &) = default;
};

// One place where a probe is put.
struct ResolvedSite {
  ir::Site site; // `probe` is not filled yet
  ir::ContextKind context_kind = ir::ContextKind::Event;
  TargetContextId targets;         // invalid: no target variables here
  bool is_return = false;          // `@entry` is allowed
  std::vector<CallerCode> callers; // not empty: only calls from there are hits
};

struct ProbeMatch {
  bool known = false; // the components are a form of some family; else the caller says `unknown probe point`
  std::vector<ResolvedSite> sites;        // empty though known: `reason` says why
  std::string reason;                     // "no function `vfs_raed` in the kernel"
  std::string hint;                       // "did you mean `vfs_read`?"; "install the debug symbols of ..."
  std::function<std::string()> late_hint; // a hint that is dear to find: asked when the reason is shown
  size_t component = 0;                   // the component at fault
  std::vector<std::string> warnings;      // what was left out of `sites`, and why
};

struct TargetQuery {
  ast::Target::Root root = ast::Target::Root::dollar;
  bool address_of = false;
  std::string_view name;                                // "$count"; the text of @var; empty for cast and value
  std::string_view type;                                // cast: the type as written
  std::string_view module;                              // variable, cast
  const target::ValueType *base = nullptr;              // value: the type of the operand
  const std::vector<target::PathStep> *steps = nullptr; // DynamicIndex = an expression of the script
  bool for_write = false;
};
struct TargetAnswer {
  bool found = false;
  bool is_string = false; // such as `$$name`: `text` is the value
  std::string text;
  // How lowering computes it. For cast and value the operand is pushed first. `at_entry`: pass 2 wraps it in
  // ast::Entry.
  target::VarAccess access;
  bool writable = false;
  bool is_aggregate = false; // not found, because it is a whole struct or union: it has an address but no value
  std::string reason;        // not found or not writable: "no variable `$cuont` at vfs_read; there are `$file`, `$buf`,
                             // `$count`, `$pos`"
  std::string hint;          // "did you mean `$count`?"
  std::function<std::string()> late_hint; // without `hint`: one that is dear to find, asked when the reason is shown
};

// Which enum `@enumname` means: that of a value (`base`), or one that is named as for @cast.
struct EnumQuery {
  const target::ValueType *base = nullptr;
  std::string_view type, module;
};
struct EnumAnswer {
  target::Enumerators rows; // in order of declaration
  std::string reason;       // not empty: there is no such enum, and why
};

struct ProbeFamilies {
  // All forms, in a fixed order.
  std::vector<ProbePattern> patterns;
  // Resolves a base probe point. Called once per point; does not report.
  std::function<ProbeMatch(std::span<const ProbeComponent>)> match;
  // Resolves a target variable at a context (invalid for `@cast` in a place without one).
  std::function<TargetAnswer(TargetContextId, const TargetQuery &)> target;
  // The value of `@enum("name")`; null: there are no enumerators.
  std::function<std::optional<int64_t>(std::string_view)> enumerator;
  // The enumerators of a type at a context; null: there are no types.
  std::function<EnumAnswer(TargetContextId, const EnumQuery &)> enumerators;
  // How a value is shown by `$` or, when `deep`, by `$$` behind it; null: by pretty_number().
  std::function<std::vector<target::PrettyPiece>(const target::ValueType &, bool deep)> pretty;
  // The variables, with `$`, that `group` ("$$vars", "$$parms", "$$locals", "$$return") lists at a context, in order of
  // declaration; pass 2 makes the string of it: "count=0x200 pos=?".
  std::function<std::vector<std::string>(TargetContextId, std::string_view group)> names;
  // What can be read at a context, with types in SystemTap's form, for -L: "$count:size_t", "$file:struct file*".
  std::function<std::vector<std::string>(TargetContextId)> variables;
};

} // namespace tapjit
