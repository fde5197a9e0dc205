// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/staprun/run_options.h"

#include <cstdlib>
#include <cstring>
#include <getopt.h>

#include "tools/staprun/messages.h"

namespace tapjit::staprun {

const char run_usage[] =
    " [OPTION]... MODULE [NAME=VALUE]...\n"
    "  -v          more messages; may be repeated\n"
    "  -V          print the version\n"
    "  -h          print this help\n"
    "  -w          no warnings\n"
    "  -c CMD      run CMD, end the session when it ends; target() is its process\n"
    "  -x PID      target() is PID\n"
    "  -o FILE     write output to FILE; strftime(3) conversions are replaced\n"
    "  -d          unload MODULE (\"*\": all that are not in use)\n"
    "  -D          go on in the background once the session runs; needs -o\n"
    "  -R          load MODULE under a fresh name\n"
    "  -i          pass standard input on to the probes input.char and input.line\n"
    "  -T MS       longest time between two looks at the buffers (200)\n"
    "MODULE with a slash or ending in .ko is a file; else it is /lib/modules/RELEASE/systemtap/MODULE.ko\n";

namespace {

bool read_number(const char *text, long low, long high, const char *option, long &value) {
  char *end = nullptr;
  value = strtol(text, &end, 10);
  if (end != text && *end == '\0' && value >= low && value <= high)
    return true;
  TAPJIT_ERROR("option %s takes a number from %ld to %ld, not '%s'", option, low, high, text);
  return false;
}

// Options that SystemTap's staprun has and this one does not.
const char *missing_feature(int option) {
  switch (option) {
  case 'L':
    return "-L: a session ends with its reader here; use -D";
  case 'A':
    return "-A: a session ends with its reader here, so there is none to attach to";
  case 'b':
    return "-b: the buffers' size is part of the module here; give -s MB to stap";
  case 'u':
    return "-u: uprobes are part of the kernel since 3.5";
  case 'N':
    return "-N";
  case 'r':
    return "-r";
  case 'S':
    return "-S";
  case 'M':
    return "-M";
  case 'F':
    return "-F";
  default:
    return nullptr;
  }
}

bool check_combination(const RunOptions &options) {
  if (options.has_command && options.target_pid)
    return TAPJIT_ERROR("-c and -x exclude each other"), false;
  if (options.daemon && options.output_file.empty())
    return TAPJIT_ERROR("-D needs -o FILE"), false;
  if (options.daemon && options.forward_input)
    return TAPJIT_ERROR("-D does not go with -i"), false;
  if (options.daemon && (options.unload || options.has_command))
    return TAPJIT_ERROR("-D goes neither with -d nor with -c"), false;
  if (options.words.empty())
    return TAPJIT_ERROR("no MODULE was given"), false;
  for (size_t i = 1; i < options.words.size() && !options.unload; i++)
    if (options.words[i].find('=') == std::string::npos || options.words[i][0] == '=')
      return TAPJIT_ERROR("'%s' is not NAME=VALUE", options.words[i].c_str()), false;
  return true;
}

bool take_option(int choice, RunOptions &options) {
  long number = 0;
  switch (choice) {
  case 'v':
    options.verbose++;
    return true;
  case 'w':
    options.suppress_warnings = true;
    return true;
  case 'c':
    options.command = optarg;
    options.has_command = true;
    return true;
  case 'x':
  case 't':
    if (!read_number(optarg, 1, 1L << 22, "-x", number))
      return false;
    options.target_pid = number;
    return true;
  case 'o':
    options.output_file = optarg;
    return true;
  case 'd':
    options.unload = true;
    return true;
  case 'D':
    options.daemon = true;
    return true;
  case 'R':
    options.fresh_name = true;
    return true;
  case 'i':
    options.forward_input = true;
    return true;
  case 'T':
    if (!read_number(optarg, 1, 1000000, "-T", number))
      return false;
    options.wake_up_milliseconds = static_cast<int>(number);
    return true;
  case 'C':
    return true; // no colours are used
  case 1000:
    if (!read_number(optarg, 0, 1 << 20, "--ready-fd", number))
      return false;
    options.ready_fd = static_cast<int>(number);
    return true;
  default:
    if (const char *missing = missing_feature(choice))
      TAPJIT_ERROR("this option is not supported: %s", missing);
    return false;
  }
}

} // namespace

Parsed parse_run_options(int argc, char **argv, RunOptions &options) {
  static const option long_options[] = {{"help", 0, nullptr, 'h'},
                                        {"version", 0, nullptr, 'V'},
                                        {"ready-fd", 1, nullptr, 1000},
                                        {nullptr, 0, nullptr, 0}};
  for (int choice;
       (choice = getopt_long(argc, argv, "+hVvwc:x:t:o:b:dDRT:C:LAu::N:r:S:M:iF:", long_options, nullptr)) != -1;) {
    if (choice == 'h')
      return Parsed::Help;
    if (choice == 'V')
      return Parsed::Version;
    if (!take_option(choice, options))
      return Parsed::Wrong;
  }
  options.words.assign(argv + optind, argv + argc);
  return check_combination(options) ? Parsed::Run : Parsed::Wrong;
}

} // namespace tapjit::staprun
