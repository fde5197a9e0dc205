// SPDX-License-Identifier: GPL-2.0-or-later
// Globals that are written and never read are shown when the session ends, as SystemTap spells them: `n=5`, `s="x"`,
// `m["k",1]=1`, `t @count=2 @min=1 @max=3 @sum=4 @avg=2`, `t @count=0x0` where it is empty. Arrays go by falling value.
#include "frontend/lower_module.h"

#include <algorithm>

namespace tapjit::lowering {

using ir::StatField;
using ir::Type;
using ir::ValueId;

namespace {

class DisplayBuilder {
public:
  DisplayBuilder(ModuleState &state, ir::FunctionId function) : state_(state), builder_(state.interner, function) {}

  void show(ir::GlobalId global) {
    const GlobalVar &variable = state_.variable(global);
    builder_.set_location(state_.location(variable.loc));
    builder_.charge();
    if (variable.keys.empty())
      show_value(global, std::string(variable.name.view()), {}, ValueId::none());
    else
      show_map(global, variable);
  }
  void finish() { builder_.finish(); }

private:
  void show_map(ir::GlobalId global, const GlobalVar &variable) {
    ir::Sort sort;
    sort.by = variable.value == ast::Type::stats ? ir::Sort::By::Stat : ir::Sort::By::Value;
    sort.descending = true;
    ValueId iter = builder_.iter_begin(global, sort, builder_.const_i64(-1));
    ir::BlockId header = builder_.new_block(), inside = builder_.new_block(), after = builder_.new_block();
    builder_.jump(header);
    builder_.set_block(header);
    builder_.charge();
    builder_.branch(builder_.iter_next(iter), inside, after);
    builder_.seal(inside);
    builder_.set_block(inside);
    std::string text = std::string(variable.name.view()) + "[";
    std::vector<ValueId> args;
    for (size_t index = 0; index < variable.keys.size(); ++index) {
      text += index ? "," : "";
      text += variable.keys[index] == ast::Type::string ? "\"%s\"" : "%d";
      args.push_back(builder_.iter_key(iter, int64_t(index)));
    }
    show_value(global, text + "]", args, iter);
    builder_.jump(header);
    builder_.seal(header);
    builder_.seal(after);
    builder_.set_block(after);
  }

  void show_value(ir::GlobalId global, const std::string &head, std::vector<ValueId> args, ValueId iter) {
    ast::Type type = state_.variable(global).value;
    if (type == ast::Type::stats)
      return show_stat(global, head, std::move(args), iter);
    args.push_back(iter.valid() ? builder_.iter_value(iter) : builder_.gload(global));
    builder_.print(head + (type == ast::Type::string ? "=\"%s\"\n" : "=%d\n"), std::move(args));
  }

  ValueId field(ir::GlobalId global, ValueId iter, StatField which) {
    return iter.valid() ? builder_.iter_stat(iter, which) : builder_.stat_get(global, which);
  }

  // An empty statistic has no minimum: only its count is shown.
  void show_stat(ir::GlobalId global, const std::string &head, std::vector<ValueId> args, ValueId iter) {
    ir::BlockId full = builder_.new_block(), empty = builder_.new_block(), after = builder_.new_block();
    std::vector<ValueId> all = args;
    all.push_back(field(global, iter, StatField::Count));
    builder_.branch(all.back(), full, empty);
    builder_.seal(full);
    builder_.seal(empty);
    builder_.set_block(empty);
    builder_.print(head + " @count=0x0\n", std::move(args));
    builder_.jump(after);
    builder_.set_block(full);
    for (StatField which : {StatField::Min, StatField::Max, StatField::Sum, StatField::Avg})
      all.push_back(field(global, iter, which));
    builder_.print(head + " @count=%d @min=%d @max=%d @sum=%d @avg=%d\n", std::move(all));
    builder_.jump(after);
    builder_.seal(after);
    builder_.set_block(after);
  }

  ModuleState &state_;
  ir::FunctionBuilder builder_;
};

} // namespace

void add_display_probe(ModuleState &state) {
  std::vector<ir::GlobalId> shown;
  for (size_t index = 0; index < state.program.globals.size(); ++index)
    if (state.program.globals[index].display_at_end)
      shown.push_back(ir::GlobalId{uint32_t(index)});
  if (shown.empty() || state.options.display_sites.empty())
    return;
  std::sort(shown.begin(), shown.end(), [&](ir::GlobalId left, ir::GlobalId right) {
    return state.variable(left).loc.value < state.variable(right).loc.value; // as declared
  });

  ir::ProbeId id{uint32_t(state.module.probes.size())};
  ir::Function function;
  function.name = state.free_name("probe_" + std::to_string(id.index));
  function.kind = ir::FunctionKind::Probe;
  ir::Probe probe;
  probe.handler = state.add_function(std::move(function));
  probe.context = ir::ContextKind::Session;
  DisplayBuilder display(state, probe.handler);
  for (ir::GlobalId global : shown)
    display.show(global);
  display.finish();
  for (const ResolvedSite &site : state.options.display_sites) {
    probe.sites.push_back(ir::SiteId{uint32_t(state.module.sites.size())});
    state.module.sites.push_back(site.site);
    state.module.sites.back().probe = id;
  }
  state.module.probes.push_back(std::move(probe));
}

} // namespace tapjit::lowering
