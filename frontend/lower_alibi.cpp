// SPDX-License-Identifier: GPL-2.0-or-later
// -DSTP_ALIBI: probes are placed and their hits counted, and nothing of their handlers runs. When the session ends, the
// sites that were hit are said, each on a line, as SystemTap says them.
#include "frontend/lower_body.h"
#include "frontend/lower_module.h"

namespace tapjit::lowering {

using ir::ValueId;

namespace {

ir::FunctionId add_handler(ModuleState &state, Loc loc) {
  ir::Function function;
  function.name = state.free_name("probe_" + std::to_string(state.module.probes.size()));
  function.kind = ir::FunctionKind::Probe;
  function.loc = state.location(loc);
  return state.add_function(std::move(function));
}

void add_probe(ModuleState &state, ir::FunctionId handler, ir::ContextKind context,
               const std::vector<ResolvedSite> &sites) {
  ir::Probe probe;
  probe.handler = handler;
  probe.context = context;
  for (const ResolvedSite &site : sites) {
    probe.sites.push_back(ir::SiteId{uint32_t(state.module.sites.size())});
    state.module.sites.push_back(site.site);
    state.module.sites.back().probe = {uint32_t(state.module.probes.size())};
  }
  state.module.probes.push_back(std::move(probe));
}

struct Counted {
  const Handler *handler;
  size_t site; // of the handler's
  ir::GlobalId hits;
};

ir::GlobalId add_counter(ModuleState &state, Loc loc) {
  ir::Global global;
  global.name = "hits_" + std::to_string(state.module.globals.size());
  global.value = ir::ValueKind::I64;
  global.loc = state.location(loc);
  state.module.globals.push_back(std::move(global));
  return ir::GlobalId{uint32_t(state.module.globals.size() - 1)};
}

void report(ModuleState &state, const std::vector<Counted> &all) {
  ir::FunctionId function = add_handler(state, Loc());
  ir::FunctionBuilder builder(state.interner, function);
  builder.print("----- probe hit report: \n", {});
  for (size_t index = 0; index < all.size(); ++index) {
    const Handler &handler = *all[index].handler;
    Position position = state.sources.position(handler.origins[all[index].site].at);
    std::string place = std::string(state.sources.name(position.source)) + ":" + std::to_string(position.line) + ":" +
                        std::to_string(position.column);
    ValueId hits = builder.gload(all[index].hits);
    ir::BlockId hit = builder.new_block(), next = builder.new_block();
    builder.branch(hits, hit, next);
    builder.seal(hit);
    builder.set_block(hit);
    builder.print("%s, (%s), hits: %d,%s, index: %d\n",
                  {builder.const_str(handler.sites[all[index].site].site.pp), builder.const_str(place), hits,
                   builder.const_str(handler.origins[all[index].site].derivation), builder.const_i64(int64_t(index))});
    builder.jump(next);
    builder.seal(next);
    builder.set_block(next);
  }
  builder.finish();
  std::vector<ResolvedSite> sites = state.options.report_sites;
  for (ResolvedSite &site : sites)
    for (auto &[name, value] : site.site.constants)
      if (name == "priority")
        value = INT64_MAX; // behind all end probes, which are counted too
  add_probe(state, function, ir::ContextKind::Session, sites);
}

} // namespace

void add_counting_probes(ModuleState &state) {
  std::vector<Counted> all;
  for (const Handler &handler : state.program.handlers)
    for (size_t site = 0; site < handler.sites.size(); ++site) {
      all.push_back({&handler, site, add_counter(state, handler.loc)});
      ir::FunctionId function = add_handler(state, handler.loc);
      static const std::vector<TargetUse> no_targets;
      BodyLowerer(state, function, {}, 0, no_targets).lower_counting(handler, all.back().hits);
      lower_pending(state);
      add_probe(state, function, handler.sites[site].context_kind, {handler.sites[site]});
    }
  report(state, all);
}

} // namespace tapjit::lowering
