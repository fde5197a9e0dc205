// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/resolve_names.h"

#include "frontend/parse.h"
#include "frontend/visit.h"

#include <cctype>
#include <optional>
#include <set>
#include <string>

namespace tapjit {

using namespace ast;

namespace {

std::string counted(size_t n, std::string_view one) {
  return std::to_string(n) + " " + std::string(one) + (n == 1 ? "" : "s");
}

// "1 argument", "1 or 3 arguments": what the overloads of a function take.
std::string counts_text(const std::vector<FunctionRef> &candidates) {
  std::set<size_t> counts;
  for (const FunctionRef &ref : candidates)
    counts.insert(ref.decl->params.size());
  std::string text;
  for (size_t count : counts)
    text += (text.empty()                ? ""
             : count == *counts.rbegin() ? " or "
                                         : ", ") +
            (count == *counts.rbegin() ? counted(count, "argument") : std::to_string(count));
  return text;
}

} // namespace

void NameResolver::bind(Stmt &stmt, const File &file, std::vector<Local> &locals, HandlerIndex handler,
                        size_t parameters) {
  std::unordered_map<Name, uint32_t> local_index;
  for (size_t i = 0; i < locals.size(); ++i)
    local_index.emplace(locals[i].name, static_cast<uint32_t>(i));
  statement(stmt, Scope{&file, &locals, handler, parameters, &local_index});
}

void NameResolver::bind_condition(Expr &expr, const File &file) {
  walk(expr, [&](Expr &inner) {
    if (inner.as<Call>())
      diagnostics_.report(DiagId::condition_calls, inner.range());
    else if (inner.as<Assign>() || inner.as<IncDec>())
      diagnostics_.report(DiagId::condition_writes, inner.range());
    else if (inner.as<Target>() || inner.as<Entry>() || inner.as<Print>())
      diagnostics_.report(DiagId::condition_not_global, inner.range(), {print_expr(inner)});
    return true;
  });
  expression(expr, Scope{&file, nullptr, no_handler, 0});
}

GlobalId NameResolver::find_global(Name name, const Scope &scope) {
  GlobalRef ref = declarations_.global(*scope.file, name);
  return ref.decl ? instances_.global(ref) : GlobalId();
}

// ------------------------------------------------------------------ walks

void NameResolver::statement(Stmt &stmt, const Scope &scope) {
  if (Foreach *node = stmt.as<Foreach>()) {
    if (node->array->as<Histogram>())
      expression(*node->array, scope);
    else
      array(*node->array, scope, static_cast<int>(node->keys.size()));
    if (!node->slice.empty() && node->slice.size() != node->keys.size() && node->array->as<Variable>())
      diagnostics_.report(DiagId::wrong_key_count, node->array->range(),
                          {node->array->as<Variable>()->name, counted(node->keys.size(), "key"), node->slice.size()});
    for (Expr *key : node->slice)
      if (key)
        expression(*key, scope);
    if (node->limit)
      expression(*node->limit, scope);
    for (Expr *key : node->keys)
      variable(*key, scope, true);
    if (node->value)
      variable(*node->value, scope, true);
    statement(*node->body, scope);
    return;
  }
  if (Delete *node = stmt.as<Delete>()) {
    if (node->target->as<Variable>())
      delete_whole(*node->target, scope);
    else
      expression(*node->target, scope);
    return;
  }
  for_each_child(
      stmt, [&](Expr *&child) { expression(*child, scope); }, [&](Stmt *&child) { statement(*child, scope); });
}

void NameResolver::delete_whole(Expr &target, const Scope &scope) {
  size_t named = scope.locals ? scope.locals->size() : 0;
  variable(target, scope, false);
  const Variable &node = *target.as<Variable>();
  // As in SystemTap: a local that the text has named before becomes 0 or "", a parameter does not.
  if (node.binding.is_local() && (node.binding.index >= named || node.binding.index < scope.parameters))
    diagnostics_.report(DiagId::delete_local, target.range(), {node.name});
}

void NameResolver::expression(Expr &expr, const Scope &scope) {
  visit(expr,
        Overload{
            [&](Variable &) { variable(expr, scope, true); },
            [&](Index &node) {
              if (node.base->as<Variable>())
                array(*node.base, scope, static_cast<int>(node.keys.size()));
              else
                expression(*node.base, scope);
              for (Expr *key : node.keys)
                if (key)
                  expression(*key, scope);
            },
            [&](ArrayIn &node) {
              for (Expr *key : node.keys)
                if (key)
                  expression(*key, scope);
              array(*node.array, scope, static_cast<int>(node.keys.size()));
            },
            [&](Stat &node) { stat_operand(*node.stat, spelling(node.op), scope); },
            [&](Histogram &node) { stat_operand(*node.stat, node.logarithmic ? "hist_log" : "hist_linear", scope); },
            [&](Call &) { call(expr, scope); },
            [&](EmbeddedExpr &node) {
              std::vector<GlobalId> reads, writes; // named again when they are lowered
              bind_pragmas(node.code, "pragma:read:", expr.loc, *scope.file, reads);
              bind_pragmas(node.code, "pragma:write:", expr.loc, *scope.file, writes);
              for (Expr *parameter : node.parameters)
                expression(*parameter, scope);
            },
            [&](auto &) { for_each_child(expr, [&](Expr *&child) { expression(*child, scope); }); },
        });
}

void NameResolver::variable(Expr &expr, const Scope &scope, bool is_value) {
  Variable &node = *expr.as<Variable>();
  if (node.binding.kind != Binding::Kind::unbound)
    return; // a node that two places share, as the operand of equal `@entry`s
  std::optional<uint32_t> local;
  if (scope.local_index)
    if (auto found = scope.local_index->find(node.name); found != scope.local_index->end())
      local = found->second;
  if (local && *local < scope.parameters) {
    node.binding = {Binding::Kind::local, *local};
    return;
  }
  if (GlobalId id = find_global(node.name, scope); id.valid()) {
    node.binding = {Binding::Kind::global, id.index()};
    if (is_value)
      set_arity(id, 0, expr.loc);
    return;
  }
  if (!scope.locals) {
    diagnostics_.report(DiagId::condition_not_global, expr.range(), {node.name});
    return;
  }
  std::vector<Local> &locals = *scope.locals;
  if (!local) {
    local = static_cast<uint32_t>(locals.size());
    locals.push_back({node.name, Type::unknown, expr.loc});
    scope.local_index->emplace(node.name, *local);
  }
  node.binding = {Binding::Kind::local, *local};
}

void NameResolver::array(Expr &expr, const Scope &scope, int keys) {
  Variable &node = *expr.as<Variable>();
  if (node.binding.kind != Binding::Kind::unbound)
    return;
  GlobalId id = find_global(node.name, scope);
  if (!id.valid()) {
    std::string name(node.name.view());
    std::string hint = "arrays are global: write `global " + name + "` at top level";
    std::vector<std::string_view> globals;
    for (const GlobalRef &global : declarations_.script_globals())
      globals.push_back(global.decl->name.view());
    if (std::string_view near = diagnostics_.has_many() ? "" : nearest_name(name, globals); !near.empty())
      hint = "did you mean `" + std::string(near) + "`?";
    if (scope.local_index && keys == 1 && scope.local_index->contains(node.name))
      hint += "; what a local points to is read by `(" + name + ")[...]`";
    diagnostics_.report(DiagId::unknown_array, expr.range(), {node.name}).hint(hint);
    return;
  }
  node.binding = {Binding::Kind::global, id.index()};
  set_arity(id, keys, expr.loc);
}

// `@count(v)`, `@count(a[k])`: v must be a global; `word` is what stands behind the @.
void NameResolver::stat_operand(Expr &expr, std::string_view word, const Scope &scope) {
  expression(expr, scope);
  const Variable *variable = expr.as<Variable>();
  const Index *index = expr.as<Index>();
  bool is_global = (variable && variable->binding.is_global()) || (index && index->base->as<Variable>());
  if (!is_global)
    diagnostics_.report(DiagId::stat_needs_aggregate, expr.range(), {word})
        .hint("statistics are global: write `global name` and `name <<< value`");
}

void NameResolver::call(Expr &expr, const Scope &scope) {
  Call &node = *expr.as<Call>();
  for (Expr *arg : node.args)
    expression(*arg, scope);
  std::vector<FunctionRef> fitting = declarations_.functions(*scope.file, node.name, node.args.size());
  if (fitting.empty()) {
    Diagnostic &diagnostic = diagnostics_.report(DiagId::unknown_function, expr.loc, {node.name});
    if (std::string near = diagnostics_.has_many() ? "" : declarations_.nearest_function(node.name.view());
        !near.empty())
      diagnostic.hint("did you mean `" + near + "`?");
    return;
  }
  if (fitting.front().decl->params.size() != node.args.size()) {
    Diagnostic &diagnostic = diagnostics_.report(DiagId::wrong_argument_count, expr.range(),
                                                 {node.name, counts_text(fitting), node.args.size()});
    for (const FunctionRef &ref : fitting)
      diagnostic.note(ref.loc, "declared here");
    return;
  }
  for (const FunctionRef &ref : fitting)
    check_rights(ref, expr.loc, scope);
  node.function = instances_.function(std::move(fitting), scope.handler);
}

// Functions of embedded C say in a comment who may call them; a tapset may call its own.
void NameResolver::check_rights(const FunctionRef &ref, Loc loc, const Scope &scope) {
  std::string_view code = ref.decl->code.code;
  if (ref.decl->body)
    return;
  auto marked = [&](std::string_view marker) { return code.find(marker) != std::string_view::npos; };
  SourceKind caller = sources_.kind(scope.file->source);
  bool is_tapset = caller == SourceKind::tapset || caller == SourceKind::macros;
  if (is_tapset)
    return;
  if (!rights_.guru && marked("/* guru */"))
    diagnostics_.report(DiagId::function_needs_guru, loc, {ref.decl->name})
        .note(ref.loc, "declared here")
        .hint("run with `-g`, if you trust the script");
  if (rights_.privilege == "stapusr" && !marked("/* unprivileged */") && !marked("/* myproc-unprivileged */"))
    diagnostics_.report(DiagId::function_not_privileged, loc, {ref.decl->name, rights_.privilege})
        .note(ref.loc, "declared here")
        .hint("it is not marked `/* unprivileged */`");
}

// ------------------------------------------------------------------ embedded C and arity

void NameResolver::bind_embedded(FunctionInfo &function, const File &file) {
  bind_pragmas(function.code, "pragma:read:", function.loc, file, function.reads);
  bind_pragmas(function.code, "pragma:write:", function.loc, file, function.writes);
}

// The globals that follow `marker` in comments of embedded C.
void NameResolver::bind_pragmas(std::string_view code, std::string_view marker, Loc loc, const File &file,
                                std::vector<GlobalId> &ids) {
  for (size_t at = code.find(marker); at != std::string_view::npos; at = code.find(marker, at)) {
    at += marker.size();
    size_t end = at;
    while (end < code.size() && (std::isalnum(static_cast<unsigned char>(code[end])) || code[end] == '_'))
      ++end;
    Name name = diagnostics_.sources().find_name(code.substr(at, end - at));
    GlobalRef ref = name ? declarations_.global(file, name) : GlobalRef{};
    if (ref.decl) {
      ids.push_back(instances_.global(ref));
      embedded_uses_.emplace_back(ids.back(), loc);
    } else {
      diagnostics_.report(DiagId::unknown_pragma_global, loc, {code.substr(at, end - at)});
    }
  }
}

void NameResolver::check_embedded() {
  for (auto [id, loc] : embedded_uses_)
    if (id.index() < program_.globals.size() && program_.global(id).value == Type::stats)
      diagnostics_.report(DiagId::embedded_statistic, loc, {program_.global(id).name})
          .note(program_.global(id).loc, "declared here");
}

void NameResolver::set_arity(GlobalId id, int keys, Loc loc) {
  if (arity_.size() <= id.index())
    arity_.resize(id.index() + 1);
  GlobalArity &known = arity_[id.index()];
  if (known.keys == keys)
    return;
  if (known.keys < 0) {
    known = {keys, loc};
    return;
  }
  Name name = program_.global(id).name;
  if (known.keys == 0 || keys == 0) {
    Loc array_loc = keys ? loc : known.loc, scalar_loc = keys ? known.loc : loc;
    diagnostics_.report(keys ? DiagId::scalar_indexed : DiagId::array_as_value, loc, {name})
        .note(keys ? scalar_loc : array_loc, keys ? "used as a scalar here" : "used as an array here");
    return;
  }
  diagnostics_.report(DiagId::wrong_key_count, loc, {name, counted(static_cast<size_t>(known.keys), "key"), keys})
      .note(known.loc, "first used here");
}

void NameResolver::finish() {
  arity_.resize(program_.globals.size());
  for (size_t i = 0; i < program_.globals.size(); ++i) {
    GlobalVar &var = program_.globals[i];
    int keys = arity_[i].keys;
    if (keys < 0 && (var.max_entries || var.wrap))
      keys = 1; // never used as anything: an array of nothing
    if (keys == 0 && var.max_entries && !var.wrap)
      diagnostics_.report(DiagId::array_as_value, arity_[i].loc, {var.name})
          .note(var.loc, "declared with a size, so as an array, here");
    if (keys > 0)
      var.keys.assign(static_cast<size_t>(keys), Type::unknown);
    if (keys <= 0 && var.wrap)
      diagnostics_.report(DiagId::scalar_wrap, var.loc, {var.name});
    if (keys > 0 && var.has_init)
      diagnostics_.report(DiagId::array_initialised, var.loc, {var.name}).note(arity_[i].loc, "used as an array here");
  }
}

} // namespace tapjit
