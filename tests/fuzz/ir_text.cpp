// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as the text of a module: the verifier has an answer; what it finds nothing wrong with prints as a text that
// parses to the same module, and can be interpreted, if not to the end.
#include "ir/interpret/session.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace tapjit::ir {

namespace {

constexpr int64_t most_steps = 3000;

[[noreturn]] void fail(const char *what, const std::string &text) {
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

void check_print(const Module &module) {
  std::string text = print(module);
  auto again = parse(text);
  if (!again)
    fail("the module's text does not parse", again.error().observed + "\n" + text);
  if (!equal(module, *again))
    fail("the module's text parses to another module", text + "\n--\n" + print(*again));
}

bool is_laid_out(const Module &module) {
  return std::any_of(module.functions.begin(), module.functions.end(),
                     [](const Function &function) { return !function.storage.empty(); });
}

// Patterns whose automaton may be near the limit of its size take seconds here, with instrumentation; the regular
// expressions have tests of their own.
bool has_large_pattern(const Module &module) {
  constexpr size_t most_letters = 20;
  for (const Function &function : module.functions)
    for (const Inst &inst : function.insts)
      if ((inst.op == Op::RegexMatch || inst.op == Op::RegexSearch) && inst.aux < module.strings.size() &&
          (module.strings[inst.aux].size() > most_letters || module.strings[inst.aux].find('{') != std::string::npos))
        return true;
  return false;
}

void interpret(Module module) {
  // Values of a megabyte each are no test of anything.
  for (auto [name, most] : {std::pair("MAXSTRINGLEN", 512), {"MAP_STRING_LENGTH", 512}, {"HIST_WIDTH", 100}})
    if (auto found = module.limits.find(name); found != module.limits.end())
      found->second = std::min<int64_t>(found->second, most);
  SessionOptions session;
  session.most_hits = 10;
  session.most_steps = most_steps;
  for (uint32_t probe = 0; probe < module.probes.size() && probe < 8; ++probe)
    session.hits.push_back({ProbeId{probe}, {}});
  (void)run_session(module, session);
}

} // namespace

} // namespace tapjit::ir

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace tapjit::ir;
  std::string_view text(reinterpret_cast<const char *>(data), size);
  // A golden file's result is not part of its module.
  auto module = parse(text.substr(0, text.find(";;;")));
  if (!module)
    return 0;
  if (has_large_pattern(*module))
    return 0;
  VerifyOptions options;
  options.frame = is_laid_out(*module);
  // A module that is not sound need not have a text: a key that a map has not is a value without a type.
  if (!verify(*module, options).empty())
    return 0;
  check_print(*module);
  interpret(std::move(*module));
  return 0;
}
