// SPDX-License-Identifier: GPL-2.0-or-later
// Any bytes as a script: passes 1 and 2 and lowering with fake families. Whatever they hold, the front end answers with
// diagnostics; what pass 1 accepts prints as a text that gives the same text again, and what lowering accepts is sound.
#include "tests/unit/frontend_support.h"

#include "frontend/lower.h"
#include "ir/verify.h"

#include <cstdio>
#include <cstdlib>

namespace tapjit::testing {

namespace {

[[noreturn]] void fail(const char *what, const std::string &text) {
  std::fprintf(stderr, "%s\n%s\n", what, text.c_str());
  std::abort();
}

void check_print(Elaborated &result, ParseOptions options) {
  std::string text = print_file(*result.file);
  Diagnostics diagnostics(result.sources);
  SourceId again = result.sources.add("again.stp", text, SourceKind::script);
  options.library_macros = nullptr;
  std::string second = print_file(*parse_script(result.sources, again, options, diagnostics));
  if (diagnostics.has_errors() || second != text)
    fail("the canonical text does not parse to itself", text + "\n--\n" + second + diagnostics.render_all());
}

void run(std::string text) {
  ParseOptions parse = test_options();
  ElaborateOptions options;
  parse.guru = options.guru = text.starts_with("// guru");
  auto result = elaborate_text(std::move(text), options, parse);
  if (result->diagnostics.has_errors()) {
    (void)result->diagnostics.render_all();
    return;
  }
  check_print(*result, parse);
  LowerOptions lower_options;
  lower_options.display_sites = find_display_sites(fake_families());
  ir::Module module = lower(result->program, result->sources, lower_options, result->diagnostics);
  (void)result->diagnostics.render_all();
  if (result->diagnostics.has_errors())
    return;
  for (const std::string &finding : ir::verify(module))
    fail("lowering made IR that is not sound", finding);
}

} // namespace

} // namespace tapjit::testing

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  tapjit::testing::run(std::string(reinterpret_cast<const char *>(data), size));
  return 0;
}
