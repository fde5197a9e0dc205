// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/instances.h"

#include "frontend/passes/clone.h"
#include "frontend/visit.h"

#include <algorithm>

namespace tapjit {

using namespace ast;

namespace {

// Overloads are tried by priority; the script's functions come before a tapset's, then order of declaration.
int64_t priority(const FunctionRef &ref) {
  if (ref.decl->priority >= 0)
    return ref.decl->priority;
  return ref.from_script ? 0 : 1;
}

} // namespace

std::string Instances::unique(std::unordered_map<std::string, uint32_t> &used, std::string_view name) {
  uint32_t &count = used[std::string(name)];
  ++count;
  if (count == 1)
    return std::string(name);
  return unique(used, std::string(name) + "__" + std::to_string(count));
}

FunctionId Instances::function(std::vector<FunctionRef> overloads, HandlerIndex handler) {
  for (size_t i = 1; i < overloads.size(); ++i) // there are two or three
    for (size_t j = i; j > 0 && priority(overloads[j]) < priority(overloads[j - 1]); --j)
      std::swap(overloads[j], overloads[j - 1]);
  FunctionId first, previous;
  for (const FunctionRef &ref : overloads) {
    FunctionId id = make_function(ref, uses_targets(ref) ? handler : no_handler);
    if (previous.valid() && previous != id)
      program_.functions[previous.index()].next_overload = id;
    if (!first.valid())
      first = id;
    previous = id;
  }
  return first;
}

FunctionId Instances::make_function(const FunctionRef &ref, HandlerIndex handler) {
  auto [place, added] = functions_.emplace(Key{ref.decl, handler}, FunctionId());
  if (!added)
    return place->second;
  FunctionId id(program_.functions.size());
  place->second = id;
  FunctionInfo info;
  info.name = ref.decl->name;
  info.unique_name = unique(function_names_, info.name.view());
  info.loc = ref.loc;
  info.from_script = ref.from_script;
  info.is_private = ref.decl->is_private;
  info.result = ref.decl->result;
  info.param_count = ref.decl->params.size();
  for (const Param &param : ref.decl->params)
    info.locals.push_back({param.name, param.type, param.loc});
  if (ref.decl->body) {
    info.body = Cloner(program_.arena, sources_).stmt(*ref.decl->body);
  } else {
    info.code = ref.decl->code.code;
    info.code_loc = ref.decl->code.loc;
  }
  program_.functions.push_back(std::move(info));
  pending_.push_back({id, ref, handler});
  return id;
}

GlobalId Instances::global(const GlobalRef &ref) {
  auto [place, added] = globals_.emplace(ref.decl, GlobalId());
  if (!added)
    return place->second;
  GlobalId id(program_.globals.size());
  place->second = id;
  GlobalVar var;
  var.name = ref.decl->name;
  var.unique_name = unique(global_names_, var.name.view());
  var.wrap = ref.decl->wrap;
  var.max_entries = ref.decl->sized ? ref.decl->size : 0;
  var.loc = ref.loc;
  var.from_script = ref.from_script;
  if (ref.decl->init) {
    var.has_init = true;
    if (const Number *number = ref.decl->init->as<Number>()) {
      var.init_number = number->value;
      var.value = Type::number;
    } else if (const String *string = ref.decl->init->as<String>()) {
      var.init_string = string->text;
      var.value = Type::string;
    }
  }
  program_.globals.push_back(std::move(var));
  return id;
}

std::vector<Instances::Pending> Instances::take_pending() {
  std::vector<Pending> pending;
  pending.swap(pending_);
  return pending;
}

bool Instances::uses_targets(const FunctionRef &ref) {
  auto [place, added] = uses_targets_.emplace(ref.decl, false); // false ends recursion
  if (!added || !ref.decl->body)
    return place->second;
  bool uses = uses_targets(*ref.decl->body, *ref.file);
  uses_targets_[ref.decl] = uses;
  return uses;
}

// Walks do not change the tree; they take it as mutable only because one set of walkers serves readers and writers.
bool Instances::uses_targets(const Stmt &body, const File &file) {
  bool found = false;
  walk(const_cast<Stmt &>(body), Overload{
                                     [&](Expr &expr) { return expr_uses_targets(expr, file, found); },
                                     [&](Stmt &) { return !found; },
                                 });
  return found;
}

bool Instances::uses_targets(const Expr &expr, const File &file) {
  bool found = false;
  walk(const_cast<Expr &>(expr), [&](Expr &inner) { return expr_uses_targets(inner, file, found); });
  return found;
}

bool Instances::expr_uses_targets(Expr &expr, const File &file, bool &found) {
  if (found)
    return false;
  if (const Target *target = expr.as<Target>())
    found = target->root == Target::Root::dollar;
  else if (expr.as<Entry>())
    found = true;
  else if (const Call *call = expr.as<Call>())
    for (const FunctionRef &ref : declarations_.functions(file, call->name, call->args.size()))
      if (ref.decl->params.size() == call->args.size() && uses_targets(ref))
        found = true;
  return !found;
}

} // namespace tapjit
