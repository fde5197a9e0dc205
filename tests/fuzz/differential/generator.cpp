// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/differential/generator.h"

#include <algorithm>
#include <fmt/format.h>
#include <random>

namespace tapjit::differential {

namespace {

using Statements = std::vector<Statement>;

class Generator {
public:
  Generator(uint64_t seed, const GeneratorOptions &options)
      : random_(seed), options_(options), prefix_(fmt::format("p{}_", options.number)) {}

  Program make() {
    declare_globals();
    // A function calls those before it only; the third calls itself.
    for (unsigned index = 0; index < function_count; ++index)
      function(index);
    probe(fmt::format("probe begin({})", options_.number), 2);
    if (chance(2))
      probe(fmt::format("probe begin({})", options_.number + 1000), 1);
    if (chance(2))
      probe(fmt::format("probe timer.ms({}){}", 1 + pick(5), chance(3) ? ".randomize(1)" : ""), 1);
    if (chance(6))
      probe(fmt::format("probe timer.us({})", 900 + 100 * pick(40)), 1);
    if (options_.may_exit && chance(2))
      probe("probe error", 1);
    probe(fmt::format("probe end({})", options_.number), 1);
    show_globals();
    return std::move(program_);
  }

private:
  static constexpr unsigned function_count = 4;
  static constexpr const char *shared = "g_"; // begins the names of globals

  unsigned pick(unsigned count) { return unsigned(random_() % count); }
  bool chance(unsigned one_in) { return pick(one_in) == 0; }
  static std::string name(const char *what) { return std::string(shared) + what; }
  template <typename... Choices> std::string one_of(Choices... choices) {
    const char *all[] = {choices...};
    return all[pick(sizeof...(choices))];
  }

  // --- globals, which the programs of a script share: n, k integers; s text; by[text] integer; names[int] text;
  //     pairs[int, text] integer; ring%[int] integer; st, lin statistics; sm[text] statistic
  void declare_globals() {
    std::mt19937_64 random(options_.globals_seed);
    auto few = [&](unsigned count) { return unsigned(random() % count); };
    auto add = [&](const char *what, const std::string &more = "") {
      program_.globals.push_back("global " + name(what) + more);
    };
    add("n", few(2) ? fmt::format(" = {}", int(few(9)) - 4) : "");
    add("k");
    add("s", few(2) ? " = \"init\"" : "");
    add("by", few(2) ? fmt::format("[{}]", 2 + few(5)) : "");
    add("names");
    add("pairs", few(3) ? "" : fmt::format("%[{}]", 1 + few(4)));
    add("ring", fmt::format("%[{}]", 1 + few(4)));
    for (const char *statistic : {"st", "lin", "sm"})
      add(statistic);
  }

  // --- blocks
  void function(unsigned index) {
    Block block;
    index_ = index;
    is_probe_ = false;
    bool text_result = index == 1;
    block.head = fmt::format("function {}f{}:{}(a:long, b:string)", prefix_, index, text_result ? "string" : "long");
    if (index == 2) {
      block.statements.push_back({"if (a <= 0) return " + number(1), "", {}});
      own_call_ = fmt::format("{}f2(a - 1, b . \"r\")", prefix_);
    }
    start_locals(block, "a", "b");
    append(block.statements, statements(1));
    block.foot = "return " + (text_result ? text(2) : number(2));
    own_call_.clear();
    program_.blocks.push_back(std::move(block));
  }

  void probe(const std::string &head, unsigned size) {
    Block block;
    block.head = head;
    index_ = function_count;
    is_probe_ = true;
    start_locals(block, "1", "\"x\"");
    for (unsigned count = 0; count < size; ++count)
      append(block.statements, statements(2));
    program_.blocks.push_back(std::move(block));
  }

  // Locals x, y, z are integers and t, u texts everywhere.
  void start_locals(Block &block, const std::string &number_value, const std::string &text_value) {
    block.statements.push_back(
        {fmt::format("x = {0}; y = 0; z = {1}; t = {2}; u = \"\"", number_value, int(pick(7)) - 3, text_value),
         "",
         {}});
    // Each global has a type, whatever follows, and nothing of the programs before is left.
    if (is_probe_ && program_.blocks.size() == function_count) {
      std::string clear;
      for (const char *global : {"n", "k", "s", "by", "names", "pairs", "ring", "st", "lin", "sm"})
        clear += (clear.empty() ? "delete " : "; delete ") + name(global);
      block.statements.push_back({clear, "", {}});
      const char *first = "{0}ring[0] = 0; {0}by[\"k0\"] = 0; {0}names[1] = {0}s; {0}pairs[0, \"k0\"] = {0}n; "
                          "{0}sm[\"k0\"] <<< 1; {0}st <<< {0}k; {0}lin <<< 2";
      block.statements.push_back({fmt::format(fmt::runtime(first), shared), "", {}});
    }
    loop_depth_ = counters_ = 0;
    frozen_.clear();
  }

  // The end probe's last statements: all that is left.
  void show_globals() {
    Statements &last = program_.blocks.back().statements;
    last.push_back({fmt::format("printf(\"n %d k %d s %s\\n\", {0}n, {0}k, {0}s)", shared), "", {}});
    for (const char *map : {"by", "names", "ring"}) {
      std::string show = fmt::format("println(q_{0}, \" \", v_{0})", map);
      last.push_back({fmt::format("foreach (v_{1} = q_{1} in {0}{1}{2})", shared, map, one_of("", "+", "-")),
                      "",
                      {{{show, "", {}}}}});
    }
    last.push_back({fmt::format("foreach (v_p = [q_p, r_p] in {}pairs{})", shared, one_of("", "+", "-")),
                    "",
                    {{{"println(q_p, r_p, \" \", v_p)", "", {}}}}});
    std::string show =
        fmt::format("println(q_s, @count({0}sm[q_s]), \" \", @sum({0}sm[q_s]), @min({0}sm[q_s]))", shared);
    last.push_back({fmt::format("foreach (q_s in {}sm{})", shared, one_of("", "+", " @count-", " @sum+")),
                    "",
                    {{{show, "", {}}}}});
    last.push_back({fmt::format("println(@count({0}st), @sum({0}st), @count({0}lin))", shared), "", {}});
  }

  static void append(Statements &to, Statements from) {
    for (Statement &statement : from)
      to.push_back(std::move(statement));
  }

  // --- expressions
  std::string constant() {
    switch (pick(8)) {
    case 0:
      return "9223372036854775807";
    case 1:
      return "(-9223372036854775807 - 1)";
    case 2:
      return fmt::format("(-{})", 1 + pick(5));
    case 3:
      return fmt::format("0x{:x}", random_() >> (1 + pick(62)));
    default:
      return std::to_string(pick(6));
    }
  }

  // What =~ looks for: each part of a pattern, put together at random.
  std::string pattern() {
    std::string result = chance(4) ? "^" : "";
    for (unsigned parts = 1 + pick(3); parts > 0; --parts) {
      result += one_of("a", "k", "[0-9]", "[^a-k]", ".", "(k|lo)", "(r+)", "(x(y)?)", "[[:space:]]");
      result += one_of("", "", "", "*", "+", "?", "{1,2}");
    }
    return result + (chance(4) ? "$" : "");
  }

  // The keys of `pairs`, one or both left open.
  std::string slice() { return chance(2) ? "*, " + key() : chance(2) ? small() + ", *" : "*, *"; }

  std::string number_variable() { return one_of("x", "y", "z"); }
  std::string text_variable() { return one_of("t", "u"); }
  std::string key() { return chance(2) ? fmt::format("\"k{}\"", pick(4)) : text(1); }
  std::string small() { return chance(2) ? std::to_string(pick(4)) : number(1); }

  // A place of an integer.
  std::string number_place() {
    switch (pick(6)) {
    case 0:
      return name("n");
    case 1:
      return name("k");
    case 2:
      if (can_write("by"))
        return name("by") + "[" + key() + "]";
      break;
    case 3:
      if (can_write("pairs"))
        return name("pairs") + "[" + small() + ", " + key() + "]";
      break;
    case 4:
      if (can_write("ring"))
        return name("ring") + "[" + small() + "]";
      break;
    default:
      break;
    }
    return number_variable();
  }

  bool can_write(const std::string &map) const {
    for (const std::string &frozen : frozen_)
      if (frozen == map)
        return false;
    // Functions leave alone what probes iterate over while they call them.
    return is_probe_ || map == "pairs";
  }
  bool can_call() const {
    for (const std::string &frozen : frozen_)
      if (frozen == "pairs")
        return false;
    return true;
  }

  std::string call(unsigned index) {
    std::string first = index == 2 ? fmt::format("{}", chance(8) ? 30 : pick(5)) : number(1);
    return fmt::format("{}f{}({}, {})", prefix_, index, first, text(1));
  }

  std::string number(unsigned depth) {
    if (depth == 0 || chance(4))
      return chance(3) ? constant() : chance(4) ? name(chance(2) ? "n" : "k") : number_variable();
    switch (pick(20)) {
    case 0:
      return fmt::format("({} {} {})", number(depth - 1), one_of("/", "%"), number(depth - 1));
    case 12:
      return fmt::format("({} {} \"{}\")", text(depth - 1), one_of("=~", "=~", "!~"), pattern());
    case 13:
      return fmt::format("([{}] in {})", slice(), name("pairs"));
    case 14:
      return chance(2) ? fmt::format("@hist_log({}st)[{}]", shared, small())
                       : fmt::format("@hist_linear({}lin, -5, 40, 5)[{}]", shared, small());
    case 15:
      return chance(2) ? fmt::format("@variance({}st)", shared) : fmt::format("@variance({}sm[{}])", shared, key());
    case 1:
      return fmt::format("{}({})", one_of("!", "~", "-"), number(depth - 1));
    case 2:
      return fmt::format("({} ? {} : {})", number(depth - 1), number(depth - 1), number(depth - 1));
    case 3:
      return fmt::format("({} {} {})", text(depth - 1), one_of("==", "!=", "<", ">", "<=", ">="), text(depth - 1));
    case 4:
      return chance(2) ? name("by") + "[" + key() + "]" : name("pairs") + "[" + small() + ", " + key() + "]";
    case 5:
      return chance(2) ? fmt::format("({} in {})", key(), name("by"))
                       : fmt::format("([{}, {}] in {})", small(), key(), name("pairs"));
    case 6:
      return fmt::format("@{}({})", one_of("count", "sum", "min", "max", "avg"), name(chance(2) ? "st" : "lin"));
    case 7:
      return fmt::format("@{}({}[{}])", one_of("count", "sum", "min", "max", "avg"), name("sm"), key());
    case 8:
      return fmt::format("({} {} {})", number_place(), one_of("=", "+=", "-=", "*=", "|=", "^=", "<<="),
                         number(depth - 1));
    case 9:
      return chance(2) ? "(" + number_place() + one_of("++", "--") + ")"
                       : "(" + one_of("++", "--") + number_place() + ")";
    case 10:
      if (!own_call_.empty())
        return own_call_;
      [[fallthrough]];
    case 11:
      if (can_call() && index_ > 0)
        return call(index_ == 1 ? 0 : index_ == 2 ? 0 : chance(2) ? 0 : index_ == 3 ? 2 : 2 + pick(2));
      [[fallthrough]];
    default:
      return fmt::format("({} {} {})", number(depth - 1),
                         one_of("+", "-", "*", "&", "|", "^", "<<", ">>", "<", ">", "<=", ">=", "==", "!=", "&&", "||"),
                         number(depth - 1));
    }
  }

  std::string text(unsigned depth) {
    if (depth == 0 || chance(4))
      return chance(2)   ? one_of("\"\"", "\"a\"", "\"lorem ipsum\"", "\"k1\"", "\"%d\\n\"")
             : chance(3) ? name("s")
                         : text_variable();
    switch (pick(10)) {
    case 8:
      return chance(2) ? fmt::format("matched({})", pick(3)) : fmt::format("sprint(ngroups(), {})", text(depth - 1));
    case 0:
    case 1:
      return fmt::format("({} . {})", text(depth - 1), text(depth - 1));
    case 2:
      return fmt::format("sprintf(\"{}\", {}, {})", one_of("%d-%s", "%5d%.2s", "%x|%-6s|", "%u %s", "%c%s", "%#o%3s"),
                         number(depth - 1), text(depth - 1));
    case 3:
      return name("names") + "[" + small() + "]";
    case 4:
      return fmt::format("({} ? {} : {})", number(depth - 1), text(depth - 1), text(depth - 1));
    case 5:
      return fmt::format("({} {} {})", chance(2) ? name("s") : text_variable(), one_of("=", ".="), text(depth - 1));
    case 6:
      if (can_call() && index_ > 1)
        return call(1);
      [[fallthrough]];
    case 7:
      return chance(3) ? "pp()" : fmt::format("sprint({}, {})", number(depth - 1), text(depth - 1));
    default:
      return text_variable();
    }
  }

  // --- statements
  Statements statements(unsigned depth) {
    Statements list;
    for (unsigned count = 1 + pick(3); count > 0; --count)
      list.push_back(statement(depth));
    return list;
  }

  Statement line(std::string text) { return {std::move(text), "", {}}; }

  Statement statement(unsigned depth) {
    switch (pick(depth ? 23 : 12)) {
    case 19:
      return histogram(depth);
    case 0:
    case 1:
      return line(fmt::format("{} {} {}", number_place(), one_of("=", "=", "+=", "-=", "%=", ">>="), number(2)));
    case 2:
    case 3:
      return line(fmt::format("{} {} {}", chance(3) ? name("s") : text_variable(), one_of("=", "=", ".="), text(2)));
    case 4:
      if (can_write("names"))
        return line(fmt::format("{}[{}] {} {}", name("names"), small(), one_of("=", ".="), text(2)));
      [[fallthrough]];
    case 5:
      if (is_probe_ && can_write("sm"))
        return chance(2) ? line(fmt::format("{}[{}] <<< {}", name("sm"), key(), number(2)))
                         : line(fmt::format("{} <<< {}", name(chance(2) ? "st" : "lin"), number(2)));
      [[fallthrough]];
    case 6:
    case 7:
      return print();
    case 8:
      return clear();
    case 9:
      return leave();
    case 10:
      return line(number(3));
    case 11:
      return line(chance(3) ? "warn(" + text(2) + ")" : "println(" + text(2) + ")");
    case 12:
    case 13:
    case 14:
      return branch(depth);
    case 15:
    case 16:
      return counted_loop(depth);
    case 17:
    case 18:
      return iteration(depth);
    default:
      return guarded(depth);
    }
  }

  Statement print() {
    switch (pick(6)) {
    case 0:
      return line(fmt::format("printf(\"%d %s|%x\\n\", {}, {}, {})", number(2), text(2), number(1)));
    case 1:
      return line(fmt::format("printf(\"%*d %-*s %05d %.*s\\n\", {}, {}, {}, {}, {}, {}, {})", pick(9), number(1),
                              pick(9), text(1), number(1), pick(5), text(1)));
    case 2:
      return line(fmt::format("printdln(\",\", {}, {}, {})", number(2), text(2), number(1)));
    case 3:
      return line(fmt::format("if (@count({0}st)) print(@hist_log({0}st))", shared));
    case 4:
      return line(fmt::format("if (@count({0}lin)) print(@hist_linear({0}lin, -5, 40, 5))", shared));
    default:
      return line(fmt::format("println({}, \" \", {})", number(2), text(2)));
    }
  }

  Statement clear() {
    switch (pick(8)) {
    case 6:
      return can_write("pairs") ? line("delete " + name("pairs") + "[" + slice() + "]") : print();
    case 0:
      return can_write("by") ? line("delete " + name("by") + "[" + key() + "]") : print();
    case 1:
      return can_write("by") ? line("delete " + name("by")) : print();
    case 2:
      return can_write("pairs") ? line("delete " + name("pairs") + "[" + small() + ", " + key() + "]") : print();
    case 3:
      return line("delete " + name(chance(2) ? "n" : "s"));
    case 4:
      return is_probe_ ? line("delete " + name("st")) : print();
    case 5:
      return can_write("names") ? line("delete " + name("names") + "[" + small() + "]") : print();
    default:
      return can_write("sm") ? line("delete " + name("sm") + "[" + key() + "]") : print();
    }
  }

  // Out of a loop, a function or a probe; sometimes with an error.
  Statement leave() {
    if (loop_depth_ > 0 && chance(2))
      return line("if (" + number(1) + ") " + one_of("break", "continue"));
    if (is_probe_ && options_.may_exit && chance(3))
      return line("exit()");
    if (is_probe_ && chance(3))
      return line("if (" + number(1) + ") next");
    if (!is_probe_ && chance(2))
      return line("if (" + number(1) + ") return " + (index_ == 1 ? text(1) : number(1)));
    return line("if (" + number(1) + ") error(" + text(1) + ")");
  }

  Statement branch(unsigned depth) {
    Statement result{"if (" + number(2) + ")", "", {statements(depth - 1)}};
    if (chance(2)) {
      result.middle = " else ";
      result.bodies.push_back(statements(depth - 1));
    }
    return result;
  }

  Statement counted_loop(unsigned depth) {
    std::string counter = fmt::format("c{}", counters_++);
    ++loop_depth_;
    Statement result;
    if (chance(3)) {
      result.head = fmt::format("{0} = 0; while ({0}++ < {1})", counter, 1 + pick(4));
    } else {
      result.head = fmt::format("for ({0} = {1}; {0} {2}; {0}{3})", counter, chance(2) ? "0" : "x & 1",
                                fmt::format("< {}", 1 + pick(5)), one_of("++", "++", " += 2"));
    }
    result.bodies.push_back(statements(depth - 1));
    --loop_depth_;
    return result;
  }

  // Over the buckets of a histogram, which is empty at times.
  Statement histogram(unsigned depth) {
    std::string bucket = fmt::format("h{}", counters_++);
    std::string what =
        chance(2) ? fmt::format("@hist_log({}st)", shared) : fmt::format("@hist_linear({}lin, -5, 40, 5)", shared);
    Statement result;
    result.head = fmt::format("if (@count({0}st) && @count({0}lin)) foreach ({1} in {2})", shared, bucket, what);
    Statements body = {line(fmt::format("x += {} * {}[{}]", bucket, what, bucket))};
    ++loop_depth_;
    if (chance(3))
      append(body, statements(depth - 1));
    --loop_depth_;
    result.bodies.push_back(std::move(body));
    return result;
  }

  // Some elements of `pairs`.
  Statement sliced_iteration(unsigned depth) {
    std::string q = fmt::format("q{}", counters_), r = fmt::format("r{}", counters_);
    ++counters_;
    frozen_.push_back("pairs"); // the keys of the slice do not write it either
    Statement result;
    result.head = fmt::format("foreach ([{}, {}] in {}pairs[{}]{})", q, r, shared, slice(),
                              chance(3) ? fmt::format(" limit {}", pick(4)) : "");
    ++loop_depth_;
    Statements body = {line(fmt::format("x += {}; u = {}", q, r))};
    append(body, statements(depth - 1));
    result.bodies.push_back(std::move(body));
    --loop_depth_;
    frozen_.pop_back();
    return result;
  }

  Statement iteration(unsigned depth) {
    if (is_probe_ && chance(5))
      return sliced_iteration(depth);
    std::string map = is_probe_ ? one_of("by", "names", "pairs", "ring", "sm") : one_of("by", "names");
    std::string q = fmt::format("q{}", counters_), r = fmt::format("r{}", counters_), v = fmt::format("v{}", counters_);
    ++counters_;
    bool has_value = map != "sm" && chance(2);
    bool by_text = map == "by" || map == "sm";
    std::string order =
        map == "sm" ? one_of("", "+", "-", " @sum+", " @count-", " @max-", " @avg+") : one_of("", "", "+", "-");
    std::string keys = map == "pairs" ? fmt::format("[{}, {}{}]", q, r, chance(4) ? "+" : "")
                                      : q + (order.empty() && chance(3) ? one_of("+", "-") : "");
    if (keys.back() != ']' && keys != q)
      order.clear();
    if (map == "pairs" && keys.find('+') != std::string::npos)
      order.clear();
    // Sorting is in place: not inside of an iteration over the same map, nor in functions, which are called there.
    if (!is_probe_ || std::find(frozen_.begin(), frozen_.end(), map) != frozen_.end()) {
      order.clear();
      keys = map == "pairs" ? fmt::format("[{}, {}]", q, r) : q;
    }
    Statement result;
    result.head =
        fmt::format("foreach ({}{} in {}{}{}{})", has_value ? v + " = " : "", keys, shared, map, order,
                    chance(3) ? fmt::format(" limit {}", chance(3) ? number_variable() : std::to_string(pick(4))) : "");
    frozen_.push_back(map);
    ++loop_depth_;
    Statements body;
    if (chance(2))
      body.push_back(line(by_text ? "t = " + q : "x = " + q));
    if (map == "pairs" && chance(2))
      body.push_back(line("u = " + r));
    if (has_value && chance(2))
      body.push_back(line(map == "names" ? "u .= " + v : "y += " + v));
    if (map == "sm" && chance(2))
      body.push_back(line(fmt::format("y = @{}({}sm[{}])", one_of("count", "sum", "min", "max", "avg"), shared, q)));
    append(body, statements(depth - 1));
    result.bodies.push_back(std::move(body));
    --loop_depth_;
    frozen_.pop_back();
    return result;
  }

  Statement guarded(unsigned depth) {
    bool named = chance(2);
    Statement result{"try", named ? " catch (t) " : " catch ", {}};
    result.bodies.push_back(statements(depth - 1));
    Statements handler = statements(chance(2) ? depth - 1 : 0);
    if (named)
      handler.insert(handler.begin(), line("println(\"caught \", t)"));
    result.bodies.push_back(std::move(handler));
    return result;
  }

  std::mt19937_64 random_;
  GeneratorOptions options_;
  std::string prefix_, own_call_;
  Program program_;
  unsigned index_ = 0; // of the function; function_count in probes
  bool is_probe_ = false;
  unsigned loop_depth_ = 0, counters_ = 0;
  std::vector<std::string> frozen_; // maps that are being iterated over
};

void print(const std::vector<Statement> &statements, unsigned depth, std::string &text) {
  std::string indent(2 * depth, ' ');
  for (const Statement &statement : statements) {
    text += indent + statement.head;
    for (size_t body = 0; body < statement.bodies.size(); ++body) {
      text += body ? statement.middle + "{\n" : " {\n";
      print(statement.bodies[body], depth + 1, text);
      text += indent + "}";
    }
    text += statement.bodies.empty() ? ";\n" : "\n";
  }
}

} // namespace

Program generate(uint64_t seed, const GeneratorOptions &options) { return Generator(seed, options).make(); }

std::string Program::text(bool with_globals) const {
  std::string text;
  for (const std::string &global : globals)
    if (with_globals)
      text += global + "\n";
  for (const Block &block : blocks) {
    text += block.head + " {\n";
    print(block.statements, 1, text);
    if (!block.foot.empty())
      text += "  " + block.foot + "\n";
    text += "}\n";
  }
  return text;
}

} // namespace tapjit::differential
