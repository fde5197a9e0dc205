// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/builder.h"
#include "ir/cfg.h"
#include "ir/print.h"

namespace tapjit::ir {

namespace {

// Renumbers one function's values and moves its references to interned tables over to `to`.
class Renumbering {
public:
  Renumbering(const Module &from, Interner &to) : from_(from), to_(to) {}

  void move(LocationId &id) {
    if (!id.valid())
      return;
    const Location &location = from_.locations[id.index];
    id = to_.location(location.file, location.line, location.column);
  }

  void move(Function &function) {
    move(function.loc);
    move(function.embedded.start);
    renumber_values(function);
    for (Block &block : function.blocks) {
      for (ValueId value : block.insts)
        move(function.insts[value.index]);
      move(block.loc);
    }
  }

private:
  void move(Inst &inst) {
    move(inst.loc);
    const OpInfo &info = op_info(inst.op);
    if (info.aux == Aux::String)
      inst.aux = to_.string(from_.strings[inst.aux]).index;
    if (info.aux == Aux::Format)
      inst.aux = to_.format(from_.formats[inst.aux].text, from_.formats[inst.aux].args).index;
    if (info.aux == Aux::LockSet)
      inst.aux = to_.lock_set(from_.lock_sets[inst.aux].globals).index;
    if (info.aux == Aux::None || info.aux == Aux::Block)
      inst.aux = UINT32_MAX;
    if (info.imm == Imm::Sort)
      inst.imm = to_.sort(from_.sorts[size_t(inst.imm)]);
    if (info.imm == Imm::None)
      inst.imm = 0;
  }

  const Module &from_;
  Interner &to_;
};

} // namespace

void canonicalize(Module &module) {
  Module tables;
  Interner interner(tables);
  Renumbering renumbering(module, interner);
  for (auto &[text, location] : module.embedded_top)
    renumbering.move(location);
  for (Global &global : module.globals)
    renumbering.move(global.loc);
  for (Function &function : module.functions)
    renumbering.move(function);
  module.strings = std::move(tables.strings);
  module.formats = std::move(tables.formats);
  module.sorts = std::move(tables.sorts);
  module.lock_sets = std::move(tables.lock_sets);
  module.locations = std::move(tables.locations);
}

} // namespace tapjit::ir
