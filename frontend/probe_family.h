// SPDX-License-Identifier: GPL-2.0-or-later
// What pass 2 asks of the probe families (tapset/): where a base probe point is, and which target variables exist
// there. The driver hands one ProbeFamilies to elaborate(); tests hand a fake. Aliases, brace expansion, `?` and `!`
// are pass 2's own; wildcards in a component's *argument*
// ("vfs_*") are the family's; wildcards in a component *name* are pass 2's, by the patterns.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"
#include "ir/ir.h"

#include <functional>
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
// A resolved target variable: an index of the family's own, for emission.
using TargetHandle = Id<struct TargetHandleTag>;

// One place where a probe is put.
struct ResolvedSite {
  ir::Site site; // `probe` is not filled yet
  ir::ContextKind context_kind = ir::ContextKind::Event;
  TargetContextId targets;       // invalid: no target variables here
  bool is_return = false;        // `$x` other than $return, $$return means the value at entry; `@entry` is allowed
  TargetContextId entry_targets; // is_return: where those are looked up
};

struct ProbeMatch {
  bool known = false; // the components are a form of some family; else the caller says `unknown probe point`
  std::vector<ResolvedSite> sites; // empty though known: `reason` says why
  std::string reason;              // "no function `vfs_raed` in the kernel"
  std::string hint;                // "did you mean `vfs_read`?"; "install the debug symbols of ..."
  size_t component = 0;            // the component at fault
};

struct TargetStepQuery {
  ast::TargetStep::Kind kind;
  std::string_view member;
  int64_t literal = 0;
};
struct TargetQuery {
  ast::Target::Root root = ast::Target::Root::dollar;
  bool address_of = false;
  ast::Target::Pretty pretty = ast::Target::Pretty::none;
  std::string_view name;   // "$count"; the text of @var; empty for cast and value
  std::string_view type;   // cast
  std::string_view module; // variable, cast
  TargetHandle base;       // value: the handle whose type the operand carries
  std::span<const TargetStepQuery> steps;
  bool for_write = false;
};
struct TargetAnswer {
  bool found = false;
  ast::Type type = ast::Type::number; // number or string
  bool writable = false;
  TargetHandle handle;      // for emission, and as the `base` of steps on the value
  bool has_members = false; // the value is a typed pointer or struct address: steps may follow
  std::string reason;       // not found, not writable: "no variable `cuont` at vfs_read; there are: `$file`, `$buf`,
                            // `$count`, `$pos`"
  std::string hint;         // "did you mean `$count`?"
};

struct ProbeFamilies {
  // All forms, in a fixed order.
  std::vector<ProbePattern> patterns;
  // Resolves a base probe point. Called once per point; must not report itself.
  std::function<ProbeMatch(std::span<const ProbeComponent>)> match;
  // Resolves a target variable at a context (invalid for `@cast` in a function that needs no site). Same question, same
  // handle.
  std::function<TargetAnswer(TargetContextId, const TargetQuery &)> target;
};

} // namespace tapjit
