// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_variable.h"

#include "frontend/target/calling_convention.h"
#include <dwarf.h>
#include <set>

namespace tapjit::target {

namespace {

bool is_variable(Dwarf_Die *die) {
  int tag = dwarf_tag(die);
  return tag == DW_TAG_formal_parameter || tag == DW_TAG_variable;
}

// Calls `visit` for each variable in scope at `address`, inner blocks first; stops when it returns true.
template <typename Visit> bool visit_scope(Dwarf_Die scope, uint64_t address, const Visit &visit) {
  Dwarf_Die child;
  if (dwarf_child(&scope, &child) != 0)
    return false;
  Dwarf_Die first = child;
  do {
    if (dwarf_tag(&child) == DW_TAG_lexical_block && dwarf_haspc(&child, address) == 1 &&
        visit_scope(child, address, visit))
      return true;
  } while (dwarf_siblingof(&child, &child) == 0);
  child = first;
  do {
    if (is_variable(&child) && visit(child))
      return true;
  } while (dwarf_siblingof(&child, &child) == 0);
  return false;
}

// An inlined copy has its variables in the frame of the function around it.
Dwarf_Die enclosing_function(Dwarf_Die die) {
  Dwarf_Die *scopes = nullptr, result = die;
  if (dwarf_tag(&die) == DW_TAG_subprogram)
    return die;
  int count = dwarf_getscopes_die(&die, &scopes);
  for (int i = 0; i < count; ++i)
    if (dwarf_tag(&scopes[i]) == DW_TAG_subprogram) {
      result = scopes[i];
      break;
    }
  free(scopes);
  return result;
}

std::string quoted_list(const std::vector<std::string> &names) {
  std::string text;
  for (const std::string &name : names)
    text += (text.empty() ? "`$" : ", `$") + name + "`";
  return text;
}

} // namespace

Result<std::unique_ptr<DwarfVariables>> DwarfVariables::open(const std::string &path, const DebugIndex &index) {
  auto file = ElfFile::open(path);
  if (!file)
    return file.error();
  Dwarf *dwarf = (*file)->dwarf();
  if (!dwarf)
    return Error{"`" + path + "` has no DWARF: " + dwarf_errmsg(-1), ""};
  return std::unique_ptr<DwarfVariables>(new DwarfVariables(std::move(*file), dwarf, index));
}

DwarfVariables::~DwarfVariables() = default;

PerCpuSection DwarfVariables::per_cpu() const {
  auto begin = index_.symbols("__per_cpu_start"), end = index_.symbols("__per_cpu_end");
  return begin.empty() || end.empty() ? PerCpuSection{} : PerCpuSection{begin[0].address, end[0].address};
}

static AccessFailure no_debuginfo() { return {AccessError::NoDebuginfo, "no debuginfo describes this function", {}}; }

// The statement nearest to the site at which the variable has a place.
static std::string nearest_place(const FunctionSite &site, Dwarf_Die outer, Dwarf_Die variable) {
  Dwarf_Attribute attribute;
  Dwarf_Die unit;
  Dwarf_Lines *lines;
  size_t line_count;
  if (!dwarf_attr_integrate(&variable, DW_AT_location, &attribute) || !dwarf_diecu(&outer, &unit, nullptr, nullptr) ||
      dwarf_getsrclines(&unit, &lines, &line_count) != 0)
    return "";
  std::vector<std::pair<Dwarf_Addr, Dwarf_Addr>> ranges;
  Dwarf_Addr base, begin, end;
  Dwarf_Op *ops;
  size_t count;
  for (ptrdiff_t next = 0; (next = dwarf_getlocations(&attribute, next, &base, &begin, &end, &ops, &count)) > 0;)
    if (count > 0 && begin < end && ops[0].atom != DW_OP_entry_value && ops[0].atom != DW_OP_GNU_entry_value &&
        ops[0].atom != DW_OP_implicit_pointer && ops[0].atom != DW_OP_GNU_implicit_pointer)
      ranges.emplace_back(begin, end);
  Dwarf_Line *best = nullptr;
  uint64_t best_distance = UINT64_MAX;
  for (size_t i = 0; i < line_count; ++i) {
    Dwarf_Line *line = dwarf_onesrcline(lines, i);
    Dwarf_Addr at;
    bool is_statement;
    if (dwarf_lineaddr(line, &at) != 0 || dwarf_linebeginstatement(line, &is_statement) != 0 || !is_statement ||
        std::none_of(ranges.begin(), ranges.end(),
                     [at](const auto &range) { return range.first <= at && at < range.second; }) ||
        dwarf_haspc(&outer, at) != 1)
      continue;
    uint64_t distance = at > site.address ? at - site.address : site.address - at;
    const char *source = dwarf_linesrc(line, nullptr, nullptr);
    if (distance >= best_distance || !source || !std::string_view(source).ends_with(site.file))
      continue;
    best = line;
    best_distance = distance;
  }
  int number = 0;
  if (!best || site.file.empty() || dwarf_lineno(best, &number) != 0)
    return "";
  return "the nearest place that has it is `" + (site.module.empty() ? "kernel" : "module(\"" + site.module + "\")") +
         ".statement(\"" + site.function + "@" + site.file + ":" + std::to_string(number) + "\")`";
}

Access<VarAccess> DwarfVariables::variable(const FunctionSite &site, std::string_view name,
                                           const std::vector<PathStep> &path, bool address_of) {
  Dwarf_Die function, unit;
  if (site.die == 0 || !dwarf_offdie(dwarf_, site.die, &function))
    return no_debuginfo();
  NameGuesser guesser(name);
  Dwarf_Die found;
  auto is_wanted = [&](Dwarf_Die &die) {
    const char *die_name = dwarf_diename(&die);
    if (!die_name)
      return false;
    guesser.consider(die_name);
    found = die;
    return name == die_name;
  };
  bool is_global = false;
  if (!visit_scope(function, site.address, is_wanted)) {
    is_global = dwarf_diecu(&function, &unit, nullptr, nullptr) && visit_scope(unit, 0, is_wanted);
    if (!is_global) {
      std::vector<std::string> names = variable_names(site, false);
      std::string there = names.empty() ? "; there are none" : "; there are: " + quoted_list(names);
      return AccessFailure{AccessError::NoSuchVariable,
                           "no variable `" + std::string(name) + "` at `" + site.function + "`" + there,
                           guesser.best()};
    }
  }
  if (is_global && !dwarf_hasattr(&found, DW_AT_location))
    return declared(found, path, address_of);
  Dwarf_Die outer;
  if (site.outer_die == 0 || !dwarf_offdie(dwarf_, site.outer_die, &outer))
    outer = enclosing_function(function);
  bool at_entry = !site.is_inline && !is_global && entry_of(&function) == site.address;
  ExpressionScope scope{dwarf_, site.address, at_entry, &outer, per_cpu()};
  Access<Place> place = variable_place(scope, &found);
  if (auto *failure = std::get_if<AccessFailure>(&place)) {
    if (failure->error == AccessError::NotAvailable)
      failure->late_hint = [site, outer, found] { return nearest_place(site, outer, found); };
    return *failure;
  }
  return walk_path(types_, std::get<Place>(place), types_.type_of_die(found), path, address_of);
}

Access<VarAccess> DwarfVariables::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                               bool address_of) {
  Dwarf_Die function;
  if (site.die == 0 || !dwarf_offdie(dwarf_, site.die, &function))
    return no_debuginfo();
  TypeRef type = types_.type_of_die(function);
  ValueType facts = types_.describe(type);
  if (facts.kind == TypeKind::Void)
    return AccessFailure{AccessError::NoReturnValue, "`" + site.function + "` returns nothing", {}};
  Access<Place> place = return_place(types_, type);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return *failure;
  return walk_path(types_, std::get<Place>(place), type, path, address_of);
}

std::vector<std::string> DwarfVariables::variable_names(const FunctionSite &site, bool parameters_only) {
  std::vector<std::string> parameters, locals;
  std::set<std::string> seen;
  Dwarf_Die function;
  if (site.die == 0 || !dwarf_offdie(dwarf_, site.die, &function))
    return {};
  // An inlined copy may list its parameters in another order than the source does, and leave unused ones out.
  Dwarf_Attribute attribute;
  Dwarf_Die origin;
  if (dwarf_attr(&function, DW_AT_abstract_origin, &attribute) && dwarf_formref_die(&attribute, &origin))
    visit_scope(origin, 0, [&](Dwarf_Die &die) {
      const char *name = dwarf_diename(&die);
      if (name && dwarf_tag(&die) == DW_TAG_formal_parameter && seen.insert(name).second)
        parameters.push_back(name);
      return false;
    });
  visit_scope(function, site.address, [&](Dwarf_Die &die) {
    const char *name = dwarf_diename(&die);
    if (name && seen.insert(name).second)
      (dwarf_tag(&die) == DW_TAG_formal_parameter ? parameters : locals).push_back(name);
    return false;
  });
  if (!parameters_only)
    parameters.insert(parameters.end(), locals.begin(), locals.end());
  return parameters;
}

// `extern`: defined in another unit, in assembly or by the linker's script.
Access<VarAccess> DwarfVariables::declared(Dwarf_Die declaration, const std::vector<PathStep> &path, bool address_of) {
  std::string_view name = dwarf_diename(&declaration);
  auto symbols = index_.symbols(name);
  if (symbols.size() != 1)
    return AccessFailure{AccessError::NotAvailable,
                         symbols.empty() ? "the kernel has no symbol of that name"
                                         : "several symbols of the kernel have that name",
                         {}};
  Place place{{}, true};
  append_address(place.steps, per_cpu(), symbols[0].address);
  return walk_path(types_, place, types_.type_of_die(declaration), path, address_of);
}

// A declaration of `name` at file scope in a unit that `file` is compiled in.
std::optional<Dwarf_Die> DwarfVariables::declaration_in(std::string_view file, std::string_view name) {
  std::set<Dwarf_Off> seen;
  for (const IndexRow &row : index_.rows(RowKind::Function)) {
    Dwarf_Die die, unit;
    if (!matches_path(file, index_.string(row.file)) || !dwarf_offdie(dwarf_, row.die, &die) ||
        !dwarf_diecu(&die, &unit, nullptr, nullptr) || !seen.insert(dwarf_dieoffset(&unit)).second)
      continue;
    Dwarf_Die found;
    auto is_wanted = [&](Dwarf_Die &variable) {
      const char *variable_name = dwarf_diename(&variable);
      found = variable;
      return variable_name && name == variable_name;
    };
    if (visit_scope(unit, 0, is_wanted))
      return found;
  }
  return std::nullopt;
}

Access<VarAccess> DwarfVariables::global_variable(std::string_view name, const std::vector<PathStep> &path,
                                                  bool address_of, const std::string &owner) {
  std::string_view file;
  if (size_t at = name.find('@'); at != std::string_view::npos) {
    file = name.substr(at + 1);
    name = name.substr(0, at);
  }
  for (const IndexRow &row : index_.rows(RowKind::Variable, name)) {
    Dwarf_Die die;
    if ((!file.empty() && !matches_path(file, index_.string(row.file))) || !dwarf_offdie(dwarf_, row.die, &die))
      continue;
    Place place{{}, true};
    append_address(place.steps, per_cpu(), row.address);
    return walk_path(types_, place, types_.type_of_die(die), path, address_of);
  }
  if (!file.empty())
    if (auto declaration = declaration_in(file, name))
      return declared(*declaration, path, address_of);
  std::string in_file = file.empty() ? "" : " in `" + std::string(file) + "`";
  NameGuesser guesser(name);
  for (const IndexRow &row : index_.rows(RowKind::Variable))
    guesser.consider(index_.string(row.name));
  return AccessFailure{AccessError::NoSuchVariable,
                       owner + " has no variable `" + std::string(name) + "`" + in_file +
                           (has_split_units() ? "; that in .dwo files is not read" : ""),
                       guesser.best()};
}

} // namespace tapjit::target
