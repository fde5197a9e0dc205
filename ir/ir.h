// SPDX-License-Identifier: GPL-2.0-or-later
// The typed SSA module that one script becomes: data only. Build it with builder.h, check it with verify.h, read and
// write its text with parse.h and print.h. It knows neither scripts nor C. IR.md describes the text form and the rules
// (failure, string lifetime, locks).
//
// Failure. An op with the effect Fail may fail. In a block that ends in `onfail ^next, ^catch` the failure of the last
// instruction goes to ^catch (a block with is_catch, whose op `catch.message` reads the message). Every other failure
// leaves the function: out of a callee to the caller's call, which fails in turn; out of a probe to its end, which
// releases its lock region and commits its output.
#pragma once

#include "ir/ids.h"
#include "ir/short_list.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tapjit::ir {

enum class Type : uint8_t {
#define TYPE(name, spelling, letter, meaning) name,
#include "ir/types.def"
#undef TYPE
};

enum class Op : uint8_t {
#define OP(name, mnemonic, result, operands, aux, effects, cost) name,
#include "ir/ops.def"
#undef OP
};

enum class Terminator : uint8_t {
#define TERMINATOR(name, mnemonic, operands, successors) name,
#include "ir/terminators.def"
#undef TERMINATOR
};

// What an op does besides computing its result; a bit set.
enum Effect : uint16_t {
  Pure = 0,
  Ctx = 1 << 0,
  RMem = 1 << 1,
  WMem = 1 << 2,
  RGlob = 1 << 3,
  WGlob = 1 << 4,
  Vol = 1 << 5,
  Fail = 1 << 6,
  Print = 1 << 7,
  Opaque = 1 << 8,
  Lock = 1 << 9,
  RMatch = 1 << 10,
  WMatch = 1 << 11,
};

enum class Aux : uint8_t { None, Global, Function, String, Format, LockSet, Block };

// Which globals an op is for: `Value` is i64 or str.
enum class GlobalKind : uint8_t { Any, Value, Integer, Stat, Map, ValueMap, IntegerMap, StatMap };

// What Inst::imm is.
enum class Imm : uint8_t { None, Integer, Flag, Field, Sort };

// A row of ops.def.
struct OpInfo {
  Op op;
  const char *mnemonic;
  const char *result;
  const char *operands;
  Aux aux;
  GlobalKind global; // of the global in aux
  uint16_t effects;
  uint16_t cost;
  Imm imm;
};
const OpInfo &op_info(Op op);

struct TerminatorInfo {
  Terminator terminator;
  const char *mnemonic;
  const char *operands;
  unsigned successors;
};
const TerminatorInfo &terminator_info(Terminator terminator);

// Which number a statistic is asked for.
enum class StatField : uint8_t { Count, Sum, Min, Max, Avg, Variance };

using Operands = ShortList<ValueId>;

struct Inst {
  Op op;
  Type type = Type::Void;
  uint32_t aux = UINT32_MAX; // index in the table that op_info(op).aux names
  int64_t imm = 0;
  Operands operands;
  LocationId loc;
  friend bool operator==(const Inst &, const Inst &) = default;
};

struct Block {
  std::vector<ValueId> insts; // phis first
  Terminator terminator = Terminator::Return;
  ValueId terminator_operand;
  BlockId successors[2];
  ShortList<BlockId> preds; // kept by the builder and by passes; the order is that of the phis' operands
  bool is_catch = false;    // successor 1 of an `onfail`, and of nothing else
  LocationId loc;
  friend bool operator==(const Block &, const Block &) = default;
};

enum class FunctionKind : uint8_t { Probe, Script, Embedded };

// Frame storage that a pass chose for a value (passes/frame_layout): none, a string slot of MAXSTRINGLEN bytes, or an
// integer that is alive across a call.
enum class Storage : uint8_t { Register, StringSlot, FrameInteger };

struct EmbeddedC {
  std::string text; // between %{ and %}
  bool pure = false;
  bool stable = false;
  bool infallible = false; // pure, and never fails: may be run where the script would not have run it
  bool expression = false; // the text is one C expression, whose value is the result
  bool unprivileged = false;
  bool myproc_unprivileged = false;
  bool guru = false;
  bool unmangled = false;           // may use THIS->name
  LocationId start;                 // of the text's first byte
  std::vector<std::string> pragmas; // "pragma:xxx" words without "pragma:"
  std::vector<GlobalId> reads, writes;
  friend bool operator==(const EmbeddedC &, const EmbeddedC &) = default;
};

struct Function {
  std::string name; // unique in the module; a script's name as written for FunctionKind::Script
  FunctionKind kind = FunctionKind::Script;
  std::vector<Type> params;
  std::vector<std::string> param_names;
  Type result = Type::Void;
  std::vector<Inst> insts;      // indexed by ValueId; those in no block are dead
  std::vector<Block> blocks;    // [0] is the entry; for Embedded: none
  EmbeddedC embedded;           // for Embedded
  bool recursive = false;       // in a call cycle (passes/call_graph)
  bool kept = false;            // somebody outside the module asks for it by name: stays though nobody calls it
  std::vector<Storage> storage; // by ValueId, filled by passes/frame_layout (empty before it)
  std::vector<uint32_t> slot;   // by ValueId: string slot number where storage is StringSlot
  uint32_t string_slots = 0;    // number of string slots in the frame
  LocationId loc;
  friend bool operator==(const Function &, const Function &) = default;
};

enum class ValueKind : uint8_t { I64, Str, Stat };

// What a statistic keeps besides count, sum, min, max.
struct StatSpec {
  enum class Hist : uint8_t { None, Log, Linear } hist = Hist::None;
  int64_t low = 0, high = 0, step = 0; // Linear
  bool variance = false;
  int64_t variance_shift = 0;
  friend bool operator==(const StatSpec &, const StatSpec &) = default;
};

struct Global {
  std::string name;
  ValueKind value = ValueKind::I64;
  std::vector<Type> keys;  // empty: a scalar
  int64_t max_entries = 0; // map: elements; 0 = MAXMAPENTRIES
  bool wrap = false;
  StatSpec stat;
  std::variant<std::monostate, int64_t, std::string> init;
  bool display_at_end = false; // written and never read: printed when the session ends
  LocationId loc;
  friend bool operator==(const Global &, const Global &) = default;
};

// How a foreach goes through its map.
struct Sort {
  enum class By : uint8_t { None, Key, Value, Stat } by = By::None;
  uint32_t key = 0;                   // By::Key
  StatField field = StatField::Count; // By::Stat
  bool descending = false;
  bool nested = false; // inside another iteration of the map: the order of its list must not change
  friend bool operator==(const Sort &, const Sort &) = default;
};

// The argument kinds of a format, in order of its directives; the runtime's record and stapio use the same table.
struct Format {
  std::string text; // SystemTap's printf format, "%%" included
  std::vector<Type> args;
  friend bool operator==(const Format &, const Format &) = default;
};

struct LockSet {
  std::vector<std::pair<GlobalId, bool>> globals; // sorted by id; true: written
  friend bool operator==(const LockSet &, const LockSet &) = default;
};

struct Location {
  std::string file;
  uint32_t line = 0, column = 0;
  friend auto operator<=>(const Location &, const Location &) = default;
};

// A value that a return probe saves when its function is entered: computed by `function` (an Embedded-free Script
// function without effects but Ctx/RMem; result i64).
struct EntryValue {
  FunctionId function;
  friend bool operator==(const EntryValue &, const EntryValue &) = default;
};

// Where a handler runs; which rules hold there (runtime/ABI.md "Contexts").
enum class ContextKind : uint8_t {
  Session, // begin, end, error: nothing else runs
  Event,   // everything that interrupts
  Process, // a process asks (procfs): may sleep, but not in its lock region; Event probes run meanwhile
};
// What a handler shares with others that run at the same time is locked.
constexpr bool takes_locks(ContextKind context) { return context != ContextKind::Session; }
// MAXACTION_INTERRUPTIBLE is its budget, else MAXACTION.
constexpr bool is_interruptible(ContextKind context) { return context != ContextKind::Event; }

struct Probe {
  FunctionId handler;
  ContextKind context = ContextKind::Event;
  std::vector<SiteId> sites;
  std::vector<EntryValue> entry_values;
  int64_t cost = -1; // worst case of one hit in estimated instructions (passes/cost); -1: not known
  friend bool operator==(const Probe &, const Probe &) = default;
};

// Site::constants that ctx.number reads, by its imm.
inline constexpr std::string_view number_names[] = {"number0", "number1"};
constexpr bool is_number_name(std::string_view name) {
  return std::find(std::begin(number_names), std::end(number_names), name) != std::end(number_names);
}

// One place where a probe is put, as data for the runtime: `constants` are the fields of struct tap_site_<family>
// (runtime/<platform>/probe_<family>.h).
struct Site {
  std::string family; // "begin", "timer", "kprobe", ... lower case
  ProbeId probe;
  std::string pp;       // what pp() gives
  std::string function; // what ppfunc()/probefunc() give, may be empty
  std::vector<std::pair<std::string, std::variant<int64_t, std::string>>> constants;
  std::vector<std::string> glue; // raw C macro arguments: TAP_GLUE_<FAMILY>(site index, ...); empty: none
  friend bool operator==(const Site &, const Site &) = default;
};

// What addresses in a section of a traced module count from.
struct ModuleAnchor {
  std::string symbol;   // "module:symbol"
  int64_t linked = 0;   // where the symbol is in the module's file
  std::string build_id; // of that file, lower-case hex; empty: not known, any build will do
  friend bool operator==(const ModuleAnchor &, const ModuleAnchor &) = default;
};

struct Module {
  std::string name; // of the kernel module
  std::vector<std::string> strings;
  std::vector<Global> globals;
  std::vector<Function> functions;
  std::vector<Probe> probes;
  std::vector<Site> sites;
  std::vector<Format> formats;
  std::vector<Sort> sorts;
  std::vector<LockSet> lock_sets;
  std::vector<Location> locations;
  std::vector<std::pair<std::string, LocationId>> embedded_top; // top-level %{ %} texts in order
  std::vector<std::string> includes;                            // raw C headers that sites need, "trace/events/sched.h"
  // What kernel.address counts from: a function whose name only one symbol of the kernel has, and its link address.
  std::string anchor_symbol; // empty: no such op
  int64_t anchor = 0;
  std::vector<ModuleAnchor> module_anchors;   // the same for data of modules; module.slide names them
  std::map<std::string, int64_t> limits;      // MAXACTION, MAXSTRINGLEN, ...: see limits.def
  std::map<std::string, std::string> defines; // other -D names, visible to embedded C
  friend bool operator==(const Module &, const Module &) = default;
};

} // namespace tapjit::ir
