// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/lines_pass.h"

#include "codegen/cache/store.h"
#include "codegen/finish/line_object.h"
#include "runtime/core/line_table.h"
#include "tapset/family.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <variant>

namespace tapjit {

namespace {

bool asks_for_lines(const ir::Module &module) {
  return std::any_of(module.functions.begin(), module.functions.end(), [](const ir::Function &function) {
    const std::vector<std::string> &pragmas = function.embedded.pragmas;
    return std::find(pragmas.begin(), pragmas.end(), "lines") != pragmas.end();
  });
}

void add_module_of(const std::string &symbol, std::set<std::string> &modules) {
  if (size_t colon = symbol.find(':'); colon != std::string::npos)
    modules.insert(symbol.substr(0, colon));
}

// "": the kernel.
std::set<std::string> files_with_lines(const Options &options, const ir::Module &module) {
  std::set<std::string> files = {""};
  for (const ir::ModuleAnchor &anchor : module.module_anchors)
    add_module_of(anchor.symbol, files);
  for (const ir::Site &site : module.sites)
    for (const auto &[key, value] : site.constants)
      if (const auto *text = std::get_if<std::string>(&value); text && (key == "symbol" || key == "anchor_symbol"))
        add_module_of(*text, files);
  for (const std::string &name : options.symbol_modules)
    files.insert(name == "kernel" ? "" : name);
  std::ifstream loaded(options.all_modules ? "/proc/modules" : "");
  for (std::string line; std::getline(loaded, line);)
    files.insert(line.substr(0, line.find(' ')));
  return files;
}

// Whether -d names `file`.
bool is_named(const Options &options, const std::string &file) {
  return std::any_of(options.symbol_modules.begin(), options.symbol_modules.end(),
                     [&](const std::string &name) { return file == (name == "kernel" ? "" : name); });
}

uint32_t anchor_number(ir::Module &module, const ir::ModuleAnchor &wanted) {
  auto known = std::find(module.module_anchors.begin(), module.module_anchors.end(), wanted);
  if (known == module.module_anchors.end())
    known = module.module_anchors.insert(known, wanted);
  return static_cast<uint32_t>(known - module.module_anchors.begin());
}

} // namespace

Result<std::vector<std::string>> add_lines(const Options &options, const target::Target &target, ir::Module &module,
                                           CompileInput &input) {
  std::vector<std::string> notes;
  if (!asks_for_lines(module))
    return notes;
  std::vector<target::LineTable> kept;
  std::vector<codegen::LineRange> ranges;
  std::vector<std::string_view> tables;
  codegen::KeyBuilder key;
  for (const std::string &file : files_with_lines(options, module)) {
    const std::string what = file.empty() ? "the kernel" : "module `" + file + "`";
    auto anchor = file.empty() ? tapset::kernel_anchor(target) : std::nullopt;
    auto table = target.line_table(file);
    if (!table && is_named(options, file))
      return table.error();
    if (!table || (file.empty() && !anchor)) {
      notes.push_back(fmt::format("no source lines of {}: {}", what,
                                  table ? "its symbols do not tell where it was loaded" : table.error().observed));
      continue;
    }
    if (anchor && module.anchor_symbol.empty()) {
      module.anchor_symbol = anchor->symbol;
      module.anchor = static_cast<int64_t>(anchor->address);
    }
    for (const target::LineTable::Range &range : table->ranges) {
      if (ranges.size() == TAP_LINE_RANGES)
        return Error{fmt::format("source lines of more than {} sections of code are wanted", +TAP_LINE_RANGES),
                     "name the modules that matter with -d instead of --all-modules"};
      ranges.push_back({range.begin, range.end,
                        file.empty() ? TAP_LINE_KERNEL
                                     : anchor_number(module, {range.anchor_symbol, static_cast<int64_t>(range.anchor),
                                                              target.module_build_id(file)}),
                        static_cast<uint32_t>(tables.size())});
      key.add(range.anchor_symbol).add(range.begin).add(range.end);
    }
    tables.emplace_back(table->bytes.data(), table->bytes.size());
    notes.push_back(fmt::format("source lines of {}: {} KiB", what, (table->bytes.size() + 1023) / 1024));
    const std::string id = file.empty() ? target.build_id() : target.module_build_id(file);
    key.add(what).add(id).add(id.empty() ? tables.back() : std::string_view());
    kept.push_back(std::move(*table));
  }
  input.lines = codegen::join_line_tables(ranges, tables);
  input.lines_key = "lines 1 " + key.finish().text();
  return notes;
}

} // namespace tapjit
