// SPDX-License-Identifier: GPL-2.0-or-later
// The canonical text of a tree. What it prints parses to the same tree: parentheses stand where precedence needs them
// and nowhere else.
#include "frontend/base/deep_stack.h"
#include "frontend/parse.h"
#include "frontend/visit.h"

#include <string>

namespace tapjit {

using namespace ast;

namespace {

// Precedence of what is no binary operator; higher binds tighter.
enum Level : int {
  assign_precedence = 1,
  ternary_precedence = 2,
  in_precedence = 8,
  regex_precedence = 9,
  concat_precedence = 11,
  unary_precedence = 14,
  increment_precedence = 15,
  access_precedence = 16,
  primary_precedence = 17,
};

class Printer {
public:
  std::string take() { return std::move(out_); }

  void file(const File &file) {
    bool first = true;
    bool last_was_global = false;
    for (const Decl *decl : file.decls) {
      bool is_global = decl->kind() == DeclKind::GlobalDecl;
      if (!first && !(is_global && last_was_global))
        out_ += '\n';
      first = false;
      last_was_global = is_global;
      visit(*decl, [this](const auto &node) { declaration(node); });
    }
  }

  // ---------------------------------------------------------------- declarations

  void declaration(const ProbeDecl &node) {
    out_ += "probe ";
    points(node.points);
    out_ += ' ';
    block(*node.body);
    out_ += '\n';
  }

  void declaration(const AliasDecl &node) {
    out_ += "probe ";
    for (size_t i = 0; i < node.names.size(); ++i) {
      point(node.names[i]);
      out_ += node.is_epilogue_form && i + 1 == node.names.size() ? " += " : " = ";
    }
    points(node.points);
    out_ += ' ';
    block(node.prologue ? *node.prologue : *node.epilogue);
    if (node.prologue && node.epilogue) {
      out_ += ", ";
      block(*node.epilogue);
    }
    out_ += '\n';
  }

  void declaration(const FunctionDecl &node) {
    if (node.is_private)
      out_ += "private ";
    out_ += "function ";
    out_ += node.name.view();
    annotation(node.result);
    out_ += '(';
    for (size_t i = 0; i < node.params.size(); ++i) {
      if (i)
        out_ += ", ";
      out_ += node.params[i].name.view();
      annotation(node.params[i].type);
    }
    out_ += ')';
    if (node.priority >= 0)
      out_ += ":" + std::to_string(node.priority);
    out_ += ' ';
    if (node.body)
      block(*node.body);
    else
      embedded(node.code.code);
    out_ += '\n';
  }

  void declaration(const GlobalDecl &node) {
    out_ += node.is_private ? "private global " : "global ";
    out_ += node.name.view();
    if (node.wrap)
      out_ += '%';
    if (node.sized)
      out_ += "[" + std::to_string(node.size) + "]";
    if (node.init) {
      out_ += " = ";
      if (const Number *number = node.init->as<Number>())
        out_ += std::to_string(number->value);
      else
        expr(*node.init, 0);
    }
    out_ += '\n';
  }

  void declaration(const EmbeddedDecl &node) {
    embedded(node.code);
    out_ += '\n';
  }

  void annotation(Type type) {
    if (type == Type::unknown)
      return;
    out_ += ':';
    out_ += type_name(type);
  }

  void embedded(std::string_view code) {
    out_ += "%{";
    out_ += code;
    out_ += "%}";
  }

  void points(List<ProbePoint> list) {
    for (size_t i = 0; i < list.size(); ++i) {
      if (i)
        out_ += ", ";
      point(list[i]);
    }
  }

  void point(const ProbePoint &point) {
    for (size_t i = 0; i < point.components.size(); ++i) {
      const PointComponent &component = point.components[i];
      if (i)
        out_ += '.';
      out_ += component.name;
      if (component.arg == PointComponent::Arg::number)
        out_ += "(" + std::to_string(component.number) + ")";
      if (component.arg == PointComponent::Arg::string) {
        out_ += '(';
        literal(component.text);
        out_ += ')';
      }
    }
    if (point.optional)
      out_ += '?';
    if (point.sufficient)
      out_ += '!';
    if (point.condition) {
      out_ += " if (";
      expr(*point.condition, 0);
      out_ += ')';
    }
  }

  // ---------------------------------------------------------------- statements

  void line() {
    out_ += '\n';
    out_.append(size_t{depth} * 2, ' ');
  }

  void block(const Stmt &stmt) {
    const Block *node = stmt.as<Block>();
    if (node->body.empty()) {
      out_ += "{ }";
      return;
    }
    out_ += '{';
    ++depth;
    for (const Stmt *inner : node->body) {
      line();
      statement(*inner);
    }
    --depth;
    line();
    out_ += '}';
  }

  // A statement below if, for, ...: a block on the same line, else on a line of its own.
  void body(const Stmt &stmt) {
    if (stmt.kind() == StmtKind::Block) {
      out_ += ' ';
      block(stmt);
      return;
    }
    ++depth;
    line();
    statement(stmt);
    --depth;
  }

  // Whether an `else` printed right behind the statement would be taken by an `if` within it.
  static bool swallows_else(const Stmt &stmt) {
    if (const If *node = stmt.as<If>())
      return !node->otherwise || swallows_else(*node->otherwise);
    if (const While *node = stmt.as<While>())
      return swallows_else(*node->body);
    if (const For *node = stmt.as<For>())
      return swallows_else(*node->body);
    if (const Foreach *node = stmt.as<Foreach>())
      return swallows_else(*node->body);
    return false;
  }

  void optional(const Expr *node) {
    if (node)
      expr(*node, 0);
  }

  void statement(const Stmt &stmt) {
    visit(stmt, [&](const auto &node) { statement_node(stmt, node); });
  }

  void statement_node(const Stmt &stmt, const Block &) { block(stmt); }
  void statement_node(const Stmt &, const Null &) { out_ += ';'; }
  void statement_node(const Stmt &, const ExprStmt &node) {
    expr(*node.expr, 0);
    out_ += ';';
  }
  void statement_node(const Stmt &, const If &node) {
    out_ += "if (";
    expr(*node.condition, 0);
    out_ += ')';
    // An `if` without else before our else cannot come out of the parser, but out of a pass.
    if (node.otherwise && node.then->kind() != StmtKind::Block && swallows_else(*node.then)) {
      out_ += " {";
      body(*node.then);
      line();
      out_ += '}';
    } else {
      body(*node.then);
    }
    if (!node.otherwise)
      return;
    if (node.then->kind() == StmtKind::Block)
      out_ += " else";
    else {
      line();
      out_ += "else";
    }
    if (node.otherwise->kind() == StmtKind::If) {
      out_ += ' ';
      statement(*node.otherwise);
    } else {
      body(*node.otherwise);
    }
  }
  void statement_node(const Stmt &, const While &node) {
    out_ += "while (";
    expr(*node.condition, 0);
    out_ += ')';
    body(*node.body);
  }
  void statement_node(const Stmt &, const For &node) {
    out_ += "for (";
    optional(node.init);
    out_ += "; ";
    optional(node.condition);
    out_ += "; ";
    optional(node.step);
    out_ += ')';
    body(*node.body);
  }

  void sort_sign(bool here, const Foreach &node) {
    if (here)
      out_ += node.descending ? '-' : '+';
  }

  void statement_node(const Stmt &, const Foreach &node) {
    out_ += "foreach (";
    if (node.value) {
      expr(*node.value, 0);
      out_ += " = ";
    }
    bool tuple = node.keys.size() > 1;
    if (tuple)
      out_ += '[';
    for (size_t i = 0; i < node.keys.size(); ++i) {
      if (i)
        out_ += ", ";
      expr(*node.keys[i], 0);
      sort_sign(node.sort_by == Foreach::SortBy::key && node.sort_key == i, node);
    }
    if (tuple)
      out_ += ']';
    out_ += " in ";
    expr(*node.array, 0);
    if (!node.slice.empty())
      keys(node.slice);
    if (node.sort_by == Foreach::SortBy::stat) {
      out_ += " @";
      out_ += spelling(node.sort_stat);
      out_ += ' ';
    }
    sort_sign(node.sort_by == Foreach::SortBy::value || node.sort_by == Foreach::SortBy::stat, node);
    if (node.limit) {
      out_ += " limit ";
      expr(*node.limit, 0);
    }
    out_ += ')';
    body(*node.body);
  }
  void statement_node(const Stmt &, const Break &) { out_ += "break;"; }
  void statement_node(const Stmt &, const Continue &) { out_ += "continue;"; }
  void statement_node(const Stmt &, const Next &) { out_ += "next;"; }
  void statement_node(const Stmt &, const Return &node) {
    out_ += "return";
    if (node.value) {
      out_ += ' ';
      expr(*node.value, 0);
    }
    out_ += ';';
  }
  void statement_node(const Stmt &, const Delete &node) {
    out_ += "delete ";
    expr(*node.target, 0);
    out_ += ';';
  }
  void statement_node(const Stmt &, const Try &node) {
    out_ += "try ";
    block(*node.body);
    out_ += " catch ";
    if (node.message) {
      out_ += '(';
      expr(*node.message, 0);
      out_ += ") ";
    }
    block(*node.handler);
  }

  // ---------------------------------------------------------------- expressions

  static int level(const Expr &expr) {
    return visit(expr, Overload{
                           [](const Assign &) -> int { return assign_precedence; },
                           [](const Conditional &) -> int { return ternary_precedence; },
                           [](const Binary &node) -> int { return precedence(node.op); },
                           [](const ArrayIn &node) -> int {
                             return node.keys.size() == 1 && node.keys[0] ? in_precedence : primary_precedence;
                           },
                           [](const Regex &) -> int { return regex_precedence; },
                           [](const Concat &) -> int { return concat_precedence; },
                           [](const Unary &) -> int { return unary_precedence; },
                           [](const IncDec &) -> int { return increment_precedence; },
                           [](const Target &) -> int { return access_precedence; },
                           [](const auto &) -> int { return primary_precedence; },
                       });
  }

  void expr(const Expr &node, int min_level) {
    bool parenthesised = level(node) < min_level;
    if (parenthesised)
      out_ += '(';
    visit(node, [this](const auto &alternative) { print(alternative); });
    if (parenthesised)
      out_ += ')';
  }

  void infix(const Expr &left, std::string_view op, const Expr &right, int own) {
    expr(left, own);
    out_ += ' ';
    out_ += op;
    out_ += ' ';
    expr(right, own + 1);
  }

  void keys(List<Expr *> list) {
    out_ += '[';
    for (size_t i = 0; i < list.size(); ++i) {
      if (i)
        out_ += ", ";
      if (list[i])
        expr(*list[i], 0);
      else
        out_ += '*';
    }
    out_ += ']';
  }

  void arguments(List<Expr *> list, bool first = true) {
    for (const Expr *argument : list) {
      if (!first)
        out_ += ", ";
      first = false;
      expr(*argument, 0);
    }
  }

  void literal(std::string_view text) {
    out_ += '"';
    for (char c : text) {
      unsigned char byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        out_ += '\\';
        out_ += c;
      } else if (c == '\n') {
        out_ += "\\n";
      } else if (c == '\t') {
        out_ += "\\t";
      } else if (byte < 32 || byte == 127) {
        out_ += '\\';
        out_ += static_cast<char>('0' + (byte >> 6));
        out_ += static_cast<char>('0' + (byte >> 3 & 7));
        out_ += static_cast<char>('0' + (byte & 7));
      } else {
        out_ += c;
      }
    }
    out_ += '"';
  }

  void named_string(std::string_view word, std::string_view text) {
    out_ += word;
    out_ += '(';
    literal(text);
    out_ += ')';
  }

  // 18446744073709551615 rather than -1, which would be a unary minus.
  void print(const Number &node) { out_ += std::to_string(static_cast<uint64_t>(node.value)); }
  void print(const String &node) { literal(node.text); }
  void print(const Variable &node) { out_ += node.name.view(); }
  void print(const Index &node) {
    expr(*node.base, access_precedence);
    keys(node.keys);
  }
  void print(const Unary &node) {
    out_ += spelling(node.op);
    // `- -x` and `-++x` would run together.
    const Unary *inner = node.operand->as<Unary>();
    const IncDec *step = node.operand->as<IncDec>();
    bool sign = node.op == UnaryOp::minus || node.op == UnaryOp::plus;
    bool runs_together =
        sign && ((inner && (inner->op == UnaryOp::minus || inner->op == UnaryOp::plus)) || (step && step->prefix));
    expr(*node.operand, runs_together ? primary_precedence : unary_precedence);
  }
  void print(const Binary &node) { infix(*node.left, spelling(node.op), *node.right, precedence(node.op)); }
  void print(const Concat &node) {
    for (size_t i = 0; i < node.parts.size(); ++i) {
      if (i)
        out_ += " . ";
      expr(*node.parts[i], concat_precedence + 1);
    }
  }
  void print(const Assign &node) {
    expr(*node.target, increment_precedence);
    out_ += ' ';
    out_ += spelling(node.op);
    out_ += ' ';
    expr(*node.value, assign_precedence);
  }
  void print(const IncDec &node) {
    std::string_view op = node.increment ? "++" : "--";
    if (node.prefix)
      out_ += op;
    expr(*node.target, access_precedence);
    if (!node.prefix)
      out_ += op;
  }
  void print(const Conditional &node) {
    expr(*node.condition, ternary_precedence + 1);
    out_ += " ? ";
    expr(*node.if_true, 0);
    out_ += " : ";
    expr(*node.if_false, ternary_precedence);
  }
  void print(const ArrayIn &node) {
    if (node.keys.size() == 1 && node.keys[0])
      expr(*node.keys[0], in_precedence);
    else
      keys(node.keys);
    out_ += " in ";
    expr(*node.array, primary_precedence);
  }
  void print(const Regex &node) {
    expr(*node.subject, regex_precedence);
    out_ += node.negated ? " !~ " : " =~ ";
    literal(node.pattern);
  }
  void print(const Call &node) {
    out_ += node.name.view();
    out_ += '(';
    arguments(node.args);
    out_ += ')';
  }
  void print(const Print &node) {
    if (node.is_char) {
      out_ += "print_char";
    } else {
      out_ += node.to_string ? "sprint" : "print";
      out_ += node.formatted ? "f" : node.delimited ? "d" : "";
      out_ += node.newline ? "ln" : "";
    }
    out_ += '(';
    if (node.formatted)
      literal(node.format);
    if (node.delimited)
      literal(node.delimiter);
    arguments(node.args, !node.formatted && !node.delimited);
    out_ += ')';
  }
  void print(const Stat &node) {
    out_ += '@';
    out_ += spelling(node.op);
    out_ += '(';
    expr(*node.stat, 0);
    if (node.shift)
      out_ += ", " + std::to_string(node.shift);
    out_ += ')';
  }
  void print(const Histogram &node) {
    out_ += node.logarithmic ? "@hist_log(" : "@hist_linear(";
    expr(*node.stat, 0);
    if (!node.logarithmic)
      out_ += ", " + std::to_string(node.low) + ", " + std::to_string(node.high) + ", " + std::to_string(node.step);
    out_ += ')';
  }
  void print(const EmbeddedExpr &node) { embedded(node.code); }
  void print(const Target &node) {
    if (node.address_of)
      out_ += '&';
    switch (node.root) {
    case Target::Root::dollar:
      out_ += node.name.view();
      break;
    case Target::Root::variable:
      out_ += "@var(";
      literal(node.name.view());
      module(node.module);
      out_ += ')';
      break;
    case Target::Root::cast:
      out_ += "@cast(";
      expr(*node.operand, 0);
      out_ += ", ";
      literal(node.type);
      module(node.module);
      out_ += ')';
      break;
    case Target::Root::value: {
      // `(a)[1]`: without parentheses it would be an array's element.
      bool looks_indexed =
          node.operand->as<Variable>() && !node.steps.empty() && node.steps.front().kind != TargetStep::Kind::member;
      expr(*node.operand, looks_indexed ? primary_precedence + 1 : primary_precedence);
      break;
    }
    }
    for (const TargetStep &step : node.steps) {
      if (step.kind == TargetStep::Kind::member) {
        out_ += "->";
        out_ += step.member.view();
        continue;
      }
      out_ += '[';
      if (step.kind == TargetStep::Kind::literal_index)
        out_ += std::to_string(static_cast<uint64_t>(step.literal));
      else
        expr(*step.index, 0);
      out_ += ']';
    }
    if (node.pretty != Target::Pretty::none) {
      // Behind a word it would be read as a part of that.
      if (node.root == Target::Root::value && node.steps.empty())
        out_ += ' ';
      out_ += node.pretty == Target::Pretty::shallow ? "$" : "$$";
    }
  }
  void module(std::string_view name) {
    if (name.empty())
      return;
    out_ += ", ";
    literal(name);
  }
  void print(const Defined &node) { word("@defined(", *node.operand); }
  void print(const Entry &node) { word("@entry(", *node.operand); }
  void word(std::string_view open, const Expr &operand) {
    out_ += open;
    expr(operand, 0);
    out_ += ')';
  }
  void print(const ProbeWrite &node) {
    out_ += "@probewrite(";
    out_ += node.name.view();
    out_ += ')';
  }
  void print(const Perf &node) { named_string("@perf", node.counter); }
  void print(const Const &node) { named_string("@const", node.code); }
  void print(const EnumValue &node) { named_string("@enum", node.name); }
  void print(const EnumName &node) {
    out_ += "@enumname(";
    expr(*node.operand, 0);
    module(node.type);
    module(node.module);
    out_ += ')';
  }
  void print(const Deref &node) {
    out_ += node.user ? "@uderef(" : "@kderef(";
    out_ += std::to_string(node.size) + ", ";
    expr(*node.address, 0);
    out_ += ')';
  }
  void print(const Register &node) {
    out_ += node.user ? "@uregister(" : "@kregister(";
    out_ += std::to_string(node.number) + ")";
  }

  unsigned depth = 0;

private:
  std::string out_;
};

} // namespace

std::string print_file(const File &file) {
  Printer printer;
  run_on_deep_stack(file.is_deep, [&] { printer.file(file); });
  return printer.take();
}

std::string print_expr(const Expr &expr) {
  Printer printer;
  printer.expr(expr, 0);
  return printer.take();
}

std::string print_stmt(const Stmt &stmt, unsigned indent) {
  Printer printer;
  printer.depth = indent;
  printer.statement(stmt);
  return printer.take();
}

std::string print_point(const ProbePoint &point) {
  Printer printer;
  printer.point(point);
  return printer.take();
}

} // namespace tapjit
