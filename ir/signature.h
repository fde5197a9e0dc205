// SPDX-License-Identifier: GPL-2.0-or-later
// What an instruction's row in ops.def means for one instruction of one module: its result type, operand types and
// effects.
#pragma once

#include "ir/ir.h"

#include <optional>
#include <string_view>

namespace tapjit::ir {

// "i64", "str", ...
const char *type_spelling(Type type);
std::optional<Type> type_from_spelling(std::string_view spelling);

// The type of a global's value, or of a map's elements. A statistic has no value type: Void.
Type value_type(const Global &global);

// The result type that the row gives; for `p` rows (param, phi) it is `inst.type` itself. Void for rows whose operands
// or aux are malformed.
Type result_type(const Module &module, const Inst &inst);

// The operand types that the row asks for; `rest` is set when any number of further i64/str operands may follow (phi).
// Calls take the callee's parameters, print and sprint the arguments of their format.
struct OperandTypes {
  std::vector<Type> types;
  bool rest = false;
};
OperandTypes operand_types(const Module &module, const Inst &inst);

// The map that an iter.* instruction goes through: its own aux, which the builder and the parser keep equal to that of
// the iter.begin.
inline GlobalId global_of(const Inst &inst) {
  return op_info(inst.op).aux == Aux::Global ? GlobalId{inst.aux} : GlobalId::none();
}

// Effects of the row, for one instruction: those of the op, and not those of a callee (passes/effects.h has them).
inline uint16_t effects_of(const Inst &inst) { return op_info(inst.op).effects; }

// Counts that a histogram of this kind has, the two for what is outside of a linear one's bounds included; 0 without a
// histogram. A linear one has `high` >= `low` and `step` >= 1.
uint64_t bucket_count(const StatSpec &spec);

// The limit's value: the module's own, else the table's default; the computed defaults (0 in limits.def) are resolved
// where they depend on other limits only.
int64_t limit(const Module &module, std::string_view name);

// What a Process handler may take of its budget while it has its locks, for interrupts are off meanwhile: MAXACTION, as
// an Event handler, but at least 10000, for all of a map to be shown.
int64_t region_actions(const Module &module);

} // namespace tapjit::ir
