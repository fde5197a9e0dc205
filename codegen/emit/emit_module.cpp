// SPDX-License-Identifier: GPL-2.0-or-later
// The unit from its first to its last line, in the order that runtime/ABI.md gives.
#include "codegen/emit/format_args.h"
#include "codegen/emit/unit.h"
#include "ir/signature.h"
#include "ir/where.h"

#include <algorithm>

namespace tapjit::codegen {

namespace {

using ir::Type;

const char *const limit_names[] = {
#define LIMIT(name, value, most) #name,
#include "ir/limits.def"
#undef LIMIT
};

std::map<std::string, int64_t> limits_of(const ir::Module &module, const ir::ModuleEffects &effects) {
  std::map<std::string, int64_t> limits;
#define LIMIT(name, value, most) limits[#name] = value;
#include "ir/limits.def"
#undef LIMIT
  for (const auto &[name, value] : module.limits)
    limits[name] = value;
  auto computed = [&](const char *name, int64_t value) {
    if (!limits[name])
      limits[name] = value;
  };
  computed("MAXACTION_INTERRUPTIBLE", limits["MAXACTION"] > INT64_MAX / 10 ? INT64_MAX : 10 * limits["MAXACTION"]);
  computed("MAP_STRING_LENGTH", limits["MAXSTRINGLEN"]);
  computed("STP_PROCFS_BUFSIZE", limits["MAXSTRINGLEN"]);
  computed("MAXNESTING", ir::default_nesting(module, effects));
  return limits;
}

std::vector<std::string> name_functions(const ir::Module &module) {
  std::vector<std::string> names;
  std::set<std::string> taken;
  for (const ir::Function &function : module.functions) {
    std::string name = c_identifier(function.name);
    if (function.kind != ir::FunctionKind::Probe)
      name = "fn_" + name;
    if (!taken.insert(name).second)
      taken.insert(name += fmt::format("_{}", names.size()));
    names.push_back(name);
  }
  return names;
}

std::vector<std::string> name_globals(const ir::Module &module) {
  std::vector<std::string> names;
  for (const ir::Global &global : module.globals)
    names.push_back(fmt::format("g{}_{}", names.size(), c_identifier(global.name)));
  return names;
}

std::vector<bool> reachable_functions(const ir::Module &module) {
  std::vector<bool> reachable(module.functions.size());
  std::vector<ir::FunctionId> work;
  for (const ir::Probe &probe : module.probes) {
    work.push_back(probe.handler);
    for (const ir::EntryValue &value : probe.entry_values)
      work.push_back(value.function);
  }
  while (!work.empty()) {
    ir::FunctionId id = work.back();
    work.pop_back();
    if (reachable[id.index])
      continue;
    reachable[id.index] = true;
    for (ir::FunctionId callee : callees(module.functions[id.index]))
      work.push_back(callee);
  }
  return reachable;
}

bool has_abort(const ir::Module &module) {
  for (const ir::Function &function : module.functions)
    for (const ir::Block &block : function.blocks)
      for (ir::ValueId value : block.insts)
        if (function.insts[value.index].op == ir::Op::Abort)
          return true;
  return false;
}

std::set<std::pair<uint32_t, uint32_t>> used_sorts(const ir::Module &module) {
  std::set<std::pair<uint32_t, uint32_t>> sorts;
  for (const ir::Function &function : module.functions)
    for (const ir::Block &block : function.blocks)
      for (ir::ValueId value : block.insts)
        if (const ir::Inst &inst = function.insts[value.index];
            inst.op == ir::Op::IterBegin && module.sorts[inst.imm].by != ir::Sort::By::None)
          sorts.emplace(inst.aux, uint32_t(inst.imm));
  return sorts;
}

// --- the unit's parts, in order

void emit_head(Unit &unit) {
  CWriter &out = unit.out;
  out.line("/* Made by tapjit from the script; runtime/ABI.md says how it is laid out. */");
  if (unit.options.kbuild) {
    out.line("#define TAP_KBUILD");
    out.line("#include \"runtime/{}/pch.h\"", unit.options.platform == EmitPlatform::Kernel ? "kernel" : "user");
  }
  for (const std::string &include : unit.module.includes)
    out.line("#include <{}>", include);
  for (const char *name : limit_names)
    out.line("#define {} {}", name, c_integer(unit.limits[name]));
  for (const auto &[name, value] : unit.module.defines)
    out.line("#define {} {}", name, value);
  out.open("enum");
  for (const char *name : limit_names)
    out.line("TAP_{} = {},", name, c_integer(unit.limits[name]));
  out.close("};");
  for (const auto &[text, location] : unit.module.embedded_top)
    emit_script_text(unit, text, location);
}

void emit_formats(Unit &unit) {
  if (unit.module.formats.empty())
    return;
  unit.out.blank();
  unit.out.open("static const struct tap_format tap_formats[] =");
  for (const ir::Format &format : unit.module.formats) {
    std::string letters;
    for (const FormatArgument &argument : format_arguments(format))
      letters += argument.kind == FormatArgument::Kind::Integer ? 'i' : 's';
    unit.out.line("TAP_FORMAT({}, {}),", c_string(format.text), c_string(letters));
  }
  unit.out.close("};");
}

void emit_stat(Unit &unit, const ir::Global &global, const std::string &name) {
  const ir::StatSpec &spec = global.stat;
  static const char *const kinds[] = {"TAP_HIST_NONE", "TAP_HIST_LOG", "TAP_HIST_LINEAR"};
  unit.out.line("static const struct tap_stat_spec {}_spec = {{ {{ {}, {}, {}, {}, {} }}, {}, {} }};", name,
                kinds[size_t(spec.hist)], c_integer(spec.low), c_integer(spec.high), c_integer(spec.step),
                ir::bucket_count(spec), spec.variance ? "true" : "false", spec.variance_shift);
  unit.out.line("TAP_STAT_TYPE({}, {})", name, ir::bucket_count(spec));
  if (!is_map(global))
    unit.out.line("TAP_STAT_DEFINE({0}, {0}_spec)", name);
}

void emit_map(Unit &unit, const ir::Global &global, const std::string &name) {
  std::string keys;
  for (size_t i = 0; i < global.keys.size(); i++)
    keys += global.keys[i] == Type::Str ? fmt::format(" OP(s, {}, TAP_MAP_STRING_LENGTH)", i)
                                        : fmt::format(" OP(i, {}, 0)", i);
  unit.out.line("#define {}_KEYS(OP){}", name, keys);
  if (global.value == ir::ValueKind::Stat)
    unit.out.line("TAP_MAP_DEFINE_stat({0}, {0}_KEYS, {0}_spec)", name);
  else if (global.value == ir::ValueKind::Str)
    unit.out.line("TAP_MAP_DEFINE_s({0}, {0}_KEYS, TAP_MAP_STRING_LENGTH)", name);
  else
    unit.out.line("TAP_MAP_DEFINE_i({0}, {0}_KEYS)", name);
}

// The comparison of one sort, over nodes a and b.
std::string sort_order(const ir::Global &global, const ir::Sort &sort, const std::string &name) {
  if (sort.by == ir::Sort::By::Stat)
    return fmt::format("tap_order_i(tap_stat_sort_key(&a->value.s, {0}_spec.shift, {1}), "
                       "tap_stat_sort_key(&b->value.s, {0}_spec.shift, {1}))",
                       name, unsigned(sort.field));
  std::string member = sort.by == ir::Sort::By::Key ? fmt::format("k{}", sort.key) : "value";
  bool string = sort.by == ir::Sort::By::Key ? global.keys[sort.key] == Type::Str : global.value == ir::ValueKind::Str;
  return string ? fmt::format("tap_str_cmp(TAP_STORED(a->{0}), TAP_STORED(b->{0}))", member)
                : fmt::format("tap_order_i(a->{0}, b->{0})", member);
}

void emit_globals_types(Unit &unit) {
  for (uint32_t i = 0; i < unit.module.globals.size(); i++) {
    const ir::Global &global = unit.module.globals[i];
    unit.out.blank();
    if (global.value == ir::ValueKind::Stat)
      emit_stat(unit, global, unit.global_names[i]);
    if (is_map(global))
      emit_map(unit, global, unit.global_names[i]);
  }
  for (auto [map, index] : unit.sorts) {
    const ir::Sort &sort = unit.module.sorts[index];
    unit.out.line("TAP_MAP_SORT_{}DEFINE({}, {}_node, {}, {})", sort.nested ? "NESTED_" : "",
                  sort_name(unit, ir::GlobalId{map}, index), unit.global_names[map], sort.descending ? -1 : 1,
                  sort_order(unit.module.globals[map], sort, unit.global_names[map]));
  }
}

// Type and name of a global's member of tap_globals.
std::string global_member(const ir::Global &global, const std::string &name) {
  if (is_map(global))
    return "struct tap_map " + name;
  if (global.value == ir::ValueKind::Stat)
    return fmt::format("struct {0}_cpu *{0}", name);
  return global.value == ir::ValueKind::Str ? fmt::format("TAP_STRING_STORAGE(TAP_MAXSTRINGLEN) {}", name)
                                            : "int64_t " + name;
}

void emit_globals(Unit &unit) {
  CWriter &out = unit.out;
  if (unit.module.globals.empty())
    return;
  out.blank();
  out.open("static struct");
  for (uint32_t i = 0; i < unit.module.globals.size(); i++) {
    out.line("struct tap_lock lock_{};", i);
    out.line("{};", global_member(unit.module.globals[i], unit.global_names[i]));
  }
  out.close("} tap_globals;");
  for (uint32_t set = 0; set < unit.module.lock_sets.size(); set++) {
    out.open(fmt::format("static const struct tap_lock_use tap_lock_uses_{}[] =", set));
    for (auto [global, write] : unit.module.lock_sets[set].globals)
      out.line("{{ &tap_globals.lock_{}, {}, {} }},", global.index, write ? "true" : "false",
               c_string(unit.module.globals[global.index].name));
    out.close("};");
    out.line(
        "static const struct tap_lock_set tap_lock_set_{0} = {{ tap_lock_uses_{0}, TAP_COUNT(tap_lock_uses_{0}) }};",
        set);
  }
}

// Initial values are given here rather than in the definition, so that a program can be run again.
void emit_global_init(Unit &unit, const ir::Global &global, const std::string &name) {
  CWriter &out = unit.out;
  if (is_map(global))
    out.line("if (tap_map_init(&tap_globals.{0}, {1}, sizeof(struct {0}_node), {2}))", name,
             global.max_entries ? c_integer(global.max_entries) : "TAP_MAXMAPENTRIES", global.wrap ? "true" : "false");
  else if (global.value == ir::ValueKind::Stat)
    out.line("if (!(tap_globals.{0} = tap_alloc(((uint64_t)tap_cpu_count() + 1) * sizeof(struct {0}_cpu))))", name);
  else if (const std::string *text = std::get_if<std::string>(&global.init))
    return out.line("TAP_STORE(tap_globals.{}, TAP_LIT({}));", name, c_string(*text));
  else if (const int64_t *number = std::get_if<int64_t>(&global.init))
    return out.line("tap_globals.{} = {};", name, c_integer(*number));
  else
    return;
  out.line("\treturn -12;");
  if (is_map(global) && global.max_entries && !global.wrap)
    out.line("tap_globals.{}.overflow = \"Array overflow, check size limit ({})\";", name, global.max_entries);
}

void emit_globals_init(Unit &unit) {
  CWriter &out = unit.out;
  out.blank();
  out.line("static int tap_globals_init(void)");
  out.open("");
  for (uint32_t i = 0; i < unit.module.globals.size(); i++)
    emit_global_init(unit, unit.module.globals[i], unit.global_names[i]);
  out.line("return 0;");
  out.close();
  out.blank();
  out.line("static void tap_globals_exit(void)");
  out.open("");
  for (uint32_t i = 0; i < unit.module.globals.size(); i++)
    if (is_map(unit.module.globals[i]))
      out.line("tap_map_exit(&tap_globals.{});", unit.global_names[i]);
    else if (unit.module.globals[i].value == ir::ValueKind::Stat)
      out.line("tap_free(tap_globals.{});", unit.global_names[i]);
  if (!unit.module.globals.empty())
    out.line("__builtin_memset(&tap_globals, 0, sizeof(tap_globals));");
  out.close();
}

void emit_frames(Unit &unit) {
  CWriter &out = unit.out;
  out.blank();
  for (ir::FunctionId id : unit.effects.callees_first())
    if (unit.reachable[id.index])
      emit_frame(unit, id);
  if (unit.has_recursion()) {
    out.open("union tap_recursive_frame");
    for (ir::FunctionId id : unit.effects.callees_first())
      if (unit.reachable[id.index] && unit.recursive(id))
        out.line("struct {0}_frame {0};", unit.name(id));
    out.close("};");
    out.line("#define tap_recursive_frame(c) (&((struct tap_frame *)(c)->frame)->recursive[(c)->nesting - 1])");
  }
  out.open("struct tap_frame");
  out.open("union");
  out.line("char none[8];");
  for (const ir::Probe &probe : unit.module.probes)
    out.line("struct {0}_frame {0};", unit.name(probe.handler));
  emit_entry_frames(unit);
  out.close("};");
  if (unit.has_recursion())
    out.line("union tap_recursive_frame recursive[TAP_MAXNESTING];");
  emit_match_member(unit);
  out.close("};");
}

void emit_functions(Unit &unit) {
  unit.out.blank();
  for (ir::FunctionId id : unit.effects.callees_first())
    if (unit.reachable[id.index] && unit.function(id).kind != ir::FunctionKind::Probe)
      emit_prototype(unit, id, ";");
  for (ir::FunctionId id : unit.effects.callees_first())
    if (unit.reachable[id.index])
      emit_function(unit, id);
}

} // namespace

bool Unit::has_recursion() const {
  for (uint32_t i = 0; i < module.functions.size(); i++)
    if (reachable[i] && effects.recursive()[i])
      return true;
  return false;
}

std::string where(const ir::Module &module, ir::LocationId location, std::string_view thing) {
  std::string text = ir::place_text(module, location, std::string(thing));
  return text.empty() ? "NULL" : c_string(text);
}

bool is_map(const ir::Global &global) { return !global.keys.empty(); }

std::string sort_name(const Unit &unit, ir::GlobalId map, uint32_t sort) {
  return fmt::format("{}_sort_{}", unit.name(map), sort);
}

std::map<std::string, int64_t> resolve_limits(const ir::Module &module) {
  return limits_of(module, ir::ModuleEffects(module));
}

std::vector<std::string> embedded_function_names(const ir::Module &module) {
  std::vector<std::string> names = name_functions(module), embedded;
  for (size_t i = 0; i < names.size(); ++i)
    if (module.functions[i].kind == ir::FunctionKind::Embedded)
      embedded.push_back(std::move(names[i]));
  return embedded;
}

std::string emit_c(const ir::Module &module, const EmitOptions &options) {
  CWriter out(options.unit_name.empty() ? module.name + ".c" : options.unit_name, options.pin_lines);
  ir::ModuleEffects effects(module);
  auto limits = limits_of(module, effects);
  Unit unit{module,
            options,
            out,
            std::move(effects),
            std::move(limits),
            name_functions(module),
            name_globals(module),
            reachable_functions(module),
            used_sorts(module),
            make_regexes(module),
            has_abort(module),
            {}};
  for (const ir::Site &site : module.sites)
    if (site.family == "arming")
      unit.conditions.merge(unit.effects.of(module.probes[site.probe.index].handler).reads);
  emit_head(unit);
  emit_formats(unit);
  emit_regexes(unit);
  emit_globals_types(unit);
  emit_globals(unit);
  emit_globals_init(unit);
  emit_module_anchors(unit);
  emit_frames(unit);
  emit_searches(unit);
  emit_functions(unit);
  emit_entry_handlers(unit);
  emit_probe_tables(unit);
  return out.take();
}

} // namespace tapjit::codegen
