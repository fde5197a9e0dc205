// SPDX-License-Identifier: GPL-2.0-or-later
// The frame of a module: globals, functions, probes and their sites, limits. Bodies: lower_body.h.
#include "frontend/lower_module.h"
#include "frontend/base/deep_stack.h"

#include "frontend/lexer.h"
#include "frontend/lower_body.h"

#include "ir/signature.h"

#include <algorithm>
#include <cstdlib>

namespace tapjit {

namespace lowering {

ir::Type ir_type(ast::Type type) {
  switch (type) {
  case ast::Type::number:
    return ir::Type::I64;
  case ast::Type::string:
    return ir::Type::Str;
  default:
    return ir::Type::Void;
  }
}

ir::StatField stat_field(ast::StatOp op) {
  static_assert(int(ast::StatOp::count) == int(ir::StatField::Count) &&
                int(ast::StatOp::sum) == int(ir::StatField::Sum) && int(ast::StatOp::min) == int(ir::StatField::Min) &&
                int(ast::StatOp::max) == int(ir::StatField::Max) && int(ast::StatOp::avg) == int(ir::StatField::Avg) &&
                int(ast::StatOp::variance) == int(ir::StatField::Variance));
  return ir::StatField(op);
}

ir::LocationId ModuleState::location(Loc loc) {
  if (!loc)
    return ir::LocationId::none();
  auto [entry, is_new] = locations.try_emplace(loc.value);
  if (is_new) {
    Position position = sources.position(loc);
    if (position.source.valid())
      entry->second = interner.location(sources.name(position.source), position.line, position.column);
  }
  return entry->second;
}

void ModuleState::unsupported(Loc loc, std::string_view what) {
  diagnostics.report(DiagId::not_supported, loc, {what});
}

std::string_view ModuleState::cut(std::string_view text) const {
  return text.substr(0, text.find('\0')).substr(0, size_t(std::max<int64_t>(1, ir::limit(module, "MAXSTRINGLEN")) - 1));
}

std::string ModuleState::free_name(std::string wanted) const {
  while (function_names.contains(wanted))
    wanted += '_';
  return wanted;
}

ir::FunctionId ModuleState::add_function(ir::Function function) {
  function_names.insert(function.name);
  module.functions.push_back(std::move(function));
  return ir::FunctionId{uint32_t(module.functions.size() - 1)};
}

void ModuleState::drop_last_function() {
  function_names.erase(module.functions.back().name);
  module.functions.pop_back();
}

// Where the text behind `%{` begins.
static ir::LocationId text_start(ModuleState &state, Loc loc, size_t skip) {
  return state.location(state.sources.advanced(loc, skip));
}

ir::FunctionId ModuleState::add_embedded(std::string_view code, ir::Type result, Loc loc, size_t skip) {
  ir::Function function;
  function.name = free_name("embedded_" + std::to_string(module.functions.size()));
  function.kind = ir::FunctionKind::Embedded;
  function.result = result;
  function.embedded = read_embedded(code, program);
  function.embedded.expression = true;
  function.embedded.start = text_start(*this, loc, skip);
  function.loc = location(loc);
  note_compatibility(code);
  return add_function(std::move(function));
}

// C that asks for it sees --compatible.
void ModuleState::note_compatibility(std::string_view code) {
  if (!mentions(code, "STAP_COMPAT_VERSION"))
    return;
  std::string_view version = options.compatible;
  size_t dot = version.find('.');
  std::string_view minor = dot == std::string_view::npos ? "0" : version.substr(dot + 1);
  module.defines["STAP_COMPAT_VERSION"] = "STAP_VERSION(" + std::string(version.substr(0, dot)) + "," +
                                          std::string(minor.substr(0, minor.find_first_not_of("0123456789"))) + ")";
}

static void add_limits(ir::Module &module, const std::vector<std::pair<std::string, std::string>> &defines) {
  static constexpr std::string_view names[] = {
#define LIMIT(name, value, most) #name,
#include "ir/limits.def"
#undef LIMIT
  };
  for (const auto &[name, text] : defines) {
    bool is_limit = false;
    for (std::string_view limit : names)
      is_limit |= limit == name;
    char *end = nullptr;
    int64_t number = std::strtoll(text.c_str(), &end, 0);
    if (is_limit && (text.empty() || *end == 0))
      module.limits[name] = text.empty() ? 1 : number;
    else
      module.defines[name] = text;
  }
}

static ir::Global make_global(ModuleState &state, const GlobalVar &variable) {
  ir::Global global;
  global.name = variable.unique_name.empty() ? std::string(variable.name.view()) : variable.unique_name;
  global.value = variable.value == ast::Type::string  ? ir::ValueKind::Str
                 : variable.value == ast::Type::stats ? ir::ValueKind::Stat
                                                      : ir::ValueKind::I64;
  for (ast::Type key : variable.keys)
    global.keys.push_back(ir_type(key));
  global.max_entries = variable.max_entries;
  global.wrap = variable.wrap;
  global.stat = variable.stat;
  if (int64_t most = ir::limit(state.module, "STP_MAX_BUCKETS"); global.stat.hist == ir::StatSpec::Hist::Linear &&
                                                                 global.stat.step > 0 &&
                                                                 ir::bucket_count(global.stat) > uint64_t(most))
    state.diagnostics.report(DiagId::hist_too_many_buckets, variable.loc, {variable.name, most})
        .hint("make the step larger, or give `-D STP_MAX_BUCKETS=NUMBER`");
  if (variable.has_init && variable.value == ast::Type::string)
    global.init = std::string(state.cut(variable.init_string));
  else if (variable.has_init)
    global.init = variable.init_number;
  global.display_at_end = variable.display_at_end;
  global.loc = state.location(variable.loc);
  return global;
}

// Where an embedded function may hand on to its next overload: a function that calls the one, and then the other where
// that was asked.
static ir::FunctionId add_chain(ModuleState &state, const FunctionInfo &info, ir::FunctionId first) {
  ir::Function function;
  const ir::Function embedded = state.module.functions[first.index];
  function.name = state.free_name(embedded.name + "__chain");
  function.kind = ir::FunctionKind::Script;
  function.params = embedded.params;
  function.param_names = embedded.param_names;
  function.result = embedded.result;
  function.loc = embedded.loc;
  ir::FunctionId id = state.add_function(std::move(function));
  BodyLowerer(state, id, info.locals, info.param_count, info.targets).lower_chain(info, first);
  return id;
}

// Declared at the first call, so that calls may go forward, and what is not called is not there.
const Callee &ModuleState::callee(ast::FunctionId id) {
  Callee &callee = callees[id.index()];
  if (callee.is_known)
    return callee;
  const FunctionInfo &info = program.function(id);
  callee.is_known = true;
  if (!info.body)
    callee.intrinsic = read_intrinsic(info.code);
  if (callee.intrinsic)
    return callee;
  ir::Function function;
  function.name = free_name(info.unique_name.empty() ? std::string(info.name.view()) : info.unique_name);
  function.kind = info.body ? ir::FunctionKind::Script : ir::FunctionKind::Embedded;
  for (size_t index = 0; index < info.param_count; ++index) {
    function.params.push_back(ir_type(info.locals[index].type));
    function.param_names.emplace_back(info.locals[index].name.view());
  }
  function.result = ir_type(info.result);
  function.loc = location(info.loc);
  callee.function = ir::FunctionId{uint32_t(module.functions.size())};
  if (info.body)
    pending.push_back(id);
  else
    fill_embedded(info, function);
  add_function(std::move(function));
  if (!info.body && mentions(info.code, "STAP_NEXT"))
    callee.function = add_chain(*this, info, callee.function);
  return callee;
}

void ModuleState::fill_embedded(const FunctionInfo &info, ir::Function &function) {
  function.embedded = read_embedded(info.code, program);
  function.embedded.unmangled |= is_before(options.compatible, "1.8");
  function.embedded.start = text_start(*this, info.code_loc, 2);
  function.embedded.reads.clear();
  function.embedded.writes.clear();
  auto add = [&](GlobalId id, std::vector<ir::GlobalId> &list) {
    const GlobalVar &variable = program.global(id);
    rename_global_macros(function.embedded.text, variable.name.view(), variable.unique_name);
    list.push_back(global(id));
  };
  for (GlobalId read : info.reads)
    add(read, function.embedded.reads);
  for (GlobalId written : info.writes)
    add(written, function.embedded.writes);
  note_compatibility(info.code);
}

int64_t ModuleState::entry_slot(EntryId entry) {
  auto found = std::find(entries.begin(), entries.end(), entry);
  if (found == entries.end())
    found = entries.insert(entries.end(), entry);
  return found - entries.begin();
}

// Lowers what was called and what that calls.
void lower_pending(ModuleState &state) {
  while (!state.pending.empty()) {
    FunctionId id = state.pending.back();
    state.pending.pop_back();
    const FunctionInfo &info = state.program.function(id);
    BodyLowerer(state, state.callees[id.index()].function, info.locals, info.param_count, info.targets)
        .lower_function(info);
  }
}

static ir::FunctionId add_function(ModuleState &state, std::string name, ir::FunctionKind kind, ir::Type result,
                                   Loc loc) {
  ir::Function function;
  function.name = state.free_name(std::move(name));
  function.kind = kind;
  function.result = result;
  function.loc = state.location(loc);
  return state.add_function(std::move(function));
}

static void add_sites(ModuleState &state, const Handler &handler, ir::ProbeId probe) {
  for (const ResolvedSite &site : handler.sites) {
    state.module.probes[probe.index].sites.push_back(ir::SiteId{uint32_t(state.module.sites.size())});
    state.module.sites.push_back(site.site);
    state.module.sites.back().probe = probe;
  }
}

// A handler of an event with conditions is placed while they hold: a probe of its own, which the runtime runs when a
// global that it reads may have changed, says so.
static void add_arming(ModuleState &state, const Handler &handler, ir::ProbeId armed) {
  static const std::vector<Local> no_locals;
  static const std::vector<TargetUse> no_targets;
  ir::Probe probe;
  probe.handler = add_function(state, "arming_" + std::to_string(armed.index), ir::FunctionKind::Probe, ir::Type::Void,
                               handler.conditions[0]->loc);
  BodyLowerer(state, probe.handler, no_locals, 0, no_targets).lower_arming(handler);
  lower_pending(state);
  ir::Site site;
  site.family = "arming";
  site.probe = {uint32_t(state.module.probes.size())};
  site.pp = handler.sites[0].site.pp;
  site.constants.emplace_back("of", int64_t(armed.index));
  probe.sites.push_back(ir::SiteId{uint32_t(state.module.sites.size())});
  state.module.sites.push_back(std::move(site));
  state.module.probes.push_back(std::move(probe));
}

// The kernel keeps so much for a call at most (KRETPROBE_MAX_DATA_SIZE).
constexpr int64_t most_entry_bytes = 4096;

static void check_entry_size(ModuleState &state, const Handler &handler) {
  int64_t bytes = 0, length = ir::limit(state.module, "MAXSTRINGLEN");
  const ast::Expr *last = nullptr; // string
  for (EntryId entry : state.entries) {
    bytes += entry.valid() ? 0 : 8;
    if (!entry.valid())
      continue;
    const ast::Expr &expr = *handler.entries[entry.index()];
    bool is_string = expr.type == ast::Type::string;
    last = is_string ? &expr : last;
    bytes += 8 + (is_string ? (length + 7) / 8 * 8 : 0);
  }
  if (last && bytes > most_entry_bytes)
    state.diagnostics.report(DiagId::entry_too_large, last->range(), {bytes, most_entry_bytes})
        .hint("a string takes MAXSTRINGLEN bytes, which are " + std::to_string(length) + " here");
}

static void add_probe(ModuleState &state, const Handler &handler) {
  ir::ProbeId id{uint32_t(state.module.probes.size())};
  std::string number = std::to_string(id.index);
  ir::Probe probe;
  state.entries.clear();
  std::vector<LocalId> live_in;
  ir::FunctionId body = shared_body(state, handler, live_in);
  probe.handler = add_function(state, "probe_" + number, ir::FunctionKind::Probe, ir::Type::Void, handler.loc);
  BodyLowerer(state, probe.handler, handler.locals, 0, handler.targets).lower_handler(handler, body, live_in);
  lower_pending(state);
  for (size_t slot = 0; slot < state.entries.size(); ++slot) {
    static const std::vector<Local> no_locals;
    const std::string name = "entry_" + number + "_" + std::to_string(slot);
    if (!state.entries[slot].valid()) { // see begin_callee
      probe.entry_values.push_back({add_function(state, name, ir::FunctionKind::Script, ir::Type::I64, handler.loc)});
      BodyLowerer(state, probe.entry_values.back().function, no_locals, 0, handler.targets)
          .lower_caller_check(handler.sites[0].callers);
      continue;
    }
    const ast::Expr &expr = *handler.entries[state.entries[slot].index()];
    ir::FunctionId function = add_function(state, name, ir::FunctionKind::Script, ir_type(expr.type), expr.loc);
    BodyLowerer(state, function, no_locals, 0, handler.targets).lower_entry(expr);
    lower_pending(state);
    probe.entry_values.push_back({function});
  }
  check_entry_size(state, handler);
  probe.context = handler.sites.empty() ? ir::ContextKind::Event : handler.sites[0].context_kind;
  if (ir::ProbeId same = find_same_probe(state, handler, probe); same.valid()) {
    state.drop_last_function();
    add_sites(state, handler, same);
    return;
  }
  state.module.probes.push_back(std::move(probe));
  if (!handler.blocks.empty())
    state.groups[handler.blocks.back()->loc.value]
        .probes[hash_of(state.module.functions[state.module.probes[id.index].handler.index])]
        .push_back(id);
  add_sites(state, handler, id);
  if (!handler.conditions.empty() && !handler.sites.empty() &&
      state.module.probes[id.index].context == ir::ContextKind::Event)
    add_arming(state, handler, id);
}

} // namespace lowering

static ir::Module lower_program(const Program &program, const SourceTable &sources, const LowerOptions &options,
                                Diagnostics &diagnostics) {
  using namespace lowering;
  ir::Module module;
  module.name = options.module_name;
  add_limits(module, options.defines);
  ModuleState state{program,
                    sources,
                    options,
                    diagnostics,
                    module,
                    ir::Interner(module),
                    std::vector<Callee>(program.functions.size()),
                    {},
                    {},
                    {},
                    {},
                    false,
                    {},
                    {}};
  find_iterated(state);
  state.reads_groups = reads_groups(program);
  for (const GlobalVar &variable : program.globals)
    module.globals.push_back(make_global(state, variable));
  for (const TopLevelCode &code : program.embedded) {
    state.note_compatibility(code.code);
    module.embedded_top.emplace_back(code.code, state.location(sources.advanced(code.loc, 2)));
  }
  if (!options.report_sites.empty()) {
    add_counting_probes(state);
    return module;
  }
  for (const Handler &handler : program.handlers)
    if (!handler.blocks.empty())
      ++state.groups[handler.blocks.back()->loc.value].handlers;
  for (const Handler &handler : program.handlers)
    add_probe(state, handler);
  add_display_probe(state);
  return module;
}

std::vector<ResolvedSite> find_display_sites(const ProbeFamilies &families) {
  std::vector<ResolvedSite> result;
  for (std::string_view name : {"end", "error"}) {
    ProbeComponent component;
    component.name = name;
    ProbeMatch match = families.match(std::span<const ProbeComponent>(&component, 1));
    result.insert(result.end(), match.sites.begin(), match.sites.end());
  }
  return result;
}

ir::Module lower(const Program &program, const SourceTable &sources, const LowerOptions &options,
                 Diagnostics &diagnostics) {
  ir::Module module;
  run_on_deep_stack(program.is_deep, [&] { module = lower_program(program, sources, options, diagnostics); });
  return module;
}

} // namespace tapjit
