// SPDX-License-Identifier: GPL-2.0-or-later
// ir_passes: ms to build the IR of many probes and to run all passes over it, and how that grows with the size of one
// handler and with a chain of functions that are called once. tests/bench/run prints the limits beside them. Prints one
// `name milliseconds ops` a line.
#include "ir/builder.h"
#include "ir/passes/pipeline.h"

#include <algorithm>
#include <climits>
#include <cstdio>
#include <ctime>
#include <functional>
#include <malloc.h>
#include <string>

using namespace tapjit::ir;

namespace {

struct Globals {
  GlobalId count, last, by_pid, by_name, samples;
  FunctionId pid, execname;
};

GlobalId add_global(Module &module, const char *name, ValueKind value, std::vector<Type> keys) {
  Global global;
  global.name = name;
  global.value = value;
  global.keys = std::move(keys);
  module.globals.push_back(std::move(global));
  return GlobalId{uint32_t(module.globals.size() - 1)};
}

FunctionId add_function(Module &module, std::string name, FunctionKind kind, Type result) {
  Function function;
  function.name = std::move(name);
  function.kind = kind;
  function.result = result;
  function.embedded.pure = function.embedded.stable = function.embedded.infallible = kind == FunctionKind::Embedded;
  module.functions.push_back(std::move(function));
  return FunctionId{uint32_t(module.functions.size() - 1)};
}

Globals add_globals(Module &module) {
  return {add_global(module, "count", ValueKind::I64, {}),
          add_global(module, "last", ValueKind::Str, {}),
          add_global(module, "by_pid", ValueKind::I64, {Type::I64}),
          add_global(module, "by_name", ValueKind::Str, {Type::Str}),
          add_global(module, "samples", ValueKind::Stat, {Type::Str}),
          add_function(module, "pid", FunctionKind::Embedded, Type::I64),
          add_function(module, "execname", FunctionKind::Embedded, Type::Str)};
}

// if (execname() == "nameN") { by_pid[pid()]++; samples[execname()] <<< $1; printf(...) } else last = by_name[last] .
// "x" About 25 ops.
void add_statement(FunctionBuilder &builder, const Globals &globals, int number) {
  BlockId yes = builder.new_block(), no = builder.new_block(), join = builder.new_block();
  builder.charge();
  ValueId name = builder.call(globals.execname, {});
  ValueId wanted = builder.const_str("name" + std::to_string(number));
  builder.branch(builder.binary(Op::StrEq, name, wanted), yes, no);
  builder.seal(yes);
  builder.seal(no);
  builder.set_block(yes);
  builder.charge();
  ValueId pid = builder.call(globals.pid, {});
  builder.map_add(globals.by_pid, {pid}, builder.const_i64(1));
  builder.charge();
  builder.map_stat_add(globals.samples, {builder.call(globals.execname, {})}, builder.ctx_reg(5));
  builder.charge();
  ValueId shown = builder.call(globals.execname, {});
  builder.print("%s %d\n", {shown, builder.const_i64(number)});
  builder.jump(join);
  builder.set_block(no);
  builder.charge();
  ValueId before = builder.map_get(globals.by_name, {builder.gload(globals.last)});
  builder.gstore(globals.last, builder.concat(before, builder.const_str("x")));
  builder.gadd(globals.count, builder.const_i64(1));
  builder.jump(join);
  builder.seal(join);
  builder.set_block(join);
}

void add_probe(Module &module, FunctionId handler) {
  Probe probe;
  probe.handler = handler;
  probe.sites = {SiteId{uint32_t(module.sites.size())}};
  Site site;
  site.family = "kprobe";
  site.probe = ProbeId{uint32_t(module.probes.size())};
  module.sites.push_back(std::move(site));
  module.probes.push_back(std::move(probe));
}

Module make(int probes, int statements) {
  Module module;
  module.name = "bench";
  Globals globals = add_globals(module);
  Interner interner(module);
  for (int probe = 0; probe < probes; ++probe) {
    FunctionId handler = add_function(module, "probe_" + std::to_string(probe), FunctionKind::Probe, Type::Void);
    FunctionBuilder builder(interner, handler);
    for (int statement = 0; statement < statements; ++statement)
      add_statement(builder, globals, probe * statements + statement);
    builder.finish();
    add_probe(module, handler);
  }
  return module;
}

// function f0(x) { count += x return f1(x + 0) } and so on; a probe calls the first of them.
Module make_chain(int length) {
  Module module;
  module.name = "bench";
  Globals globals = add_globals(module);
  Interner interner(module);
  std::vector<FunctionId> functions;
  for (int number = 0; number < length; ++number) {
    functions.push_back(add_function(module, "f" + std::to_string(number), FunctionKind::Script, Type::I64));
    module.functions.back().params = {Type::I64};
  }
  for (int number = 0; number < length; ++number) {
    FunctionBuilder builder(interner, functions[size_t(number)]);
    ValueId x{0};
    builder.charge();
    builder.gadd(globals.count, x);
    ValueId next = builder.binary(Op::Add, x, builder.const_i64(number));
    builder.ret(number + 1 < length ? builder.call(functions[size_t(number) + 1], {next}) : next);
    builder.finish();
  }
  FunctionId handler = add_function(module, "probe_0", FunctionKind::Probe, Type::Void);
  FunctionBuilder builder(interner, handler);
  builder.gstore(globals.count, builder.call(functions[0], {builder.ctx_reg(5)}));
  builder.finish();
  add_probe(module, handler);
  return module;
}

size_t count_ops(const Module &module) {
  size_t ops = 0;
  for (const Function &function : module.functions)
    for (const Block &block : function.blocks)
      ops += block.insts.size();
  return ops;
}

// The median of five, with the ops of the lowered module.
void measure(const std::string &name, const std::function<Module()> &make_module) {
  double times[5];
  size_t ops = 0;
  for (double &time : times) {
    std::clock_t start = std::clock(); // of this process: other programs do not count
    Module module = make_module();
    ops = count_ops(module);
    PassOptions options;
    options.verify = false;
    run_passes(module, options);
    time = double(std::clock() - start) * 1e3 / CLOCKS_PER_SEC;
  }
  std::sort(times, times + 5);
  printf("%s %.2f %zu\n", name.c_str(), times[2], ops);
}

} // namespace

int main() {
  // What a round gives back stays here for the next one: else only the large rounds would pay for fresh pages again.
  mallopt(M_TRIM_THRESHOLD, INT_MAX);
  mallopt(M_MMAP_THRESHOLD, INT_MAX);
  measure("probes_1000", [] { return make(1000, 1); });
  for (int statements : {40, 400, 4000})
    measure("handler_" + std::to_string(statements * 25), [&] { return make(1, statements); });
  for (int length : {300, 3000})
    measure("chain_" + std::to_string(length), [&] { return make_chain(length); });
}
