// SPDX-License-Identifier: GPL-2.0-or-later
// What the parts of lowering share: the module that grows, and what the program's functions became.
#pragma once

#include "frontend/lower.h"
#include "ir/builder.h"

#include <optional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace tapjit::lowering {

// An embedded body that is no C: a call becomes the operation itself.
struct Intrinsic {
  ir::Op op;
  int64_t imm = 0;
};

// What a function of the program is in the module.
struct Callee {
  ir::FunctionId function; // what calls call
  std::optional<Intrinsic> intrinsic;
  bool is_known = false;
};

// The handlers that end in one body of the script: one per alias that its point matched, or per target context.
struct BodyGroup {
  size_t handlers = 0;
  std::vector<ir::FunctionId> bodies; // what the body was lowered to: one, unless types or target variables differ
  std::unordered_map<uint64_t, std::vector<ir::ProbeId>> probes; // by hash_of() what their handlers were lowered to
};

struct ModuleState {
  const Program &program;
  const SourceTable &sources;
  const LowerOptions &options;
  Diagnostics &diagnostics;
  ir::Module &module;
  ir::Interner interner;
  std::vector<Callee> callees;                    // by ast::FunctionId; known from the first call on
  std::vector<FunctionId> pending;                // functions with a body that were called and are not lowered yet
  std::vector<EntryId> entries;                   // those that the handler being lowered reads: the slot is the index
  std::unordered_map<uint32_t, BodyGroup> groups; // by Loc of the body
  std::unordered_map<uint32_t, ir::LocationId> locations;
  bool reads_groups = false; // the program calls matched() or ngroups()
  // By ast::FunctionId, see find_iterated: arrays that a foreach around a call of it, direct or not, goes through;
  // arrays that it may delete as a whole, itself or by a call.
  std::vector<std::set<uint32_t>> iterated_around, deleted_in;
  // Of module.functions: kept by add_function() and drop_last_function().
  std::unordered_set<std::string> function_names = {};

  const Callee &callee(ast::FunctionId id);
  void fill_embedded(const FunctionInfo &info, ir::Function &function);
  // Embedded C sees the version that --compatible names, where `code` asks for it.
  void note_compatibility(std::string_view code);
  int64_t entry_slot(EntryId entry);
  ir::LocationId location(Loc loc);
  // Globals keep their index.
  ir::GlobalId global(ast::GlobalId id) const { return ir::GlobalId{uint32_t(id.index())}; }
  const GlobalVar &variable(ir::GlobalId id) const { return program.globals[id.index]; }
  void unsupported(Loc loc, std::string_view what);
  // What of a literal is a string at run time: it ends at the first NUL and at MAXSTRINGLEN.
  std::string_view cut(std::string_view text) const;
  // `wanted`, with underscores behind it while a function is called so.
  std::string free_name(std::string wanted) const;
  // Functions come and go at the end of module.functions, and only so while a module is lowered.
  ir::FunctionId add_function(ir::Function function);
  void drop_last_function();
  // An embedded function without parameters whose value is that of the C expression `code`, which stands behind `loc`
  // by `skip` bytes.
  ir::FunctionId add_embedded(std::string_view code, ir::Type result, Loc loc, size_t skip);
};

ir::Type ir_type(ast::Type type); // number, string; Void for the others
ir::StatField stat_field(ast::StatOp op);

// lower_embedded.cpp: the markers in comments of embedded C, and `/* intrinsic MNEMONIC [N] */`.
ir::EmbeddedC read_embedded(std::string_view text, const Program &program);
void rename_global_macros(std::string &text, std::string_view from, std::string_view to);
// `a` < `b` as versions: "1.10" is above "1.8".
bool is_before(std::string_view a, std::string_view b);
std::optional<Intrinsic> read_intrinsic(std::string_view text);
// Whether the program has a function that reads the groups of a match.
bool reads_groups(const Program &program);

// lower_shared.cpp: what handlers of one group share. The function that the handler's last block became, which others
// call too; none() when it has none. `live_in` gets its arguments.
ir::FunctionId shared_body(ModuleState &state, const Handler &handler, std::vector<LocalId> &live_in);
// An earlier probe that does the same as `probe`, whose handler is the module's last function; none() if there is none.
ir::ProbeId find_same_probe(ModuleState &state, const Handler &handler, const ir::Probe &probe);
// Equal for functions that do the same.
uint64_t hash_of(const ir::Function &function);

// lower_iterated.cpp. Fills iterated_around and deleted_in.
void find_iterated(ModuleState &state);
// Whether `body` may delete the whole of `array`.
bool may_delete(const ModuleState &state, const ast::Stmt &body, ir::GlobalId array);

// Lowers what was called and what that calls.
void lower_pending(ModuleState &state);

// lower_alibi.cpp: for each site a probe that counts its hits, and one that prints the counts.
void add_counting_probes(ModuleState &state);

// lower_display.cpp: a probe that prints the globals that are written and never read.
void add_display_probe(ModuleState &state);

} // namespace tapjit::lowering
