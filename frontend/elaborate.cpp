// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 2, as a list: probe points to handlers; for each body target variables, then names (which brings in functions,
// and those more files); then, on the whole, types and checks.
#include "frontend/elaborate.h"

#include "frontend/base/deep_stack.h"
#include "frontend/passes/check.h"
#include "frontend/passes/clone.h"
#include "frontend/passes/elide.h"
#include "frontend/passes/infer_types.h"
#include "frontend/passes/probe_writes.h"
#include "frontend/passes/prune_unused.h"
#include "frontend/passes/resolve_names.h"
#include "frontend/passes/resolve_probes.h"
#include "frontend/passes/target_vars.h"
#include "frontend/visit.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <unordered_set>

namespace tapjit {

using namespace ast;

namespace {

class Elaboration {
public:
  Elaboration(Library &library, const ProbeFamilies &families, const ElaborateOptions &options, SourceTable &sources,
              Diagnostics &diagnostics)
      : options_(options), sources_(sources), diagnostics_(diagnostics), declarations_(library, diagnostics),
        probes_(declarations_, families, sources, diagnostics), instances_(program_, declarations_, sources),
        targets_(program_, declarations_, families,
                 {options.guru, options.skip_badvars, strverscmp(options.compatible.c_str(), "4.3") >= 0}, sources,
                 diagnostics),
        names_(program_, declarations_, instances_, {options.guru, options.privilege}, sources, diagnostics),
        pruner_(program_.arena, declarations_) {}

  Program run(const std::vector<const File *> &files) {
    for (const File *file : files)
      declarations_.add_file(*file, true);
    for (std::vector<ProbeRef> probes = declarations_.take_new_probes(); !probes.empty();
         probes = declarations_.take_new_probes())
      for (const ProbeRef &probe : probes)
        add_handlers(probe);
    if (program_.handlers.empty() && !diagnostics_.has_errors())
      diagnostics_.report(DiagId::no_probes, Loc{}).hint("a script needs at least one `probe`");
    look_at_unused();
    targets_.settle_types();
    names_.finish();
    set_globals();
    for (const EmbeddedRef &embedded : declarations_.embedded())
      program_.embedded.push_back({embedded.code, embedded.loc});
    check_statements(program_, diagnostics_);
    check_overloads(program_, diagnostics_);
    if (!options_.keep_unused && !diagnostics_.has_errors()) {
      warn_unused();
      elide(program_, diagnostics_);
    }
    targets_.report_unresolved();
    if (diagnostics_.has_errors())
      return std::move(program_);
    std::vector<std::string_view> globals = global_names();
    infer_types(program_, globals, diagnostics_);
    names_.check_embedded();
    check_entries(program_, diagnostics_);
    check_foreach(program_, diagnostics_);
    check_regexes(program_, sources_, diagnostics_);
    mark_global_uses(program_);
    check_assigned(program_, globals, diagnostics_);
    return std::move(program_);
  }

private:
  // ---------------------------------------------------------------- probes to handlers

  // Whether two expanded points run the same text: the same pieces of aliases around the same body.
  static bool same_text(const ExpandedPoint &a, const ExpandedPoint &b) {
    auto same = [](const auto &x, const auto &y) {
      if (x.size() != y.size())
        return false;
      for (size_t i = 0; i < x.size(); ++i)
        if (x[i].node != y[i].node)
          return false;
      return true;
    };
    return same(a.prologues, b.prologues) && same(a.epilogues, b.epilogues) && same(a.conditions, b.conditions);
  }

  bool uses_targets(const ExpandedPoint &point, const ProbeRef &probe) {
    for (const auto &piece : point.prologues)
      if (instances_.uses_targets(*piece.node, *piece.file))
        return true;
    for (const auto &piece : point.epilogues)
      if (instances_.uses_targets(*piece.node, *piece.file))
        return true;
    return instances_.uses_targets(*probe.decl->body, *probe.file);
  }

  void add_handlers(const ProbeRef &probe) {
    std::vector<ExpandedPoint> points = probes_.resolve(probe);
    size_t first_handler = program_.handlers.size();
    std::vector<size_t> point_of; // for each handler made here
    for (size_t p = 0; p < points.size(); ++p) {
      bool targets = uses_targets(points[p], probe);
      for (ResolvedSite &site : points[p].sites) {
        size_t found = SIZE_MAX;
        // Sites of one point are alike; those of other points may be, where no alias makes a difference.
        for (size_t h = program_.handlers.size(); h-- > first_handler && found == SIZE_MAX;) {
          const ExpandedPoint &other = points[point_of[h - first_handler]];
          if (&other != &points[p] && !(points[p].prologues.empty() && points[p].epilogues.empty()))
            break;
          const ResolvedSite &first = program_.handlers[h].sites.front();
          bool same_targets = !targets || (first.targets == site.targets && first.is_return == site.is_return);
          bool same_callers =
              first.callers == site.callers && (first.callers.empty() || first.is_return == site.is_return);
          if (first.context_kind == site.context_kind && same_targets && same_callers && same_text(other, points[p]))
            found = h;
        }
        if (found == SIZE_MAX) {
          found = program_.handlers.size();
          Handler handler;
          handler.point = points[p].text;
          handler.range = points[p].range;
          handler.loc = points[p].range.at;
          program_.handlers.push_back(std::move(handler));
          point_of.push_back(p);
        }
        program_.handlers[found].sites.push_back(std::move(site));
        program_.handlers[found].origins.push_back(points[p].origin);
        program_.handlers[found].origins.back().order = ++site_count_;
      }
    }
    size_t end = program_.handlers.size();
    for (size_t h = first_handler; h < end; ++h)
      fill_handler(static_cast<HandlerIndex>(h), points[point_of[h - first_handler]], probe);
  }

  void fill_handler(HandlerIndex index, const ExpandedPoint &point, const ProbeRef &probe) {
    for (const auto &condition : point.conditions) {
      Expr *copy = Cloner(program_.arena, sources_).expr(*condition.node);
      program_.handlers[index].conditions.push_back(copy);
      names_.bind_condition(*copy, *condition.file);
    }
    std::vector<Piece> blocks;
    auto add = [&](const Stmt &text, const File &file, Loc use, Name alias, size_t depth) {
      blocks.push_back({Cloner(program_.arena, sources_, use, alias).stmt(text), &file, bool(use), depth});
    };
    for (const auto &piece : point.prologues)
      add(*piece.node, *piece.file, piece.use, piece.alias, piece.depth);
    add(*probe.decl->body, *probe.file, {}, {}, 0);
    for (const auto &piece : point.epilogues)
      add(*piece.node, *piece.file, piece.use, piece.alias, piece.depth);
    if (point.through_alias)
      answer_probe_writes(blocks);
    for (const Piece &block : blocks)
      if (block.from_alias)
        add_assigned(*block.stmt, program_.handlers[index].offered);
    if (!options_.keep_alias_variables)
      pruner_.prune(blocks);
    for (Piece &block : blocks)
      add_block(index, block);
    look_at_functions();
  }

  // The names that a piece of an alias assigns.
  static void add_assigned(Stmt &piece, std::vector<Name> &names) {
    walk(piece, Overload{[&](Expr &expr) {
                           const Assign *node = expr.as<Assign>();
                           if (const Variable *variable = node ? node->target->as<Variable>() : nullptr)
                             names.push_back(variable->name);
                           return true;
                         },
                         [](Stmt &) { return true; }});
  }

  void add_block(HandlerIndex index, Piece &block) {
    targets_.resolve(block.stmt, *block.file, index, FunctionId(), is_trusted(*block.file));
    program_.handlers[index].blocks.push_back(block.stmt);
    std::vector<Local> locals = std::move(program_.handlers[index].locals); // the vector of handlers may move meanwhile
    names_.bind(*block.stmt, *block.file, locals, index);
    program_.handlers[index].locals = std::move(locals);
  }

  bool is_trusted(const File &file) const {
    SourceKind kind = sources_.kind(file.source);
    return kind == SourceKind::tapset || kind == SourceKind::macros;
  }

  // ---------------------------------------------------------------- functions

  // Resolves the bodies of functions that were needed, until no more are.
  void look_at_functions() {
    for (std::vector<Instances::Pending> pending = instances_.take_pending(); !pending.empty();
         pending = instances_.take_pending())
      for (const Instances::Pending &next : pending) {
        size_t index = next.function.index();
        if (!program_.functions[index].body) {
          names_.bind_embedded(program_.functions[index], *next.ref.file);
          continue;
        }
        Stmt *body = program_.functions[index].body;
        targets_.resolve(body, *next.ref.file, next.handler, next.function, is_trusted(*next.ref.file));
        program_.functions[index].body = body;
        std::vector<Local> locals = std::move(program_.functions[index].locals);
        names_.bind(*body, *next.ref.file, locals, next.handler, locals.size()); // so far the parameters
        program_.functions[index].locals = std::move(locals);
      }
  }

  // Functions of the script that nothing calls: their names are looked up, so that mistakes show, and then they are
  // dropped (kept with -u).
  void look_at_unused() {
    size_t functions = program_.functions.size();
    size_t globals = program_.globals.size();
    for (const FunctionRef &ref : declarations_.script_functions())
      if (!instances_.uses_targets(ref))
        instances_.function({ref}, no_handler);
    look_at_functions();
    if (options_.keep_unused)
      return;
    program_.functions.resize(functions);
    program_.globals.resize(globals);
  }

  // What the script declares and no probe needs.
  void warn_unused() {
    std::unordered_set<uint32_t> used; // places of declarations
    for (const FunctionInfo &function : program_.functions)
      used.insert(function.loc.value);
    for (const GlobalVar &var : program_.globals)
      used.insert(var.loc.value);
    for (const FunctionRef &ref : declarations_.script_functions())
      if (!used.contains(ref.loc.value))
        diagnostics_.report(DiagId::unused_function, ref.loc, {ref.decl->name});
    for (const GlobalRef &ref : declarations_.script_globals())
      if (!used.contains(ref.loc.value))
        diagnostics_.report(DiagId::unused_global, ref.loc, {ref.decl->name});
  }

  // ---------------------------------------------------------------- globals

  // -G name=value.
  void set_globals() {
    for (const auto &[name, value] : options_.global_values) {
      check_global_exists(name);
      for (GlobalVar &var : program_.globals) {
        if (var.name.view() != name || !var.from_script || !var.keys.empty())
          continue;
        char *end;
        long long number = std::strtoll(value.c_str(), &end, 0);
        bool is_number = !value.empty() && !*end && var.value != Type::string;
        var.has_init = true;
        var.value = is_number ? Type::number : Type::string;
        var.init_number = is_number ? number : 0;
        var.init_string = is_number ? "" : value;
      }
    }
  }

  // Globals that a script may name: its own, and a library's that are not private by name.
  std::vector<std::string_view> global_names() {
    std::vector<std::string_view> names = declarations_.library().global_names();
    std::erase_if(names, [](std::string_view name) { return name.starts_with("_"); });
    for (const GlobalRef &global : declarations_.script_globals())
      names.push_back(global.decl->name.view());
    return names;
  }

  void check_global_exists(std::string_view name) {
    std::vector<std::string_view> names;
    for (const GlobalRef &global : declarations_.script_globals()) {
      if (global.decl->name.view() == name)
        return;
      names.push_back(global.decl->name.view());
    }
    Diagnostic &diagnostic = diagnostics_.report(DiagId::option_without_global, Loc{}, {name});
    if (std::string_view near = nearest_name(name, names); !near.empty())
      diagnostic.hint("did you mean `" + std::string(near) + "`?");
  }

  const ElaborateOptions &options_;
  SourceTable &sources_;
  Diagnostics &diagnostics_;
  Program program_;
  Declarations declarations_;
  ProbeResolver probes_;
  Instances instances_;
  TargetResolver targets_;
  NameResolver names_;
  Pruner pruner_;
  size_t site_count_ = 0;
};

} // namespace

Program elaborate(std::vector<const File *> files, Library &library, const ProbeFamilies &families,
                  const ElaborateOptions &options, Diagnostics &diagnostics) {
  bool deep = std::any_of(files.begin(), files.end(), [](const File *file) { return file->is_deep; });
  Program program;
  run_on_deep_stack(
      deep, [&] { program = Elaboration(library, families, options, library.sources(), diagnostics).run(files); });
  program.is_deep = deep;
  return program;
}

Program elaborate(const File &file, Library &library, const ProbeFamilies &families, const ElaborateOptions &options,
                  Diagnostics &diagnostics) {
  return elaborate(std::vector<const File *>{&file}, library, families, options, diagnostics);
}

} // namespace tapjit
