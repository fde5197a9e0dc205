// SPDX-License-Identifier: GPL-2.0-or-later
// The whole tree of a file as text, for comparing two: every field of every node but locations. The fields are found by
// the compiler, so that a new one is compared too.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/deep_stack.h"
#include "frontend/visit.h"

#include <string>
#include <type_traits>

namespace tapjit::testing {

class TreeText {
public:
  static std::string of(const ast::File &file) {
    TreeText tree;
    run_on_deep_stack(file.is_deep, [&] {
      for (const ast::Decl *decl : file.decls)
        tree.add(decl);
    });
    return std::move(tree.out_);
  }

private:
  struct Anything {
    template <typename T> operator T() const; // for counting only
  };
  template <typename T, typename... Args> static constexpr size_t count_fields() {
    if constexpr (requires { T{Args{}..., Anything{}}; })
      return count_fields<T, Args..., Anything>();
    else
      return sizeof...(Args);
  }

  void add(Loc) {}
  void add(const Range &) {}
  void add(Name name) { add(name.view()); }
  void add(std::string_view text) { out_ += '"' + std::string(text) + "\" "; }
  template <typename Tag> void add(Id<Tag> id) { add(id.valid() ? static_cast<int64_t>(id.index()) : -1); }
  void add(int64_t number) { out_ += std::to_string(number) + ' '; }
  template <typename T>
    requires std::is_enum_v<T> || std::is_integral_v<T>
  void add(T value) {
    add(static_cast<int64_t>(value));
  }
  template <typename T> void add(std::span<T> list) {
    out_ += '[';
    for (const auto &item : list)
      add(item);
    out_ += "]\n";
  }
  void add(const ast::Expr *expr) { add_node(expr); }
  void add(ast::Expr *expr) { add_node(expr); }
  void add(ast::Stmt *stmt) { add_node(stmt); }
  void add(const ast::Decl *decl) { add_node(decl); }
  template <typename T> void add_node(const T *node) {
    if (!node) {
      out_ += "null ";
      return;
    }
    out_ += '(' + std::to_string(static_cast<int>(node->kind())) + ' ';
    ast::visit(*node, [&](const auto &fields) { add(fields); });
    out_ += ")\n";
  }
  template <typename T>
    requires std::is_aggregate_v<T>
  void add(const T &node) {
    auto all = [&](const auto &...fields) { (add(fields), ...); };
    constexpr size_t fields = count_fields<T>();
    static_assert(fields <= 11, "add a row below");
    if constexpr (fields == 1) {
      const auto &[a] = node;
      all(a);
    } else if constexpr (fields == 2) {
      const auto &[a, b] = node;
      all(a, b);
    } else if constexpr (fields == 3) {
      const auto &[a, b, c] = node;
      all(a, b, c);
    } else if constexpr (fields == 4) {
      const auto &[a, b, c, d] = node;
      all(a, b, c, d);
    } else if constexpr (fields == 5) {
      const auto &[a, b, c, d, e] = node;
      all(a, b, c, d, e);
    } else if constexpr (fields == 6) {
      const auto &[a, b, c, d, e, f] = node;
      all(a, b, c, d, e, f);
    } else if constexpr (fields == 7) {
      const auto &[a, b, c, d, e, f, g] = node;
      all(a, b, c, d, e, f, g);
    } else if constexpr (fields == 8) {
      const auto &[a, b, c, d, e, f, g, h] = node;
      all(a, b, c, d, e, f, g, h);
    } else if constexpr (fields == 9) {
      const auto &[a, b, c, d, e, f, g, h, i] = node;
      all(a, b, c, d, e, f, g, h, i);
    } else if constexpr (fields == 10) {
      const auto &[a, b, c, d, e, f, g, h, i, j] = node;
      all(a, b, c, d, e, f, g, h, i, j);
    } else if constexpr (fields == 11) {
      const auto &[a, b, c, d, e, f, g, h, i, j, k] = node;
      all(a, b, c, d, e, f, g, h, i, j, k);
    }
  }

  std::string out_;
};

} // namespace tapjit::testing
