// SPDX-License-Identifier: GPL-2.0-or-later
// --locks: for each handler and each global that it touches, what keeps other handlers away meanwhile.
#include "tools/stap-ir-dump/dump.h"

#include "ir/passes/lock_check.h"
#include "ir/signature.h"
#include "ir/words.h"

#include <fmt/format.h>

namespace tapjit {

namespace {

using Json = nlohmann::ordered_json;

Json location(const ir::Module &module, ir::LocationId id) {
  if (id.index >= module.locations.size())
    return nullptr;
  const ir::Location &at = module.locations[id.index];
  return fmt::format("{}:{}:{}", at.file, at.line, at.column);
}

struct Handler {
  const ir::Module &module;
  const ir::ModuleEffects &effects;
  const std::vector<bool> &needs_lock;
  const ir::Probe &probe;

  // The lock set of the handler's region; null when it has none. Its place is put into `where`.
  const ir::LockSet *region(Json &where) const {
    const ir::Function &function = module.functions[probe.handler.index];
    for (const ir::Block &block : function.blocks)
      for (ir::ValueId value : block.insts)
        if (function.insts[value.index].op == ir::Op::Lock) {
          where = location(module, function.insts[value.index].loc);
          return &module.lock_sets[function.insts[value.index].aux];
        }
    return nullptr;
  }

  std::string protection(ir::GlobalId global, const ir::LockSet *locks) const {
    if (locks)
      for (auto [locked, written] : locks->globals)
        if (locked == global)
          return written ? "write lock" : "read lock";
    if (probe.context == ir::ContextKind::Session)
      return "runs alone";
    if (needs_lock[global.index])
      return "nothing"; // the module has not been through lock_placement
    return effects.of(probe.handler).writes.contains(global) ? "atomic or per-CPU update"
                                                             : "no event handler writes it";
  }

  Json report() const {
    Json where, globals = Json::array();
    const ir::LockSet *locks = region(where);
    const ir::Effects &reached = effects.of(probe.handler);
    for (size_t index = 0; index < module.globals.size(); ++index) {
      ir::GlobalId global{uint32_t(index)};
      if (!reached.reaches(global))
        continue;
      globals.push_back({{"global", module.globals[index].name},
                         {"reads", reached.reads.contains(global)},
                         {"writes", reached.writes.contains(global)},
                         {"protected_by", protection(global, locks)}});
    }
    return {{"handler", module.functions[probe.handler.index].name},
            {"context", ir::words(ir::context_kinds, probe.context)},
            {"region", locks ? Json{{"from", where}} : Json(nullptr)},
            {"globals", globals}};
  }
};

} // namespace

Json lock_report(const ir::Module &module) {
  ir::ModuleEffects effects(module);
  std::vector<bool> needs_lock = ir::globals_needing_locks(module);
  Json report = Json::array();
  for (const ir::Probe &probe : module.probes)
    report.push_back(Handler{module, effects, needs_lock, probe}.report());
  return report;
}

std::string lock_text(const Json &report) {
  std::string text =
      fmt::format("{:<20} {:<8} {:<20} {:<6} {}\n", "handler", "context", "global", "access", "protected by");
  for (const Json &handler : report) {
    auto row = [&](const std::string &global, const std::string &access, const std::string &how) {
      text += fmt::format("{:<20} {:<8} {:<20} {:<6} {}\n", handler["handler"].get<std::string>(),
                          handler["context"].get<std::string>(), global, access, how);
    };
    if (handler["globals"].empty())
      row("-", "", "");
    for (const Json &global : handler["globals"]) {
      std::string how = global["protected_by"];
      if (how.ends_with("lock") && handler["region"]["from"].is_string())
        how += " from " + handler["region"]["from"].get<std::string>();
      row(global["global"], std::string(global["reads"] ? "r" : "") + (global["writes"] ? "w" : ""), how);
    }
  }
  return text;
}

} // namespace tapjit
