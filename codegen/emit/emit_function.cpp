// SPDX-License-Identifier: GPL-2.0-or-later
// One function: its frame, and its blocks as labels. Phis are variables that the edges into their block assign.
#include "codegen/emit/unit.h"
#include "ir/cfg.h"

#include <algorithm>

namespace tapjit::codegen {

namespace {

using ir::BlockId;
using ir::Type;
using ir::ValueId;

const char *c_type(Type type) {
  switch (type) {
  case Type::I64:
    return "int64_t";
  case Type::Str:
    return "struct tap_str";
  case Type::Iter:
    return "struct tap_iter";
  case Type::Elem:
    return "struct tap_map_node";
  case Type::Void:
    break;
  }
  return "void";
}

bool in_frame(const ir::Function &function, uint32_t value) {
  return !function.storage.empty() && function.storage[value] == ir::Storage::FrameInteger;
}

bool is_variable(const ir::Inst &inst) {
  return inst.type != Type::Void && inst.op != ir::Op::ConstI64 && inst.op != ir::Op::ConstStr &&
         inst.op != ir::Op::Param;
}

// Prints the blocks of one function.
class Body {
public:
  Body(Unit &unit, const ir::Function &function)
      : unit_(unit), function_(function), order_(ir::reverse_postorder(function)), used_(function.insts.size()),
        targeted_(function.blocks.size()) {
    find_uses();
    find_targets();
  }

  void print() {
    declare_variables();
    for (size_t i = 0; i < order_.size(); i++)
      print_block(order_[i], i + 1 < order_.size() ? order_[i + 1] : BlockId::none());
    print_failure_exit();
  }

private:
  const ir::Block &block(BlockId id) const { return function_.blocks[id.index]; }
  const ir::Inst &inst(ValueId id) const { return function_.insts[id.index]; }
  std::string text(ValueId id) const { return value_text(unit_, function_, id); }
  bool is_probe() const { return function_.kind == ir::FunctionKind::Probe; }

  void find_uses() {
    for (BlockId id : order_) {
      for (ValueId value : block(id).insts)
        for (ValueId operand : inst(value).operands)
          used_[operand.index] = true;
      if (block(id).terminator_operand.valid())
        used_[block(id).terminator_operand.index] = true;
    }
  }

  // Every edge but those that fall through, as print_terminator prints them.
  void find_targets() {
    for (size_t i = 0; i < order_.size(); i++) {
      const ir::Block &b = block(order_[i]);
      size_t last = b.terminator == ir::Terminator::Branch ? 1 : 0;
      for (size_t s = 0; s < ir::successors(b).size(); s++)
        if (s != last || i + 1 == order_.size() || b.successors[s] != order_[i + 1])
          targeted_[b.successors[s].index] = true;
    }
  }

  void declare_variables() {
    for (Type type : {Type::I64, Type::Str, Type::Iter, Type::Elem}) {
      std::string names;
      for (BlockId id : order_)
        for (ValueId value : block(id).insts)
          if (inst(value).type == type && is_variable(inst(value)) && !in_frame(function_, value.index) &&
              (used_[value.index] || type == Type::Iter))
            names += fmt::format(", {}v{}", type == Type::Elem ? "*" : "", value.index);
      if (!names.empty())
        unit_.out.line("{} {};", c_type(type), names.substr(2));
    }
    unit_.out.blank();
  }

  void at(ir::LocationId location) {
    if (!location.valid())
      return;
    const ir::Location &place = unit_.module.locations[location.index];
    if (place.line)
      unit_.out.at_script(place.file, place.line);
  }

  void print_block(BlockId id, BlockId next) {
    const ir::Block &b = block(id);
    if (targeted_[id.index])
      unit_.out.label(fmt::format("b{}", id.index));
    if (b.is_catch)
      print_catch();
    for (size_t i = 0; i < b.insts.size(); i++)
      print_inst(b.insts[i], b.terminator == ir::Terminator::OnFail && i + 1 == b.insts.size());
    print_terminator(id, b, next);
  }

  void print_catch() {
    if (unit_.aborts) {
      unit_.out.line("if (c->aborted)");
      unit_.out.line("\tgoto fail;");
      fails_ = true;
    }
    unit_.out.line("tap_catch(c);");
  }

  void print_inst(ValueId value, bool caught) {
    if (inst(value).op == ir::Op::Phi || (inst(value).type != Type::Void && !is_variable(inst(value))))
      return;
    at(inst(value).loc);
    if (inst(value).op == ir::Op::Charge)
      fails_ = true;
    emit_op(unit_, function_, value, used_[value.index]);
    // tap_charge is tested where it is called, so that the verifier sees decrement and test side by side.
    if (!unit_.effects.may_fail(function_, inst(value)) || inst(value).op == ir::Op::Charge || caught)
      return;
    unit_.out.line("if (tap_unlikely(c->error))");
    unit_.out.line("\tgoto fail;");
    fails_ = true;
  }

  void print_terminator(BlockId id, const ir::Block &b, BlockId next) {
    switch (b.terminator) {
    case ir::Terminator::Jump:
      print_edge(id, b.successors[0], next);
      return;
    case ir::Terminator::Branch:
      return print_two_ways(id, fmt::format("if ({})", text(b.terminator_operand)), b.successors[0], b.successors[1],
                            next);
    case ir::Terminator::OnFail:
      return print_two_ways(id, "if (tap_unlikely(c->error))", b.successors[1], b.successors[0], next);
    case ir::Terminator::Return:
      if (b.terminator_operand.valid())
        unit_.out.line("return {};", text(b.terminator_operand));
      else
        unit_.out.line("return;");
      return;
    }
  }

  void print_two_ways(BlockId from, std::string_view condition, BlockId taken, BlockId otherwise, BlockId next) {
    unit_.out.open(condition);
    print_edge(from, taken, BlockId::none());
    unit_.out.close();
    print_edge(from, otherwise, next);
  }

  // Assigns the target's phis, all at once, and goes there.
  void print_edge(BlockId from, BlockId to, BlockId next) {
    const ir::Block &target = block(to);
    std::vector<std::pair<ValueId, ValueId>> moves; // phi, its value on this edge
    size_t edge = std::find(target.preds.begin(), target.preds.end(), from) - target.preds.begin();
    for (ValueId phi : target.insts) {
      if (inst(phi).op != ir::Op::Phi)
        break;
      if (used_[phi.index] && inst(phi).operands[edge] != phi)
        moves.emplace_back(phi, inst(phi).operands[edge]);
    }
    print_moves(moves);
    if (to != next)
      unit_.out.line("goto b{};", to.index);
  }

  void print_moves(const std::vector<std::pair<ValueId, ValueId>> &moves) {
    bool reads_an_earlier_one = false;
    for (size_t i = 0; i < moves.size(); i++)
      for (size_t j = 0; j < i; j++)
        reads_an_earlier_one |= moves[i].second == moves[j].first;
    if (!reads_an_earlier_one) {
      for (auto [phi, value] : moves)
        unit_.out.line("{} = {};", text(phi), text(value));
      return;
    }
    unit_.out.open("");
    for (auto [phi, value] : moves)
      unit_.out.line("{} t{} = {};", c_type(inst(phi).type), phi.index, text(value));
    for (auto [phi, value] : moves)
      unit_.out.line("{} = t{};", text(phi), phi.index);
    unit_.out.close();
  }

  void print_failure_exit() {
    if (!fails_)
      return;
    unit_.out.label("fail");
    if (is_probe() || function_.result == Type::Void)
      unit_.out.line("return;");
    else
      unit_.out.line("return {};", function_.result == Type::Str ? "TAP_LIT(\"\")" : "0");
  }

  Unit &unit_;
  const ir::Function &function_;
  std::vector<BlockId> order_;
  std::vector<bool> used_;     // by ValueId: somebody reads it
  std::vector<bool> targeted_; // by BlockId: a goto names it
  bool fails_ = false;
};

// Whether an embedded expression for a number has the text of a parameter in it. A pointer is a number where it is the
// kernel's; to the function's own copy of a string it is a mistake, so there Clang must find a number.
bool takes_strings_for_number(const ir::Function &function) {
  if (!function.embedded.expression || function.result != Type::I64)
    return false;
  for (size_t i = 0; i < function.params.size(); i++)
    if (function.params[i] == Type::Str &&
        function.embedded.text.find("STAP_ARG_" + function.param_names[i]) != std::string::npos)
      return true;
  return false;
}

// An embedded function's text with the names that it may use.
void emit_embedded(Unit &unit, const ir::Function &function) {
  CWriter &out = unit.out;
  for (size_t i = 0; i < function.params.size(); i++)
    if (function.params[i] == Type::Str)
      out.line("tap_copy(f->arg_{}, sizeof(f->arg_{}), a{});", function.param_names[i], function.param_names[i], i);
    else
      out.line("f->arg_{} = a{};", function.param_names[i], i);
  bool old_style = function.embedded.unmangled && function.result != Type::Void; // THIS->__retvalue is in the frame
  if (old_style)
    out.line("f->__retvalue{} = 0;", function.result == Type::Str ? "[0]" : "");
  else if (function.result == Type::I64)
    out.line("int64_t tap_value = 0;");
  else if (function.result == Type::Str) {
    out.line("uint32_t tap_length = ~0u;"); // or what TAP_RETURN_LENGTH says
    out.line("(*tap_value)[0] = 0;");       // behind the copies: an argument may be in the same slot
  }
  out.open("");
  const bool must_be_number = takes_strings_for_number(function);
  if (function.embedded.expression)
    out.line("{}", function.result == Type::Str ? "tap_set_string(STAP_RETVALUE, sizeof(STAP_RETVALUE), ("
                   : must_be_number             ? "STAP_RETVALUE = tap_embedded_number("
                                                : "STAP_RETVALUE = (int64_t)(");
  if (!function.embedded.start.valid() && function.loc.valid() && unit.module.locations[function.loc.index].line)
    out.at_script(unit.module.locations[function.loc.index].file, unit.module.locations[function.loc.index].line);
  emit_script_text(unit, function.embedded.text, function.embedded.start, must_be_number ? "(" : "");
  if (function.embedded.expression)
    out.line("{}", function.result == Type::Str || must_be_number ? "));" : ");");
  out.close();
  out.line("goto tap_out;");
  out.label("tap_out");
  if (function.embedded.text.find("last_error") != std::string::npos)
    out.line("tap_finish_last_error(c, tap_where);");
  if (old_style && function.result == Type::Str)
    out.line("return tap_copy(*tap_value, sizeof(*tap_value), tap_str_in(f->__retvalue, sizeof(f->__retvalue)));");
  else if (old_style)
    out.line("return f->__retvalue;");
  else if (function.result == Type::Str)
    out.line("return tap_result(*tap_value, sizeof(*tap_value), tap_length);");
  else
    out.line("return{};", function.result == Type::I64 ? " tap_value" : "");
  out.close();
  out.line("#undef STAP_RETURN");
  out.line("#undef STAP_RETVALUE");
  if (function.embedded.unmangled)
    out.line("#undef THIS");
  for (const std::string &name : function.param_names)
    out.line("#undef STAP_ARG_{}", name);
  for (ir::GlobalId global : function.embedded.reads)
    out.line("#undef STAP_GLOBAL_GET_{}", unit.module.globals[global.index].name);
  for (ir::GlobalId global : function.embedded.writes)
    out.line("#undef STAP_GLOBAL_SET_{}", unit.module.globals[global.index].name);
}

// "k0, k1" as parameters, and what they are as arguments of the map's functions: ", (int64_t)(k0), ...".
std::pair<std::string, std::string> global_macro_keys(const ir::Global &global) {
  std::pair<std::string, std::string> keys;
  for (size_t i = 0; i < global.keys.size(); i++) {
    keys.first += fmt::format("{}k{}", i ? ", " : "", i);
    keys.second += global.keys[i] == Type::Str ? fmt::format(", tap_str_in((k{}), TAP_MAXSTRINGLEN)", i)
                                               : fmt::format(", (int64_t)(k{})", i);
  }
  return keys;
}

void define_global_get(Unit &unit, ir::GlobalId id) {
  const ir::Global &global = unit.module.globals[id.index];
  const std::string &name = unit.name(id);
  auto [params, keys] = global_macro_keys(global);
  const char *text = global.value == ir::ValueKind::Str ? ".p" : "";
  if (global.value == ir::ValueKind::Stat)
    return;
  if (is_map(global))
    unit.out.line("#define STAP_GLOBAL_GET_{0}({1}) ({2}_get(c, &tap_globals.{2}{3}){4})", global.name, params, name,
                  keys, text);
  else
    unit.out.line("#define STAP_GLOBAL_GET_{}() (tap_globals.{}{})", global.name, name,
                  global.value == ir::ValueKind::Str ? ".s" : "");
}

void define_global_set(Unit &unit, ir::GlobalId id) {
  const ir::Global &global = unit.module.globals[id.index];
  const std::string &name = unit.name(id);
  auto [params, keys] = global_macro_keys(global);
  std::string value = global.value == ir::ValueKind::Str ? "tap_str_in((value), TAP_MAXSTRINGLEN)" : "(int64_t)(value)";
  std::string head =
      fmt::format("#define STAP_GLOBAL_SET_{}({}{}value)", global.name, params, params.empty() ? "" : ", ");
  if (global.value == ir::ValueKind::Stat)
    return;
  if (is_map(global))
    unit.out.line("{0} {1}_set(c, &tap_globals.{1}, tap_where{2}, {3})", head, name, keys, value);
  else if (global.value == ir::ValueKind::Str)
    unit.out.line("{} TAP_STORE(tap_globals.{}, {})", head, name, value);
  else
    unit.out.line("{} (tap_globals.{} = {})", head, name, value);
}

void define_embedded_names(Unit &unit, const ir::Function &function) {
  const char *kind = function.result == Type::Str ? "STR" : function.result == Type::I64 ? "I64" : "VOID";
  for (const std::string &name : function.param_names)
    unit.out.line("#define STAP_ARG_{0} (f->arg_{0})", name);
  unit.out.line("#define STAP_RETVALUE {}", function.embedded.unmangled    ? "(f->__retvalue)"
                                            : function.result == Type::Str ? "(*tap_value)"
                                                                           : "tap_value");
  unit.out.line("#define STAP_RETURN TAP_RETURN_{}", kind);
  if (function.embedded.unmangled)
    unit.out.line("#define THIS f");
  for (ir::GlobalId global : function.embedded.reads)
    define_global_get(unit, global);
  for (ir::GlobalId global : function.embedded.writes)
    define_global_set(unit, global);
}

// A parameter or the result: `name`, and `plain` where the text is unmangled.
void emit_embedded_member(CWriter &out, const ir::Function &function, Type type, const std::string &name,
                          const std::string &plain) {
  auto member = [&](const std::string &called) {
    return type == Type::Str ? fmt::format("char {}[TAP_MAXSTRINGLEN];", called) : fmt::format("int64_t {};", called);
  };
  if (function.embedded.unmangled)
    out.line("union {{ {} {} }};", member(name), member(plain));
  else
    out.line("{}", member(name));
}

void emit_embedded_members(CWriter &out, const ir::Function &function) {
  for (size_t i = 0; i < function.params.size(); i++)
    emit_embedded_member(out, function, function.params[i], "arg_" + function.param_names[i], function.param_names[i]);
  if (function.result == Type::Str || (function.result == Type::I64 && function.embedded.unmangled))
    emit_embedded_member(out, function, function.result, "result",
                         "__retvalue"); // a string: for callers without a slot
  for (std::string_view printer : {"STAP_PRINTF", "_stp_print"})
    if (function.embedded.text.find(printer) != std::string::npos)
      return out.line("char print[TAP_C_PRINT];");
}

} // namespace

// The text between %{ and %} where it stands in the script, column included: Clang's messages point there.
void emit_script_text(Unit &unit, const std::string &text, ir::LocationId start, std::string_view opening) {
  CWriter &out = unit.out;
  const ir::Location *place = start.valid() ? &unit.module.locations[start.index] : nullptr;
  if (place && place->line)
    out.at_script(place->file, place->line);
  const size_t column = place && place->line ? place->column - 1 : 0;
  out.raw_line(std::string(column - std::min(column, opening.size()), ' ').append(opening) + text);
  out.at_unit();
}

std::set<ir::FunctionId> callees(const ir::Function &function) {
  std::set<ir::FunctionId> out;
  for (const ir::Block &block : function.blocks)
    for (ValueId value : block.insts)
      if (function.insts[value.index].op == ir::Op::Call)
        out.insert(ir::FunctionId{function.insts[value.index].aux});
  return out;
}

bool returns_in_slot(const ir::Function &function) {
  return function.kind == ir::FunctionKind::Embedded && function.result == Type::Str;
}

void emit_frame(Unit &unit, ir::FunctionId id) {
  const ir::Function &function = unit.function(id);
  CWriter &out = unit.out;
  out.open(fmt::format("struct {}_frame", unit.name(id)));
  if (function.kind == ir::FunctionKind::Embedded)
    emit_embedded_members(out, function);
  for (uint32_t slot = 0; slot < function.string_slots; slot++)
    out.line("char s{}[TAP_MAXSTRINGLEN];", slot);
  for (uint32_t value = 0; value < function.insts.size(); value++)
    if (in_frame(function, value) && is_variable(function.insts[value]))
      out.line("int64_t v{};", value);
  std::string members;
  for (ir::FunctionId callee : callees(function))
    if (!unit.recursive(callee))
      members += fmt::format(" struct {0}_frame {0};", unit.name(callee));
  if (!members.empty())
    out.line("union {{{} }} calls;", members);
  out.close("};");
}

void emit_prototype(Unit &unit, ir::FunctionId id, std::string_view end) {
  const ir::Function &function = unit.function(id);
  std::string params = fmt::format("struct tap_ctx *c, struct {}_frame *f", unit.name(id));
  for (size_t i = 0; i < function.params.size(); i++)
    params += fmt::format(", {} a{}", c_type(function.params[i]), i);
  if (returns_in_slot(function))
    params += ", char (*tap_value)[TAP_MAXSTRINGLEN]";
  unit.out.line("static {}{} {}({}){}", unit.recursive(id) ? "TAP_RECURSIVE " : "", c_type(function.result),
                unit.name(id), params, end);
}

void emit_function(Unit &unit, ir::FunctionId id) {
  const ir::Function &function = unit.function(id);
  unit.out.at_unit();
  unit.out.blank();
  bool embedded = function.kind == ir::FunctionKind::Embedded;
  if (embedded)
    define_embedded_names(unit, function);
  emit_prototype(unit, id, "");
  unit.out.open("");
  if (embedded) {
    unit.out.line("static const char tap_where[] TAP_MAYBE_UNUSED = {};",
                  function.loc.valid() ? where(unit.module, function.loc, fmt::format("identifier '{}'", function.name))
                                       : "\"\"");
    emit_embedded(unit, function);
    return;
  }
  Body(unit, function).print();
  unit.out.at_unit();
  unit.out.close();
}

} // namespace tapjit::codegen
