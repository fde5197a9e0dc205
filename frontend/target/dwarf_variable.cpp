// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_variable.h"

#include "frontend/target/calling_convention.h"
#include "frontend/target/dwarf_entry.h"
#include "frontend/target/dwarf_nearest.h"
#include <algorithm>
#include <cstring>
#include <dwarf.h>
#include <set>

namespace tapjit::target {

namespace {

constexpr int64_t rsp = 7;

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

bool loads(const std::vector<AccessStep> &steps) {
  return std::any_of(steps.begin(), steps.end(), [](const AccessStep &step) { return step.kind == StepKind::Load; });
}

AccessFailure unset(const std::optional<int64_t> &number = std::nullopt) {
  return {AccessError::NotAvailable,
          "its place is " + (number && *number != rsp ? "register " + register_name(*number) : "the stack frame") +
              ", which has nothing of it yet at the function's first instruction",
          {}};
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

// A variable of a function, at an address in it.
struct DwarfVariables::Local {
  const FunctionSite &site;
  Dwarf_Die function, outer; // the innermost function or inlined copy, and the function whose code it is
  Dwarf_Die die;             // the variable's
  bool is_global = false;    // found at the unit's scope
};

// Before the first instruction of the code, only what FunctionEntry says can be had.
Access<Place> DwarfVariables::place_of(Local &local, uint64_t address) {
  const bool is_first = !local.is_global && entry_of(&local.outer) == address;
  ExpressionScope scope{file_->frames(), address, is_first, &local.outer, per_cpu()};
  Access<Place> place = variable_place(scope, &local.die);
  if (!is_first || !std::holds_alternative<Place>(place))
    return place;
  FunctionEntry entry(types_, local.outer, local.site.symbol);
  EntryTruth truth = entry.truth_of(std::get<Place>(place));
  if (truth == EntryTruth::Held)
    return place;
  const char *name = dwarf_diename(&local.die);
  if (!local.site.is_inline && name && dwarf_tag(&local.die) == DW_TAG_formal_parameter)
    if (Access<Place> passed = entry.passed(name); std::holds_alternative<Place>(passed))
      return passed;
  if (truth == EntryTruth::Frame)
    std::get<Place>(place).is_unset = true;
  else
    place = unset(entry.unset_register(std::get<Place>(place)));
  return place;
}

// "the nearest place that has it is ..."
std::string DwarfVariables::nearest_place(Local local) {
  Dwarf_Attribute location;
  bool is_one_place =
      dwarf_attr_integrate(&local.die, DW_AT_location, &location) && dwarf_whatform(&location) == DW_FORM_exprloc;
  Dwarf_Die scope = local.site.is_inline ? local.function : local.outer;
  std::string statement =
      nearest_statement(index_, file_->frames(), local.site, scope, is_one_place, [&](uint64_t address) {
        Dwarf_Die found;
        bool is_same = visit_scope(local.function, address,
                                   [&](Dwarf_Die &die) {
                                     const char *name = dwarf_diename(&die), *wanted = dwarf_diename(&local.die);
                                     found = die;
                                     return name && wanted && strcmp(name, wanted) == 0;
                                   }) &&
                       dwarf_dieoffset(&found) == dwarf_dieoffset(&local.die);
        Access<Place> place = is_same ? place_of(local, address) : Access<Place>(AccessFailure{});
        return std::holds_alternative<Place>(place) && !std::get<Place>(place).is_unset;
      });
  return statement.empty() ? "" : "the nearest place that has it is `" + statement + "`";
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
  Local local{site, function, outer, found, is_global};
  auto refused = [&](AccessFailure failure) {
    if (failure.error == AccessError::NotAvailable)
      failure.late_hint = [this, site, local]() mutable {
        return nearest_place({site, local.function, local.outer, local.die});
      };
    return failure;
  };
  Access<Place> place = place_of(local, site.address);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return refused(*failure);
  const bool is_unset = std::get<Place>(place).is_unset;
  if (is_unset && !address_of)
    return refused(unset());
  Access<VarAccess> access = walk_path(types_, std::get<Place>(place), types_.type_of_die(found), path, address_of);
  if (auto *value = std::get_if<VarAccess>(&access); value && is_unset && loads(value->steps))
    return refused(unset());
  return access;
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

std::vector<TypeParameter> DwarfVariables::parameters(uint64_t function) const {
  std::vector<TypeParameter> parameters;
  Dwarf_Die die, child;
  if (dwarf_offdie(dwarf_, function, &die) && dwarf_child(&die, &child) == 0)
    do {
      const char *name = dwarf_diename(&child);
      if (dwarf_tag(&child) == DW_TAG_formal_parameter)
        parameters.push_back({name ? name : "", types_.type_of_die(child)});
    } while (dwarf_siblingof(&child, &child) == 0);
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

// What assembly or the linker's script define, like `jiffies`, has a symbol, and a type where it is declared: by most
// units, so the first few will do.
std::optional<Dwarf_Die> DwarfVariables::declaration_anywhere(std::string_view name) {
  if (index_.symbols(name).size() != 1)
    return std::nullopt;
  Dwarf_Die unit, found;
  auto is_wanted = [&](Dwarf_Die &variable) {
    const char *variable_name = dwarf_diename(&variable);
    found = variable;
    return variable_name && name == variable_name;
  };
  for (Dwarf_CU *cu = nullptr; dwarf_get_units(dwarf_, cu, &cu, nullptr, nullptr, &unit, nullptr) == 0;)
    if (dwarf_tag(&unit) == DW_TAG_compile_unit && visit_scope(unit, 0, is_wanted))
      return found;
  return std::nullopt;
}

// Of one name there are as many as units have `static` ones; one that is not static is the one that the name means
// elsewhere. With a file, all that are defined there.
std::vector<const IndexRow *> DwarfVariables::defined_variables(std::string_view name, std::string_view file) {
  std::vector<const IndexRow *> all, external;
  for (const IndexRow &row : index_.rows(RowKind::Variable, name)) {
    Dwarf_Die die;
    if ((!file.empty() && !matches_path(file, index_.string(row.file))) || !dwarf_offdie(dwarf_, row.die, &die) ||
        (!all.empty() && all.back()->address == row.address))
      continue;
    all.push_back(&row);
    if (dwarf_hasattr_integrate(&die, DW_AT_external))
      external.push_back(&row);
  }
  return external.size() == 1 ? external : all;
}

AccessFailure DwarfVariables::ambiguous(std::string_view name, const std::vector<const IndexRow *> &variables,
                                        const std::string &owner) const {
  constexpr size_t most = 6;
  std::string files;
  for (size_t i = 0; i < variables.size() && i < most; ++i)
    files += (i ? ", `" : "`") + std::string(index_.string(variables[i]->file)) + "`";
  if (variables.size() > most)
    files += ", ...";
  return {AccessError::NotAvailable,
          owner + " has " + std::to_string(variables.size()) + " variables `" + std::string(name) + "`: in " + files,
          {},
          [text = "@var(\"" + std::string(name) + "@" + std::string(index_.string(variables[0]->file)) + "\")"] {
            return "`" + text + "` is the one of that file";
          }};
}

Access<VarAccess> DwarfVariables::global_variable(std::string_view name, const std::vector<PathStep> &path,
                                                  bool address_of, const std::string &owner) {
  std::string_view file;
  if (size_t at = name.find('@'); at != std::string_view::npos) {
    file = name.substr(at + 1);
    name = name.substr(0, at);
  }
  std::vector<const IndexRow *> defined = defined_variables(name, file);
  if (defined.size() > 1)
    return ambiguous(name, defined, owner);
  Dwarf_Die die;
  if (defined.size() == 1 && dwarf_offdie(dwarf_, defined[0]->die, &die)) {
    Place place{{}, true};
    append_address(place.steps, per_cpu(), defined[0]->address);
    return walk_path(types_, place, types_.type_of_die(die), path, address_of);
  }
  if (auto declaration = file.empty() ? declaration_anywhere(name) : declaration_in(file, name))
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
