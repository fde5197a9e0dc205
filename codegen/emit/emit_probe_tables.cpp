// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of handlers and sites. A family is only a name here: runtime/<platform>/probe_<family>.h has its macros
// and the fields that Site::constants name.
#include "codegen/emit/unit.h"
#include "ir/signature.h"
#include "ir/site_groups.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace tapjit::codegen {

namespace {

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return toupper(c); });
  return text;
}

bool is_string(const Unit &unit, const ir::EntryValue &value) {
  return unit.module.functions[value.function.index].result == ir::Type::Str;
}

// What the entry values of a probe take, in words: one each, then the bytes of those that are strings.
std::string entry_words(const Unit &unit, const std::vector<ir::EntryValue> &values) {
  auto strings =
      std::count_if(values.begin(), values.end(), [&](const ir::EntryValue &value) { return is_string(unit, value); });
  return strings ? fmt::format("{} + {} * TAP_WORDS(TAP_MAXSTRINGLEN)", values.size(), strings)
                 : fmt::format("{}", values.size());
}

std::string entry_handler(size_t probe) { return fmt::format("probe_entry_{}", probe); }

void emit_probes(Unit &unit) {
  CWriter &out = unit.out;
  out.blank();
  for (size_t i = 0; i < unit.module.probes.size(); i++) {
    const ir::Probe &probe = unit.module.probes[i];
    out.line("TAP_HANDLER({}, {}, {})", i, unit.name(probe.handler), plan_text(unit, probe, {probe.handler}));
    if (probe.entry_values.empty())
      continue;
    std::vector<ir::FunctionId> functions;
    for (const ir::EntryValue &value : probe.entry_values)
      functions.push_back(value.function);
    out.line("TAP_ENTRY_HANDLER({}, {}, {})", i, entry_handler(i), plan_text(unit, probe, functions));
  }
  if (unit.module.probes.empty())
    return;
  static constexpr const char *kinds[] = {"TAP_SESSION", "TAP_EVENT", "TAP_PROCESS"};
  out.open("static struct tap_probe tap_probes[] =");
  for (size_t i = 0; i < unit.module.probes.size(); i++) {
    const ir::Probe &probe = unit.module.probes[i];
    out.line("TAP_PROBE({}, {}, {}, {}, {}),", i, kinds[size_t(probe.context)],
             unit.prints(probe.handler) ? "true" : "false", entry_words(unit, probe.entry_values),
             probe.entry_values.empty() ? "NULL" : fmt::format("tap_entry_handler_{}", i));
  }
  out.close("};");
}

int64_t group_of(const ir::Site &site) {
  const int64_t *group = ir::constant_of<int64_t>(site, ir::group_name);
  return group ? *group : -1;
}

// Of each site the first one whose glue does for it: it is given the site that was hit, or the first of its group.
std::vector<size_t> glue_of_sites(const Unit &unit) {
  std::map<std::tuple<std::string, uint32_t, int64_t, std::vector<std::string>>, size_t> first;
  std::vector<size_t> glue;
  for (const ir::Site &site : unit.module.sites)
    glue.push_back(
        first.try_emplace({site.family, site.probe.index, group_of(site), site.glue}, glue.size()).first->second);
  return glue;
}

// A family's sites as they stand in its array: those of a group behind its first.
std::vector<size_t> sites_in_order(const Unit &unit, std::string_view family, const std::vector<size_t> &glue) {
  std::map<size_t, std::vector<size_t>> followers; // of a group's first
  for (size_t i = 0; i < glue.size(); i++)
    if (glue[i] != i && group_of(unit.module.sites[i]) >= 0)
      followers[glue[i]].push_back(i);
  std::vector<size_t> order;
  for (size_t i = 0; i < glue.size(); i++) {
    const ir::Site &site = unit.module.sites[i];
    if (site.family != family || (glue[i] != i && group_of(site) >= 0))
      continue;
    order.push_back(i);
    for (size_t follower : followers[i])
      order.push_back(follower);
  }
  return order;
}

// For each answer of the gate, the place of its site in the group, counted from 1.
void emit_group(Unit &unit, size_t leader, const std::vector<size_t> &glue, const std::string &args) {
  const ir::Site &first = unit.module.sites[leader];
  const int64_t *which = ir::constant_of<int64_t>(first, ir::gate_number_name);
  const std::string *gate = ir::constant_of<std::string>(first, ir::gate_name);
  std::string table;
  size_t place = 0;
  for (size_t i = leader; i < glue.size(); i++)
    if (glue[i] == leader)
      if (const int64_t *number = ir::constant_of<int64_t>(unit.module.sites[i], ir::number_names[size_t(*which)]))
        table += fmt::format("{}[{}] = {}", table.empty() ? "" : ", ", *number, ++place);
  for (size_t id = 0; id < unit.module.functions.size(); id++) {
    if (unit.module.functions[id].name != *gate)
      continue;
    const std::string &name = unit.name(ir::FunctionId{uint32_t(id)});
    const std::string &handler = unit.name(unit.module.probes[first.probe.index].handler);
    unit.out.line("static const uint16_t tap_group_{}[] = {{{}}};", leader, table);
    unit.out.line("TAP_GROUP_{0}({1}, {2}, {3}(c, &((struct tap_frame *)c->frame)->{4}.calls.{3}){5})",
                  upper(first.family), leader, first.probe.index, name, handler, args);
  }
}

void emit_entries(Unit &unit) {
  std::set<std::pair<std::string, uint32_t>> done;
  for (const ir::Site &site : unit.module.sites)
    if (done.emplace(site.family, site.probe.index).second)
      unit.out.line("TAP_ENTRY_{}({})", upper(site.family), site.probe.index);
  const std::vector<size_t> glue = glue_of_sites(unit);
  for (size_t i = 0; i < unit.module.sites.size(); i++) {
    const ir::Site &site = unit.module.sites[i];
    std::string args;
    for (const std::string &arg : site.glue)
      args += ", " + arg;
    if (args.empty() || glue[i] != i)
      continue;
    if (group_of(site) >= 0)
      emit_group(unit, i, glue, args);
    else
      unit.out.line("TAP_GLUE_{}({}, {}{})", upper(site.family), i, site.probe.index, args);
  }
}

std::string site_text(const ir::Site &site, size_t glue, bool is_first) {
  std::string numbers;
  for (size_t i = 0; i < std::size(ir::number_names); ++i)
    for (const auto &[name, value] : site.constants)
      if (name == ir::number_names[i])
        numbers += fmt::format(", [{}] = {}", i, c_integer(std::get<int64_t>(value)));
  std::string text = fmt::format("{}(&tap_probes[{}], {}, {}{}), .entry = tap_entry_{}_{}",
                                 numbers.empty() ? "TAP_SITE" : "TAP_NUMBERED_SITE", site.probe.index,
                                 c_string(site.pp), c_string(site.function), numbers, site.family, site.probe.index);
  for (const auto &[name, value] : site.constants) {
    if (ir::is_number_name(name) || ir::is_group_name(name))
      continue;
    const std::string *string = std::get_if<std::string>(&value);
    text += fmt::format(", .{} = {}", name, string ? c_string(*string) : c_integer(std::get<int64_t>(value)));
  }
  if (!site.glue.empty() && (is_first || group_of(site) < 0))
    text += fmt::format(", .glue = tap_glue_{}_{}", site.family, glue);
  return text;
}

// One array per family, families in the order of their first site.
std::vector<std::string> emit_sites(Unit &unit) {
  std::vector<std::string> families;
  for (const ir::Site &site : unit.module.sites)
    if (std::find(families.begin(), families.end(), site.family) == families.end())
      families.push_back(site.family);
  const std::vector<size_t> glue = glue_of_sites(unit);
  for (const std::string &family : families) {
    unit.out.open(fmt::format("static struct tap_site_{0} tap_sites_{0}[] =", family));
    for (size_t i : sites_in_order(unit, family, glue))
      unit.out.line("{{ {} }},", site_text(unit.module.sites[i], glue[i], glue[i] == i));
    unit.out.close("};");
  }
  return families;
}

void emit_limits(Unit &unit) {
  unit.out.open(".limits =");
  unit.out.line(".region_actions = {},", c_integer(ir::region_actions(unit.module)));
  unit.out.line(".lock_tries = TAP_MAXTRYLOCK,");
  unit.out.line(".lock_delay_us = TAP_TRYLOCKDELAY,");
  unit.out.line(".errors = TAP_MAXERRORS,");
  unit.out.line(".skipped = TAP_MAXSKIPPED,");
  unit.out.line(".quiet = TAP_STP_SUPPRESS_HANDLER_ERRORS,");
  unit.out.line(".stack_bytes = TAP_MINSTACKSPACE,");
  unit.out.line(".kretprobe_instances = TAP_KRETACTIVE,");
  unit.out.line(".overload_interval = TAP_STP_OVERLOAD_INTERVAL,");
  unit.out.line(".overload_threshold = TAP_STP_OVERLOAD_THRESHOLD,");
  unit.out.line(".overload_off = TAP_STP_NO_OVERLOAD,");
  unit.out.line(".string_bytes = TAP_MAXSTRINGLEN,");
  unit.out.line(".procfs_bytes = TAP_STP_PROCFS_BUFSIZE,");
  unit.out.line(".ring_bytes = (uint64_t)TAP_STP_BUFFER_KB * 1024,");
  unit.out.close("},");
}

// ".table = name, .count_ = n," or nothing where the table is empty and does not exist.
void emit_table(Unit &unit, std::string_view table, std::string_view count, bool exists, std::string_view array) {
  if (!exists)
    return;
  unit.out.line(".{} = {},", table, array);
  unit.out.line(".{} = TAP_COUNT({}),", count, array);
}

// Modules that send no signals are spared what does.
bool calls_raise(const ir::Function &function) {
  return function.embedded.text.find("tap_raise(") != std::string::npos;
}

void emit_program(Unit &unit, const std::vector<std::string> &families) {
  CWriter &out = unit.out;
  if (!families.empty()) {
    out.open("static const struct tap_family_use tap_families[] =");
    for (const std::string &family : families)
      out.line("TAP_FAMILY_USE({0}, tap_sites_{0}),", family);
    out.close("};");
  }
  out.open("static struct tap_program tap_program =");
  out.line(".abi = TAP_ABI,");
  out.line(".name = {},", c_string(unit.module.name));
  emit_table(unit, "probes", "probe_count", !unit.module.probes.empty(), "tap_probes");
  emit_table(unit, "families", "family_count", !families.empty(), "tap_families");
  emit_table(unit, "formats", "format_count", !unit.module.formats.empty(), "tap_formats");
  out.line(".frame_size = sizeof(struct tap_frame),");
  out.line(".globals_init = tap_globals_init,");
  out.line(".globals_exit = tap_globals_exit,");
  if (!unit.module.anchor_symbol.empty()) {
    out.line(".anchor_symbol = {},", c_string(unit.module.anchor_symbol));
    out.line(".anchor = {},", c_integer(unit.module.anchor));
    out.line(".find_slide = tap_find_slide,");
  }
  if (!unit.module.module_anchors.empty()) {
    emit_table(unit, "module_anchors", "module_anchor_count", true, "tap_module_anchors");
    out.line(".find_modules = tap_module_data_find,");
    out.line(".forget_modules = tap_module_data_forget,");
  }
  if (std::any_of(unit.module.functions.begin(), unit.module.functions.end(), calls_raise))
    out.line("TAP_RAISE_NOW");
  emit_limits(unit);
  out.close("};");
  out.blank();
  out.line("TAP_MODULE(tap_program)");
}

} // namespace

void emit_module_anchors(Unit &unit) {
  if (unit.module.module_anchors.empty())
    return;
  unit.out.blank();
  unit.out.open("static struct tap_module_anchor tap_module_anchors[] =");
  for (const auto &[symbol, linked, build_id] : unit.module.module_anchors) {
    size_t colon = symbol.find(':');
    unit.out.line("TAP_MODULE_ANCHOR({}, {}, {}, {}),", c_string(symbol.substr(0, colon)),
                  c_string(symbol.substr(colon + 1)), c_integer(linked),
                  build_id.empty() ? "NULL" : c_string(build_id));
  }
  unit.out.close("};");
}

void emit_entry_frames(Unit &unit) {
  for (size_t i = 0; i < unit.module.probes.size(); i++) {
    std::string members;
    for (const ir::EntryValue &value : unit.module.probes[i].entry_values)
      members += fmt::format(" struct {0}_frame {0};", unit.name(value.function));
    if (!members.empty())
      unit.out.line("union {0}_frame {{{1} }} {0};", entry_handler(i), members);
  }
}

void emit_entry_handlers(Unit &unit) {
  for (size_t i = 0; i < unit.module.probes.size(); i++) {
    const auto &values = unit.module.probes[i].entry_values;
    if (values.empty())
      continue;
    unit.out.blank();
    unit.out.line("static void {0}(struct tap_ctx *c, union {0}_frame *f)", entry_handler(i));
    unit.out.open("");
    size_t strings = 0;
    for (size_t value = 0; value < values.size(); value++) {
      std::string call = fmt::format("{0}(c, &f->{0})", unit.name(values[value].function));
      if (is_string(unit, values[value]))
        unit.out.line("tap_entry_keep_str(c, {}, {} + {} * TAP_WORDS(TAP_MAXSTRINGLEN), TAP_MAXSTRINGLEN, {});", value,
                      values.size(), strings++, call);
      else
        unit.out.line("c->entry[{}] = {};", value, call);
    }
    unit.out.close();
  }
}

void emit_probe_tables(Unit &unit) {
  emit_probes(unit);
  emit_entries(unit);
  emit_program(unit, emit_sites(unit));
}

} // namespace tapjit::codegen
