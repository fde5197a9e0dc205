// SPDX-License-Identifier: GPL-2.0-or-later
// Lowers one handler, function or entry expression into one IR function. Statements stand in lower_stmt.cpp,
// expressions in lower_expr.cpp, what changes a variable in lower_assign.cpp, prints in lower_print.cpp, `$variables`
// in lower_target.cpp.
#pragma once

#include "frontend/lower_module.h"

#include <string>
#include <vector>

namespace tapjit::lowering {

// A format with its arguments, as it is put together.
struct FormatText {
  std::string text;
  std::vector<ir::ValueId> args;
  bool has_directives = false;
  std::string plain; // the text without escapes; meaningful without directives

  void literal(std::string_view words);
  void directive(std::string_view directive, ir::ValueId value);
};

class BodyLowerer {
public:
  // `locals` and `targets` are those of the handler or function; the first `param_count` locals are the parameters.
  BodyLowerer(ModuleState &state, ir::FunctionId function, const std::vector<Local> &locals, size_t param_count,
              const std::vector<TargetUse> &targets);

  // With a valid `shared_body`, that function is called in the place of the last block, with the locals of `live_in`.
  void lower_handler(const Handler &handler, ir::FunctionId shared_body, const std::vector<LocalId> &live_in);
  // The last block as a function of its own, whose parameters are the locals of `live_in`.
  void lower_shared_body(const Handler &handler, const std::vector<LocalId> &live_in);
  void lower_function(const FunctionInfo &function);
  void lower_entry(const ast::Expr &expr);
  // The body of a function that gives whether the call comes from there.
  void lower_caller_check(const std::vector<CallerCode> &callers);
  // Says whether all conditions of the handler hold.
  void lower_arming(const Handler &handler);
  void lower_counting(const Handler &handler, ir::GlobalId hits); // -DSTP_ALIBI
  // Calls `first`, and where that ends in STAP_NEXT the next overload of `function`.
  void lower_chain(const FunctionInfo &function, ir::FunctionId first);

private:
  struct Loop {
    ir::BlockId on_break, on_continue;
  };
  // Sets the location of what is appended, until the end of the scope.
  class Place {
  public:
    Place(BodyLowerer &body, Loc loc) : body_(body), before_(body.location_) { body_.set_location(loc); }
    ~Place() { body_.set_location(before_); }
    Place(const Place &) = delete;
    Place &operator=(const Place &) = delete;

  private:
    BodyLowerer &body_;
    Loc before_;
  };

  // statements
  void begin_handler(const Handler &handler);
  void begin_callee(const Handler &handler);
  void statement(const ast::Stmt &stmt);
  void lower(const ast::Block &n);
  void lower(const ast::Null &) {}
  void lower(const ast::ExprStmt &n);
  void lower(const ast::If &n);
  void lower(const ast::While &n);
  void lower(const ast::For &n);
  void lower(const ast::Foreach &n);
  void lower(const ast::Break &);
  void lower(const ast::Continue &);
  void lower(const ast::Return &n);
  void lower(const ast::Next &);
  void lower(const ast::Delete &n);
  void lower(const ast::Try &n);
  void loop(const ast::Expr *condition, const ast::Expr *step, const ast::Stmt &body);

  // A pass through the elements of `map` whose keys equal those of `slice` that are valid; the current block is the
  // body when it returns.
  struct Scan {
    ir::ValueId iter;
    ir::BlockId header, exit;
  };
  // `may_be_deleted`: the body may delete the whole map, which ends the pass.
  Scan begin_scan(ir::GlobalId map, const ir::Sort &sort, ir::ValueId limit, const std::vector<ir::ValueId> &slice,
                  bool may_be_deleted = false);
  void end_scan(const Scan &scan);
  bool is_iterated(ir::GlobalId map) const; // a foreach over it is open, here or in a caller
  ir::ValueId foreach_limit(const ast::Expr &expr);
  void foreach_bucket(const ast::Foreach &n, const ast::Histogram &histogram);
  // A slice as slice ops take it: `keys` without holes; bit n of the result set: key n was `*`.
  int64_t fill_holes(ir::GlobalId map, std::vector<ir::ValueId> &keys);

  // expressions; a value that does not exist (a print) is none()
  ir::ValueId value(const ast::Expr &expr);
  void effect(const ast::Expr &expr); // the value is not used
  void condition(const ast::Expr &expr, ir::BlockId if_nonzero, ir::BlockId if_zero);
  std::vector<ir::ValueId> values(ast::List<ast::Expr *const> exprs);
  std::vector<ir::ValueId> key_values(ast::List<ast::Expr *> keys); // none() for `*`
  ir::ValueId lower(const ast::Expr &expr, const ast::Number &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::String &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Variable &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Index &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Unary &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Binary &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Concat &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Assign &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::IncDec &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Conditional &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::ArrayIn &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Regex &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Call &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Print &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Stat &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::EmbeddedExpr &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Const &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Target &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Entry &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::EnumName &n);
  void find_name(ir::ValueId value, ast::List<const ast::EnumName::Row> rows, ir::VariableId name, ir::BlockId after,
                 ir::BlockId none);
  ir::ValueId lower(const ast::Expr &expr, const ast::Deref &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Register &n);
  ir::ValueId lower(const ast::Expr &expr, const ast::Perf &) { return unsupported(expr, "`@perf`"); }
  // What has no overload above.
  template <typename T> ir::ValueId lower(const ast::Expr &expr, const T &) {
    return unsupported(expr, std::string(ast::describe(expr)));
  }
  ir::ValueId unsupported(const ast::Expr &expr, std::string_view what); // reports, gives 0 or ""
  void refuse_empty(const ast::Stat &n);                                 // fails where the statistic has no values
  ir::ValueId zero(ast::Type type);
  ir::ValueId call(ast::FunctionId function, std::vector<ir::ValueId> args);
  ir::ValueId truth(const ast::Expr &expr);              // 0 or 1 by control flow
  void call_next_overload(const FunctionInfo &function); // and returns what it gives

  // changing variables
  void assign_variable(const ast::Variable &variable, ir::ValueId value);
  ir::ValueId assign(const ast::Assign &n, bool is_used);
  ir::ValueId assign_stat(const ast::Assign &n);
  ir::ValueId increment(const ast::IncDec &n, bool is_used);
  ir::ValueId combine(ast::AssignOp op, ir::ValueId before, ir::ValueId with);
  ir::GlobalId array_of(const ast::Expr &array) const;

  // prints
  ir::ValueId print(const ast::Print &n);
  ir::ValueId print_guarded(const ast::Print &n);
  ir::ValueId print_histogram(const ast::Print &n, const ast::Histogram &histogram);
  ir::ValueId bucket(const ast::Histogram &histogram, const ast::Expr &index);
  void format_arguments(const ast::Print &n, FormatText &format);
  void plain_arguments(const ast::Print &n, FormatText &format);
  void constant_or_value(const ast::Expr &arg, FormatText &format);

  // target variables
  // Writes and gives `value`.
  ir::ValueId write_target(const ast::Expr &expr, ir::ValueId value);
  bool adds_to_reply(const ast::Assign &n) const;
  ir::ValueId assign_target(const ast::Assign &n);
  ir::ValueId increment_target(const ast::IncDec &n);
  ir::ValueId run_steps(const ast::Target &n, const target::VarAccess &access,
                        const std::vector<target::AccessStep> &steps);
  int64_t module_anchor(ir::ModuleAnchor wanted);
  void kernel_anchor(const std::string &symbol, uint64_t address);
  ir::ValueId placed_address(int64_t address, const std::string &anchor_symbol, uint64_t anchor,
                             const std::string &build_id);
  void check_caller(const std::vector<CallerCode> &callers, ir::BlockId elsewhere);
  ir::ValueId shared_value(const ast::Expr &expr);
  ir::ValueId run_access(const ast::Expr &expr, const ast::Target &n, const target::VarAccess &access);
  void run_step(const target::AccessStep &step, std::vector<ir::ValueId> &stack,
                const std::vector<ir::ValueId> &indexes);
  ir::ValueId extend(ir::ValueId value, unsigned bits, bool is_signed);

  void set_location(Loc loc);

  ModuleState &state_;
  ir::FunctionBuilder builder_;
  const std::vector<TargetUse> &targets_;
  const FunctionInfo *function_ = nullptr; // null in a handler
  std::vector<ir::VariableId> locals_;     // by ast::LocalId
  std::vector<Loop> loops_;
  std::vector<ir::GlobalId> iterated_; // arrays of the foreachs that are open
  Loc location_;
  std::unordered_map<const ast::Expr *, ir::ValueId> *shared_ = nullptr; // within a pretty-print
};

} // namespace tapjit::lowering
