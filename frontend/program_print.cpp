// SPDX-License-Identifier: GPL-2.0-or-later
// The text of `stap -p2`, in the layout of SystemTap's, which people and scripts read: sections for embedded code,
// globals, functions by name, and probes in order; each with its locals below it.
#include "frontend/elaborate.h"
#include "frontend/parse.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit {

using namespace ast;

namespace {

std::string result_name(Type type) { return std::string(type == Type::none ? "unknown" : type_name(type)); }

class ProgramPrinter {
public:
  ProgramPrinter(const Program &program, bool verbose) : program_(program), verbose_(verbose) {}

  std::string print() {
    section("# global embedded code\n", program_.embedded.size());
    for (const TopLevelCode &embedded : program_.embedded)
      out_ += "%{" + std::string(embedded.code) + "%}\n";
    globals();
    functions();
    section("# probes\n", program_.handlers.size());
    probes();
    for (const GlobalVar &var : program_.globals)
      if (var.display_at_end)
        print_display(var);
    return std::move(out_);
  }

private:
  void section(std::string_view title, size_t members) {
    if (members)
      out_ += title;
  }

  void local(std::string_view name, Type type) {
    out_ += "  " + std::string(name) + ":" + std::string(type_name(type)) + "\n";
  }

  void locals(const std::vector<Local> &list, size_t first) {
    if (list.size() <= first)
      return;
    out_ += "  # locals\n";
    for (size_t i = first; i < list.size(); ++i)
      local(list[i].name.view(), list[i].type);
  }

  // As they were declared: the script's own, then those of library files.
  void globals() {
    std::vector<const GlobalVar *> order;
    for (const GlobalVar &var : program_.globals)
      order.push_back(&var);
    std::sort(order.begin(), order.end(), [](const GlobalVar *a, const GlobalVar *b) {
      return std::pair(!a->from_script, a->loc.value) < std::pair(!b->from_script, b->loc.value);
    });
    section("# globals\n", order.size());
    for (const GlobalVar *var : order)
      print(*var);
  }

  void print(const GlobalVar &var) {
    out_ += var.name.view();
    if (var.wrap)
      out_ += '%';
    if (var.max_entries)
      out_ += "[" + std::to_string(var.max_entries) + "]";
    out_ += ":" + std::string(type_name(var.value));
    if (!var.keys.empty()) {
      out_ += " [";
      for (size_t i = 0; i < var.keys.size(); ++i)
        out_ += (i ? ", " : "") + std::string(type_name(var.keys[i]));
      out_ += "]";
    }
    if (verbose_ && var.has_init && var.value == Type::number)
      out_ += " = " + std::to_string(var.init_number);
    if (verbose_ && var.has_init && var.value == Type::string)
      out_ += " = " + print_expr(Expr{Loc(), Type::string, ExprNode(String{var.init_string})});
    out_ += '\n';
  }

  void functions() {
    std::vector<const FunctionInfo *> order;
    for (const FunctionInfo &function : program_.functions)
      order.push_back(&function);
    std::stable_sort(order.begin(), order.end(), [](const FunctionInfo *a, const FunctionInfo *b) {
      return std::pair(a->is_private, a->name.view()) < std::pair(b->is_private, b->name.view());
    });
    section("# functions\n", order.size());
    for (const FunctionInfo *function : order)
      print(*function);
  }

  void print(const FunctionInfo &function) {
    out_ += std::string(function.name.view()) + ":" + result_name(function.result) + " (";
    for (size_t i = 0; i < function.param_count; ++i)
      out_ += (i ? ", " : "") + std::string(function.locals[i].name.view()) + ":" +
              std::string(type_name(function.locals[i].type));
    out_ += ")\n";
    locals(function.locals, function.param_count);
    if (verbose_)
      out_ += function.body ? print_stmt(*function.body) + "\n" : "%{" + std::string(function.code) + "%}\n";
  }

  // The point as it was resolved, with its place in the kernel and how it came about. What is found in debuginfo tells
  // its whole story itself.
  void point(const ResolvedSite &site, const PointOrigin &origin, const std::string &pp, const std::string &condition) {
    const std::string *symbol = nullptr;
    int64_t offset = 0;
    for (const auto &[name, value] : site.site.constants) {
      const int64_t *number = std::get_if<int64_t>(&value);
      if (name == "symbol" || name == "anchor_symbol")
        symbol = std::get_if<std::string>(&value);
      // A place whose symbol several functions share: so far from a symbol that is one of a kind.
      if (number && (name == "offset" || name == "address"))
        offset += *number;
      if (number && name == "anchor")
        offset -= *number;
    }
    bool has_place = symbol && (pp.starts_with("kernel.") || pp.starts_with("module("));
    out_ += pp + origin.mark + condition;
    if (has_place) {
      out_ += fmt::format(" /* pc={}{}{:#x} */", *symbol, offset < 0 ? "-" : "+", offset < 0 ? -offset : offset);
    }
    if (symbol && pp.starts_with("kprobe."))
      out_ += " /*  name = " + *symbol + "*/";
    out_ += " /* <- " + (has_place ? site.site.pp + origin.mark + condition : *origin.chain) + " */\n";
  }

  void probes() {
    std::vector<std::pair<const Handler *, size_t>> sites; // with the number of the site
    for (const Handler &handler : program_.handlers)
      for (size_t i = 0; i < handler.sites.size(); ++i)
        sites.emplace_back(&handler, i);
    std::sort(sites.begin(), sites.end(), [](const auto &a, const auto &b) {
      return a.first->origins[a.second].order < b.first->origins[b.second].order;
    });
    for (const auto &[handler, i] : sites)
      print(*handler, handler->sites[i], handler->origins[i]);
  }

  void print(const Handler &handler, const ResolvedSite &site, const PointOrigin &origin) {
    std::string condition;
    for (const Expr *part : handler.conditions)
      condition += (condition.empty() ? "" : " && ") + print_expr(*part);
    if (!condition.empty())
      condition = " if (" + condition + ")";
    const std::string &pp = site.site.pp;
    size_t suffix = pp.rfind(").return");
    if (!handler.entries.empty() && site.is_return && suffix != std::string::npos)
      point(site, origin, pp.substr(0, suffix) + ").call", condition);
    point(site, origin, pp, condition);
    locals(handler.locals, 0);
    if (verbose_)
      for (const Stmt *block : handler.blocks)
        out_ += print_stmt(*block) + "\n";
  }

  // The probe that shows a global which is written and never read.
  void print_display(const GlobalVar &var) {
    out_ += "end /* <- end */\n";
    if (!var.keys.empty())
      out_ += "  # locals\n";
    for (size_t i = 0; i < var.keys.size(); ++i)
      local("__idx" + std::to_string(i), var.keys[i]);
    if (!var.keys.empty() && var.value != Type::stats)
      local("__val", var.value);
  }

  const Program &program_;
  bool verbose_;
  std::string out_;
};

} // namespace

std::string print_program(const Program &program, bool verbose) { return ProgramPrinter(program, verbose).print(); }

} // namespace tapjit
