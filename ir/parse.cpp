// SPDX-License-Identifier: GPL-2.0-or-later
// Two steps: Reader reads the text into a Module whose instructions still name things by text (Pending), then Linker
// looks the names up. An instruction's names may come before their definitions, and its type may depend on them.
#include "ir/parse.h"

#include "ir/builder.h"
#include "ir/cfg.h"
#include "ir/signature.h"
#include "ir/text_lexer.h"
#include "ir/words.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

namespace tapjit::ir {

namespace {

using Position = std::pair<uint32_t, uint32_t>; // line, column
using Name = std::pair<std::string, Position>;

struct PendingInst {
  Name aux;                               // a name, or the text of a string or format
  std::vector<Name> operands, phi_blocks; // without the sigil
  std::vector<std::pair<Name, bool>> locks;
};

struct PendingBlock {
  Name operand;
  std::vector<Name> successors, preds;
};

struct PendingFunction {
  std::vector<PendingInst> insts;
  std::vector<PendingBlock> blocks;
  std::unordered_map<std::string, ValueId> values;
  std::unordered_map<std::string, BlockId> block_names;
  std::vector<Name> reads, writes;
  bool has_storage = false;
};

struct PendingProbe {
  Name handler;
  std::vector<Name> entries;
};

// The first error is kept; after it everything is a no-op until the end is reached.
struct Failure {
  std::string message;
  void report(Position where, std::string what) {
    if (message.empty())
      message = fmt::format("{}:{}: {}", where.first, where.second, what);
  }
  bool happened() const { return !message.empty(); }
};

const OpInfo *find_op(const std::string &mnemonic) {
  static const std::unordered_map<std::string, const OpInfo *> table = [] {
    std::unordered_map<std::string, const OpInfo *> result;
    for (size_t op = 0; op <= size_t(Op::Unlock); ++op)
      result.emplace(op_info(Op(op)).mnemonic, &op_info(Op(op)));
    return result;
  }();
  auto found = table.find(mnemonic);
  return found == table.end() ? nullptr : found->second;
}

class Reader {
public:
  Reader(std::string_view text, Module &module, Interner &interner, Failure &failure)
      : lexer_(text), module_(module), interner_(interner), failure_(failure) {}

  std::vector<PendingFunction> functions;
  std::vector<PendingProbe> probes;

  void read_module() {
    while (!failure_.happened() && lexer_.peek().kind != Token::Kind::End) {
      Position where = here();
      std::string word = take_word();
      if (word == "module")
        module_.name = take_string();
      else if (word == "limit")
        read_limit();
      else if (word == "define")
        read_define();
      else if (word == "include")
        module_.includes.push_back(take_string());
      else if (word == "anchor")
        read_anchor();
      else if (word == "module_anchor")
        read_module_anchor();
      else if (word == "file")
        read_file();
      else if (word == "toplevel")
        read_toplevel();
      else if (word == "global")
        read_global();
      else if (word == "func")
        read_function();
      else if (word == "probe")
        read_probe();
      else if (word == "site")
        read_site();
      else
        failure_.report(where, fmt::format("`{}` begins no part of a module", word));
    }
    if (lexer_.malformed())
      failure_.report(here(), "a string without an end, a bad escape or a number out of range before this");
  }

private:
  // --- tokens
  Position here() const { return {lexer_.peek().line, lexer_.peek().column}; }
  bool at_sign(std::string_view sign) const {
    return lexer_.peek().kind == Token::Kind::Sign && lexer_.peek().text == sign;
  }
  bool at_word(std::string_view word) const {
    return lexer_.peek().kind == Token::Kind::Word && lexer_.peek().text == word;
  }
  bool at_number() const { return lexer_.peek().kind == Token::Kind::Number; }
  bool at_string() const { return lexer_.peek().kind == Token::Kind::String; }
  bool at_line_start() const { return lexer_.peek().first_on_line; }

  bool accept_sign(std::string_view sign) {
    if (!at_sign(sign))
      return false;
    lexer_.take();
    return true;
  }
  bool accept_word(std::string_view word) {
    if (!at_word(word))
      return false;
    lexer_.take();
    return true;
  }
  void expect_sign(std::string_view sign) {
    if (!accept_sign(sign))
      fail_at_token(fmt::format("`{}`", sign));
  }
  void fail_at_token(const std::string &wanted) {
    failure_.report(here(), fmt::format("expected {}, found `{}`", wanted,
                                        lexer_.peek().kind == Token::Kind::End ? "the end" : lexer_.peek().text));
    if (lexer_.peek().kind != Token::Kind::End)
      lexer_.take();
  }
  std::string take_kind(Token::Kind kind, const char *wanted) {
    if (lexer_.peek().kind == kind)
      return lexer_.take().text;
    fail_at_token(wanted);
    return "";
  }
  std::string take_word() { return take_kind(Token::Kind::Word, "a word"); }
  std::string take_string() { return take_kind(Token::Kind::String, "a string"); }
  int64_t take_number() {
    if (at_number())
      return lexer_.take().number;
    fail_at_token("a number");
    return 0;
  }
  Name take_name(std::string_view sigil) {
    expect_sign(sigil);
    Position where = here();
    if (at_string())
      return {take_string(), where};
    if (at_number() && sigil != "@" && sigil != "&")
      return {std::to_string(take_number()), where};
    return {take_word(), where};
  }
  Type take_type() {
    Position where = here();
    std::string word = take_word();
    if (auto type = type_from_spelling(word))
      return *type;
    failure_.report(where, fmt::format("`{}` is no type", word));
    return Type::I64;
  }
  template <typename Enum, size_t size> Enum take_enum(const char *const (&table)[size]) {
    Position where = here();
    std::string word = take_word();
    if (auto value = from_word<Enum>(table, word))
      return *value;
    failure_.report(where, fmt::format("`{}` is not one of the words that may stand here", word));
    return Enum(0);
  }

  LocationId read_location() {
    if (!accept_sign("!"))
      return LocationId::none();
    Position where = here();
    int64_t file = take_number();
    expect_sign(":");
    int64_t line = take_number();
    expect_sign(":");
    int64_t column = take_number();
    auto found = files_.find(file);
    if (found == files_.end()) {
      failure_.report(where, fmt::format("no `file {}` before this", file));
      return LocationId::none();
    }
    return interner_.location(found->second, uint32_t(line), uint32_t(column));
  }

  // --- the module's parts
  void read_limit() {
    std::string name = take_word();
    module_.limits[name] = take_number();
  }
  void read_define() {
    std::string name = take_word();
    module_.defines[name] = take_string();
  }
  void read_anchor() {
    module_.anchor_symbol = take_string();
    module_.anchor = take_number();
  }
  void read_module_anchor() {
    std::string symbol = take_string();
    int64_t linked = take_number();
    std::string build_id = lexer_.peek().kind == Token::Kind::String ? take_string() : "";
    module_.module_anchors.push_back({std::move(symbol), linked, std::move(build_id)});
  }
  void read_file() {
    int64_t number = take_number();
    files_[number] = take_string();
  }
  void read_toplevel() {
    std::string text = take_string();
    module_.embedded_top.emplace_back(std::move(text), read_location());
  }

  void read_global() {
    Global global;
    global.name = take_name("@").first;
    if (accept_sign("[")) {
      do
        global.keys.push_back(take_type());
      while (accept_sign(","));
      expect_sign("]");
    }
    global.value = take_enum<ValueKind>(value_kinds);
    while (!at_line_start() && lexer_.peek().kind == Token::Kind::Word)
      read_global_word(global);
    if (accept_sign("=")) {
      if (at_string())
        global.init = take_string();
      else
        global.init = take_number();
    }
    global.display_at_end |= !at_line_start() && accept_word("display");
    global.loc = read_location();
    module_.globals.push_back(std::move(global));
  }

  void read_global_word(Global &global) {
    if (accept_word("max")) {
      global.max_entries = take_number();
    } else if (accept_word("wrap")) {
      global.wrap = true;
    } else if (accept_word("hist.log")) {
      global.stat.hist = StatSpec::Hist::Log;
    } else if (accept_word("hist.linear")) {
      global.stat.hist = StatSpec::Hist::Linear;
      global.stat.low = take_number();
      global.stat.high = take_number();
      global.stat.step = take_number();
    } else if (accept_word("variance")) {
      global.stat.variance = true;
      global.stat.variance_shift = take_number();
    } else if (at_word("display")) {
      global.display_at_end = true;
      lexer_.take();
    } else {
      fail_at_token("a property of the global");
    }
  }

  void read_function() {
    Function function;
    PendingFunction pending;
    function.name = take_name("&").first;
    function.kind = take_enum<FunctionKind>(function_kinds);
    expect_sign("(");
    while (!failure_.happened() && !at_sign(")")) {
      if (!function.params.empty())
        expect_sign(",");
      std::string word = take_word();
      if (accept_sign(":")) {
        function.param_names.push_back(word);
        word = take_word();
      }
      auto type = type_from_spelling(word);
      if (!type)
        failure_.report(here(), fmt::format("`{}` before this is no type", word));
      function.params.push_back(type.value_or(Type::I64));
    }
    expect_sign(")");
    expect_sign("->");
    function.result = take_type();
    function.recursive = accept_word("recursive");
    function.kept = accept_word("kept");
    function.loc = read_location();
    if (accept_word("slots")) {
      pending.has_storage = true;
      function.string_slots = uint32_t(take_number());
    }
    if (function.kind == FunctionKind::Embedded)
      read_embedded(function.embedded, pending);
    else
      read_body(function, pending);
    module_.functions.push_back(std::move(function));
    functions.push_back(std::move(pending));
  }

  void read_embedded(EmbeddedC &embedded, PendingFunction &pending) {
    while (!failure_.happened()) {
      if (accept_word("pure"))
        embedded.pure = true;
      else if (accept_word("stable"))
        embedded.stable = true;
      else if (accept_word("infallible"))
        embedded.infallible = true;
      else if (accept_word("expression"))
        embedded.expression = true;
      else if (accept_word("unprivileged"))
        embedded.unprivileged = true;
      else if (accept_word("myproc_unprivileged"))
        embedded.myproc_unprivileged = true;
      else if (accept_word("guru"))
        embedded.guru = true;
      else if (accept_word("unmangled"))
        embedded.unmangled = true;
      else if (accept_word("pragma"))
        embedded.pragmas.push_back(take_string());
      else if (accept_word("reads"))
        pending.reads.push_back(take_name("@"));
      else if (accept_word("writes"))
        pending.writes.push_back(take_name("@"));
      else
        break;
    }
    if (!accept_word("text"))
      fail_at_token("`text`");
    embedded.text = take_string();
    embedded.start = read_location();
  }

  void read_body(Function &function, PendingFunction &pending) {
    expect_sign("{");
    while (!failure_.happened() && !accept_sign("}"))
      read_block(function, pending);
  }

  void read_block(Function &function, PendingFunction &pending) {
    Name name = take_name("^");
    if (!pending.block_names.emplace(name.first, BlockId{uint32_t(function.blocks.size())}).second)
      failure_.report(name.second, fmt::format("block ^{} stands here a second time", name.first));
    Block block;
    PendingBlock names;
    block.is_catch = accept_word("catch");
    expect_sign(":");
    if (accept_word("preds")) {
      do
        names.preds.push_back(take_name("^"));
      while (accept_sign(","));
    }
    while (!failure_.happened() && !read_terminator(block, names))
      read_inst(function, block, pending);
    function.blocks.push_back(std::move(block));
    pending.blocks.push_back(std::move(names));
  }

  bool read_terminator(Block &block, PendingBlock &names) {
    for (size_t index = 0; index <= size_t(Terminator::Return); ++index) {
      const TerminatorInfo &info = terminator_info(Terminator(index));
      if (!accept_word(info.mnemonic))
        continue;
      block.terminator = info.terminator;
      if (at_sign("%")) {
        names.operand = take_name("%");
        accept_sign(",");
      }
      for (unsigned target = 0; target < info.successors; ++target) {
        if (target)
          expect_sign(",");
        names.successors.push_back(take_name("^"));
      }
      block.loc = read_location();
      return true;
    }
    return false;
  }

  void read_inst(Function &function, Block &block, PendingFunction &pending) {
    ValueId value{uint32_t(function.insts.size())};
    Inst inst{};
    PendingInst names;
    Storage storage = Storage::Register;
    uint32_t slot = 0;
    bool named = at_sign("%");
    if (named) {
      Name name = take_name("%");
      if (!pending.values.emplace(name.first, value).second)
        failure_.report(name.second, fmt::format("%{} is defined a second time", name.first));
      if (accept_sign(":")) {
        storage = accept_word("frame") ? Storage::FrameInteger : Storage::StringSlot;
        if (storage == Storage::StringSlot) {
          if (!accept_word("slot"))
            fail_at_token("`slot` or `frame`");
          slot = uint32_t(take_number());
        }
      }
      expect_sign("=");
    }
    Position where = here();
    std::string mnemonic = take_word();
    const OpInfo *info = find_op(mnemonic);
    if (!info) {
      failure_.report(where, fmt::format("`{}` is no operation", mnemonic));
      return;
    }
    inst.op = info->op;
    if (info->result[0] == 'p')
      inst.type = take_type();
    if (inst.op == Op::Phi)
      read_phi_operands(names);
    else
      read_items(*info, inst, names);
    inst.loc = read_location();
    names.aux.second = where;
    block.insts.push_back(value);
    function.insts.push_back(std::move(inst));
    function.storage.push_back(storage);
    function.slot.push_back(slot);
    pending.insts.push_back(std::move(names));
  }

  void read_phi_operands(PendingInst &names) {
    expect_sign("[");
    while (!failure_.happened() && !accept_sign("]")) {
      if (!names.operands.empty())
        expect_sign(",");
      names.phi_blocks.push_back(take_name("^"));
      expect_sign(":");
      names.operands.push_back(take_name("%"));
    }
  }

  void read_items(const OpInfo &info, Inst &inst, PendingInst &names) {
    bool any = info.aux != Aux::None;
    if (any)
      read_aux(info.aux, names);
    while (!failure_.happened()) {
      if (any ? !accept_sign(",") : at_line_start())
        return;
      if (at_sign("%"))
        names.operands.push_back(take_name("%"));
      else if (info.imm != Imm::None && !at_line_start())
        inst.imm = read_imm(info.imm);
      else if (any)
        fail_at_token("an operand");
      else
        return;
      any = true;
    }
  }

  void read_aux(Aux aux, PendingInst &names) {
    if (aux == Aux::Global)
      names.aux = take_name("@");
    else if (aux == Aux::Function)
      names.aux = take_name("&");
    else if (aux == Aux::String || aux == Aux::Format)
      names.aux.first = take_string();
    else if (aux == Aux::LockSet) {
      expect_sign("{");
      while (!failure_.happened() && !accept_sign("}")) {
        if (!names.locks.empty())
          expect_sign(",");
        bool written = at_word("w");
        if (!accept_word("w") && !accept_word("r"))
          fail_at_token("`r` or `w`");
        names.locks.emplace_back(take_name("@"), written);
      }
    }
  }

  int64_t read_imm(Imm kind) {
    if (kind == Imm::Field)
      return int64_t(take_enum<StatField>(stat_fields));
    if (kind != Imm::Sort)
      return take_number();
    Sort sort;
    sort.by = take_enum<Sort::By>(sort_kinds);
    if (sort.by == Sort::By::Key)
      sort.key = uint32_t(take_number());
    if (sort.by == Sort::By::Stat)
      sort.field = take_enum<StatField>(stat_fields);
    sort.descending = accept_word("desc");
    sort.nested = accept_word("nested");
    return interner_.sort(sort);
  }

  void read_probe() {
    Position where = here();
    if (take_number() != int64_t(module_.probes.size()))
      failure_.report(where, "probes are numbered from 0 in their order");
    Probe probe;
    PendingProbe pending;
    pending.handler = take_name("&");
    probe.context = take_enum<ContextKind>(context_kinds);
    while (accept_word("entry"))
      pending.entries.push_back(take_name("&"));
    if (accept_word("cost"))
      probe.cost = take_number();
    module_.probes.push_back(std::move(probe));
    probes.push_back(std::move(pending));
  }

  void read_site() {
    Site site;
    site.family = take_string();
    Position where = here();
    if (!accept_word("probe"))
      fail_at_token("`probe`");
    int64_t probe = take_number();
    if (probe < 0 || size_t(probe) >= module_.probes.size()) {
      failure_.report(where, "no such probe before this");
      return;
    }
    site.probe = ProbeId{uint32_t(probe)};
    if (accept_word("pp"))
      site.pp = take_string();
    if (accept_word("function"))
      site.function = take_string();
    if (accept_sign("{")) {
      while (!failure_.happened() && !accept_sign("}")) {
        if (!site.constants.empty())
          expect_sign(",");
        std::string key = at_string() ? take_string() : take_word();
        expect_sign("=");
        if (at_string())
          site.constants.emplace_back(key, take_string());
        else
          site.constants.emplace_back(key, take_number());
      }
    }
    if (accept_word("glue")) {
      expect_sign("[");
      do
        site.glue.push_back(take_string());
      while (accept_sign(","));
      expect_sign("]");
    }
    module_.probes[site.probe.index].sites.push_back(SiteId{uint32_t(module_.sites.size())});
    module_.sites.push_back(std::move(site));
  }

  TextLexer lexer_;
  Module &module_;
  Interner &interner_;
  Failure &failure_;
  std::map<int64_t, std::string> files_;
};

class Linker {
public:
  Linker(Module &module, Interner &interner, Failure &failure)
      : module_(module), interner_(interner), failure_(failure) {
    for (size_t index = 0; index < module.globals.size(); ++index)
      globals_.emplace(module.globals[index].name, uint32_t(index));
    for (size_t index = 0; index < module.functions.size(); ++index)
      functions_.emplace(module.functions[index].name, uint32_t(index));
  }

  void link(const PendingProbe &pending, Probe &probe) {
    probe.handler = FunctionId{find(functions_, "&", pending.handler)};
    for (const Name &name : pending.entries)
      probe.entry_values.push_back({FunctionId{find(functions_, "&", name)}});
  }

  void link(const PendingFunction &pending, Function &function) {
    for (const Name &name : pending.reads)
      function.embedded.reads.push_back(GlobalId{find(globals_, "@", name)});
    for (const Name &name : pending.writes)
      function.embedded.writes.push_back(GlobalId{find(globals_, "@", name)});
    for (size_t index = 0; index < pending.blocks.size(); ++index)
      link_edges(pending, function, index);
    for (size_t index = 0; index < pending.blocks.size(); ++index)
      link_preds(pending, function, index);
    // Aux and types first: a format needs the types of its operands.
    for (size_t index = 0; index < function.insts.size(); ++index)
      link_aux(pending.insts[index], function.insts[index]);
    for (size_t index = 0; index < function.insts.size(); ++index)
      link_operands(pending, pending.insts[index], function, function.insts[index]);
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (function.insts[value.index].op == Op::Phi)
          order_phi(pending, pending.insts[value.index], block, function.insts[value.index]);
    if (!pending.has_storage) {
      function.storage.clear();
      function.slot.clear();
    }
  }

private:
  template <typename Tag> static uint32_t index_of(Id<Tag> id) { return id.index; }
  static uint32_t index_of(uint32_t index) { return index; }

  template <typename Map> uint32_t find(const Map &map, const char *sigil, const Name &name) {
    auto found = map.find(name.first);
    if (found != map.end())
      return index_of(found->second);
    failure_.report(name.second, fmt::format("{}{} is not defined", sigil, name.first));
    return 0;
  }

  void link_edges(const PendingFunction &pending, Function &function, size_t index) {
    const PendingBlock &names = pending.blocks[index];
    Block &block = function.blocks[index];
    if (!names.operand.first.empty())
      block.terminator_operand = ValueId{find(pending.values, "%", names.operand)};
    for (size_t target = 0; target < names.successors.size(); ++target) {
      block.successors[target] = BlockId{find(pending.block_names, "^", names.successors[target])};
      function.blocks[block.successors[target].index].preds.push_back(BlockId{uint32_t(index)});
    }
  }

  // The written order of predecessors, once the true ones are known.
  void link_preds(const PendingFunction &pending, Function &function, size_t index) {
    const std::vector<Name> &names = pending.blocks[index].preds;
    if (names.empty())
      return;
    std::vector<BlockId> written;
    for (const Name &name : names)
      written.push_back(BlockId{find(pending.block_names, "^", name)});
    ShortList<BlockId> &preds = function.blocks[index].preds;
    if (!std::is_permutation(written.begin(), written.end(), preds.begin(), preds.end()))
      failure_.report(names[0].second, "these are not the block's predecessors");
    preds = std::move(written);
  }

  void link_aux(const PendingInst &pending, Inst &inst) {
    const OpInfo &info = op_info(inst.op);
    if (info.aux == Aux::Global)
      inst.aux = find(globals_, "@", pending.aux);
    if (info.aux == Aux::Function)
      inst.aux = find(functions_, "&", pending.aux);
    if (info.aux == Aux::String)
      inst.aux = interner_.string(pending.aux.first).index;
    if (info.aux == Aux::LockSet) {
      std::vector<std::pair<GlobalId, bool>> globals;
      for (auto &[name, written] : pending.locks)
        globals.emplace_back(GlobalId{find(globals_, "@", name)}, written);
      inst.aux = interner_.lock_set(std::move(globals)).index;
    }
    inst.type = result_type(module_, inst);
  }

  void link_operands(const PendingFunction &function_names, const PendingInst &pending, Function &function,
                     Inst &inst) {
    std::vector<Type> types;
    for (const Name &name : pending.operands) {
      ValueId operand{find(function_names.values, "%", name)};
      if (failure_.happened())
        return;
      inst.operands.push_back(operand);
      types.push_back(function.insts[operand.index].type);
    }
    if (op_info(inst.op).aux == Aux::Format)
      inst.aux = interner_.format(pending.aux.first, types).index;
  }

  void order_phi(const PendingFunction &names, const PendingInst &pending, const Block &block, Inst &inst) {
    if (failure_.happened())
      return;
    std::vector<ValueId> ordered;
    for (BlockId pred : block.preds)
      for (size_t index = 0; index < pending.phi_blocks.size(); ++index)
        if (find(names.block_names, "^", pending.phi_blocks[index]) == pred.index)
          ordered.push_back(inst.operands[index]);
    if (ordered.size() != block.preds.size() || ordered.size() != inst.operands.size())
      failure_.report(pending.aux.second, "a phi names each predecessor of its block once");
    inst.operands = std::move(ordered);
  }

  Module &module_;
  Interner &interner_;
  Failure &failure_;
  std::unordered_map<std::string, uint32_t> globals_, functions_;
};

} // namespace

Result<Module> parse(std::string_view text) {
  Module module;
  Failure failure;
  Interner interner(module);
  Reader reader(text, module, interner, failure);
  reader.read_module();
  if (!failure.happened()) {
    Linker linker(module, interner, failure);
    for (size_t index = 0; index < module.functions.size() && !failure.happened(); ++index)
      linker.link(reader.functions[index], module.functions[index]);
    for (size_t index = 0; index < module.probes.size() && !failure.happened(); ++index)
      linker.link(reader.probes[index], module.probes[index]);
  }
  if (failure.happened())
    return Error{failure.message, ""};
  return module;
}

} // namespace tapjit::ir
