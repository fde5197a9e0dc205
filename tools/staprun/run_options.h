// SPDX-License-Identifier: GPL-2.0-or-later
// The options that staprun and stapio share. Source of names and meanings: staprun(8) of SystemTap 5.6.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace tapjit::staprun {

struct RunOptions {
  int verbose = 0;
  bool suppress_warnings = false; // -w
  bool daemon = false;            // -D
  bool unload = false;            // -d
  bool fresh_name = false;        // -R
  std::string command;            // -c
  bool has_command = false;
  long target_pid = 0;            // -x
  std::string output_file;        // -o; strftime conversions
  bool forward_input = false;     // -i
  int wake_up_milliseconds = 200; // -T
  int ready_fd = -1;              // stapio --ready-fd: one byte is written there when the session runs
  std::vector<std::string> words; // MODULE, then NAME=VALUE
};

enum class Parsed { Run, Help, Version, Wrong };

// Parses argv; says what is wrong on standard error.
Parsed parse_run_options(int argc, char **argv, RunOptions &options);

extern const char run_usage[]; // after the program's name

} // namespace tapjit::staprun
