// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/ir.h"

namespace tapjit::ir {

// The words of the table's aux column.
namespace column {
struct Word {
  Aux indexes;
  GlobalKind kind = GlobalKind::Any;
};
// Spelled as in the column of ops.def. NOLINTBEGIN(readability-identifier-naming)
static constexpr Word None{Aux::None}, Function{Aux::Function}, String{Aux::String}, Format{Aux::Format},
    LockSet{Aux::LockSet}, Global{Aux::Global}, GlobalScalar{Aux::Global, GlobalKind::Value},
    GlobalInteger{Aux::Global, GlobalKind::Integer}, GlobalStat{Aux::Global, GlobalKind::Stat},
    GlobalMap{Aux::Global, GlobalKind::Map}, GlobalValueMap{Aux::Global, GlobalKind::ValueMap},
    GlobalIntegerMap{Aux::Global, GlobalKind::IntegerMap}, GlobalStatMap{Aux::Global, GlobalKind::StatMap};
// NOLINTEND(readability-identifier-naming)
} // namespace column

static constexpr OpInfo infos[] = {
#define OP(name, mnemonic, result, operands, aux, effects, cost)                                                       \
  {Op::name, mnemonic, result, operands, column::aux.indexes, column::aux.kind, uint16_t(effects), cost, Imm::None},
#define OP_IMM(name, mnemonic, result, operands, aux, effects, cost, imm)                                              \
  {Op::name, mnemonic, result, operands, column::aux.indexes, column::aux.kind, uint16_t(effects), cost, Imm::imm},
#include "ir/ops.def"
#undef OP
};

const OpInfo &op_info(Op op) { return infos[size_t(op)]; }

static constexpr TerminatorInfo terminator_infos[] = {
#define TERMINATOR(name, mnemonic, operands, successors) {Terminator::name, mnemonic, operands, successors},
#include "ir/terminators.def"
#undef TERMINATOR
};

const TerminatorInfo &terminator_info(Terminator terminator) { return terminator_infos[size_t(terminator)]; }

} // namespace tapjit::ir
