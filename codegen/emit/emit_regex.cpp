// SPDX-License-Identifier: GPL-2.0-or-later
// The tables of regular expressions (runtime/core/regex.h), and one function for each pattern whose groups are kept.
#include "codegen/emit/unit.h"

namespace tapjit::codegen {

namespace {

std::string number_text(const ir::regex::Step &step) { return fmt::format("{{{}, {}}}", step.from, step.tags); }
std::string number_text(unsigned number) { return fmt::format("{}", number); }

template <typename Numbers>
void emit_array(CWriter &out, const char *type, const std::string &name, const Numbers &numbers) {
  out.open(fmt::format("static const {} {}[] =", type, name));
  std::string line;
  for (const auto &number : numbers) {
    line += (line.empty() ? "" : " ") + number_text(number) + ",";
    if (line.size() > 100) {
      out.line("{}", line);
      line.clear();
    }
  }
  if (!line.empty())
    out.line("{}", line);
  out.close("};");
}

// Class 0 is not written.
void emit_classes(CWriter &out, const std::string &name, const ir::regex::Automaton &automaton) {
  out.open(fmt::format("static const uint8_t {}_class_of[256] =", name));
  for (unsigned first = 0, last; first < 256; first = last + 1) {
    for (last = first; last < 255 && automaton.class_of[last + 1] == automaton.class_of[first];)
      ++last;
    if (automaton.class_of[first])
      out.line("[{} ... {}] = {},", first, last, automaton.class_of[first]);
  }
  out.close("};");
}

bool is_wide(const ir::regex::Dfa &dfa) { return dfa.next.size() > 256 * size_t(dfa.classes); }

void emit_dfa_arrays(CWriter &out, const std::string &name, const ir::regex::Dfa &dfa) {
  emit_array(out, is_wide(dfa) ? "uint16_t" : "uint8_t", name + "_next", dfa.next);
  if (!dfa.flags.empty())
    emit_array(out, "uint8_t", name + "_flags", dfa.flags);
}

std::string dfa_text(const std::string &name, const ir::regex::Dfa &dfa) {
  return fmt::format("{{ {}_next, {}, {}, {}, {} }}", name, dfa.flags.empty() ? "NULL" : name + "_flags", dfa.classes,
                     dfa.start, is_wide(dfa) ? "true" : "false");
}

void emit_groups(CWriter &out, const std::string &name, const ir::regex::Groups &groups) {
  emit_dfa_arrays(out, name + "_starts", groups.starts);
  emit_dfa_arrays(out, name + "_threads", groups.threads);
  emit_array(out, "uint16_t", name + "_steps_of", groups.steps_of);
  emit_array(out, "struct tap_regex_step", name + "_steps", groups.steps);
  emit_array(out, "struct tap_regex_step", name + "_accepts", groups.accepts);
  emit_array(out, "struct tap_regex_step", name + "_accepts_at_end", groups.accepts_at_end);
  emit_array(out, "uint16_t", name + "_tag_lists", groups.tag_lists);
  out.open(fmt::format("static const struct tap_regex_groups {} =", name));
  out.line("{}_class_of, {},", name, groups.count);
  out.line("{},", dfa_text(name + "_starts", groups.starts));
  out.line("{},", dfa_text(name + "_threads", groups.threads));
  out.line("{1}, {0}_steps_of, {0}_steps, {0}_accepts, {0}_accepts_at_end, {0}_tag_lists,", name, groups.start_inside);
  out.close("};");
}

// Groups that a handler run's kept match has room for; 0: none keeps or reads one. A handler may read without a search
// anywhere, which fails.
uint32_t kept_groups(const Unit &unit) {
  uint32_t groups = 0;
  for (ir::FunctionId id : unit.effects.callees_first())
    if (unit.effects.of(id).effects & (ir::RMatch | ir::WMatch))
      groups = 1;
  for (const auto &[key, automaton] : unit.regexes)
    groups = std::max(groups, key.second ? automaton.groups.count : 0);
  return groups;
}

} // namespace

RegexTables make_regexes(const ir::Module &module) {
  RegexTables tables;
  for (const ir::Function &function : module.functions)
    for (const ir::Block &block : function.blocks)
      for (ir::ValueId value : block.insts) {
        const ir::Inst &inst = function.insts[value.index];
        bool keeps = inst.op == ir::Op::RegexSearch;
        ir::regex::Error error;
        if (inst.op == ir::Op::RegexMatch || keeps)
          if (auto [table, is_new] = tables.try_emplace({inst.aux, keeps}); is_new)
            table->second = *ir::regex::compile(module.strings[inst.aux], keeps, error); // verified
      }
  return tables;
}

std::string regex_name(uint32_t pattern, bool keeps_groups) {
  return fmt::format("regex_{}{}", pattern, keeps_groups ? "_groups" : "");
}

void emit_regexes(Unit &unit) {
  for (const auto &[key, automaton] : unit.regexes) {
    std::string name = regex_name(key.first, key.second);
    unit.out.blank();
    emit_classes(unit.out, name, automaton);
    if (key.second) {
      emit_groups(unit.out, name, automaton.groups);
      continue;
    }
    emit_dfa_arrays(unit.out, name, automaton.finder);
    unit.out.line("static const struct tap_regex {0} = {{ {0}_class_of, {1} }};", name,
                  dfa_text(name, automaton.finder));
  }
}

void emit_match_member(Unit &unit) {
  if (uint32_t groups = kept_groups(unit))
    unit.out.line("TAP_MATCH_STORAGE(TAP_MAXSTRINGLEN, {}) match;", groups);
}

void emit_searches(Unit &unit) {
  if (kept_groups(unit))
    unit.out.line("#define tap_match(c) (&((struct tap_frame *)(c)->frame)->match.match)");
  for (const auto &[key, automaton] : unit.regexes)
    if (key.second)
      return unit.out.line("TAP_REGEX_SEARCH_DEFINE(TAP_MAXSTRINGLEN, ((struct tap_frame *)(c)->frame)->match)");
}

} // namespace tapjit::codegen
