// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap-ir-dump/block_text.h"

namespace tapjit {

FunctionText function_text(const ir::Module &module, const ir::Function &function, ir::PrintOptions options) {
  FunctionText result;
  std::string text = ir::print(module, function, options);
  for (size_t begin = 0; begin < text.size();) {
    size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    if (result.head.empty()) {
      result.head = line.substr(0, function.blocks.empty() ? line.find(" text ") : line.rfind(" {"));
    } else if (line.starts_with("^")) {
      result.blocks.push_back({line});
    } else if (!result.blocks.empty() && line != "}") {
      result.blocks.back().push_back(line.substr(std::min<size_t>(2, line.size())));
    }
  }
  return result;
}

} // namespace tapjit
