// SPDX-License-Identifier: GPL-2.0-or-later
// What stap-ir-dump shows of a module. One module goes in; what was asked for comes out as text, in the order of the
// members below, or with --json as one object. All functions that return int return the exit code: 0, or 1 after a
// message on stderr.
#pragma once

#include "frontend/base/result.h"
#include "ir/print.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tapjit {

struct DumpOptions {
  std::vector<std::string> passes; // empty: all
  bool print_changed = false;
  ir::PrintOptions print;
  std::string only; // show one function, by its name, or one probe, by its number or point; empty: all

  std::string
      stage; // "lowered", a pass, "final", "c", "llvm", "asm"; empty: lowered and final, if nothing else is asked
  bool locks = false;
  bool cost = false;
  bool safety = false;
  bool time_passes = false;
  std::string cfg_file; // .dot or .svg
  bool json = false;

  bool run = false;                      // run the module instead of printing it
  std::vector<std::string> run_function; // a function of the IR and its arguments; empty: the session
  std::string context_file;              // what the hits see, see ir/interpret/context_script.h; may be empty
  int64_t run_length_ns = INT64_MAX;     // of the session's own time

  bool wants_reports() const { return locks || cost || safety || time_passes || !cfg_file.empty(); }
};

// What compilers make of a module that went through the passes (machine.cpp).
struct MachineText {
  std::string text;                // what was asked for
  nlohmann::ordered_json findings; // --safety
};
// `stage`: c, llvm, asm; or safety. Errors: no kernel or headers that the script's probes need, C that does not
// compile.
using Machinery = std::function<Result<MachineText>(const ir::Module &module, const std::string &stage)>;

int list_passes();

// The module in the reference interpreter. 2 when it calls embedded C, or breaks a rule of the IR.
int run_module(const ir::Module &module, const DumpOptions &options);

// Runs the passes over `module` and shows what is asked for.
int dump_module(ir::Module module, const DumpOptions &options, const Machinery &machinery);

// --- pieces

// The functions that `only` means; empty `only`: all. None: nothing is called so.
std::vector<ir::FunctionId> chosen_functions(const ir::Module &module, const std::string &only);

// Control flow graphs as a text for Graphviz: a cluster a function, a box a block.
std::string graphviz(const ir::Module &module, const std::vector<ir::FunctionId> &functions, ir::PrintOptions options);
// Writes them: .dot as text, .svg through Graphviz's `dot`.
Result<void> write_graph(const std::string &file, const std::string &text);

// Who touches which global, and what keeps others away meanwhile. The module has been through lock_placement.
nlohmann::ordered_json lock_report(const ir::Module &module);
std::string lock_text(const nlohmann::ordered_json &report);

// Worst case of each probe. The module has been through the pass `cost`.
nlohmann::ordered_json cost_report(const ir::Module &module);
std::string cost_text(const nlohmann::ordered_json &report);

// The module as data; what it holds is described in stap-ir-dump(1).
nlohmann::ordered_json module_json(const ir::Module &module, const std::vector<ir::FunctionId> &functions);

} // namespace tapjit
