// SPDX-License-Identifier: GPL-2.0-or-later
// Program: what pass 2 makes of the scripts and tapsets, and all that lowering reads. Its trees are clones of its own:
// each handler and function has a body that no other shares, so that bindings and types stand in the nodes.
//
// Guaranteed when elaborate() reported no error:
// - Every Variable is bound: a LocalId of the handler or function it stands in (parameters are the first locals), or a
// GlobalId.
// - Every Call::function is set; every Expr::type is number, string, or none (a print, a call of a function without
// result, `<<<`);
//   `stats` only on a Variable or Index directly under Stat, Histogram, Assign{stat_add}, Delete or Foreach::array.
// - Aliases are expanded: Handler::blocks holds prologues, the body, epilogues in the order of execution. `next` leaves
// all of them.
// - Defined, ProbeWrite and unresolvable branches under them are folded away; so are `@choose_defined` and the
// preprocessor.
// - Each Target has a `use`, gives a number and has no `pretty`; in a return probe what must be read at entry is
// wrapped in Entry.
//   `$$vars` and friends have become a sprintf of Targets.
// - A Foreach does not modify its array, break and continue stand in loops, printf arguments fit their directives.
// - Only what is reached from a handler is here, unless it may have effects at load (embedded top-level code stays).
#pragma once

#include "frontend/ast.h"
#include "frontend/probe_family.h"

#include <memory>
#include <string>
#include <vector>

namespace tapjit {

using ast::EntryId;
using ast::FunctionId;
using ast::GlobalId;
using ast::LocalId;
using ast::TargetUseId;

struct GlobalVar {
  Name name;                            // as written
  std::string unique_name;              // differs from `name` only for a private one that collides
  ast::Type value = ast::Type::unknown; // number, string or stats
  std::vector<ast::Type> keys;          // empty: scalar
  int64_t max_entries = 0;              // 0 = MAXMAPENTRIES
  bool wrap = false;
  bool has_init = false;
  int64_t init_number = 0; // of a number
  std::string init_string; // of a string
  ir::StatSpec stat;       // of stats
  bool read = false;
  bool written = false;
  bool display_at_end = false; // written, never read: printed when the session ends
  bool from_script = false;    // the user's, not a tapset's
  Loc loc;
};

struct Local {
  Name name;
  ast::Type type = ast::Type::unknown; // number or string
  Loc loc;                             // of the first use
};

// A target variable as used in one handler or function.
struct TargetUse {
  ast::Expr *expr = nullptr; // the Target node
  target::VarAccess
      access; // how to compute it; cast and value: the operand is pushed first; PushIndex n: the n-th expr_index step
  TargetContextId context;
  bool written = false;
};

struct FunctionInfo {
  Name name;
  std::string unique_name;   // private, overloaded and per-probe clones get a suffix
  std::vector<Local> locals; // the first `param_count` are the parameters
  size_t param_count = 0;
  ast::Type result = ast::Type::none;  // number, string or none
  ast::Stmt *body = nullptr;           // null for embedded C
  std::string_view code;               // embedded C
  Loc code_loc;                        // of its `%{`
  std::vector<GlobalId> reads, writes; // embedded C: its /* pragma:read:x */ and /* pragma:write:x */
  FunctionId next_overload;            // where `next` falls to; invalid = error at run time when nothing is left
  std::vector<TargetUse>
      targets;                 // a function that uses target variables belongs to one handler (and is cloned for each)
  std::vector<Name> asked_for; // names that a `@defined` mentioned
  bool from_script = false;
  bool is_private = false;
  Loc loc;
};

// How a site came about.
struct PointOrigin {
  size_t order = 0; // of all sites of the program, as the script has them
  std::string mark; // "?" or "!", when its point has one
  // "a.b = timer.s(1), end <- a.b": innermost alias first, then the probe's own list. Shared by the points of a list:
  // thousands of them have a long one.
  std::shared_ptr<const std::string> chain;
  std::string derivation; // " from: a.b from: c": innermost alias first, then the first of the probe's own list
  std::string listed;     // by an alias: the outermost one's name, with what the script wrote behind it: "a.b.return"
  Loc at = {};            // the point in the script
};

struct Handler {
  std::vector<ast::Stmt *> blocks; // run one after the other
  std::vector<Local> locals;
  std::vector<ResolvedSite> sites;     // at least one; all of one context kind
  std::vector<ast::Expr *> conditions; // `if (...)` of the point and its aliases: all must be true
  std::vector<ast::Expr *> entries;    // EntryId: computed when the function is entered
  std::vector<TargetUse> targets;
  std::vector<Name> asked_for;      // names that a `@defined` mentioned
  std::vector<Name> offered;        // variables that its aliases set, needed or not
  std::string point;                // the script's probe point text, for messages and -p2
  std::vector<PointOrigin> origins; // of each of `sites`, for -p2
  Range range;                      // of that probe point
  Loc loc;
};

struct TopLevelCode {
  std::string_view code;
  Loc loc;
};

struct Program {
  bool is_deep = false; // walk its trees on a deep stack (base/deep_stack.h)
  Arena arena;
  std::vector<GlobalVar> globals;      // GlobalId
  std::vector<FunctionInfo> functions; // FunctionId
  std::vector<Handler> handlers;       // in order of the script, then by alias and site
  std::vector<TopLevelCode> embedded;  // top-level %{ %}, tapset ones first

  const GlobalVar &global(GlobalId id) const { return globals[id.index()]; }
  const FunctionInfo &function(FunctionId id) const { return functions[id.index()]; }
};

} // namespace tapjit
