// SPDX-License-Identifier: GPL-2.0-or-later
// Walking and changing the control flow graph of one function. Functions that change it keep Block::preds and the phis'
// operands in step.
#pragma once

#include "ir/ir.h"

#include <span>

namespace tapjit::ir {

// The successors in use: 0, 1 or 2 of them.
std::span<const BlockId> successors(const Block &block);

// Reachable blocks, entry first, each before its successors but for back edges.
std::vector<BlockId> reverse_postorder(const Function &function);

// Which blocks the entry reaches, by block index.
std::vector<bool> reachable_blocks(const Function &function);

// For each value, the block that holds its instruction; none for dead instructions.
std::vector<BlockId> defining_blocks(const Function &function);

// Takes away the edge, with the operands of the target's phis. The source's terminator is the caller's to change.
void remove_edge(Function &function, BlockId from, BlockId to);

// The terminator becomes a jump to `to`, which is one of the block's successors; the other edge goes away.
void replace_with_jump(Function &function, BlockId block, BlockId to);

// Removes blocks that the entry does not reach and renumbers the rest, order kept. True if there were any.
bool remove_unreachable_blocks(Function &function);

// A new block on the edge, ending in a jump to `to`. The edge to a catch block cannot be split. Block order: the new
// block is the last.
BlockId split_edge(Function &function, BlockId from, BlockId to);

// Splits `block` before position `position` of its instructions; the rest and the terminator go to a new (last) block,
// which the first jumps to.
BlockId split_block(Function &function, BlockId block, size_t position);

// Replaces uses in instructions and terminators: map[value] where valid. Chains are followed.
void replace_uses(Function &function, const std::vector<ValueId> &map);

// Numbers values in the order of the blocks and drops dead instructions, so that who walks the blocks walks memory.
void renumber_values(Function &function);

// A new instruction at `position` of the block.
ValueId insert_inst(Function &function, BlockId block, size_t position, Inst inst);

} // namespace tapjit::ir
