// SPDX-License-Identifier: GPL-2.0-or-later
// The command line of `stap`: every spelling that SystemTap takes is taken; what tapjit does not have yet is refused by
// name. Source of names and meanings: inventory/options.md sections 1 to 3.
#pragma once

#include "frontend/base/result.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tapjit {

enum class RuntimeChoice { Auto, Kernel, User };

struct Options {
  // What to do.
  enum class Action { Run, Help, Version, CleanCache } action = Action::Run;
  enum class List { None, Points, Variables, ProbeTypes, Aliases, Functions } list = List::None;
  std::string list_points; // -l, -L: the probe points as written
  int last_pass = 5;
  std::optional<std::string> script_text; // -e
  std::vector<std::string> extra_texts;   // -E
  std::string script_file;                // path, or "-" for standard input
  std::vector<std::string> arguments;     // $1..$N

  // How.
  std::array<int, 5> verbose{};
  bool keep_directory = false;
  bool suppress_warnings = false;
  bool warnings_are_errors = false;
  bool guru = false;
  bool unoptimized = false;
  bool disable_cache = false;
  bool use_kbuild = false;
  bool verify_ir = false;
  bool time_steps = false; // --time-steps: where the time went, as JSON on standard error
  bool display_globals = true;
  bool suppress_handler_errors = false;
  bool suppress_time_limits = false;
  bool skip_badvars = false;
  bool prefer_btf = false;                                           // --prefer=btf
  enum class Download { Usual, No, Ask } download = Download::Usual; // --download-debuginfo
  int64_t download_seconds = 0;                                      // its TIMEOUT; 0: none
  int colour = -1;                                                   // -1 auto, 0 never, 1 always
  std::vector<std::string> tapset_dirs;
  std::vector<std::pair<std::string, std::string>> defines; // -D, in order
  std::vector<std::pair<std::string, std::string>> globals; // -G
  std::string runtime_dir;
  std::string release_or_dir;              // -r; empty: the running kernel's, or the guest's
  std::string module_name;                 // -m
  std::vector<std::string> symbol_modules; // -d
  bool all_modules = false;                // --all-modules
  std::string tmpdir;                      // --tmpdir
  RuntimeChoice runtime = RuntimeChoice::Auto;
  std::string privilege = "stapdev";
  std::string compatible;
  int64_t buffer_mb = 0; // -s

  // Pass 5.
  std::optional<std::string> vm; // --vm[=RELEASE]; "" = that of -r
  std::string output_file;       // -o
  std::string command;           // -c
  bool has_command = false;
  int64_t target_pid = 0;     // -x
  double timeout_seconds = 0; // -T; 0: none
};

// Parses argv (and $SYSTEMTAP_DIR/rc before it). An Error is a usage error: what was given and what is accepted.
Result<Options> parse_options(int argc, char **argv);

// Texts of --help and --version, each ending in a newline.
std::string help_text();
std::string version_text();

} // namespace tapjit
