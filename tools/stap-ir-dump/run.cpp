// SPDX-License-Identifier: GPL-2.0-or-later
// --run: the module in the reference interpreter.
#include "tools/stap-ir-dump/dump.h"

#include "ir/interpret/context_script.h"

#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace tapjit {

namespace {

// What the interpreter cannot tell, embedded C before all, is neither success nor the script's error.
constexpr int not_interpreted = 2;

int fail(const std::string &message) {
  fmt::print(stderr, "stap-ir-dump: {}\n", message);
  return 1;
}

int report_internal(const std::string &internal) {
  fmt::print(stderr, "stap-ir-dump: not interpreted: {}\n", internal);
  return not_interpreted;
}

int run_function(const ir::Module &module, const ir::SessionOptions &session, const std::vector<std::string> &call) {
  size_t index = 0;
  while (index < module.functions.size() && module.functions[index].name != call[0])
    ++index;
  if (index == module.functions.size() || module.functions[index].kind == ir::FunctionKind::Embedded)
    return fail(fmt::format("no function of the IR is called `{}`", call[0]));
  const ir::Function &function = module.functions[index];
  if (function.params.size() != call.size() - 1)
    return fail(fmt::format("`{}` takes {} arguments, {} are given", call[0], function.params.size(), call.size() - 1));
  std::vector<std::variant<int64_t, std::string>> arguments;
  for (size_t number = 0; number < function.params.size(); ++number) {
    const std::string &text = call[number + 1];
    int64_t value = 0;
    if (function.params[number] == ir::Type::Str) {
      arguments.emplace_back(text);
      continue;
    }
    auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status != std::errc() || end != text.data() + text.size())
      return fail(fmt::format("argument {} of `{}` is a number, not `{}`", number + 1, call[0], text));
    arguments.emplace_back(value);
  }
  ir::Machine machine(module);
  ir::Outcome outcome = machine.call(ir::FunctionId{uint32_t(index)}, arguments, session.context);
  fmt::print("{}", machine.output());
  if (!outcome.is_fine())
    return report_internal(outcome.internal);
  if (auto *number = std::get_if<int64_t>(&outcome.value); number && !outcome.failure)
    fmt::print("{}\n", *number);
  if (auto *text = std::get_if<std::string>(&outcome.value); text && !outcome.failure)
    fmt::print("{}\n", *text);
  if (outcome.failure)
    fmt::print(stderr, "ERROR: {}{}\n", *outcome.failure, outcome.where.empty() ? "" : " near " + outcome.where);
  return outcome.failure ? 1 : 0;
}

} // namespace

int run_module(const ir::Module &module, const DumpOptions &options) {
  ir::SessionOptions session;
  if (!options.context_file.empty()) {
    std::ifstream file(options.context_file, std::ios::binary);
    if (!file)
      return fail(fmt::format("cannot read `{}`: {}", options.context_file, strerror(errno)));
    std::string text{std::istreambuf_iterator<char>(file), {}};
    auto read = ir::read_context_script(text, module);
    if (!read) {
      fmt::print(stderr, "{}:{}\n", options.context_file, read.error().observed);
      return 1;
    }
    session = std::move(*read);
  }
  if (!options.run_function.empty())
    return run_function(module, session, options.run_function);
  session.length_ns = options.run_length_ns;
  ir::SessionResult result = ir::run_session(module, session);
  fmt::print("{}", result.output);
  fflush(stdout);
  fmt::print(stderr, "{}", result.messages);
  if (!result.internal.empty())
    return report_internal(result.internal);
  return result.failed ? 1 : 0;
}

} // namespace tapjit
