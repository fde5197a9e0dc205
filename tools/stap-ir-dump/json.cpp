// SPDX-License-Identifier: GPL-2.0-or-later
// --json: a module as data, for programs that read it.
#include "tools/stap-ir-dump/dump.h"

#include "ir/cfg.h"
#include "ir/signature.h"
#include "ir/words.h"
#include "tools/stap-ir-dump/block_text.h"

namespace tapjit {

namespace {

using Json = nlohmann::ordered_json;

Json location(const ir::Module &module, ir::LocationId id) {
  if (id.index >= module.locations.size())
    return nullptr;
  const ir::Location &at = module.locations[id.index];
  return {{"file", at.file}, {"line", at.line}, {"column", at.column}};
}

Json numbers(const auto &ids) {
  Json list = Json::array();
  for (auto id : ids)
    list.push_back(id.index);
  return list;
}

Json types(const std::vector<ir::Type> &list) {
  Json result = Json::array();
  for (ir::Type type : list)
    result.push_back(ir::type_spelling(type));
  return result;
}

Json instruction(const ir::Module &module, const ir::Function &function, ir::ValueId value, const std::string &text) {
  const ir::Inst &inst = function.insts[value.index];
  Json result = {{"op", ir::op_info(inst.op).mnemonic}, {"text", text}, {"operands", numbers(inst.operands)}};
  if (inst.type != ir::Type::Void) {
    result["value"] = value.index;
    result["type"] = ir::type_spelling(inst.type);
  }
  if (inst.loc.valid())
    result["location"] = location(module, inst.loc);
  return result;
}

Json block(const ir::Module &module, const ir::Function &function, size_t index, const std::vector<std::string> &text) {
  const ir::Block &block = function.blocks[index];
  Json instructions = Json::array();
  for (size_t number = 0; number < block.insts.size(); ++number)
    instructions.push_back(instruction(module, function, block.insts[number], text[number + 1]));
  Json result = {{"block", index},
                 {"predecessors", numbers(block.preds)},
                 {"catch", block.is_catch},
                 {"instructions", instructions},
                 {"terminator",
                  {{"op", ir::terminator_info(block.terminator).mnemonic},
                   {"text", text.back()},
                   {"successors", numbers(ir::successors(block))}}}};
  if (block.terminator_operand.valid())
    result["terminator"]["operand"] = block.terminator_operand.index;
  return result;
}

Json function(const ir::Module &module, ir::FunctionId id) {
  const ir::Function &function = module.functions[id.index];
  FunctionText text = function_text(module, function, {false});
  Json blocks = Json::array();
  for (size_t index = 0; index < function.blocks.size(); ++index)
    blocks.push_back(block(module, function, index, text.blocks[index]));
  return {{"name", function.name},
          {"kind", ir::words(ir::function_kinds, function.kind)},
          {"parameters", types(function.params)},
          {"result", ir::type_spelling(function.result)},
          {"recursive", function.recursive},
          {"kept", function.kept},
          {"string_slots", function.string_slots},
          {"blocks", blocks}};
}

Json global(const ir::Global &global) {
  return {{"name", global.name},        {"value", ir::words(ir::value_kinds, global.value)},
          {"keys", types(global.keys)}, {"max_entries", global.max_entries},
          {"wrap", global.wrap},        {"display_at_end", global.display_at_end}};
}

Json probe(const ir::Module &module, size_t index) {
  const ir::Probe &probe = module.probes[index];
  Json sites = Json::array();
  for (const ir::Site &site : module.sites) {
    if (site.probe.index != index)
      continue;
    Json constants = Json::object();
    for (auto &[name, value] : site.constants)
      std::visit([&, &key = name](const auto &it) { constants[key] = it; }, value);
    sites.push_back(
        {{"family", site.family}, {"point", site.pp}, {"function", site.function}, {"constants", constants}});
  }
  return {{"probe", index},
          {"handler", module.functions[probe.handler.index].name},
          {"context", ir::words(ir::context_kinds, probe.context)},
          {"cost", probe.cost},
          {"sites", sites}};
}

} // namespace

Json module_json(const ir::Module &module, const std::vector<ir::FunctionId> &functions) {
  Json result = {{"name", module.name},
                 {"limits", module.limits},
                 {"globals", Json::array()},
                 {"functions", Json::array()},
                 {"probes", Json::array()}};
  for (const ir::Global &each : module.globals)
    result["globals"].push_back(global(each));
  for (ir::FunctionId id : functions)
    result["functions"].push_back(function(module, id));
  for (size_t index = 0; index < module.probes.size(); ++index)
    result["probes"].push_back(probe(module, index));
  return result;
}

} // namespace tapjit
