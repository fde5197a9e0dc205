// SPDX-License-Identifier: GPL-2.0-or-later
// Makes the tables and functions of a module. An Interner owns the lookup side of the module's tables; a
// FunctionBuilder fills one function, block by block, and turns reads and writes of variables into SSA on the fly
// (Braun et al. 2013, "Simple and Efficient Construction of Static Single Assignment Form").
#pragma once

#include "ir/ir.h"

#include <string_view>
#include <unordered_map>

namespace tapjit::ir {

// Gives equal table entries one index. Make one per module (or one for the entries that an existing module already has)
// and keep it while the module is built.
class Interner {
public:
  explicit Interner(Module &module);

  StringId string(std::string_view text);
  FormatId format(std::string_view text, const std::vector<Type> &args);
  LocationId location(std::string_view file, uint32_t line, uint32_t column);
  uint32_t sort(const Sort &sort); // index in Module::sorts
  LockSetId lock_set(std::vector<std::pair<GlobalId, bool>>
                         globals); // sorts by id; one entry per global, written if any entry says so

  Module &module() { return module_; }

private:
  Module &module_;
  std::unordered_map<std::string, uint32_t> strings_;
  std::unordered_map<std::string, uint32_t> formats_; // key: letters of the argument types, a colon, the text
  std::map<std::string, std::unordered_map<uint64_t, uint32_t>, std::less<>> locations_; // by file, line and column
};

using VariableId = Id<struct VariableTag>; // a local of the function being built

// Builds the body of one function whose kind, params and result stand in the module already. `Module::functions` may
// grow meanwhile.
//
// Use: set_block/append.../terminate; seal a block once all its predecessors have ended (seal() of a block twice is an
// error); finish() at the end. The entry block exists, is current and sealed, and holds one `param` per parameter.
//
// While a catch block is set (set_catch), a block ends in `onfail` after each op that may fail, and building goes on in
// a new block: so the caller need not know which ops fail. `charge` is never caught: its failure leaves the function
// (IR.md "Failure").
class FunctionBuilder {
public:
  FunctionBuilder(Interner &interner, FunctionId function);

  Interner &interner() { return interner_; }
  FunctionId id() const { return id_; }
  Function &function() { return interner_.module().functions[id_.index]; }

  // --- blocks
  BlockId entry() const { return BlockId{0}; }
  BlockId new_block();
  BlockId new_catch_block(); // successor 1 of `onfail` only
  BlockId block() const { return current_; }
  void set_block(BlockId block) { current_ = block; }
  BlockId current_block() const { return current_; }
  bool is_terminated() const { return states_[current_.index].terminated; } // the current block has its terminator
  void seal(BlockId block);
  void set_location(LocationId location) { location_ = location; }
  BlockId catch_block() const { return catch_; }
  void set_catch(BlockId block) { catch_ = block; } // BlockId::none(): failures leave the function

  // --- terminators of the current block. Building goes on where set_block() says; append in a terminated block goes to
  // a fresh unreachable block.
  void jump(BlockId target);
  void branch(ValueId condition, BlockId if_nonzero, BlockId if_zero); // equal targets: a jump
  void ret();
  void ret(ValueId value);

  // --- variables
  VariableId new_variable(Type type);
  void write(VariableId variable, ValueId value);
  ValueId read(VariableId variable); // 0 or "" where it has not been written on some path

  // --- instructions: any op by its row (the result type is computed), then one short name for each common one
  ValueId append(Op op, std::vector<ValueId> operands = {}, uint32_t aux = UINT32_MAX, int64_t imm = 0);

  ValueId param(uint32_t index) const { return ValueId{index}; }
  ValueId const_i64(int64_t value) { return append(Op::ConstI64, {}, UINT32_MAX, value); }
  ValueId const_str(std::string_view text) { return append(Op::ConstStr, {}, interner_.string(text).index); }
  ValueId unary(Op op, ValueId a) { return append(op, {a}); } // neg, not
  ValueId binary(Op op, ValueId a, ValueId b) {
    return append(op, {a, b});
  } // add ... ge, str.eq ... str.ge, str.concat
  ValueId trunc(ValueId a, int64_t bytes) { return append(Op::Trunc, {a}, UINT32_MAX, bytes); }
  ValueId concat(ValueId a, ValueId b) { return append(Op::StrConcat, {a, b}); }
  ValueId copy(ValueId a) { return append(Op::StrCopy, {a}); }
  ValueId to_bool(ValueId a) { return append(Op::Ne, {a, const_i64(0)}); }

  ValueId ctx_reg(int64_t dwarf_register) { return append(Op::CtxReg, {}, UINT32_MAX, dwarf_register); }
  ValueId ctx_entry_string(int64_t slot) { return viewed(append(Op::CtxEntryStr, {}, UINT32_MAX, slot)); }
  ValueId ctx_entry(int64_t slot) { return append(Op::CtxEntry, {}, UINT32_MAX, slot); }
  void ctx_reg_set(int64_t dwarf_register, ValueId value) {
    append(Op::CtxRegSet, {value}, UINT32_MAX, dwarf_register);
  }
  ValueId kernel_address(int64_t link_address) { return append(Op::KernelAddress, {}, UINT32_MAX, link_address); }
  ValueId module_slide(int64_t anchor) { return append(Op::ModuleSlide, {}, UINT32_MAX, anchor); }
  ValueId cpu_address(int64_t link_address) { return append(Op::CpuAddress, {}, UINT32_MAX, link_address); }
  void store_kernel(ValueId address, ValueId value, int64_t bytes) {
    append(Op::StoreK, {address, value}, UINT32_MAX, bytes);
  }
  ValueId ctx_message() { return viewed(append(Op::CtxMessage)); }
  void reply(ValueId text, bool behind) { append(behind ? Op::ReplyAdd : Op::ReplySet, {text}); }
  ValueId ctx_caller() { return append(Op::CtxCaller); }
  ValueId ctx_tparg(int64_t index) { return append(Op::CtxTpArg, {}, UINT32_MAX, index); }
  // Views, followed by a str.copy (pass string_copy_elision drops those not needed).
  ValueId ctx_pp() { return viewed(append(Op::CtxPp)); }
  ValueId ctx_func() { return viewed(append(Op::CtxFunc)); }
  ValueId catch_message() { return viewed(append(Op::CatchMessage)); }
  ValueId load_kernel(ValueId address, int64_t bytes) { return append(Op::LoadK, {address}, UINT32_MAX, bytes); }
  ValueId load_user(ValueId address, int64_t bytes) { return append(Op::LoadU, {address}, UINT32_MAX, bytes); }

  ValueId gload(GlobalId global) { return viewed(append(Op::GLoad, {}, global.index)); }
  void gstore(GlobalId global, ValueId value) { append(Op::GStore, {value}, global.index); }
  void gadd(GlobalId global, ValueId value) { append(Op::GAdd, {value}, global.index); }
  ValueId map_get(GlobalId map, std::vector<ValueId> keys) {
    return viewed(append(Op::MapGet, std::move(keys), map.index));
  }
  ValueId map_has(GlobalId map, std::vector<ValueId> keys) { return append(Op::MapHas, std::move(keys), map.index); }
  // Slices: bit n of `any` set: key n may be anything, and is 0 or "" in `keys`.
  ValueId map_has_slice(GlobalId map, std::vector<ValueId> keys, int64_t any) {
    return append(Op::MapHasSlice, std::move(keys), map.index, any);
  }
  void map_del_slice(GlobalId map, std::vector<ValueId> keys, int64_t any) {
    append(Op::MapDelSlice, std::move(keys), map.index, any);
  }
  void map_set(GlobalId map, std::vector<ValueId> keys, ValueId value) {
    append(Op::MapSet, with(std::move(keys), value), map.index);
  }
  ValueId map_add(GlobalId map, std::vector<ValueId> keys, ValueId value) {
    return append(Op::MapAdd, with(std::move(keys), value), map.index);
  }
  void map_del(GlobalId map, std::vector<ValueId> keys) { append(Op::MapDel, std::move(keys), map.index); }
  void gclear(GlobalId global) { append(Op::GClear, {}, global.index); }
  void stat_add(GlobalId stat, ValueId value) { append(Op::StatAdd, {value}, stat.index); }
  ValueId stat_get(GlobalId stat, StatField field) { return append(Op::StatGet, {}, stat.index, int64_t(field)); }
  void map_stat_add(GlobalId map, std::vector<ValueId> keys, ValueId value) {
    append(Op::MapStatAdd, with(std::move(keys), value), map.index);
  }
  ValueId map_stat_get(GlobalId map, std::vector<ValueId> keys, StatField field) {
    return append(Op::MapStatGet, std::move(keys), map.index, int64_t(field));
  }
  // The count of a histogram's bucket; `lenient`: 0 rather than a failure where there is none.
  ValueId stat_bucket(GlobalId stat, ValueId bucket, bool lenient) {
    return append(Op::StatBucket, {bucket}, stat.index, lenient);
  }
  ValueId map_stat_bucket(GlobalId map, std::vector<ValueId> keys, ValueId bucket, bool lenient) {
    return append(Op::MapStatBucket, with(std::move(keys), bucket), map.index, lenient);
  }

  ValueId iter_begin(GlobalId map, const Sort &sort, ValueId limit) {
    return append(Op::IterBegin, {limit}, map.index, interner_.sort(sort));
  }
  ValueId iter_next(ValueId iter) { return append(Op::IterNext, {iter}, map_of(iter)); }
  ValueId iter_next_slice(ValueId iter, std::vector<ValueId> keys, int64_t any) {
    keys.insert(keys.begin(), iter);
    return append(Op::IterNextSlice, std::move(keys), map_of(iter), any);
  }
  ValueId iter_key(ValueId iter, int64_t key) { return viewed(append(Op::IterKey, {iter}, map_of(iter), key)); }
  ValueId iter_value(ValueId iter) { return viewed(append(Op::IterValue, {iter}, map_of(iter))); }
  ValueId iter_stat(ValueId iter, StatField field) {
    return append(Op::IterStat, {iter}, map_of(iter), int64_t(field));
  }

  void print(std::string_view format, std::vector<ValueId> args) { append(Op::Print, args, format_of(format, args)); }
  ValueId sprint(std::string_view format, std::vector<ValueId> args) {
    return append(Op::Sprint, args, format_of(format, args));
  }
  void print_hist(GlobalId stat) { append(Op::PrintHist, {}, stat.index); }
  void map_print_hist(GlobalId map, std::vector<ValueId> keys) { append(Op::MapPrintHist, std::move(keys), map.index); }
  ValueId sprint_hist(GlobalId stat) { return append(Op::SprintHist, {}, stat.index); }
  ValueId map_sprint_hist(GlobalId map, std::vector<ValueId> keys) {
    return append(Op::MapSprintHist, std::move(keys), map.index);
  }

  ValueId call(FunctionId callee, std::vector<ValueId> args) { return append(Op::Call, std::move(args), callee.index); }
  void error(ValueId message) { append(Op::Error, {message}); }
  void warn(ValueId message) { append(Op::Warn, {message}); }
  void exit() { append(Op::Exit); }
  void arm(ValueId wanted) { append(Op::Arm, {wanted}); }
  void charge(int64_t actions = 1) { append(Op::Charge, {}, UINT32_MAX, actions); }

  Type type_of(ValueId value) { return function().insts[value.index].type; }

  // Seals what is not sealed, ends open blocks with a return of 0, "" or nothing, removes trivial phis and unreachable
  // blocks.
  void finish();

private:
  struct BlockState {
    bool sealed = false, terminated = false;
    uint32_t phis = 0;  // they stand first
    uint64_t ended = 0; // when it was terminated, by clock_
    BlockId idom;       // immediate dominator; none(): not known, as long as it is not sealed, or it has none
    std::unordered_map<uint32_t, ValueId> values;                // variable -> value at the end of the block so far
    std::vector<std::pair<VariableId, ValueId>> incomplete_phis; // until the block is sealed
  };

  ValueId viewed(ValueId value) { return type_of(value) == Type::Str ? copy(value) : value; }
  static std::vector<ValueId> with(std::vector<ValueId> keys, ValueId value) {
    keys.push_back(value);
    return keys;
  }
  uint32_t map_of(ValueId iter) { return function().insts[iter.index].aux; }
  uint32_t format_of(std::string_view text, const std::vector<ValueId> &args);
  void terminate(Terminator terminator, ValueId operand, BlockId first, BlockId second);
  ValueId insert(BlockId block, size_t position, Inst inst);
  ValueId zero_in_entry(Type type);
  ValueId new_phi(BlockId block, Type type);
  void find_idom(BlockId block);
  BlockId meet(BlockId left, BlockId right, BlockId below) const;
  BlockId place_of_value(VariableId variable, BlockId block) const;
  ValueId read_in(VariableId variable, BlockId block);
  ValueId add_phi_operands(VariableId variable, ValueId phi, BlockId block);
  ValueId resolve(ValueId value); // follows phis that turned out trivial
  ValueId remove_if_trivial(ValueId phi);

  Interner &interner_;
  FunctionId id_;
  BlockId current_{0};
  BlockId catch_;
  LocationId location_;
  std::vector<Type> variables_;
  std::vector<uint64_t> last_writes_; // of each variable, by clock_; 0: never
  uint64_t clock_ = 0;                // of writes and of ends of blocks
  std::vector<BlockState> states_;
  std::unordered_map<uint32_t, ValueId> replaced_; // trivial phi -> its value
};

} // namespace tapjit::ir
