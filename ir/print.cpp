// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/print.h"

#include "ir/cfg.h"
#include "ir/signature.h"
#include "ir/words.h"

#include <fmt/format.h>
#include <iterator>

namespace tapjit::ir {

std::string quote(const std::string &text) {
  std::string result = "\"";
  for (char letter : text) {
    switch (letter) {
    case '"':
      result += "\\\"";
      break;
    case '\\':
      result += "\\\\";
      break;
    case '\n':
      result += "\\n";
      break;
    case '\t':
      result += "\\t";
      break;
    default:
      if (uint8_t(letter) < 0x20 || letter == 0x7f)
        result += fmt::format("\\x{:02x}", uint8_t(letter));
      else
        result += letter;
    }
  }
  return result + "\"";
}

namespace {

class Printer {
public:
  Printer(const Module &module, PrintOptions options) : module_(module), options_(options) {
    for (const Location &location : module.locations)
      files_.try_emplace(location.file, files_.size());
  }

  std::string take() { return std::move(out_); }

  void print_module() {
    put("module {}\n", quote(module_.name));
    for (auto &[name, value] : module_.limits)
      put("limit {} {}\n", name, value);
    for (auto &[name, value] : module_.defines)
      put("define {} {}\n", name, quote(value));
    for (const std::string &include : module_.includes)
      put("include {}\n", quote(include));
    if (!module_.anchor_symbol.empty())
      put("anchor {} {}\n", quote(module_.anchor_symbol), module_.anchor);
    for (const auto &[symbol, linked, build_id] : module_.module_anchors)
      put("module_anchor {} {}{}\n", quote(symbol), linked, build_id.empty() ? "" : " " + quote(build_id));
    if (options_.locations) {
      std::vector<const std::string *> names(files_.size());
      for (auto &[name, index] : files_)
        names[index] = &name;
      for (size_t index = 0; index < names.size(); ++index)
        put("file {} {}\n", index, quote(*names[index]));
    }
    for (auto &[text, location] : module_.embedded_top)
      put("toplevel {}{}\n", quote(text), at(location));
    for (const Global &global : module_.globals)
      print_global(global);
    for (const Function &function : module_.functions)
      print_function(function);
    for (size_t index = 0; index < module_.probes.size(); ++index)
      print_probe(index, module_.probes[index]);
    for (const Site &site : module_.sites)
      print_site(site);
  }

  void print_function(const Function &function) {
    put("func {} {} (", function_name(function), words(function_kinds, function.kind));
    for (size_t index = 0; index < function.params.size(); ++index) {
      put("{}", index ? ", " : "");
      if (index < function.param_names.size())
        put("{}: ", function.param_names[index]);
      put("{}", type_spelling(function.params[index]));
    }
    put(") -> {}{}{}{}", type_spelling(function.result), function.recursive ? " recursive" : "",
        function.kept ? " kept" : "", at(function.loc));
    if (!function.storage.empty())
      put(" slots {}", function.string_slots);
    if (function.kind == FunctionKind::Embedded) {
      print_embedded(function.embedded);
      return;
    }
    put(" {{\n");
    for (size_t index = 0; index < function.blocks.size(); ++index)
      print_block(function, index);
    put("}}\n");
  }

private:
  template <typename... Args> void put(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
  }

  static std::string name(const std::string &text) { return is_word(text) ? text : quote(text); }
  std::string function_name(const Function &function) const { return "&" + name(function.name); }
  std::string function_name(FunctionId id) const {
    return id.index < module_.functions.size() ? function_name(module_.functions[id.index]) : "&?";
  }
  std::string global_name(GlobalId id) const {
    return id.index < module_.globals.size() ? "@" + name(module_.globals[id.index].name) : "@?";
  }

  std::string at(LocationId id) const {
    if (!options_.locations || id.index >= module_.locations.size())
      return "";
    const Location &location = module_.locations[id.index];
    return fmt::format(" !{}:{}:{}", files_.at(location.file), location.line, location.column);
  }

  void print_global(const Global &global) {
    put("global @{}", name(global.name));
    for (size_t index = 0; index < global.keys.size(); ++index)
      put("{}{}", index ? ", " : " [", type_spelling(global.keys[index]));
    put("{} {}", global.keys.empty() ? "" : "]", words(value_kinds, global.value));
    if (global.max_entries)
      put(" max {}", global.max_entries);
    if (global.wrap)
      put(" wrap");
    if (global.stat.hist == StatSpec::Hist::Log)
      put(" hist.log");
    if (global.stat.hist == StatSpec::Hist::Linear)
      put(" hist.linear {} {} {}", global.stat.low, global.stat.high, global.stat.step);
    if (global.stat.variance)
      put(" variance {}", global.stat.variance_shift);
    if (auto *number = std::get_if<int64_t>(&global.init))
      put(" = {}", *number);
    if (auto *text = std::get_if<std::string>(&global.init))
      put(" = {}", quote(*text));
    put("{}{}\n", global.display_at_end ? " display" : "", at(global.loc));
  }

  void print_embedded(const EmbeddedC &embedded) {
    put("{}{}{}{}", embedded.pure ? " pure" : "", embedded.stable ? " stable" : "",
        embedded.infallible ? " infallible" : "", embedded.expression ? " expression" : "");
    put("{}{}{}{}", embedded.unprivileged ? " unprivileged" : "",
        embedded.myproc_unprivileged ? " myproc_unprivileged" : "", embedded.guru ? " guru" : "",
        embedded.unmangled ? " unmangled" : "");
    for (const std::string &pragma : embedded.pragmas)
      put(" pragma {}", quote(pragma));
    for (GlobalId global : embedded.reads)
      put(" reads {}", global_name(global));
    for (GlobalId global : embedded.writes)
      put(" writes {}", global_name(global));
    put(" text {}{}\n", quote(embedded.text), at(embedded.start));
  }

  void print_block(const Function &function, size_t index) {
    const Block &block = function.blocks[index];
    put("^{}{}:", index, block.is_catch ? " catch" : "");
    for (size_t pred = 0; pred < block.preds.size(); ++pred)
      put("{}^{}", pred ? ", " : " preds ", block.preds[pred].index);
    put("\n");
    for (ValueId value : block.insts)
      print_inst(function, block, value);
    const TerminatorInfo &info = terminator_info(block.terminator);
    put("  {}", info.mnemonic);
    const char *separator = " ";
    if (block.terminator_operand.valid()) {
      put(" %{}", block.terminator_operand.index);
      separator = ", ";
    }
    for (BlockId target : successors(block)) {
      put("{}^{}", separator, target.index);
      separator = ", ";
    }
    put("{}\n", at(block.loc));
  }

  void print_inst(const Function &function, const Block &block, ValueId value) {
    const Inst &inst = function.insts[value.index];
    const OpInfo &info = op_info(inst.op);
    put("  ");
    if (inst.type != Type::Void) {
      Storage storage = value.index < function.storage.size() ? function.storage[value.index] : Storage::Register;
      put("%{}", value.index);
      if (storage == Storage::StringSlot)
        put(":slot {}", function.slot[value.index]);
      if (storage == Storage::FrameInteger)
        put(":frame");
      put(" = ");
    }
    put("{}", info.mnemonic);
    if (info.result[0] == 'p')
      put(" {}", type_spelling(inst.type));
    if (inst.op == Op::Phi) {
      for (size_t index = 0; index < inst.operands.size() && index < block.preds.size(); ++index)
        put("{}^{}: %{}", index ? ", " : " [", block.preds[index].index, inst.operands[index].index);
      put("]{}\n", at(inst.loc));
      return;
    }
    std::vector<std::string> items;
    if (info.aux != Aux::None)
      items.push_back(aux_text(info.aux, inst.aux));
    for (ValueId operand : inst.operands)
      items.push_back(fmt::format("%{}", operand.index));
    if (std::string imm = imm_text(info.imm, inst.imm); !imm.empty())
      items.push_back(imm);
    for (size_t index = 0; index < items.size(); ++index)
      put("{}{}", index ? ", " : " ", items[index]);
    put("{}\n", at(inst.loc));
  }

  std::string aux_text(Aux aux, uint32_t index) const {
    switch (aux) {
    case Aux::Global:
      return global_name(GlobalId{index});
    case Aux::Function:
      return function_name(FunctionId{index});
    case Aux::String:
      return index < module_.strings.size() ? quote(module_.strings[index]) : "?";
    case Aux::Format:
      return index < module_.formats.size() ? quote(module_.formats[index].text) : "?";
    case Aux::LockSet:
      return index < module_.lock_sets.size() ? lock_set_text(module_.lock_sets[index]) : "?";
    case Aux::None:
    case Aux::Block:
      break;
    }
    return "?";
  }

  std::string lock_set_text(const LockSet &set) const {
    std::string result = "{";
    for (auto [global, written] : set.globals)
      result += fmt::format("{}{} {}", result.size() > 1 ? ", " : "", written ? "w" : "r", global_name(global));
    return result + "}";
  }

  std::string imm_text(Imm kind, int64_t imm) const {
    switch (kind) {
    case Imm::None:
      break;
    case Imm::Flag:
      return imm ? fmt::format("{}", imm) : "";
    case Imm::Integer:
      return fmt::format("{}", imm);
    case Imm::Field:
      return words(stat_fields, StatField(imm));
    case Imm::Sort:
      return size_t(imm) < module_.sorts.size() ? sort_text(module_.sorts[size_t(imm)]) : "?";
    }
    return "";
  }

  static std::string sort_text(const Sort &sort) {
    std::string result = words(sort_kinds, sort.by);
    if (sort.by == Sort::By::Key)
      result += fmt::format(" {}", sort.key);
    if (sort.by == Sort::By::Stat)
      result += fmt::format(" {}", words(stat_fields, sort.field));
    return result + (sort.descending ? " desc" : "") + (sort.nested ? " nested" : "");
  }

  void print_probe(size_t index, const Probe &probe) {
    put("probe {} {} {}", index, function_name(probe.handler), words(context_kinds, probe.context));
    for (const EntryValue &entry : probe.entry_values)
      put(" entry {}", function_name(entry.function));
    if (probe.cost >= 0)
      put(" cost {}", probe.cost);
    put("\n");
  }

  void print_site(const Site &site) {
    put("site {} probe {} pp {}", quote(site.family), site.probe.index, quote(site.pp));
    if (!site.function.empty())
      put(" function {}", quote(site.function));
    for (size_t index = 0; index < site.constants.size(); ++index) {
      auto &[key, value] = site.constants[index];
      put("{}{} = ", index ? ", " : " { ", name(key));
      if (auto *number = std::get_if<int64_t>(&value))
        put("{}", *number);
      else
        put("{}", quote(std::get<std::string>(value)));
    }
    put("{}", site.constants.empty() ? "" : " }");
    for (size_t index = 0; index < site.glue.size(); ++index)
      put("{}{}", index ? ", " : " glue [", quote(site.glue[index]));
    put("{}\n", site.glue.empty() ? "" : "]");
  }

  const Module &module_;
  PrintOptions options_;
  std::map<std::string, size_t> files_;
  std::string out_;
};

} // namespace

std::string print(const Module &module, PrintOptions options) {
  Printer printer(module, options);
  printer.print_module();
  return printer.take();
}

std::string print(const Module &module, const Function &function, PrintOptions options) {
  Printer printer(module, options);
  printer.print_function(function);
  return printer.take();
}

bool equal(const Module &left, const Module &right) {
  Module a = left, b = right;
  canonicalize(a);
  canonicalize(b);
  return a == b;
}

} // namespace tapjit::ir
