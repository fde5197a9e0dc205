// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/uses.h"

#include "frontend/visit.h"

namespace tapjit {

using namespace ast;

namespace {

bool is_pure(std::string_view code) {
  return code.find("/* pure */") != std::string_view::npos || code.find("/* stable */") != std::string_view::npos;
}

} // namespace

Uses::Uses(Program &program)
    : program_(program), reached_(program.functions.size()), global_read_(program.globals.size()),
      global_written_(program.globals.size()), effect_(program.functions.size()) {
  for (Handler &handler : program_.handlers)
    for (std::span<Stmt *> blocks = handler.blocks; Stmt * block : blocks)
      walk(*block, Overload{[&](Expr &expr) {
                              if (const Call *call = expr.as<Call>(); call && call->function.valid())
                                reach(call->function);
                              return true;
                            },
                            [](Stmt &) { return true; }});
  for (Handler &handler : program_.handlers)
    for (Expr *entry : handler.entries)
      walk(*entry, [&](Expr &expr) {
        if (const Call *call = expr.as<Call>(); call && call->function.valid())
          reach(call->function);
        return true;
      });
  for (size_t i = 0; i < program_.functions.size(); ++i) {
    FunctionInfo &function = program_.functions[i];
    if (!reached_[i])
      continue;
    for (GlobalId id : function.reads)
      global_read_[id.index()] = true;
    for (GlobalId id : function.writes)
      global_written_[id.index()] = true;
    if (function.body) {
      bodies_.push_back(
          {&function.locals, function.param_count, {&function.body, 1}, {}, {}, &function.asked_for, {}, {}});
      body_function_.push_back(FunctionId(i));
    }
  }
  for (Handler &handler : program_.handlers)
    bodies_.push_back(
        {&handler.locals, 0, handler.blocks, handler.conditions, handler.entries, &handler.asked_for, {}, {}});
  for (Body &body : bodies_)
    look(body);
  find_effects();
}

void Uses::reach(FunctionId id) {
  std::vector<FunctionId> work{id};
  while (!work.empty()) {
    FunctionId next = work.back();
    work.pop_back();
    if (!next.valid() || reached_[next.index()])
      continue;
    reached_[next.index()] = true;
    FunctionInfo &function = program_.functions[next.index()];
    work.push_back(function.next_overload);
    if (function.body)
      walk(*function.body, Overload{[&](Expr &expr) {
                                      if (const Call *call = expr.as<Call>())
                                        work.push_back(call->function);
                                      return true;
                                    },
                                    [](Stmt &) { return true; }});
  }
}

// ------------------------------------------------------------------ reads and writes

void Uses::look(Body &body) {
  body.read.assign(body.locals->size(), false);
  body.written.assign(body.locals->size(), false);
  for (Expr *condition : body.conditions)
    look(body, *condition);
  for (Expr *entry : body.entries)
    look(body, *entry);
  for (Stmt *block : body.blocks)
    look(body, *block);
}

void Uses::mark(Body &body, const Variable &variable, bool read, bool written) {
  std::vector<bool> &reads = variable.binding.is_local() ? body.read : global_read_;
  std::vector<bool> &writes = variable.binding.is_local() ? body.written : global_written_;
  if (variable.binding.index < reads.size() && variable.binding.kind != Binding::Kind::unbound) {
    reads[variable.binding.index] = reads[variable.binding.index] || read;
    writes[variable.binding.index] = writes[variable.binding.index] || written;
  }
}

// What is assigned to. Keys are read; the variable only where its old value matters.
void Uses::target(Body &body, Expr &expr, bool also_read) {
  if (const Variable *variable = expr.as<Variable>())
    return mark(body, *variable, also_read, true);
  Index *index = expr.as<Index>();
  const Variable *array = index ? index->base->as<Variable>() : nullptr;
  if (!array)
    return look(body, expr);
  mark(body, *array, also_read, true);
  for (Expr *key : index->keys)
    if (key)
      look(body, *key);
}

void Uses::look(Body &body, Expr &expr) {
  if (Assign *node = expr.as<Assign>()) {
    target(body, *node->target, node->op != AssignOp::set && node->op != AssignOp::stat_add);
    return look(body, *node->value);
  }
  if (IncDec *node = expr.as<IncDec>())
    return target(body, *node->target, true);
  if (const Variable *variable = expr.as<Variable>())
    return mark(body, *variable, true, false);
  if (const EmbeddedExpr *code = expr.as<EmbeddedExpr>())
    pragmas(code->code);
  for_each_child(expr, [&](Expr *&child) { look(body, *child); });
}

// The globals that an embedded expression names.
void Uses::pragmas(std::string_view code) {
  for (std::string_view marker : {"pragma:read:", "pragma:write:"})
    for (size_t at = code.find(marker); at != std::string_view::npos; at = code.find(marker, at)) {
      at += marker.size();
      for (size_t i = 0; i < program_.globals.size(); ++i)
        if (code.substr(at).starts_with(program_.globals[i].name.view()))
          (marker == "pragma:read:" ? global_read_ : global_written_)[i] = true;
    }
}

void Uses::look(Body &body, Stmt &stmt) {
  if (Delete *node = stmt.as<Delete>())
    return target(body, *node->target, false);
  if (Foreach *node = stmt.as<Foreach>()) {
    for (Expr *key : node->keys)
      target(body, *key, false);
    if (node->value)
      target(body, *node->value, false);
    look(body, *node->array);
    for (Expr *key : node->slice)
      if (key)
        look(body, *key);
    if (node->limit)
      look(body, *node->limit);
    return look(body, *node->body);
  }
  if (Try *node = stmt.as<Try>(); node && node->message)
    target(body, *node->message, false);
  for_each_child(stmt, [&](Expr *&child) { look(body, *child); }, [&](Stmt *&child) { look(body, *child); });
}

// ------------------------------------------------------------------ effects

// To a fixed point from "none has any", so that recursion alone is no effect.
void Uses::find_effects() {
  for (size_t i = 0; i < program_.functions.size(); ++i)
    if (!program_.functions[i].body)
      effect_[i] = !is_pure(program_.functions[i].code);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < body_function_.size(); ++i) {
      size_t index = body_function_[i].index();
      const FunctionInfo &function = program_.functions[index];
      if (effect_[index] || (!body_has_effect(*function.body) &&
                             !(function.next_overload.valid() && effect_[function.next_overload.index()])))
        continue;
      effect_[index] = true;
      changed = true;
    }
  }
}

// What a function does besides writing its own locals.
bool Uses::body_has_effect(Stmt &root) const {
  bool found = false;
  auto writes_outside = [](const Expr &target) {
    const Variable *variable = target.as<Variable>();
    return !variable || !variable->binding.is_local();
  };
  walk(root, Overload{
                 [&](Expr &expr) {
                   if (const Assign *node = expr.as<Assign>())
                     found = found || writes_outside(*node->target);
                   else if (const IncDec *node = expr.as<IncDec>())
                     found = found || writes_outside(*node->target);
                   else if (expr.as<Print>() || expr.as<Call>() || expr.as<EmbeddedExpr>() || expr.as<Regex>())
                     found = found || has_effect(expr);
                   return !found;
                 },
                 [&](Stmt &stmt) {
                   found =
                       found || stmt.as<Next>() || (stmt.as<Delete>() && writes_outside(*stmt.as<Delete>()->target));
                   return !found;
                 },
             });
  return found;
}

bool Uses::has_effect(const Expr &root) const {
  bool found = false;
  walk(const_cast<Expr &>(root), [&](Expr &expr) { // walks do not change the tree
    if (expr.as<Assign>() || expr.as<IncDec>())
      found = true;
    else if (const Print *print = expr.as<Print>())
      found = found || !print->to_string;
    else if (const EmbeddedExpr *code = expr.as<EmbeddedExpr>())
      found = found || !is_pure(code->code);
    else if (expr.as<Regex>())
      found = true; // matched() may ask for it
    else if (const Call *call = expr.as<Call>())
      found = found || !call->function.valid() || effect_[call->function.index()];
    return !found;
  });
  return found;
}

} // namespace tapjit
