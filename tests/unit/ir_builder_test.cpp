// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/builder.h"

#include <gtest/gtest.h>

namespace tapjit::ir {
namespace {

struct Fixture : testing::Test {
  Module module;
  Interner interner{module};
  FunctionId make(Type result, std::vector<Type> params) {
    Function function;
    function.name = "f";
    function.result = result;
    function.params = std::move(params);
    module.functions.push_back(function);
    return FunctionId{uint32_t(module.functions.size() - 1)};
  }
};

using IrBuilder = Fixture;

TEST_F(IrBuilder, InternerGivesEqualEntriesOneIndex) {
  EXPECT_EQ(interner.string("a"), interner.string("a"));
  EXPECT_NE(interner.string("a"), interner.string("b"));
  EXPECT_NE(interner.format("%d", {Type::I64}), interner.format("%d", {Type::Str}));
  EXPECT_EQ(interner.location("f", 1, 2), interner.location("f", 1, 2));
  EXPECT_EQ(interner.sort({}), interner.sort({}));
  LockSetId set = interner.lock_set({{GlobalId{2}, false}, {GlobalId{1}, false}, {GlobalId{2}, true}});
  EXPECT_EQ(set, interner.lock_set({{GlobalId{1}, false}, {GlobalId{2}, true}}));
  EXPECT_EQ(module.lock_sets[set.index].globals[1].second, true);
}

TEST_F(IrBuilder, LoopVariableGetsOnePhi) {
  FunctionBuilder b(interner, make(Type::I64, {Type::I64}));
  VariableId i = b.new_variable(Type::I64), unchanged = b.new_variable(Type::I64);
  b.write(unchanged, b.param(0));
  BlockId head = b.new_block(), body = b.new_block(), done = b.new_block();
  b.jump(head);
  b.set_block(head);
  b.branch(b.binary(Op::Lt, b.read(i), b.read(unchanged)), body, done);
  b.seal(body);
  b.seal(done);
  b.set_block(body);
  b.write(i, b.binary(Op::Add, b.read(i), b.const_i64(1)));
  b.jump(head);
  b.seal(head);
  b.set_block(done);
  b.ret(b.read(i));
  b.finish();
  const Function &f = module.functions[0];
  unsigned phis = 0;
  for (const Block &block : f.blocks)
    for (ValueId value : block.insts)
      phis += f.insts[value.index].op == Op::Phi;
  EXPECT_EQ(phis, 1u);
  const Inst &phi = f.insts[f.blocks[1].insts[0].index];
  ASSERT_EQ(phi.op, Op::Phi);
  ASSERT_EQ(phi.operands.size(), 2u);
  EXPECT_EQ(f.insts[phi.operands[0].index].op, Op::ConstI64); // read before assignment
  const Inst &compare = f.insts[f.blocks[1].insts[1].index];
  EXPECT_EQ(compare.operands[1], b.param(0)); // the phi of `unchanged` was trivial
}

TEST_F(IrBuilder, CatchEndsBlocksAfterOpsThatMayFail) {
  FunctionBuilder b(interner, make(Type::Str, {}));
  BlockId handler = b.new_catch_block();
  b.set_catch(handler);
  b.charge();
  b.binary(Op::Div, b.const_i64(1), b.const_i64(0));
  b.set_catch(BlockId::none());
  b.ret(b.const_str("fine"));
  b.seal(handler);
  b.set_block(handler);
  b.ret(b.catch_message());
  b.finish();
  const Function &f = module.functions[0];
  ASSERT_EQ(f.blocks.size(), 3u);
  EXPECT_EQ(f.blocks[0].terminator, Terminator::OnFail);
  EXPECT_EQ(f.blocks[0].insts.size(), 4u);
  EXPECT_EQ(f.blocks[0].successors[1], handler);
  EXPECT_TRUE(f.blocks[handler.index].is_catch);
}

TEST_F(IrBuilder, CodeAfterReturnIsDropped) {
  FunctionBuilder b(interner, make(Type::I64, {}));
  b.ret(b.const_i64(1));
  b.ret(b.const_i64(2));
  b.binary(Op::Add, b.const_i64(1), b.const_i64(2));
  b.finish();
  EXPECT_EQ(module.functions[0].blocks.size(), 1u);
}

} // namespace
} // namespace tapjit::ir
