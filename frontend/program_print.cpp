// SPDX-License-Identifier: GPL-2.0-or-later
// The text of `stap -p2`: sections for globals, functions and probes; each line `name:type`, arrays as `name:type [key
// types]`.
#include "frontend/elaborate.h"
#include "frontend/parse.h"

namespace tapjit {

using namespace ast;

namespace {

std::string_view result_name(Type type) { return type == Type::none ? "unknown" : type_name(type); }

void print_locals(std::string &out, const std::vector<Local> &locals, size_t first) {
  if (locals.size() <= first)
    return;
  out += "  # locals\n";
  for (size_t i = first; i < locals.size(); ++i)
    out += "  " + std::string(locals[i].name.view()) + ":" + std::string(type_name(locals[i].type)) + "\n";
}

void print_global(std::string &out, const GlobalVar &var) {
  out += var.unique_name;
  if (var.wrap)
    out += '%';
  if (var.max_entries)
    out += "[" + std::to_string(var.max_entries) + "]";
  out += ":" + std::string(type_name(var.value));
  if (!var.keys.empty()) {
    out += " [";
    for (size_t i = 0; i < var.keys.size(); ++i)
      out += (i ? ", " : "") + std::string(type_name(var.keys[i]));
    out += "]";
  }
  if (var.has_init && var.value == Type::number)
    out += " = " + std::to_string(var.init_number);
  if (var.has_init && var.value == Type::string)
    out += " = " + print_expr(Expr{{}, Type::string, ExprNode(String{var.init_string})});
  out += '\n';
}

void print_function(std::string &out, const FunctionInfo &function) {
  out += function.unique_name + ":" + std::string(result_name(function.result)) + " (";
  for (size_t i = 0; i < function.param_count; ++i)
    out += (i ? ", " : "") + std::string(function.locals[i].name.view()) + ":" +
           std::string(type_name(function.locals[i].type));
  out += ")\n";
  print_locals(out, function.locals, function.param_count);
}

void print_handler(std::string &out, const Handler &handler) {
  for (size_t i = 0; i < handler.sites.size(); ++i)
    out += handler.sites[i].site.pp + " /* <- " + handler.points[i] + " */\n";
  for (const Expr *condition : handler.conditions)
    out += "  # condition\n  " + print_expr(*condition) + "\n";
  print_locals(out, handler.locals, 0);
  if (!handler.entries.empty())
    out += "  # kept from entry\n";
  for (const Expr *entry : handler.entries)
    out += "  " + print_expr(*entry) + "\n";
}

} // namespace

std::string print_program(const Program &program) {
  std::string out;
  if (!program.globals.empty())
    out += "# globals\n";
  for (const GlobalVar &var : program.globals)
    print_global(out, var);
  if (!program.functions.empty())
    out += "# functions\n";
  for (const FunctionInfo &function : program.functions)
    print_function(out, function);
  if (!program.handlers.empty())
    out += "# probes\n";
  for (const Handler &handler : program.handlers)
    print_handler(out, handler);
  return out;
}

} // namespace tapjit
