// SPDX-License-Identifier: GPL-2.0-or-later
// stap-ir-dump: the IR of a script, or of a text file of IR, before and after passes. The text that it prints parses
// back to the same module.
#include "tools/stap-ir-dump/dump.h"

#include <cstdio>
#include <getopt.h>
#include <string>

namespace {

constexpr const char *usage =
    "Usage: stap-ir-dump [OPTIONS] FILE.ir\n"
    "       stap-ir-dump [OPTIONS] SCRIPT.stp | -e SCRIPT [STAP-OPTIONS]\n"
    "Prints the IR as it was lowered, and after the passes.\n"
    "  --passes=A,B,C    only these passes, in the order of the pipeline; `none`: no pass\n"
    "  --print-changed   the IR after each pass that changed it\n"
    "  --no-locations    leave out script locations\n"
    "  --run             run it in the reference interpreter, after the passes: a session in\n"
    "                    virtual time\n"
    "  --run=NAME,ARG... run one function or handler\n"
    "  --context=FILE    what the hits of --run see: registers, memory, values\n"
    "  --list            name the passes\n";

std::vector<std::string> split(const std::string &text) {
  std::vector<std::string> words;
  for (size_t begin = 0; begin <= text.size();) {
    size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin)
      words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

// Takes our own options out of the arguments; what is left is the input, or what stap understands.
bool take_option(const std::string &argument, tapjit::DumpOptions &options) {
  if (argument.rfind("--passes=", 0) == 0)
    options.passes = split(argument.substr(9));
  else if (argument == "--print-changed")
    options.print_changed = true;
  else if (argument == "--run" || argument.rfind("--run=", 0) == 0) {
    options.run = true;
    options.run_function = split(argument.substr(std::min<size_t>(argument.size(), 6)));
  } else if (argument.rfind("--context=", 0) == 0)
    options.context_file = argument.substr(10);
  else if (argument == "--no-locations")
    options.print.locations = false;
  else
    return false;
  return true;
}

} // namespace

int main(int argc, char **argv) {
  tapjit::DumpOptions options;
  std::vector<char *> rest{argv[0]};
  for (int index = 1; index < argc; ++index) {
    std::string argument = argv[index];
    if (argument == "--list")
      return tapjit::list_passes();
    if (argument == "--help" || argument == "-h") {
      fputs(usage, stdout);
      return 0;
    }
    if (!take_option(argument, options))
      rest.push_back(argv[index]);
  }
  if (rest.size() < 2) {
    fputs(usage, stderr);
    return 1;
  }
  std::string input = rest.back();
  if (rest.size() == 2 && input.size() > 3 && input.compare(input.size() - 3, 3, ".ir") == 0)
    return tapjit::dump_ir_file(input, options);
  rest.push_back(nullptr);
  return tapjit::dump_script(int(rest.size() - 1), rest.data(), options);
}
