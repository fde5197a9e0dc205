// SPDX-License-Identifier: GPL-2.0-or-later
// Probe points to sites: aliases, wildcards in names, `?` and `!` are expanded here; the base points that come out go
// to the probe families.
#pragma once

#include "frontend/passes/declarations.h"
#include "frontend/probe_family.h"
#include "frontend/program.h"

#include <string>
#include <vector>

namespace tapjit {

// A piece of body that an alias adds, or a condition; with the file whose names it sees.
template <typename T> struct FromFile {
  const T *node = nullptr;
  const ast::File *file = nullptr;
  Loc use;          // where the alias was used; nowhere for the script's own
  Name alias;       // its name, "syscall.read"
  size_t depth = 0; // of it among the aliases that lead to the base point; that of the script's point is 1
};

// One base probe point that a script's probe point comes to.
struct ExpandedPoint {
  std::vector<FromFile<ast::Stmt>> prologues; // in order of execution
  std::vector<FromFile<ast::Stmt>> epilogues;
  std::vector<FromFile<ast::Expr>> conditions;
  std::vector<ResolvedSite> sites;
  std::string text; // of the point as the script wrote it
  bool through_alias = false;
  PointOrigin origin;
  Range range;
};

// "timer.ms(number)".
std::string pattern_text(const ProbePattern &pattern);

class ProbeResolver {
public:
  ProbeResolver(Declarations &declarations, const ProbeFamilies &families, SourceTable &sources,
                Diagnostics &diagnostics);

  // All base points of a probe's list. A point that matches nothing, or cannot be placed, is reported unless optional.
  std::vector<ExpandedPoint> resolve(const ProbeRef &probe);

private:
  using Components = std::vector<ast::PointComponent>;
  // What the walk down through aliases has gathered.
  struct Path {
    std::vector<FromFile<ast::Stmt>> prologues; // innermost last
    std::vector<FromFile<ast::Stmt>> epilogues;
    std::vector<FromFile<ast::Expr>> conditions;
    std::vector<const ast::AliasDecl *> active;
    Range use; // the point of the script that all this is for
    std::string text;
    PointOrigin origin;
  };
  // How a point ended when nothing came of it; the first failure is what gets reported.
  struct Failure {
    DiagId id = DiagId::unknown_probe_point;
    Range at;
    Range in_point; // the whole point, which may be an alias's
    std::string point, reason, hint;
    bool set = false;
    std::function<std::string()> late_hint = nullptr;
  };

  bool resolve_point(const ast::ProbePoint &point, const ast::File &file, Path path, std::vector<ExpandedPoint> &out,
                     Failure &failure);
  bool resolve_list(ast::List<ast::ProbePoint> points, const Components &suffix, const ast::File &file,
                    const Path &path, std::vector<ExpandedPoint> &out, Failure &failure);
  void expand_stars(const Components &components, std::vector<Components> &out);
  bool resolve_components(const Components &components, const ast::File &file, const Path &path, Range in_point,
                          std::vector<ExpandedPoint> &out, Failure &failure);
  bool use_alias(const AliasRef &alias, const Components &suffix, const Path &path, std::vector<ExpandedPoint> &out,
                 Failure &failure);
  bool use_families(const Components &components, const Path &path, Range in_point, std::vector<ExpandedPoint> &out,
                    Failure &failure);
  bool match_base(const Components &components, const Path &path, Range in_point, std::vector<ExpandedPoint> &out,
                  Failure &failure);
  std::vector<std::string> followers(const Components &components, size_t count) const;
  size_t at_fault(const Components &components) const;
  // The point with the mark at its component `index`; that alone when it came to the point from elsewhere.
  Range component_in(Range point, const Components &components, size_t index) const;
  std::string suggest(const Components &components) const;
  Name alias_name(const ast::ProbePoint &name);

  Declarations &declarations_;
  const ProbeFamilies &families_;
  SourceTable &sources_;
  Diagnostics &diagnostics_;
  std::unordered_map<const ast::ProbePoint *, Name> alias_names_;
  size_t alias_uses_ = 0; // in the probe that is resolved now
};

} // namespace tapjit
