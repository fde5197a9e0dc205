// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/ir.h"

namespace tapjit::ir {

static constexpr OpInfo infos[] = {
#define OP(name, mnemonic, result, operands, aux, effects, cost)                                                       \
  {Op::name, mnemonic, result, operands, Aux::aux, uint16_t(effects), cost, Imm::None},
#define OP_IMM(name, mnemonic, result, operands, aux, effects, cost, imm)                                              \
  {Op::name, mnemonic, result, operands, Aux::aux, uint16_t(effects), cost, Imm::imm},
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
