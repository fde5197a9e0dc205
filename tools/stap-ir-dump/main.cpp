// SPDX-License-Identifier: GPL-2.0-or-later
// stap-ir-dump: the IR of a script, or of a text file of IR, before and after passes. The text that it prints parses
// back to the same module.
#include "tools/stap-ir-dump/input.h"

#include <cstdio>
#include <getopt.h>
#include <string>

namespace {

constexpr const char *usage = R"(Usage: stap-ir-dump [OPTIONS] FILE.ir [STAP-OPTIONS]
       stap-ir-dump [OPTIONS] SCRIPT.stp | -e SCRIPT [STAP-OPTIONS]
Prints the IR as it was lowered, and after the passes.
  --stage=STAGE     only one stage: lowered, a pass (as it leaves the IR), final, c, llvm, asm
                      stap-ir-dump --stage=c -e 'probe begin { println(6 * 7) }'
  --passes=A,B,C    only these passes, in this order; `none`: no pass
                      stap-ir-dump --passes=const_fold,dead_code FILE.ir
  --list            name the passes
                      stap-ir-dump --list
  --print-changed   the IR after each pass that changed it
                      stap-ir-dump --print-changed --only=begin -e 'probe begin { exit() }'
  --only=NAME       one function by name, or one probe by number or point
                      stap-ir-dump --only=timer.s(1) -e 'probe timer.s(1) { n++ }'
  --no-locations    leave out script locations
                      stap-ir-dump --no-locations FILE.ir
  --cfg=FILE        draw the control flow into FILE.svg (with Graphviz) or FILE.dot
                      stap-ir-dump --cfg=out.svg script.stp
  --locks           who touches which global, and what keeps others away
                      stap-ir-dump --locks -e 'global n probe timer.ms(1) { n++ }'
  --cost            worst case of each probe
                      stap-ir-dump --cost script.stp
  --safety          what the safety verifier proved and did not prove
                      stap-ir-dump --safety -r 6.1.0-56-cloud-amd64 script.stp
  --time-passes     how long each pass took, and what it left
                      stap-ir-dump --time-passes script.stp
  --json            the stages and reports asked for as one object
                      stap-ir-dump --json --locks --stage=final script.stp
  --run             run it in the reference interpreter, after the passes: a session in
                    virtual time
                      stap-ir-dump --run -e 'probe timer.s(1) { if (n++ == 3) exit() }'
  --run=NAME,ARG... run one function or handler
                      stap-ir-dump --run=twice,21 -e 'function twice(x) { return x*2 } probe begin { twice(1) }' -u
  --context=FILE    what the hits of --run see: registers, memory, values
                      stap-ir-dump --run --context=hits.txt script.stp
  --verify-ir       is always on: the IR is verified before the first pass and after each
)";

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
  else if (argument.rfind("--stage=", 0) == 0)
    options.stage = argument.substr(8);
  else if (argument.rfind("--only=", 0) == 0)
    options.only = argument.substr(7);
  else if (argument.rfind("--cfg=", 0) == 0)
    options.cfg_file = argument.substr(6);
  else if (argument == "--locks")
    options.locks = true;
  else if (argument == "--cost")
    options.cost = true;
  else if (argument == "--safety")
    options.safety = true;
  else if (argument == "--time-passes")
    options.time_passes = true;
  else if (argument == "--json")
    options.json = true;
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
  // An .ir file stands where a script would, and stap's options around it.
  for (size_t index = 1; index < rest.size(); ++index) {
    std::string input = rest[index];
    if (!input.ends_with(".ir") || input.starts_with("-") || std::string(rest[index - 1]) == "-e")
      continue;
    rest.erase(rest.begin() + ptrdiff_t(index));
    return tapjit::dump_ir_file(input, int(rest.size()), rest.data(), options);
  }
  rest.push_back(nullptr);
  return tapjit::dump_script(int(rest.size() - 1), rest.data(), options);
}
