// SPDX-License-Identifier: GPL-2.0-or-later
// What a foreach must know beyond its own text. One that sorts changes the order of its array's list, so it must know
// of a foreach over the same array that goes on around it: one that stands around it, which lowering sees, or around a
// call that leads to it, which is found here. And one whose body may `delete` the whole array, itself or by a call,
// looks before each turn whether anything is left; nothing is put in meanwhile (check_foreach.cpp), so an array that is
// empty has been deleted.
#include "frontend/lower_module.h"

#include "frontend/visit.h"

namespace tapjit::lowering {

namespace {

class CallWalker {
public:
  CallWalker(const Program &program, std::vector<std::set<uint32_t>> &around) : program_(program), around_(around) {}

  // Walks a body that may run while `active` are iterated. True: a function has been found to run inside more.
  bool walk(const ast::Stmt &body, const std::set<uint32_t> &active) {
    changed_ = false;
    statement(const_cast<ast::Stmt &>(body), active);
    return changed_;
  }

private:
  void statement(ast::Stmt &stmt, const std::set<uint32_t> &active) {
    const auto *loop = stmt.as<ast::Foreach>();
    const auto *array = loop ? loop->array->as<ast::Variable>() : nullptr;
    std::set<uint32_t> inside = active;
    if (array && array->binding.is_global())
      inside.insert(array->binding.index);
    ast::for_each_child(
        stmt, [&](ast::Expr *&child) { expression(*child, inside); },
        [&](ast::Stmt *&child) { statement(*child, inside); });
  }

  void expression(ast::Expr &root, const std::set<uint32_t> &active) {
    if (active.empty())
      return;
    ast::walk(root, [&](ast::Expr &expr) {
      const auto *call = expr.as<ast::Call>();
      for (FunctionId id = call ? call->function : FunctionId(); id.valid(); id = program_.function(id).next_overload) {
        std::set<uint32_t> &known = around_[id.index()];
        size_t before = known.size();
        known.insert(active.begin(), active.end());
        changed_ |= known.size() != before;
      }
      return true;
    });
  }

  const Program &program_;
  std::vector<std::set<uint32_t>> &around_;
  bool changed_ = false;
};

} // namespace

std::vector<std::set<uint32_t>> find_iterated_around(const Program &program) {
  std::vector<std::set<uint32_t>> around(program.functions.size());
  CallWalker walker(program, around);
  for (const Handler &handler : program.handlers)
    for (const ast::Stmt *block : handler.blocks)
      walker.walk(*block, {});
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < program.functions.size(); ++i)
      if (program.functions[i].body)
        changed |= walker.walk(*program.functions[i].body, std::set<uint32_t>(around[i]));
  }
  return around;
}

static void note_deleted(const ast::Stmt &body, const std::vector<std::set<uint32_t>> &known,
                         std::set<uint32_t> &deleted) {
  ast::walk(const_cast<ast::Stmt &>(body),
            Overload{[&](ast::Expr &expr) {
                       const auto *call = expr.as<ast::Call>();
                       if (call && call->function.valid())
                         deleted.insert(known[call->function.index()].begin(), known[call->function.index()].end());
                       return true;
                     },
                     [&](ast::Stmt &stmt) {
                       const auto *node = stmt.as<ast::Delete>();
                       const auto *whole = node ? node->target->as<ast::Variable>() : nullptr;
                       if (whole && whole->binding.is_global())
                         deleted.insert(whole->binding.index);
                       return true;
                     }});
}

bool may_delete(const ModuleState &state, const ast::Stmt &body, ir::GlobalId array) {
  std::set<uint32_t> deleted;
  note_deleted(body, state.deleted_in, deleted);
  return deleted.contains(array.index);
}

std::vector<std::set<uint32_t>> find_deleted(const Program &program) {
  std::vector<std::set<uint32_t>> deleted(program.functions.size());
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < program.functions.size(); ++i) {
      size_t before = deleted[i].size();
      if (program.functions[i].body)
        note_deleted(*program.functions[i].body, deleted, deleted[i]);
      if (FunctionId next = program.functions[i].next_overload; next.valid())
        deleted[i].insert(deleted[next.index()].begin(), deleted[next.index()].end());
      changed |= deleted[i].size() != before;
    }
  }
  return deleted;
}

} // namespace tapjit::lowering
