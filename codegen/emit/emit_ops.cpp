// SPDX-License-Identifier: GPL-2.0-or-later
// One function per op of ir/ops.def. The table at the end is made from ops.def, so an op without one does not link.
#include "codegen/emit/format_args.h"
#include "codegen/emit/unit.h"
#include "ir/where.h"

namespace tapjit::codegen {

namespace {

using ir::Type;
using ir::ValueId;

// The op being printed.
struct OpText {
  Unit &unit;
  const ir::Function &function;
  const ir::Inst &inst;
  ValueId id;
  bool used;

  CWriter &out() const { return unit.out; }
  ir::FunctionId function_id() const { return {uint32_t(&function - unit.module.functions.data())}; }
  // A function with a region is the handler of probes, which are of one kind.
  bool in_process() const {
    return std::any_of(unit.module.probes.begin(), unit.module.probes.end(), [&](const ir::Probe &probe) {
      return probe.handler == function_id() && probe.context == ir::ContextKind::Process;
    });
  }
  std::string arg(size_t i) const { return value_text(unit, function, inst.operands[i]); }
  // What a message says after "near".
  std::string location() const {
    std::string text = ir::place_text(unit.module, inst);
    return text.empty() ? "NULL" : c_string(text);
  }
  const ir::Global &global() const { return unit.module.globals[inst.aux]; }
  const std::string &name() const { return unit.global_names[inst.aux]; }
  std::string storage() const { return "tap_globals." + name(); }
  std::string slot() const { return fmt::format("f->s{}, TAP_MAXSTRINGLEN", function.slot[id.index]); }
  bool has_slot() const { return !function.storage.empty() && function.storage[id.index] == ir::Storage::StringSlot; }
  // ", a, b" for operands [first, last).
  std::string args(size_t first, size_t last) const {
    std::string text;
    for (size_t i = first; i < last; i++)
      text += ", " + arg(i);
    return text;
  }
  std::string keys() const { return args(0, global().keys.size()); }
  // The result, where somebody reads it.
  void set(std::string_view expression) const {
    if (used)
      out().line("{} = {};", value_text(unit, function, id), expression);
    else
      out().line("(void)({});", expression);
  }
  void run(std::string_view expression) const { out().line("{};", expression); }
  void infix(const char *op) const { set(fmt::format("{} {} {}", arg(0), op, arg(1))); }
  void binary(const char *helper) const { set(fmt::format("{}({}, {})", helper, arg(0), arg(1))); }
  void compare(const char *op) const { set(fmt::format("tap_str_cmp({}, {}) {} 0", arg(0), arg(1), op)); }
  const char *flag() const { return inst.imm ? "true" : "false"; }
  const char *field() const {
    static const char *const names[] = {"TAP_COUNT_OF", "TAP_SUM", "TAP_MIN", "TAP_MAX", "TAP_AVG", "TAP_VARIANCE"};
    return names[inst.imm];
  }
};

// --- constants, parameters, phis: no statement
void emit_ConstI64(const OpText &) {}
void emit_ConstStr(const OpText &) {}
void emit_Param(const OpText &) {}
void emit_Phi(const OpText &) {}
void emit_LocalGet(const OpText &) {} // pass ssa leaves none
void emit_LocalSet(const OpText &) {}

// --- integers
void emit_Add(const OpText &op) { op.binary("tap_add"); }
void emit_Sub(const OpText &op) { op.binary("tap_sub"); }
void emit_Mul(const OpText &op) { op.binary("tap_mul"); }
void emit_Div(const OpText &op) { op.set(fmt::format("tap_div(c, {}, {}, {})", op.arg(0), op.arg(1), op.location())); }
void emit_Mod(const OpText &op) { op.set(fmt::format("tap_mod(c, {}, {}, {})", op.arg(0), op.arg(1), op.location())); }
void emit_And(const OpText &op) { op.infix("&"); }
void emit_Or(const OpText &op) { op.infix("|"); }
void emit_Xor(const OpText &op) { op.infix("^"); }
void emit_Shl(const OpText &op) { op.binary("tap_shl"); }
void emit_Shr(const OpText &op) { op.binary("tap_shr"); }
void emit_Neg(const OpText &op) { op.set(fmt::format("tap_sub(0, {})", op.arg(0))); }
void emit_Not(const OpText &op) { op.set(fmt::format("~{}", op.arg(0))); }
void emit_Eq(const OpText &op) { op.infix("=="); }
void emit_Ne(const OpText &op) { op.infix("!="); }
void emit_Lt(const OpText &op) { op.infix("<"); }
void emit_Le(const OpText &op) { op.infix("<="); }
void emit_Gt(const OpText &op) { op.infix(">"); }
void emit_Ge(const OpText &op) { op.infix(">="); }
void emit_Trunc(const OpText &op) { op.set(fmt::format("tap_trunc({}, {})", op.arg(0), op.inst.imm)); }

// --- strings
void emit_StrEq(const OpText &op) { op.binary("tap_str_eq"); }
void emit_StrNe(const OpText &op) { op.binary("!tap_str_eq"); }
void emit_StrLt(const OpText &op) { op.compare("<"); }
void emit_StrLe(const OpText &op) { op.compare("<="); }
void emit_StrGt(const OpText &op) { op.compare(">"); }
void emit_StrGe(const OpText &op) { op.compare(">="); }
void emit_StrLen(const OpText &op) { op.set(fmt::format("(int64_t){}.n", op.arg(0))); }
void emit_StrConcat(const OpText &op) {
  op.set(fmt::format("tap_concat({}, {}, {})", op.slot(), op.arg(0), op.arg(1)));
}
void emit_StrCopy(const OpText &op) { op.set(fmt::format("tap_copy({}, {})", op.slot(), op.arg(0))); }

// --- regular expressions
void emit_RegexMatch(const OpText &op) {
  op.set(fmt::format("tap_regex_match(c, &{}, {}, TAP_MAXSTRINGLEN)", regex_name(op.inst.aux, false), op.arg(0)));
}
void emit_RegexSearch(const OpText &op) {
  op.set(fmt::format("tap_search(c, &{}, {})", regex_name(op.inst.aux, true), op.arg(0)));
}
void emit_RegexForget(const OpText &op) { op.run("tap_match(c)->groups = 0"); }
void emit_RegexGroup(const OpText &op) {
  op.set(fmt::format("tap_copy({}, tap_match_group(c, tap_match(c), {}, {}))", op.slot(), op.arg(0), op.location()));
}
void emit_RegexCount(const OpText &op) { op.set(fmt::format("tap_match_count(c, tap_match(c), {})", op.location())); }

// --- context
void emit_CtxReg(const OpText &op) { op.set(fmt::format("tap_reg(c, {})", op.inst.imm)); }
void emit_CtxRegSet(const OpText &op) { op.run(fmt::format("tap_reg_set(c, {}, {})", op.inst.imm, op.arg(0))); }
void emit_KernelAddress(const OpText &op) { op.set(fmt::format("tap_kernel_address({})", c_integer(op.inst.imm))); }
void emit_ModuleSlide(const OpText &op) {
  op.set(fmt::format("tap_module_slide(c, &tap_module_anchors[{}], {})", op.inst.imm, op.location()));
}
void emit_CpuAddress(const OpText &op) { op.set(fmt::format("tap_cpu_address({})", c_integer(op.inst.imm))); }
void emit_CtxEntry(const OpText &op) { op.set(fmt::format("c->entry[{}]", op.inst.imm)); }
void emit_CtxEntryStr(const OpText &op) { op.set(fmt::format("tap_entry_str(c, {})", op.inst.imm)); }
void emit_CtxTpArg(const OpText &op) { op.set(fmt::format("c->arguments[{}]", op.inst.imm)); }
void emit_CtxCaller(const OpText &op) { op.set("tap_caller(c)"); }
void emit_CtxMessage(const OpText &op) { op.set("tap_message(c)"); }
void emit_ReplySet(const OpText &op) { op.run(fmt::format("tap_reply_set(c, {}, {})", op.arg(0), op.location())); }
void emit_ReplyAdd(const OpText &op) { op.run(fmt::format("tap_reply_add(c, {}, {})", op.arg(0), op.location())); }
void emit_CtxPp(const OpText &op) { op.set("tap_cut(tap_pp(c), TAP_MAXSTRINGLEN)"); }
void emit_CtxFunc(const OpText &op) { op.set("tap_cut(tap_function(c), TAP_MAXSTRINGLEN)"); }
void emit_CtxNumber(const OpText &op) { op.set(fmt::format("tap_number(c, {})", op.inst.imm)); }
void emit_CatchMessage(const OpText &op) { op.set("tap_cut(tap_catch_message(c), TAP_MAXSTRINGLEN)"); }
void emit_CtxNext(const OpText &op) { op.set("tap_take_next(c)"); }
void emit_LoadK(const OpText &op) {
  op.set(fmt::format("tap_load_kernel(c, (uint64_t){}, {}, {})", op.arg(0), op.inst.imm, op.location()));
}
void emit_StoreK(const OpText &op) {
  op.run(
      fmt::format("tap_store_kernel(c, (uint64_t){}, {}, {}, {})", op.arg(0), op.arg(1), op.inst.imm, op.location()));
}
void emit_LoadU(const OpText &op) {
  op.set(fmt::format("tap_load_user(c, (uint64_t){}, {}, {})", op.arg(0), op.inst.imm, op.location()));
}

// --- globals and maps
void emit_GLoad(const OpText &op) {
  bool string = op.global().value == ir::ValueKind::Str;
  op.set(string ? fmt::format("TAP_STORED({})", op.storage()) : op.storage());
}
void emit_GStore(const OpText &op) {
  bool string = op.global().value == ir::ValueKind::Str;
  op.run(string ? fmt::format("TAP_STORE({}, {})", op.storage(), op.arg(0))
                : fmt::format("{} = {}", op.storage(), op.arg(0)));
}
void emit_GAdd(const OpText &op) {
  op.run(op.inst.imm ? fmt::format("__atomic_fetch_add(&{}, {}, __ATOMIC_RELAXED)", op.storage(), op.arg(0))
                     : fmt::format("{0} = tap_add({0}, {1})", op.storage(), op.arg(0)));
}
void emit_MapGet(const OpText &op) { op.set(fmt::format("{}_get(c, &{}{})", op.name(), op.storage(), op.keys())); }
void emit_MapHas(const OpText &op) { op.set(fmt::format("{}_has(c, &{}{})", op.name(), op.storage(), op.keys())); }
void emit_MapSet(const OpText &op) {
  op.run(
      fmt::format("{}_set(c, &{}, {}{})", op.name(), op.storage(), op.location(), op.args(0, op.inst.operands.size())));
}
void emit_MapAdd(const OpText &op) {
  op.set(
      fmt::format("{}_add(c, &{}, {}{})", op.name(), op.storage(), op.location(), op.args(0, op.inst.operands.size())));
}
void emit_MapDel(const OpText &op) { op.run(fmt::format("{}_del(c, &{}{})", op.name(), op.storage(), op.keys())); }
void emit_MapHasSlice(const OpText &op) {
  op.set(fmt::format("{}_has_slice(c, &{}, {}{})", op.name(), op.storage(), op.inst.imm, op.keys()));
}
void emit_MapDelSlice(const OpText &op) {
  op.run(fmt::format("{}_del_slice(c, &{}, {}{})", op.name(), op.storage(), op.inst.imm, op.keys()));
}
void emit_GClear(const OpText &op) {
  if (is_map(op.global()))
    op.run(fmt::format("tap_map_clear(&{})", op.storage()));
  else if (op.global().value == ir::ValueKind::Stat)
    op.run(fmt::format("{}_clear({})", op.name(), op.storage()));
  else
    op.run(op.global().value == ir::ValueKind::Str ? fmt::format("TAP_STORE({}, TAP_LIT(\"\"))", op.storage())
                                                   : fmt::format("{} = 0", op.storage()));
}
// With and without a lock alike: the part of this CPU.
void emit_StatAdd(const OpText &op) { op.run(fmt::format("{}_add({}, {})", op.name(), op.storage(), op.arg(0))); }
void emit_StatGet(const OpText &op) {
  op.set(fmt::format("{}_get(c, {}, {}, {})", op.name(), op.storage(), op.field(), op.location()));
}
void emit_MapStatAdd(const OpText &op) {
  op.run(fmt::format("{}_stat_add(c, &{}, {}{})", op.name(), op.storage(), op.location(),
                     op.args(0, op.inst.operands.size())));
}
void emit_MapStatGet(const OpText &op) {
  op.set(fmt::format("{}_stat_get(c, &{}, {}, {}{})", op.name(), op.storage(), op.field(), op.location(), op.keys()));
}
void emit_StatBucket(const OpText &op) {
  op.set(fmt::format("{}_bucket(c, {}, {}, {}, {})", op.name(), op.storage(), op.arg(0), op.flag(), op.location()));
}
void emit_MapStatBucket(const OpText &op) {
  op.set(fmt::format("{}_stat_bucket(c, &{}, {}, {}{})", op.name(), op.storage(), op.flag(), op.location(),
                     op.args(0, op.inst.operands.size())));
}

// --- one element
std::string element(const OpText &op) { return fmt::format("TAP_ELEM({}, {})", op.name(), op.arg(0)); }
void emit_MapFind(const OpText &op) {
  op.set(fmt::format("(struct tap_map_node *){}_find(c, &{}{})", op.name(), op.storage(), op.keys()));
}
void emit_ElemHas(const OpText &op) { op.set(fmt::format("{} != NULL", op.arg(0))); }
void emit_ElemGet(const OpText &op) {
  bool string = op.global().value == ir::ValueKind::Str;
  op.set(string ? fmt::format("{} ? TAP_STORED({}->value) : TAP_LIT(\"\")", op.arg(0), element(op))
                : fmt::format("{} ? {}->value : 0", op.arg(0), element(op)));
}
void emit_ElemAdd(const OpText &op) {
  op.set(fmt::format("{0}->value = tap_add({0}->value, {1})", element(op), op.arg(1)));
}
void emit_ElemSet(const OpText &op) {
  bool string = op.global().value == ir::ValueKind::Str;
  op.run(string ? fmt::format("TAP_STORE({}->value, {})", element(op), op.arg(1))
                : fmt::format("{}->value = {}", element(op), op.arg(1)));
}
void emit_ElemDel(const OpText &op) {
  op.out().line("if ({})", op.arg(0));
  op.out().line("\ttap_map_drop(c, &{}, {});", op.storage(), op.arg(0));
}
void emit_ElemStat(const OpText &op) {
  op.set(fmt::format("tap_stat_field(c, {0} ? &{1}->value.s : NULL, {2}_spec.shift, {3}, {4})", op.arg(0), element(op),
                     op.name(), op.field(), op.location()));
}

// --- foreach
void emit_IterBegin(const OpText &op) {
  if (const ir::Sort &sort = op.unit.module.sorts[op.inst.imm]; sort.by != ir::Sort::By::None && !sort.nested)
    op.run(fmt::format("{}(c, &{}, {})", sort_name(op.unit, ir::GlobalId{op.inst.aux}, op.inst.imm), op.storage(),
                       op.location()));
  op.run(fmt::format("tap_iter_begin(&v{}, &{}, {})", op.id.index, op.storage(), op.arg(0)));
}
// The function that goes on in a nested sort of the iteration that operand 0 is; empty: it is not one.
std::string nested_next(const OpText &op) {
  uint32_t sort = uint32_t(op.function.insts[op.inst.operands[0].index].imm); // of its iter.begin
  bool is_nested = op.unit.module.sorts[sort].by != ir::Sort::By::None && op.unit.module.sorts[sort].nested;
  return is_nested ? sort_name(op.unit, ir::GlobalId{op.inst.aux}, sort) + "_next" : "";
}
void emit_IterNext(const OpText &op) {
  std::string next = nested_next(op);
  op.set(next.empty() ? fmt::format("tap_iter_next(&{})", op.arg(0))
                      : fmt::format("{}(c, &{}, &{})", next, op.arg(0), op.storage()));
}
void emit_IterNextSlice(const OpText &op) {
  std::string next = nested_next(op), keys = op.args(1, op.inst.operands.size());
  if (next.empty())
    return op.set(fmt::format("{}_next_slice(c, &{}, {}{})", op.name(), op.arg(0), op.inst.imm, keys));
  op.set(fmt::format("TAP_NEXT_SLICE_NESTED({}, {}_matches, c, &{}, &{}, {}{})", next, op.name(), op.arg(0),
                     op.storage(), op.inst.imm, keys));
}
void emit_IterKey(const OpText &op) {
  char kind = op.global().keys[op.inst.imm] == Type::Str ? 's' : 'i';
  op.set(fmt::format("TAP_ITER_KEY_{}({}, {}, {})", kind, op.name(), op.arg(0), op.inst.imm));
}
void emit_IterValue(const OpText &op) {
  char kind = op.global().value == ir::ValueKind::Str ? 's' : 'i';
  op.set(fmt::format("TAP_ITER_VALUE_{}({}, {})", kind, op.name(), op.arg(0)));
}
void emit_IterStat(const OpText &op) {
  op.set(fmt::format("tap_stat_field(c, &TAP_ITER_NODE({0}, {1})->value.s, {0}_spec.shift, {2}, {3})", op.name(),
                     op.arg(0), op.field(), op.location()));
}

// --- output
// Argument `i` of a record: the bytes that it takes, and the call that writes it.
struct RecordArgument {
  std::string bytes, put;
};
std::string memory_size(const OpText &op, const FormatArgument &argument) {
  return fmt::format("tap_memory_size({})",
                     argument.bytes_argument < 0 ? c_integer(argument.bytes) : op.arg(size_t(argument.bytes_argument)));
}
RecordArgument record_argument(const OpText &op, const FormatArgument &argument, size_t i) {
  std::string value = op.arg(i);
  if (argument.kind == FormatArgument::Kind::String)
    return {fmt::format("tap_str_bytes({})", value), fmt::format("tap_put_str(at, {})", value)};
  if (argument.kind == FormatArgument::Kind::Integer)
    return {"TAP_I64_BYTES", fmt::format("tap_put_i64(at, {})", value)};
  std::string size = memory_size(op, argument);
  return {fmt::format("TAP_STR_BYTES({})", size), fmt::format("tap_put_memory(c, at, {}, {}, {}, {})", value, size,
                                                              argument.user ? "true" : "false", op.location())};
}
void emit_Print(const OpText &op) {
  std::string bytes;
  std::vector<std::string> puts;
  for (const FormatArgument &argument : format_arguments(op.unit.module.formats[op.inst.aux])) {
    RecordArgument text = record_argument(op, argument, puts.size());
    bytes += (bytes.empty() ? "" : " + ") + text.bytes;
    puts.push_back(text.put);
  }
  if (puts.empty())
    return op.run(fmt::format("tap_record(c, {}, 0)", op.inst.aux));
  op.out().open("");
  op.out().line("uint8_t *at = tap_record(c, {}, {});", op.inst.aux, bytes);
  op.out().open("if (at)");
  for (const std::string &put : puts)
    op.out().line("at = {};", put);
  op.out().close();
  op.out().close();
}
void emit_Sprint(const OpText &op) {
  size_t i = 0;
  op.out().open("");
  op.out().line("struct tap_value args[{}];", op.inst.operands.size() + 1);
  for (const FormatArgument &argument : format_arguments(op.unit.module.formats[op.inst.aux])) {
    if (argument.kind == FormatArgument::Kind::Memory)
      op.out().line("args[{}] = tap_value_memory({}, {});", i, op.arg(i), memory_size(op, argument));
    else
      op.out().line("args[{}] = tap_value_{}({});", i, argument.kind == FormatArgument::Kind::String ? 's' : 'i',
                    op.arg(i));
    i++;
  }
  op.set(fmt::format("tap_sprint(c, {}, &tap_formats[{}], args, {}, {})", op.slot(), op.inst.aux, i, op.location()));
  op.out().close();
}
void emit_PrintHist(const OpText &op) {
  op.run(fmt::format("{}_print_hist(c, {}, TAP_HIST_WIDTH, TAP_HIST_ELISION, {})", op.name(), op.storage(),
                     op.location()));
}
void emit_MapPrintHist(const OpText &op) {
  op.run(fmt::format("{}_print_hist(c, &{}, TAP_HIST_WIDTH, TAP_HIST_ELISION, {}{})", op.name(), op.storage(),
                     op.location(), op.keys()));
}
// A string in the op's slot.
void emit_SprintHist(const OpText &op) {
  op.set(fmt::format("{}_sprint_hist(c, {}, {}, TAP_HIST_WIDTH, TAP_HIST_ELISION, {})", op.name(), op.storage(),
                     op.slot(), op.location()));
}
void emit_MapSprintHist(const OpText &op) {
  op.set(fmt::format("{}_sprint_hist(c, &{}, {}, TAP_HIST_WIDTH, TAP_HIST_ELISION, {}{})", op.name(), op.storage(),
                     op.slot(), op.location(), op.keys()));
}

// --- control
void emit_Call(const OpText &op) {
  ir::FunctionId callee{op.inst.aux};
  const std::string &name = op.unit.name(callee);
  bool recursive = op.unit.recursive(callee);
  if (recursive)
    op.out().open(fmt::format("if (tap_nest(c, TAP_MAXNESTING, {}))", op.location()));
  std::string frame = recursive ? fmt::format("&tap_recursive_frame(c)->{}", name) : fmt::format("&f->calls.{}", name);
  bool in_slot = returns_in_slot(op.unit.function(callee));
  std::string result;
  if (in_slot)
    result = op.has_slot() ? fmt::format(", &f->s{}", op.function.slot[op.id.index])
                           : fmt::format(", &f->calls.{}.result", name);
  std::string call = fmt::format("{}(c, {}{}{})", name, frame, op.args(0, op.inst.operands.size()), result);
  if (op.inst.type == Type::Void)
    op.run(call);
  else
    op.set(op.has_slot() && !in_slot ? fmt::format("tap_copy({}, {})", op.slot(), call) : call);
  if (recursive) {
    op.run("tap_unnest(c)");
    op.out().close();
  }
}
void emit_Error(const OpText &op) { op.run(fmt::format("tap_fail_str(c, {}, {})", op.location(), op.arg(0))); }
void emit_Warn(const OpText &op) { op.run(fmt::format("tap_warn(c, {})", op.arg(0))); }
void emit_Exit(const OpText &op) { op.run("tap_request_exit(c)"); }
void emit_Arm(const OpText &op) { op.run(fmt::format("tap_arm(c, {})", op.arg(0))); }
void emit_Abort(const OpText &op) { op.run("tap_abort(c)"); }
void emit_Charge(const OpText &op) {
  op.out().line("if (!tap_charge(c, {}, {}))", op.inst.imm, op.location());
  op.out().line("\tgoto fail;");
}
// Few locks are taken in line, each in one attempt; more by the runtime's loop.
constexpr size_t inline_locks = 4;
void emit_Lock(const OpText &op) {
  const auto &globals = op.unit.module.lock_sets[op.inst.aux].globals;
  if (op.in_process()) {
    op.out().line("if (!tap_process_lock(c, &tap_lock_set_{}))", op.inst.aux);
    op.out().line("\treturn;");
  } else if (globals.size() > inline_locks) {
    op.out().line("if (!tap_lock_set_take(c, &tap_lock_set_{}))", op.inst.aux);
    op.out().line("\treturn;");
  } else {
    for (size_t i = 0; i < globals.size(); i++) {
      op.out().line("if (!tap_lock_try(&tap_globals.lock_{}, {}) && !tap_lock_wait(c, &tap_lock_set_{}, {}))",
                    globals[i].first.index, globals[i].second, op.inst.aux, i);
      op.out().line("\treturn;");
    }
    op.run(fmt::format("c->held = &tap_lock_set_{}", op.inst.aux));
  }
  if (op.unit.prints(op.function_id()))
    op.run("tap_number_unit(c)");
}
void emit_Unlock(const OpText &op) {
  const auto &globals = op.unit.module.lock_sets[op.inst.aux].globals;
  if (op.in_process())
    return op.run("tap_process_unlock(c)");
  if (globals.size() > inline_locks)
    return op.run("tap_lock_set_release(c)");
  op.run("c->held = NULL");
  for (auto [global, write] : globals)
    op.run(fmt::format("tap_lock_drop(&tap_globals.lock_{}, {})", global.index, write));
}

using Emitter = void (*)(const OpText &);
constexpr Emitter emitters[] = {
#define OP(name, mnemonic, result, operands, aux, effects, cost) emit_##name,
#include "ir/ops.def"
#undef OP
};

} // namespace

std::string value_text(const Unit &unit, const ir::Function &function, ValueId value) {
  const ir::Inst &inst = function.insts[value.index];
  switch (inst.op) {
  case ir::Op::ConstI64:
    return c_integer(inst.imm);
  case ir::Op::ConstStr:
    return fmt::format("TAP_LIT({})", c_string(unit.module.strings[inst.aux]));
  case ir::Op::Param:
    return fmt::format("a{}", inst.imm);
  default:
    bool in_frame = !function.storage.empty() && function.storage[value.index] == ir::Storage::FrameInteger;
    return fmt::format("{}v{}", in_frame ? "f->" : "", value.index);
  }
}

void emit_op(Unit &unit, const ir::Function &function, ValueId value, bool used) {
  const ir::Inst &inst = function.insts[value.index];
  emitters[size_t(inst.op)]({unit, function, inst, value, used});
}

} // namespace tapjit::codegen
