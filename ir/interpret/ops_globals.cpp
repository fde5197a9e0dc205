// SPDX-License-Identifier: GPL-2.0-or-later
// Globals, maps and iterations.
#include "ir/interpret/machine.h"

#include "ir/signature.h"

namespace tapjit::ir {

namespace {

int64_t wrapping_sum(int64_t left, int64_t right) { return int64_t(uint64_t(left) + uint64_t(right)); }

// The key in the first operands; a string key counts as far as a map stores it.
Key key_of(OpRun &op) {
  Key key;
  const std::vector<Type> &types = op.declared().keys;
  for (size_t index = 0; index < types.size(); ++index)
    if (types[index] == Type::Str)
      key.emplace_back(op.text(index).substr(0, size_t(op.machine.key_length - 1)));
    else
      key.emplace_back(op.number(index));
  return key;
}

// Null: the map is full, the hit has failed.
Element *find_or_insert(OpRun &op) {
  GlobalState &global = op.global();
  Key key = key_of(op);
  auto found = global.elements.find(key);
  if (found != global.elements.end())
    return &found->second;
  int64_t own = op.declared().max_entries;
  if (int64_t(global.order.size()) >= (own ? own : op.machine.map_entries)) {
    if (!op.declared().wrap) {
      op.fail(own ? fmt::format("Array overflow, check size limit ({})", own) : "Array overflow, check MAXMAPENTRIES");
      return nullptr;
    }
    global.elements.erase(global.order.front());
    global.order.erase(global.order.begin());
  }
  global.order.push_back(key);
  ++*global.order_version;
  return &global.elements[key];
}

void read_field(OpRun &op, std::optional<int64_t> value) {
  if (value)
    op.result.number = *value;
  else
    op.fail("empty aggregate");
}

// A stable sort, in both directions.
void sort_elements(std::vector<Key> &keys, const GlobalState &global, const Sort &sort, const StatSpec &spec) {
  auto before = [&](const Key &left, const Key &right) {
    if (sort.by == Sort::By::Key)
      return left[sort.key] < right[sort.key];
    const Element &a = global.elements.at(left), &b = global.elements.at(right);
    if (sort.by == Sort::By::Stat)
      return field_of(a.statistic, spec, sort.field).value_or(0) < field_of(b.statistic, spec, sort.field).value_or(0);
    return std::pair(a.number, a.text) < std::pair(b.number, b.text);
  };
  std::stable_sort(keys.begin(), keys.end(), [&](const Key &left, const Key &right) {
    return sort.descending ? before(right, left) : before(left, right);
  });
}

// Whether an element is of the slice that the operands from `first` on name; bit n of imm lets key n be anything.
bool is_of_slice(OpRun &op, const Key &key, size_t first) {
  for (size_t index = 0; index < key.size(); ++index) {
    if (op.inst.imm >> index & 1)
      continue;
    const Value &wanted = *op.operands[first + index];
    if (auto *number = std::get_if<int64_t>(&key[index]); number && *number != wanted.number)
      return false;
    else if (!number && std::get<std::string>(key[index]) != wanted.text.substr(0, size_t(op.machine.key_length - 1)))
      return false;
  }
  return true;
}

void read_bucket(OpRun &op, const Statistic &statistic, int64_t bucket) {
  bool exists = bucket >= 0 && uint64_t(bucket) < bucket_count(op.declared().stat);
  if (statistic.count && exists)
    op.result.number = statistic.buckets[size_t(bucket)];
  else if (!op.inst.imm)
    op.fail(statistic.count ? "histogram index out of range" : "empty aggregate");
}

// The iteration that operand 0 is, at an element of its map.
Iteration &iteration_of(OpRun &op) { return op.frame.iterations[op.inst.operands[0].index]; }

Element *element_of(OpRun &op, const Key *&key) {
  Iteration &iteration = iteration_of(op);
  if (iteration.next == 0 || iteration.order_version != *op.global().order_version) {
    op.broken(fmt::format("`{}`: there is no element, or the map has changed since", op_info(op.inst.op).mnemonic));
    return nullptr;
  }
  key = &iteration.keys[iteration.next - 1];
  op.result.watch(iteration.version);
  op.result.watch(op.global().version);
  return &op.global().elements[*key];
}

// The element that operand 0 is; null: none.
Element *find_handle(OpRun &op) {
  Iteration &found = iteration_of(op);
  if (found.order_version != *op.global().order_version)
    op.broken(fmt::format("`{}`: elements have come or gone since", op_info(op.inst.op).mnemonic));
  return found.next && op.hit.outcome.internal.empty() ? &op.global().elements[found.keys[0]] : nullptr;
}

void step_iteration(OpRun &op, bool is_slice) {
  Iteration &iteration = iteration_of(op);
  if (iteration.order_version != *op.global().order_version)
    return op.broken(fmt::format("`{}`: the map has changed since", op_info(op.inst.op).mnemonic));
  ++*iteration.version;
  while (iteration.left > 0 && iteration.next < iteration.keys.size()) {
    const Key &key = iteration.keys[iteration.next++];
    if (is_slice && !is_of_slice(op, key, 1))
      continue;
    --iteration.left;
    op.result.number = 1;
    return;
  }
}

} // namespace

Element *find_element(OpRun &op) {
  auto found = op.global().elements.find(key_of(op));
  return found == op.global().elements.end() ? nullptr : &found->second;
}

void run_GLoad(OpRun &op) {
  op.result.number = op.scalar().number;
  op.result.text = op.scalar().text;
  op.result.watch(op.global().version);
}
void run_GStore(OpRun &op) {
  op.scalar().number = op.number(0);
  op.scalar().text = op.cut(op.text(0));
}
void run_GAdd(OpRun &op) { op.scalar().number = wrapping_sum(op.scalar().number, op.number(0)); }

void run_MapGet(OpRun &op) {
  if (Element *element = find_element(op)) {
    op.result.number = element->number;
    op.result.text = element->text;
  }
  op.result.watch(op.global().version);
}
void run_MapHas(OpRun &op) { op.result.number = find_element(op) != nullptr; }
void run_MapHasSlice(OpRun &op) {
  const std::vector<Key> &order = op.global().order;
  op.result.number = std::any_of(order.begin(), order.end(), [&](const Key &key) { return is_of_slice(op, key, 0); });
}
void run_MapDelSlice(OpRun &op) {
  GlobalState &global = op.global();
  if (std::erase_if(global.order,
                    [&](const Key &key) { return is_of_slice(op, key, 0) && global.elements.erase(key); }))
    ++*global.order_version;
}
void run_MapSet(OpRun &op) {
  if (Element *element = find_or_insert(op)) {
    element->number = op.operands.back()->number;
    element->text = op.operands.back()->text.substr(0, size_t(op.machine.key_length - 1));
  }
}
void run_MapAdd(OpRun &op) {
  if (Element *element = find_or_insert(op))
    op.result.number = element->number = wrapping_sum(element->number, op.operands.back()->number);
}
void run_MapDel(OpRun &op) {
  GlobalState &global = op.global();
  Key key = key_of(op);
  if (!global.elements.erase(key))
    return;
  std::erase(global.order, key);
  ++*global.order_version;
}
void run_GClear(OpRun &op) {
  GlobalState &global = op.global();
  global.elements.clear();
  global.order.clear();
  ++*global.order_version;
}

void run_StatAdd(OpRun &op) { add_sample(op.scalar().statistic, op.declared().stat, op.number(0)); }
void run_StatGet(OpRun &op) {
  read_field(op, scalar_field_of(op.scalar().statistic, op.declared().stat, StatField(op.inst.imm)));
}
void run_MapStatAdd(OpRun &op) {
  if (Element *element = find_or_insert(op))
    add_sample(element->statistic, op.declared().stat, op.operands.back()->number);
}
void run_MapStatGet(OpRun &op) {
  Element *element = find_element(op);
  read_field(op, field_of(element ? element->statistic : Statistic{}, op.declared().stat, StatField(op.inst.imm)));
}

void run_StatBucket(OpRun &op) { read_bucket(op, op.scalar().statistic, op.number(0)); }
void run_MapStatBucket(OpRun &op) {
  Element *element = find_element(op);
  read_bucket(op, element ? element->statistic : Statistic{}, op.operands.back()->number);
}

// An element is kept as an iteration that is at it, or that has none.
void run_MapFind(OpRun &op) {
  Iteration &found = op.frame.iterations[op.id.index];
  found = {};
  found.keys = {key_of(op)};
  found.next = op.global().elements.count(found.keys[0]);
  found.order_version = *op.global().order_version;
}
void run_ElemHas(OpRun &op) { op.result.number = find_handle(op) != nullptr; }
void run_ElemGet(OpRun &op) {
  if (Element *element = find_handle(op)) {
    op.result.number = element->number;
    op.result.text = element->text;
  }
  op.result.watch(op.global().version);
}
void run_ElemAdd(OpRun &op) {
  if (Element *element = find_handle(op))
    op.result.number = element->number = wrapping_sum(element->number, op.number(1));
  else
    op.broken("`elem.add`: there is no element");
}
void run_ElemSet(OpRun &op) {
  Element *element = find_handle(op);
  if (!element)
    return op.broken("`elem.set`: there is no element");
  element->number = op.number(1);
  element->text = op.text(1).substr(0, size_t(op.machine.key_length - 1));
}
void run_ElemDel(OpRun &op) {
  if (!find_handle(op))
    return;
  Key key = iteration_of(op).keys[0];
  op.global().elements.erase(key);
  std::erase(op.global().order, key);
  ++*op.global().order_version;
}
void run_ElemStat(OpRun &op) {
  Element *element = find_handle(op);
  read_field(op, field_of(element ? element->statistic : Statistic{}, op.declared().stat, StatField(op.inst.imm)));
}

void run_IterBegin(OpRun &op) {
  GlobalState &global = op.global();
  const Sort &sort = op.module().sorts[size_t(op.inst.imm)];
  if (sort.by != Sort::By::None && !sort.nested) { // the new order stays
    sort_elements(global.order, global, sort, op.declared().stat);
    ++*global.order_version;
  }
  Iteration &iteration = op.frame.iterations[op.id.index];
  iteration = {};
  iteration.keys = global.order;
  if (sort.by != Sort::By::None && sort.nested)
    sort_elements(iteration.keys, global, sort, op.declared().stat);
  iteration.left = op.number(0) < 0 ? int64_t(iteration.keys.size()) : op.number(0);
  iteration.order_version = *global.order_version;
}
void run_IterNext(OpRun &op) { step_iteration(op, false); }
void run_IterNextSlice(OpRun &op) { step_iteration(op, true); }
void run_IterKey(OpRun &op) {
  const Key *key = nullptr;
  if (!element_of(op, key))
    return;
  if (auto *number = std::get_if<int64_t>(&(*key)[size_t(op.inst.imm)]))
    op.result.number = *number;
  else
    op.result.text = std::get<std::string>((*key)[size_t(op.inst.imm)]);
}
void run_IterValue(OpRun &op) {
  const Key *key = nullptr;
  if (Element *element = element_of(op, key)) {
    op.result.number = element->number;
    op.result.text = element->text;
  }
}
void run_IterStat(OpRun &op) {
  const Key *key = nullptr;
  if (Element *element = element_of(op, key))
    read_field(op, field_of(element->statistic, op.declared().stat, StatField(op.inst.imm)));
}

} // namespace tapjit::ir
