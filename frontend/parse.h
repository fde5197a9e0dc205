// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 1: script text to tree.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace tapjit {

class MacroTable; // macros.h

// What the preprocessor's conditions and `$1` `@1` are answered with.
struct ParseOptions {
  std::vector<std::string> arguments; // $1 is arguments[0]
  bool guru = false;                  // embedded code is allowed; tapsets are parsed with true
  std::string kernel_release;         // `kernel_v` is its part before the first `-`, `kernel_vr` all of it
  std::string arch = "x86_64";
  std::string runtime = "kernel"; // or "dyninst"
  std::string privilege = "stapdev";
  std::string compatible = "5.6"; // --compatible: `systemtap_v`, and the version whose language scripts are written in
  bool is_library = false;        // a tapset is written in the newest language whatever `compatible` says
  std::function<std::string(std::string_view)>
      config;                                  // value of CONFIG_X: "y", "m", text, or "" when unset; may be empty
  const MacroTable *library_macros = nullptr;  // of .stpm files; may be null
  std::vector<bool> *used_arguments = nullptr; // set for each argument that was asked for; may be null

  // Whether the script's language has what came with `version`.
  bool has(std::string_view version) const;
};

// Parses one source. Never null; errors are in `diagnostics`, and what parsed is in the file all the same.
std::unique_ptr<ast::File> parse_script(SourceTable &sources, SourceId source, const ParseOptions &options,
                                        Diagnostics &diagnostics);

// Warns of each argument that no script asked for; `used` is ParseOptions::used_arguments after all scripts were
// parsed.
void report_unused_arguments(const std::vector<std::string> &arguments, const std::vector<bool> &used,
                             Diagnostics &diagnostics);

// The canonical text of a file (`stap -p1`): parses again to the same tree.
std::string print_file(const ast::File &file);
std::string print_expr(const ast::Expr &expr);
std::string print_stmt(const ast::Stmt &stmt, unsigned indent = 0);
std::string print_point(const ast::ProbePoint &point);

} // namespace tapjit
