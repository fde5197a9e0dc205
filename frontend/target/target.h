// SPDX-License-Identifier: GPL-2.0-or-later
// Facts about the traced kernel: where its files are, what its configuration says, which functions, symbols, variables
// and tracepoints it has. Passes and probe families ask only through Target; KernelTarget (kernel_target.h) answers
// from the installed kernel, FakeTarget (fake_target.h) from a table.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/function_pattern.h"
#include "frontend/target/var_access.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace tapjit::target {

// Paths of one kernel; an empty string is a file that is not installed.
struct KernelFiles {
  std::string release;    // as `uname -r`
  std::string build_dir;  // headers: /lib/modules/REL/build, or what -r named
  std::string vmlinux;    // ELF file with DWARF
  std::string system_map; // full symbol list (Debian's stub in /boot is not one)
  std::string image = {}; // what boots: /boot/vmlinuz-REL
  std::string btf = {};   // ELF file with nothing but BTF, beside the headers
};

// One place in the traced kernel's code.
struct FunctionSite {
  std::string function; // name in the source
  std::string symbol;   // symbol that covers the address; may carry .isra.0, .constprop.0, ...
  uint64_t offset = 0;  // from the symbol
  uint64_t address = 0; // link address
  uint64_t size = 0;    // of the symbol, bytes; 0 when unknown
  std::string section;  // ".text"; empty when unknown
  std::string file;     // source file of its definition, as the compiler wrote it; empty when unknown
  uint32_t line = 0;    // of its definition; 0 when unknown
  bool is_inline = false;
  bool symbol_is_unique = true;
  // DW_TAG_subprogram or DW_TAG_inlined_subroutine in .debug_info, or a function in BTF; 0: neither describes it,
  // hence there are no $variables.
  uint64_t die = 0;
  uint64_t outer_die = 0;      // of an inlined copy: the function around it; 0: not known
  std::string blacklisted;     // not empty: why no kprobe can be put there
  uint32_t statement_line = 0; // a line within the function, of a statement or label; 0: the function's entry
  std::string label;           // of a label: its name
  std::string module;          // empty: the kernel itself; addresses are counted from a place of the module's file
  std::string build_id;        // of the module's file, lower-case hex; empty: not known
  // In a module: the name of one symbol of the same section, and its address; empty when there is none.
  std::string anchor_symbol;
  uint64_t anchor = 0;
  std::string caller; // of a callee: the function that calls it, "vfs_read@fs/read_write.c:450"
  // Of a callee with code of its own: link addresses of the caller's code, where the call returns to. Empty: the site
  // is within the caller.
  std::vector<std::pair<uint64_t, uint64_t>> caller_code;
  // In a module, one for each of them: as `anchor_symbol` and `anchor`, of the section that it is in; nullopt when
  // there is none. Empty in the kernel itself.
  std::vector<std::optional<std::pair<std::string, uint64_t>>> caller_anchors;
};

// Which instances of a function are asked for.
enum class FunctionKind : uint8_t { OutOfLine, Inlined, Both };

// The code that a probe point asks for.
struct CodeQuery {
  std::string module; // wildcards allowed; empty: the kernel itself
  FunctionPattern pattern;
  FunctionKind kind = FunctionKind::OutOfLine;
  bool exported = false;           // only functions that modules may call
  std::optional<uint64_t> address; // instead of the pattern: a link address in the function, or of the statement
  bool statement = false;          // the pattern's lines within functions, instead of the entries of functions
  bool nearest = false;            // of statements: the nearest line that has code, if the line has none
  std::string label;               // not empty: labels within the functions, wildcards allowed
  std::string callee;              // not empty: what the functions call, wildcards allowed
  unsigned callee_depth = 1;       // calls of calls up to this depth
  bool once = false;               // one inlined copy of a function stands for all
  bool place_alone = false;        // no types are needed: symbols will do, and debuginfo is not fetched for it
};

struct FunctionMatches {
  std::vector<FunctionSite> sites;   // those that can be probed, by address
  std::vector<FunctionSite> refused; // blacklisted or in memory that is freed after boot; `blacklisted` says which
  // Nearest names, best first; set when both are empty. A search of all names, so only for a message that is shown.
  std::function<std::vector<std::string>()> suggestions;
  bool only_inlined = false; // the name exists, but only as inlined copies and FunctionKind::OutOfLine was asked for
  bool without_debuginfo = false; // answered from the symbol table
  std::string advice;             // what to install when debuginfo is missing
  // When both are empty and the functions exist: why there is no such statement, label or callee, and what there is.
  std::string problem, hint;
};

enum class AccessError : uint8_t {
  NoDebuginfo,
  NoSuchVariable,
  NoSuchMember,
  NotAPointer,   // [] or -> on something that has no members or elements
  NotAvailable,  // the compiler keeps no value of it at this address
  Unsupported,   // a location or type that is not handled
  IsAggregate,   // the path ends in a struct or union
  NoReturnValue, // $return of a void function
};

struct AccessFailure {
  AccessError error;
  std::string observed;                 // "no member `foo` in `struct file`"
  std::vector<std::string> suggestions; // best first
  // What else helps: "the nearest place that has it is `kernel.statement(...)`". Dear to find, so only for a message
  // that is shown, while the target lives.
  std::function<std::string()> late_hint = nullptr;
  std::string type = {}; // IsAggregate: the C type of what has no value of its own
};

// A value, or why a target variable has none; the caller makes the located diagnostic.
template <typename T> using Access = std::variant<T, AccessFailure>;

struct SymbolFact {
  uint64_t address = 0; // link address
  uint64_t size = 0;
  bool is_unique = true;
};

// The source lines of one file's code.
struct LineTable {
  // Code that moves together when it is loaded. Of a module: counted from a symbol "module:symbol" with its address in
  // the module's file; empty in the kernel.
  struct Range {
    uint64_t begin, end;
    std::string anchor_symbol = {};
    uint64_t anchor = 0;
  };
  std::vector<Range> ranges;
  std::span<const char> bytes; // runtime/core/line_table.h
  std::shared_ptr<const void> keep;
};

struct TracepointArgument {
  std::string type; // C text: "struct task_struct *"
  std::string name;
  // Of a tracepoint that a module's file describes: the type there (a TypeRef), and what a C parameter that takes the
  // same can be declared as without any header. Of an aggregate, `passed_as` has no name, and no value is handed over.
  uint64_t type_ref = 0;
  std::string passed_as = {};
};

// One TRACE_EVENT (or DEFINE_EVENT, DECLARE_TRACE, ...) of the kernel's headers.
struct Tracepoint {
  std::string name;      // "sched_switch"
  std::string system;    // TRACE_SYSTEM: "sched"; empty: not known
  std::string header;    // to include: "trace/events/sched.h"
  std::string prototype; // TP_PROTO's parameter list in C: "bool preempt, struct task_struct *prev"; empty: none
  std::vector<TracepointArgument> arguments;
  std::string module = {}; // that defines it, if it was asked for
};

struct TracepointMatches {
  std::vector<Tracepoint> tracepoints;
  std::vector<std::string> suggestions; // nearest names when there is none
};

// A module by the file that is installed for the traced kernel.
struct ModuleBuild {
  std::string name;
  std::string build_id; // lower-case hex; empty: not known
};

class Target {
public:
  virtual ~Target() = default;

  // Why no kernel can be traced at all, and what to do (the user runtime); nullopt when there is one.
  virtual std::optional<Error> absent() const { return std::nullopt; }
  virtual const KernelFiles &files() const = 0;
  // Lower-case hex of the NT_GNU_BUILD_ID note; empty when no vmlinux is installed.
  virtual std::string build_id() const = 0;
  // The same of a module of which something has been asked before.
  virtual std::string module_build_id(const std::string &) const { return {}; }
  // Value of CONFIG_name ("y", "m", "123", a string without its quotes); nullopt when it is not set. `name` includes
  // "CONFIG_".
  virtual std::optional<std::string> kconfig(std::string_view name) const = 0;

  // The places that the query asks for. Wildcards * ? [] are matched against the whole name. A line stands in a
  // function name with wildcards for the functions that contain it, and is not looked at behind a plain name (-l prints
  // it there). Fails when there are neither symbols nor DWARF for this kernel.
  virtual Result<FunctionMatches> code(const CodeQuery &query) const = 0;
  // Functions that match NAME or NAME@FILE.
  Result<FunctionMatches> functions(std::string_view pattern, FunctionKind kind) const {
    CodeQuery query;
    query.pattern = parse_function_pattern(pattern);
    query.kind = kind;
    return code(query);
  }
  virtual std::optional<SymbolFact> symbol(std::string_view name) const = 0;

  // $name with its path, at the site's address; for a return probe (`at_return`) the value that it had on entry.
  // `address_of`: the script wrote & before it.
  virtual Access<VarAccess> variable(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path,
                                     bool at_return, bool address_of) const = 0;
  // $return with its path.
  virtual Access<VarAccess> return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                         bool address_of) const = 0;
  // Parameters, or all variables in scope ($$parms, $$vars): names in order of declaration.
  virtual std::vector<std::string> variable_names(const FunctionSite &site, bool parameters_only) const = 0;
  // @cast(value, "type", "modules")->path: `steps` start from one value that the caller pushes first. `modules` are
  // names with `:` between them, asked in this order: "kernel", a module, the path of a program, "<header>" or
  // "kernel<header>"; empty: the kernel.
  virtual Access<VarAccess> cast(std::string_view type, std::string_view modules, const std::vector<PathStep> &path,
                                 bool address_of) const = 0;

  // @var("name", "modules") or @var("name@file", "modules"): a variable of file scope.
  virtual Access<VarAccess> global_variable(std::string_view name, std::string_view modules,
                                            const std::vector<PathStep> &path, bool address_of) const = 0;
  // A path behind a script value that carries a C type (autocast): as cast(), the value is pushed first.
  virtual Access<VarAccess> follow(const ValueType &type, const std::vector<PathStep> &path, bool address_of) const = 0;

  // The lines of a module's code, or of the kernel's (empty). An Error when no debuginfo tells them.
  virtual Result<LineTable> line_table(const std::string &) const { return Error{"no lines are known", ""}; }

  // @enum("name"): the value of an enumerator of the kernel's C; nullopt: there is none.
  virtual std::optional<int64_t> enumerator(std::string_view) const { return std::nullopt; }
  // The enumerators of the enum `type`, as cast() finds it, and of a value's own type.
  virtual Access<Enumerators> enumerators(std::string_view, std::string_view) const {
    return AccessFailure{AccessError::Unsupported, "no types are known", {}};
  }
  virtual Access<Enumerators> enumerators(const ValueType &) const {
    return AccessFailure{AccessError::Unsupported, "no types are known", {}};
  }
  // How a value of `type` is shown: `$x$`, or `$x$$` when it is `deep`.
  virtual std::vector<PrettyPiece> pretty(const ValueType &type, bool) const { return pretty_number(type); }

  // Tracepoints called `event` or `system:event`, wildcards allowed. Fails when the kernel's headers are not installed.
  virtual Result<TracepointMatches> tracepoints(std::string_view pattern) const = 0;
  // Those that modules define, as their own files tell; both patterns may have wildcards. Arguments are called `arg1`
  // and so on where the files have types alone.
  virtual Result<TracepointMatches> module_tracepoints(std::string_view modules, std::string_view) const {
    return Error{"no module `" + std::string(modules) + "` is known", ""};
  }
  // The module that has the tracepoint of this name; nullopt: the kernel itself has it, or no module that is installed.
  virtual std::optional<ModuleBuild> tracepoint_module(const std::string &) const { return std::nullopt; }
  // $argument of a tracepoint with its path.
  virtual Access<VarAccess> tracepoint_argument(const Tracepoint &tracepoint, std::string_view name,
                                                const std::vector<PathStep> &path, bool address_of) const = 0;
};

} // namespace tapjit::target
