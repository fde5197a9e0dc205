// SPDX-License-Identifier: GPL-2.0-or-later
// Private to codegen/emit: what the parts of the emitter share.
#pragma once

#include "codegen/emit/c_writer.h"
#include "codegen/emit/emit.h"
#include "ir/passes/effects.h"
#include "ir/regex/regex.h"

#include <set>

namespace tapjit::codegen {

// Patterns that are matched: by string, and whether their groups are kept.
using RegexTables = std::map<std::pair<uint32_t, bool>, ir::regex::Automaton>;

// What is fixed while one unit is written: the module, names, and where text goes.
struct Unit {
  const ir::Module &module;
  const EmitOptions &options;
  CWriter &out;
  ir::ModuleEffects effects;
  std::map<std::string, int64_t> limits;
  std::vector<std::string> function_names;       // by FunctionId
  std::vector<std::string> global_names;         // by GlobalId
  std::vector<bool> reachable;                   // by FunctionId: from a probe
  std::set<std::pair<uint32_t, uint32_t>> sorts; // (global, sort) that a foreach uses
  RegexTables regexes;
  bool aborts = false;      // something calls abort()
  ir::GlobalSet conditions; // that conditions of probe points read

  const std::string &name(ir::FunctionId f) const { return function_names[f.index]; }
  const std::string &name(ir::GlobalId g) const { return global_names[g.index]; }
  const ir::Function &function(ir::FunctionId f) const { return module.functions[f.index]; }
  bool recursive(ir::FunctionId f) const { return effects.recursive()[f.index]; }
  bool has_recursion() const;
  // It may make records of output.
  bool prints(ir::FunctionId f) const;
};

// "THING at file:line:column" as a C literal, or "NULL".
std::string where(const ir::Module &module, ir::LocationId location, std::string_view thing);
// The distinct functions that this one calls, in order.
std::set<ir::FunctionId> callees(const ir::Function &function);
bool is_map(const ir::Global &global);
// Name of the comparison sort `sort` of a map.
std::string sort_name(const Unit &unit, ir::GlobalId map, uint32_t sort);

// emit_function.cpp
void emit_frame(Unit &unit, ir::FunctionId function);
// The function takes the address of the slot for its result behind its parameters.
bool returns_in_slot(const ir::Function &function);
void emit_prototype(Unit &unit, ir::FunctionId function, std::string_view end);
void emit_function(Unit &unit, ir::FunctionId function);
// C of the script, at its place in it.
void emit_script_text(Unit &unit, const std::string &text, ir::LocationId start, std::string_view opening = {});

// emit_ops.cpp. The C expression of a value; its lvalue where the value is not a constant.
std::string value_text(const Unit &unit, const ir::Function &function, ir::ValueId value);
// The op's statements, without the test for failure that follows an op that may fail. `used`: somebody reads the
// result.
void emit_op(Unit &unit, const ir::Function &function, ir::ValueId value, bool used);

// emit_regex.cpp
RegexTables make_regexes(const ir::Module &module);
std::string regex_name(uint32_t pattern, bool keeps_groups);
void emit_regexes(Unit &unit);      // tables
void emit_match_member(Unit &unit); // of struct tap_frame, where a search keeps its match
void emit_searches(Unit &unit);     // the function that they call, behind the frame

// handler_plan.cpp. The initialisers of struct tap_plan for code of `probe` that consists of these functions.
std::string plan_text(const Unit &unit, const ir::Probe &probe, std::vector<ir::FunctionId> functions);

// emit_probe_tables.cpp
void emit_entry_handlers(Unit &unit); // the functions that save values for return probes
void emit_probe_tables(Unit &unit);
// Members of union tap_frame for what emit_entry_handlers writes.
void emit_entry_frames(Unit &unit);
void emit_module_anchors(Unit &unit);

} // namespace tapjit::codegen
