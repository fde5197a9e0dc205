// SPDX-License-Identifier: GPL-2.0-or-later
// The tree of a script. Nodes are plain structs in an arena; Expr, Stmt and Decl are closed variants over the rows of
// nodes.def. Read them with visit() and walk_*() of visit.h. Pass 1 makes the tree; pass 2 clones what it needs into a
// Program (program.h) and fills the fields that are marked "pass 2" in its clones. Pointers are never null unless the
// comment says so.
#pragma once

#include "frontend/base/arena.h"
#include "frontend/base/ids.h"
#include "frontend/base/source.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

namespace tapjit::ast {

template <typename T> using List = std::span<T>;

enum class Type : uint8_t { unknown, none /* no value */, number, string, stats };
// "long", "string", "stats", "unknown".
std::string_view type_name(Type type);

enum class BinaryOp : uint8_t {
#define BINARY(name, spelling, precedence, operands) name,
#include "frontend/operators.def"
};
enum class AssignOp : uint8_t {
#define ASSIGN(name, spelling) name,
#include "frontend/operators.def"
};
enum class UnaryOp : uint8_t {
#define UNARY(name, spelling) name,
#include "frontend/operators.def"
};
std::string_view spelling(BinaryOp op);
std::string_view spelling(AssignOp op);
std::string_view spelling(UnaryOp op);
int precedence(BinaryOp op);
bool is_comparison(BinaryOp op); // two operands of one type, long or string

// Indices into the tables of a Program (program.h); set by pass 2.
using GlobalId = Id<struct GlobalTag>;
using FunctionId = Id<struct FunctionTag>;
using LocalId = Id<struct LocalTag>;         // in the handler or function that holds the node
using EntryId = Id<struct EntryTag>;         // Handler::entries
using TargetUseId = Id<struct TargetUseTag>; // Handler::targets or Function::targets

struct Expr;
struct Stmt;

// ---------------------------------------------------------------- expressions

struct Number {
  int64_t value;
};
struct String {
  std::string_view text; // escapes resolved
};

// What a name means; pass 2.
struct Binding {
  enum class Kind : uint8_t { unbound, local, global };
  Kind kind = Kind::unbound;
  uint32_t index = 0; // of LocalId or GlobalId
  bool is_local() const { return kind == Kind::local; }
  bool is_global() const { return kind == Kind::global; }
  LocalId local() const { return LocalId(index); }
  GlobalId global() const { return GlobalId(index); }
};
struct Variable {
  Name name;
  Binding binding;
};
struct Index {
  Expr *base; // a Variable bound to an array, or a Histogram (then one key, the bucket)
  List<Expr *> keys;
};
struct Unary {
  UnaryOp op;
  Expr *operand;
};
struct Binary {
  BinaryOp op;
  Expr *left;
  Expr *right;
};
struct Concat {
  List<Expr *> parts; // at least two
};
struct Assign {
  AssignOp op;
  Expr *target; // Variable, Index or Target
  Expr *value;
};
struct IncDec {
  bool increment;
  bool prefix;
  Expr *target;
};
struct Conditional {
  Expr *condition;
  Expr *if_true;
  Expr *if_false;
};
struct ArrayIn {
  List<Expr *> keys; // null = `*`
  Expr *array;       // a Variable
};
struct Regex {
  Expr *subject;
  std::string_view pattern;
  Loc pattern_loc;
  bool negated; // !~
};
struct Call {
  Name name;
  List<Expr *> args;
  FunctionId function; // pass 2; the first of the overloads with this arity
};

// One piece of a printf format.
struct FormatPart {
  enum class Kind : uint8_t {
    text,
    binary,
    character,
    decimal,
    unsigned_decimal,
    octal,
    hex,
    upper_hex,
    pointer,
    string,
    memory,
    memory_hex
  };
  enum class Size : uint8_t { none, fixed, argument };
  Kind kind;
  char flag = 0; // one of `0 + - space #`, or 0
  Size width_kind = Size::none;
  Size precision_kind = Size::none;
  uint32_t width = 0;
  uint32_t precision = 0;
  std::string_view text; // of Kind::text, `%%` already `%`; else the directive as written
};
struct Print {
  bool to_string; // sprint...: gives a string; else prints and gives nothing
  bool formatted; // ...f: `parts` holds the format
  bool delimited; // ...d: `delimiter`
  bool newline;   // ...ln
  bool is_char;   // print_char
  bool guarded;   // gives "ERROR" where it fails (pretty-printing; pass 2)
  std::string_view delimiter;
  std::string_view format; // as written in the script, escapes resolved
  List<FormatPart> parts;
  List<Expr *>
      args; // without format and delimiter; a width or precision `*` is an argument of its own before its value
};

enum class StatOp : uint8_t { count, sum, min, max, avg, variance };
std::string_view spelling(StatOp op); // "count" ...
struct Stat {
  StatOp op;
  Expr *stat;    // Variable or Index
  int64_t shift; // @variance
};
struct Histogram {
  bool logarithmic;
  Expr *stat;
  int64_t low, high, step; // linear
};
struct EmbeddedExpr {
  std::string_view code;   // between %{ and %}
  bool is_string;          // holds /* string */
  List<Expr *> parameters; // variables: those parameters of the function around it that STAP_ARG_name asks for
};

// One `->member` or `[index]`. A literal index has `index` null.
struct TargetStep {
  enum class Kind : uint8_t { member, literal_index, expr_index };
  Kind kind;
  Name member;
  int64_t literal;
  Expr *index; // expr_index
  Loc loc;
};
struct Target {
  enum class Root : uint8_t {
    dollar,   // $name, also $$vars and friends, $return
    variable, // @var("name@unit", "module")
    cast,     // @cast(operand, "type", "module")
    value,    // script value whose debuginfo type is known: operand->member
  };
  enum class Pretty : uint8_t { none, shallow /* $ */, deep /* $$ */ };
  Root root;
  bool address_of;
  Pretty pretty;
  Name name;               // dollar: with its `$`s; variable: the text of @var; else empty
  std::string_view type;   // cast
  std::string_view module; // variable, cast; may be empty
  Expr *operand;           // cast, value; else null
  List<TargetStep> steps;
  TargetUseId use; // pass 2
  bool is_text;    // pass 2: the value is a string
};
struct Defined {
  Expr *operand;
};
struct Entry {
  Expr *operand;
  EntryId entry; // pass 2; the operand is also Handler::entries[entry]
};
struct ProbeWrite {
  enum class Answer : uint8_t { none /* no alias is in play */, no, yes };
  Name name;
  Answer answer = Answer::none; // pass 2
};
struct Perf {
  std::string_view counter;
};
struct Const {
  std::string_view code;
};
struct EnumValue {
  std::string_view name;
};
struct EnumName {
  struct Row {
    int64_t value;
    std::string_view name;
  };
  Expr *operand;
  std::string_view type;
  std::string_view module;
  List<const Row> rows; // pass 2: the enum's, by value, each value once
};
struct Deref {
  bool user;
  int64_t size; // bytes: 1, 2, 4, 8
  Expr *address;
};
struct Register {
  bool user;
  int64_t number; // DWARF register number
};

// In the order of nodes.def.
enum class ExprKind : uint8_t {
#define EXPR(type, text) type,
#include "frontend/nodes.def"
};
namespace detail {
template <typename First, typename... Rest> std::variant<Rest...> variant_of();
struct End;
} // namespace detail
using ExprNode = decltype(detail::variant_of<detail::End
#define EXPR(type, text) , type
#include "frontend/nodes.def"
                                             >());

struct Expr {
  Loc loc;                   // of the operator or the first word
  Type type = Type::unknown; // pass 2: number, string, stats, or none for what gives no value
  uint32_t before : 12;      // its text around `loc` (Range); cut off at 4095 bytes
  uint32_t behind : 12;
  ExprNode node;

  Expr(Range range, Type type, ExprNode node) : loc(range.at), type(type), before(0), behind(0), node(node) {
    set_extent(range.before, range.behind);
  }
  void set_extent(uint32_t bytes_before, uint32_t bytes_behind) {
    constexpr uint32_t most = 4095;
    before = bytes_before < most ? bytes_before : most;
    behind = bytes_behind < most ? bytes_behind : most;
  }
  Range range() const { return {loc, before, behind}; }

  ExprKind kind() const { return static_cast<ExprKind>(node.index()); }
  template <typename T> T *as() { return std::get_if<T>(&node); }
  template <typename T> const T *as() const { return std::get_if<T>(&node); }
};

// ---------------------------------------------------------------- statements

struct Block {
  List<Stmt *> body;
};
struct Null {};
struct ExprStmt {
  Expr *expr;
};
struct If {
  Expr *condition;
  Stmt *then;
  Stmt *otherwise; // null without else
};
struct While {
  Expr *condition;
  Stmt *body;
};
struct For {
  Expr *init;      // null when empty
  Expr *condition; // null when empty
  Expr *step;      // null when empty
  Stmt *body;
};
struct Foreach {
  enum class SortBy : uint8_t { none, key, value, stat };
  Expr *value;        // `v = [..] in`: a Variable; else null
  List<Expr *> keys;  // Variables
  Expr *array;        // a Variable, or a Histogram
  List<Expr *> slice; // `in A[e, *]`: one per key, null = `*`; empty without
  Expr *limit;        // null without
  SortBy sort_by;
  uint32_t sort_key; // SortBy::key
  StatOp sort_stat;  // SortBy::stat (count for `A+` on a statistics array)
  bool descending;
  Stmt *body;
};
struct Break {};
struct Continue {};
struct Return {
  Expr *value; // null without
};
struct Next {};
struct Delete {
  Expr *target; // Variable (array or scalar), or Index whose keys may be null = `*`
};
struct Try {
  Stmt *body;
  Expr *message; // a Variable; null for `catch {`
  Stmt *handler;
};

enum class StmtKind : uint8_t {
#define STMT(type, text) type,
#include "frontend/nodes.def"
};
using StmtNode = decltype(detail::variant_of<detail::End
#define STMT(type, text) , type
#include "frontend/nodes.def"
                                             >());
struct Stmt {
  Loc loc;
  uint32_t behind; // the text of a statement without a body (Range); 0: the token at `loc`
  StmtNode node;

  Stmt(Range range, StmtNode node) : loc(range.at), behind(range.behind), node(node) {}
  Range range() const { return {loc, 0, behind}; }

  StmtKind kind() const { return static_cast<StmtKind>(node.index()); }
  template <typename T> T *as() { return std::get_if<T>(&node); }
  template <typename T> const T *as() const { return std::get_if<T>(&node); }
};

// ---------------------------------------------------------------- declarations

// One component of a probe point: `name`, `name(5)` or `name("x")`. Braces are already expanded.
struct PointComponent {
  enum class Arg : uint8_t { none, number, string };
  Loc loc;
  std::string_view name; // may hold `*`
  Arg arg = Arg::none;
  int64_t number = 0;
  std::string_view text;
  Range range; // of it all
};
struct ProbePoint {
  Loc loc;
  List<PointComponent> components;
  bool optional = false;     // ?
  bool sufficient = false;   // !
  Expr *condition = nullptr; // if (...)
  Range range;               // of the components
};

struct Param {
  Name name;
  Type type; // unknown when not annotated
  Loc loc;
};
struct EmbeddedCode {
  std::string_view code;
  Loc loc;
};

struct ProbeDecl {
  List<ProbePoint> points;
  Stmt *body;
};
struct AliasDecl {
  List<ProbePoint> names; // probe A = B = point { }
  List<ProbePoint> points;
  Stmt *prologue;        // null without
  Stmt *epilogue;        // null without
  bool is_epilogue_form; // +=
};
struct FunctionDecl {
  Name name;
  List<Param> params;
  Type result; // unknown when not annotated
  bool is_private;
  int64_t priority;  // as written; -1 without
  Stmt *body;        // null for embedded
  EmbeddedCode code; // where body is null
};
struct GlobalDecl {
  Name name;
  bool is_private;
  bool wrap;  // %
  bool sized; // [N]
  int64_t size;
  Expr *init; // Number or String; null without
};
struct EmbeddedDecl {
  std::string_view code;
};

using DeclNode = decltype(detail::variant_of<detail::End
#define DECL(type, text) , type
#include "frontend/nodes.def"
                                             >());
enum class DeclKind : uint8_t {
#define DECL(type, text) type,
#include "frontend/nodes.def"
};
struct Decl {
  Loc loc;
  DeclNode node;

  DeclKind kind() const { return static_cast<DeclKind>(node.index()); }
  template <typename T> T *as() { return std::get_if<T>(&node); }
  template <typename T> const T *as() const { return std::get_if<T>(&node); }
};

// A parsed file. Owns its nodes; texts may also point into the SourceTable.
struct File {
  SourceId source;
  bool is_deep = false; // walk it on a deep stack (base/deep_stack.h)
  Arena arena;
  std::vector<Decl *> decls; // in the order of the text
};

// What people call the node: "a number", "`foreach`".
std::string_view describe(const Expr &expr);
std::string_view describe(const Stmt &stmt);

static_assert(sizeof(Expr) == sizeof(ExprNode) + 8 && sizeof(Stmt) == sizeof(StmtNode) + 8);
static_assert(std::is_trivially_destructible_v<Expr> && std::is_trivially_destructible_v<Stmt> &&
              std::is_trivially_destructible_v<Decl>);

} // namespace tapjit::ast
