// SPDX-License-Identifier: GPL-2.0-or-later
// The invariants of a module.
//
// Module
//  - names of globals and of functions are unique and not empty
//  - a probe's handler is a function of kind Probe without parameters and result, and of one probe only; Probe
//  functions are not called
//  - an entry value is a Script function without parameters whose result is i64 or str; what a handler and its callees
//  take of them (ctx.entry, ctx.entry.str) is saved by the probe, with that type
//  - Probe::sites are, in order, the sites whose `probe` it is
//  - a site has each number that ctx.number of its handler reads, as an integer, once
//  - limits are those of limits.def, from 0 to their most; a map's size is not below 0
//  - only statistics have histograms and variances: a linear one goes up by steps of 1 at least, and has no more
//  buckets than the greatest STP_MAX_BUCKETS; a variance's shift is from 0 to 62
//  - a statistic has no initial value; a map's keys are i64 and str; an initial value has the global's type and stands
//  on scalars only
//  - a lock set is sorted, without duplicates and not empty
// Function
//  - an Embedded function has no blocks, every other has one at least; the entry has no predecessors
//  - an instruction stands in one block at most; params stand first in the entry block, phis first in theirs
//  - Block::preds are the blocks that lead there, each once: the two successors of a block differ
//  - a phi has one operand per predecessor, of its own type, which dominates the end of that predecessor
//  - every other use is dominated by its definition; the result of an instruction that `onfail` follows is defined on
//  the edge to successor 0 only
//  - a constant string is shorter than MAXSTRINGLEN and has no NUL
//  - result, operands, aux and imm fit the row in ops.def; the global of the op is of the kind that the op is for
//  - an iterator's uses name the map of its iter.begin, an element's that of its map.find
//  - `onfail` follows an instruction that may fail, other than charge; a catch block is reached as successor 1 of
//  onfail, and nothing else is
//  - catch.message stands where a catch block dominates
//  - `ret` has a value of the function's result type
//  - a view is not used after its death (IR.md "Strings")
//  - without storage there are no string slots, and never more slots than instructions
// A local has one type throughout its function
// After pass ssa (VerifyOptions::ssa)
//  - there are no locals
// After lock placement (VerifyOptions::locks)
//  - only handlers of Event probes lock; on every path the region is entered once, outside cycles, and left by its own
//  unlock
//  - every access to a global that needs a lock, also a callee's, is in a region that names it, for writing if it
//  writes
// After the charges pass (VerifyOptions::charges)
//  - every cycle has a charge on every path through it or is a loop with a small constant trip count
// After frame layout (VerifyOptions::frame)
//  - storage and slots cover all instructions; slots are below string_slots; str results that need bytes have a
//  StringSlot
//  - a phi of strings joins copies that share its slot
#pragma once

#include "ir/ir.h"

#include <string>
#include <vector>

namespace tapjit::ir {

struct VerifyOptions {
  bool locks = false;
  bool charges = false;
  bool frame = false;
  bool ssa = false;
};

// What does not hold, one text each ("&f ^3 %12: ..."); empty if all is well.
std::vector<std::string> verify(const Module &module, VerifyOptions options = {});

} // namespace tapjit::ir
