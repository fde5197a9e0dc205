// SPDX-License-Identifier: GPL-2.0-or-later
// Random modules as the front end would make them: the verifier finds nothing before, between and after the passes, and
// the interpreter, which notices strings that are overwritten too early, prints the same before and after.
// TAPJIT_RANDOM_SEED=N and TAPJIT_RANDOM_COUNT=N choose others.
#include "ir/builder.h"
#include "ir/interpret.h"
#include "ir/parse.h"
#include "ir/passes/pipeline.h"
#include "ir/print.h"
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace tapjit::ir {
namespace {

class Generator {
public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  Module make(int64_t budget) {
    module_.name = "random";
    module_.limits = {
        {"MAXACTION", budget}, {"MAXACTION_INTERRUPTIBLE", budget}, {"MAXSTRINGLEN", 24}, {"MAXMAPENTRIES", 6}};
    add_global("i0", ValueKind::I64, {});
    add_global("i1", ValueKind::I64, {});
    add_global("s0", ValueKind::Str, {});
    add_global("s1", ValueKind::Str, {});
    add_global("by_name", ValueKind::I64, {Type::Str});
    add_global("names", ValueKind::Str, {Type::I64});
    add_global("st", ValueKind::Stat, {});
    Interner interner(module_);
    add_embedded("e_number", {Type::I64, Type::Str}, Type::I64);
    add_embedded("e_text", {Type::Str}, Type::Str);
    for (int index = 0; index < 2; ++index)
      add_function(FunctionKind::Script, "f" + std::to_string(index), {Type::I64, Type::Str},
                   index ? Type::I64 : Type::Str);
    for (int index = 0; index < 3; ++index)
      add_function(FunctionKind::Probe, "p" + std::to_string(index), {}, Type::Void);
    for (uint32_t index = f0; index < module_.functions.size(); ++index)
      build(interner, FunctionId{index});
    for (uint32_t index = 0; index < 3; ++index) {
      Probe probe;
      probe.handler = FunctionId{first_probe + index};
      probe.context = index == 0 ? ContextKind::Session : ContextKind::Event;
      probe.sites = {SiteId{index}};
      module_.probes.push_back(probe);
      Site site;
      site.family = "test";
      site.probe = ProbeId{index};
      module_.sites.push_back(site);
    }
    return std::move(module_);
  }

private:
  enum : uint32_t { i0, i1, s0, s1, by_name, names, st };
  enum : uint32_t { e_number, e_text, f0, f1, first_probe };

  unsigned pick(unsigned count) { return std::uniform_int_distribution<unsigned>(0, count - 1)(random_); }

  void add_global(const char *name, ValueKind kind, std::vector<Type> keys) {
    Global global;
    global.name = name;
    global.value = kind;
    global.keys = std::move(keys);
    global.wrap = pick(2);
    module_.globals.push_back(global);
  }

  void add_function(FunctionKind kind, std::string name, std::vector<Type> params, Type result) {
    Function function;
    function.kind = kind;
    function.name = std::move(name);
    function.params = std::move(params);
    function.result = result;
    module_.functions.push_back(function);
  }

  // Its marks, and the globals that it says it reads or writes, are what passes go by. The interpreter gives one value
  // for all of its calls, which is what the strictest marks promise.
  void add_embedded(std::string name, std::vector<Type> params, Type result) {
    add_function(FunctionKind::Embedded, std::move(name), std::move(params), result);
    Function &function = module_.functions.back();
    for (size_t index = 0; index < function.params.size(); ++index)
      function.param_names.push_back("a" + std::to_string(index));
    EmbeddedC &embedded = function.embedded;
    embedded.text = "/* no text is run */";
    embedded.pure = pick(2);
    embedded.stable = pick(2);
    embedded.infallible = pick(2);
    for (uint32_t global : {i0, s1}) {
      if (pick(3) == 0)
        embedded.reads.push_back(GlobalId{global});
      if (!embedded.pure && pick(3) == 0)
        embedded.writes.push_back(GlobalId{global});
    }
  }

  void build(Interner &interner, FunctionId id) {
    FunctionBuilder builder(interner, id);
    b_ = &builder;
    id_ = id;
    numbers_.clear();
    texts_.clear();
    loops_.clear();
    frozen_ = false;
    for (int index = 0; index < 3; ++index) {
      numbers_.push_back(builder.new_variable(Type::I64));
      texts_.push_back(builder.new_variable(Type::Str));
    }
    bool is_script = module_.functions[id.index].kind == FunctionKind::Script;
    if (is_script) {
      builder.write(numbers_[0], builder.param(0));
      builder.write(texts_[0], builder.param(1));
    }
    statements(is_script ? 1 : 3);
    if (module_.functions[id.index].result != Type::Void)
      builder.ret(module_.functions[id.index].result == Type::Str ? text() : number());
    builder.finish();
  }

  // --- expressions
  ValueId number(unsigned depth = 2) {
    switch (pick(depth ? 11 : 3)) {
    case 0:
      return b_->const_i64(int64_t(pick(6)) - 2);
    case 1:
    case 2:
      return b_->read(numbers_[pick(3)]);
    case 3: {
      static constexpr Op ops[] = {Op::Add, Op::Sub, Op::Mul, Op::And, Op::Shl,
                                   Op::Lt,  Op::Eq,  Op::Ge,  Op::Div, Op::Mod};
      ValueId left = number(depth - 1), right = number(depth - 1);
      return b_->binary(ops[pick(std::size(ops))], left, right);
    }
    case 4:
      return b_->gload(GlobalId{pick(2)});
    case 5:
      return b_->map_get(GlobalId{by_name}, {text(depth - 1)});
    case 6: {
      ValueId left = text(depth - 1), right = text(depth - 1);
      return b_->binary(pick(2) ? Op::StrEq : Op::StrLt, left, right);
    }
    case 7:
      return b_->stat_get(GlobalId{st}, StatField(pick(5)));
    case 8:
      if (!may_call(f1))
        return b_->ctx_reg(pick(4));
      {
        ValueId first = number(depth - 1), second = text(depth - 1);
        return b_->call(FunctionId{f1}, {first, second});
      }
    case 9: {
      ValueId first = number(depth - 1), second = text(depth - 1);
      return b_->call(FunctionId{e_number}, {first, second});
    }
    default:
      return b_->trunc(number(depth - 1), pick(2) ? -1 : 2);
    }
  }

  ValueId text(unsigned depth = 2) {
    switch (pick(depth ? 10 : 3)) {
    case 0:
      return b_->const_str(pick(2) ? "a" : "lorem");
    case 1:
    case 2:
      return b_->read(texts_[pick(3)]);
    case 3: {
      ValueId left = text(depth - 1), right = text(depth - 1);
      return b_->concat(left, right);
    }
    case 4:
      return b_->gload(GlobalId{s0 + pick(2)});
    case 5:
      return b_->map_get(GlobalId{names}, {number(depth - 1)});
    case 6:
      return b_->sprint("<%d>", {number(depth - 1)});
    case 7:
      if (!may_call(f0))
        return b_->ctx_pp();
      {
        ValueId first = number(depth - 1), second = text(depth - 1);
        return b_->call(FunctionId{f0}, {first, second});
      }
    case 8:
      return b_->call(FunctionId{e_text}, {text(depth - 1)});
    default:
      return b_->ctx_func();
    }
  }

  // Functions call earlier ones only; none is called while an iteration goes on, for it might change the map.
  bool may_call(uint32_t callee) const { return callee < id_.index && !frozen_; }

  // --- statements
  void statements(unsigned depth) {
    for (unsigned count = 1 + pick(4); count-- > 0;) {
      b_->charge();
      statement(depth);
    }
  }

  void statement(unsigned depth) {
    switch (pick(depth ? 14 : 8)) {
    case 0:
    case 1:
      return b_->write(numbers_[pick(3)], number());
    case 2:
    case 3:
      return b_->write(texts_[pick(3)], text());
    case 4: {
      ValueId first = number(), second = text();
      return b_->print("%d %s\n", {first, second});
    }
    case 5:
      return store();
    case 6:
      return store_in_map();
    case 7:
      if (pick(6) == 0)
        return b_->error(text());
      return b_->write(texts_[0], b_->read(texts_[1]));
    case 8:
    case 9:
      return branch(depth);
    case 10:
      return counted_loop(depth);
    case 11:
      return loop_over_map(depth);
    default:
      return try_catch(depth);
    }
  }

  void store() {
    switch (pick(5)) {
    case 0:
      return b_->gstore(GlobalId{pick(2)}, number());
    case 1:
      return b_->gadd(GlobalId{pick(2)}, number());
    case 2:
      return b_->stat_add(GlobalId{st}, number());
    default:
      return b_->gstore(GlobalId{s0 + pick(2)}, text());
    }
  }

  void store_in_map() {
    if (frozen_)
      return;
    ValueId key_text = text(), key_number = number();
    switch (pick(7)) {
    case 4: { // if (k in m) m[k] += x, and delete
      BlockId there = b_->new_block(), join = b_->new_block();
      b_->branch(pick(2) ? b_->map_has(GlobalId{by_name}, {key_text}) : b_->map_get(GlobalId{by_name}, {key_text}),
                 there, join);
      b_->seal(there);
      b_->set_block(there);
      if (pick(2))
        b_->map_set(GlobalId{by_name}, {key_text}, key_number);
      else
        b_->write(numbers_[pick(3)], b_->map_add(GlobalId{by_name}, {key_text}, key_number));
      b_->write(numbers_[pick(3)], b_->map_get(GlobalId{by_name}, {key_text}));
      if (pick(2))
        b_->map_del(GlobalId{by_name}, {key_text});
      b_->jump(join);
      b_->seal(join);
      b_->set_block(join);
      return;
    }
    case 5: { // m[k] = m[k] - x
      ValueId sum = b_->binary(pick(2) ? Op::Add : Op::Sub, b_->map_get(GlobalId{by_name}, {key_text}), key_number);
      b_->map_set(GlobalId{by_name}, {key_text}, sum);
      if (pick(2))
        b_->write(numbers_[pick(3)], sum);
      return;
    }
    case 6:
      b_->write(texts_[pick(3)], b_->map_get(GlobalId{names}, {key_number}));
      return b_->map_del(GlobalId{names}, {key_number});
    case 0:
      return b_->map_set(GlobalId{by_name}, {key_text}, key_number);
    case 1:
      b_->map_add(GlobalId{by_name}, {key_text}, key_number);
      return;
    case 2:
      return b_->map_set(GlobalId{names}, {key_number}, key_text);
    default:
      return b_->map_del(GlobalId{names}, {key_number});
    }
  }

  void branch(unsigned depth) {
    BlockId yes = b_->new_block(), no = b_->new_block(), join = b_->new_block();
    b_->branch(number(), yes, no);
    b_->seal(yes);
    b_->seal(no);
    b_->set_block(yes);
    statements(depth - 1);
    leave_sometimes();
    b_->jump(join);
    b_->set_block(no);
    if (pick(2))
      statements(depth - 1);
    b_->jump(join);
    b_->seal(join);
    b_->set_block(join);
  }

  // A break or continue of the innermost loop; what follows is not reached.
  void leave_sometimes() {
    if (!loops_.empty() && pick(4) == 0)
      b_->jump(pick(2) ? loops_.back().first : loops_.back().second);
  }

  void counted_loop(unsigned depth) {
    VariableId counter = b_->new_variable(Type::I64);
    b_->write(counter, pick(2) ? b_->const_i64(0) : b_->binary(Op::And, number(), b_->const_i64(1)));
    BlockId head = b_->new_block(), body = b_->new_block(), next = b_->new_block(), done = b_->new_block();
    b_->jump(head);
    b_->set_block(head);
    b_->branch(b_->binary(Op::Lt, b_->read(counter), b_->const_i64(3)), body, done);
    b_->seal(body);
    b_->set_block(body);
    loops_.emplace_back(done, next);
    statements(depth - 1);
    loops_.pop_back();
    b_->jump(next);
    b_->seal(next);
    b_->set_block(next);
    b_->write(counter, b_->binary(Op::Add, b_->read(counter), b_->const_i64(1)));
    b_->jump(head);
    b_->seal(head);
    b_->seal(done);
    b_->set_block(done);
  }

  void loop_over_map(unsigned depth) {
    bool by_key = pick(2);
    GlobalId map{by_key ? by_name : names};
    Sort sort{Sort::By(pick(3)), 0, StatField::Count, bool(pick(2))};
    if (frozen_)
      sort.by = Sort::By::None; // sorting would change the map that an outer loop goes through
    ValueId iter = b_->iter_begin(map, sort, b_->const_i64(int64_t(pick(4)) - 1));
    BlockId head = b_->new_block(), body = b_->new_block(), done = b_->new_block();
    b_->jump(head);
    b_->set_block(head);
    b_->branch(b_->iter_next(iter), body, done);
    b_->seal(body);
    b_->set_block(body);
    bool was_frozen = frozen_;
    frozen_ = true;
    ValueId key = b_->iter_key(iter, 0);
    if (by_key)
      b_->write(texts_[pick(3)], key);
    else
      b_->write(numbers_[pick(3)], key);
    if (pick(2) && !by_key)
      b_->write(texts_[pick(3)], b_->iter_value(iter));
    loops_.emplace_back(done, head);
    statements(depth - 1);
    loops_.pop_back();
    frozen_ = was_frozen;
    b_->jump(head);
    b_->seal(head);
    b_->seal(done);
    b_->set_block(done);
  }

  void try_catch(unsigned depth) {
    BlockId outer = b_->catch_block(), handler = b_->new_catch_block(), join = b_->new_block();
    b_->set_catch(handler);
    statements(depth - 1);
    b_->set_catch(outer);
    b_->jump(join);
    b_->seal(handler);
    if (!b_->function().blocks[handler.index].preds.empty()) {
      b_->set_block(handler);
      if (pick(2))
        b_->write(texts_[pick(3)], b_->catch_message());
      statements(depth - 1);
      b_->jump(join);
    }
    b_->seal(join);
    b_->set_block(join);
  }

  std::mt19937 random_;
  Module module_;
  FunctionBuilder *b_ = nullptr;
  FunctionId id_;
  std::vector<VariableId> numbers_, texts_;
  std::vector<std::pair<BlockId, BlockId>> loops_; // break, continue
  bool frozen_ = false;
};

struct Trace {
  std::string output, internal;
};

Trace trace(const Module &module) {
  Machine machine(module);
  HitContext context{{7, 8, 9, 10}, {}, {}, "point", "function"};
  context.embedded = {{"e_number", int64_t{3}}, {"e_text", "embedded"}};
  Trace result;
  for (uint32_t hit : {0, 1, 2, 1, 2, 0}) {
    Outcome outcome = machine.hit(module.sites[hit].probe, context) /* equal probes become one */;
    result.output += "[" + outcome.failure.value_or("fine") + "]\n";
    result.internal += outcome.internal;
  }
  result.output = machine.output() + result.output;
  return result;
}

std::string joined(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines)
    text += line + "\n";
  return text;
}

uint32_t number_from(const char *variable, uint32_t otherwise) {
  const char *text = getenv(variable);
  return text ? uint32_t(atoi(text)) : otherwise;
}

void check(uint32_t seed, int64_t budget, bool compare) {
  Module module = Generator(seed).make(budget);
  ASSERT_EQ(joined(verify(module)), "") << print(module);
  auto again = parse(print(module));
  ASSERT_TRUE(again) << again.error().observed;
  ASSERT_TRUE(equal(module, *again));
  Trace before = trace(module);
  ASSERT_EQ(before.internal, "") << print(module);
  PassOptions options;
  options.verify = true;
  options.optimize = seed % 4 != 0;
  Module lowered = module;
  ASSERT_EQ(joined(try_passes(module, options)), "") << print(lowered) << print(module);
  again = parse(print(module));
  ASSERT_TRUE(again) << again.error().observed;
  ASSERT_TRUE(equal(module, *again));
  Trace after = trace(module);
  ASSERT_EQ(after.internal, "") << print(lowered) << print(module);
  if (compare)
    ASSERT_EQ(before.output, after.output) << print(lowered) << print(module);
}

TEST(IrRandom, PassesKeepTheMeaning) {
  uint32_t first = number_from("TAPJIT_RANDOM_SEED", 1), count = number_from("TAPJIT_RANDOM_COUNT", 60);
  for (uint32_t seed = first; seed < first + count && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    check(seed, 1'000'000, true);
    // A budget that runs out: the failing statement may differ, for charges are merged.
    check(seed, 20, false);
  }
}

} // namespace
} // namespace tapjit::ir
