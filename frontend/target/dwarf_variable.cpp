// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_variable.h"

#include "frontend/target/c_types.h"
#include "frontend/target/dwarf_types.h"

#include <algorithm>
#include <dwarf.h>
#include <set>

namespace tapjit::target {

namespace {

// A place with its C type, as the path goes on.
struct TypedPlace {
  Place place;
  std::optional<Dwarf_Die> type; // nullopt: void
  size_t dimension = 0;          // of an array type: how many indexes were applied
  unsigned bits = 0, first_bit = 0;
};

class PathWalker {
public:
  PathWalker(Dwarf *dwarf, const DebugIndex &index, TypedPlace start)
      : dwarf_(dwarf), index_(index), at_(std::move(start)) {}

  Access<VarAccess> walk(const std::vector<PathStep> &path, bool address_of) {
    for (const PathStep &step : path) {
      auto problem = step.kind == PathStep::Kind::Member ? member(step.member) : element(step);
      if (problem)
        return *problem;
    }
    return address_of ? address() : value();
  }

private:
  std::optional<Dwarf_Die> type() const { return at_.type ? peeled(*at_.type) : std::nullopt; }
  int tag() const {
    auto inner = type();
    return inner ? dwarf_tag(&*inner) : 0;
  }
  void push(AccessStep step) { at_.place.steps.push_back(step); }
  void add_constant(int64_t value) { append_addition(at_.place.steps, value); }

  // From a pointer to what it points to.
  void follow_pointer() {
    if (at_.place.in_memory)
      push({StepKind::Load, 0, 64, false});
    auto pointer = type();
    at_.place.in_memory = true;
    at_.type = type_of(&*pointer);
    at_.dimension = 0;
  }

  std::optional<AccessFailure> member(const std::string &name) {
    if (tag() == DW_TAG_pointer_type)
      follow_pointer();
    auto aggregate = type();
    if (!aggregate || (tag() != DW_TAG_structure_type && tag() != DW_TAG_union_type))
      return AccessFailure{AccessError::NotAPointer, "`" + type_name(at_.type) + "` has no members", {}};
    NameGuesser guesser(name);
    auto found = find_member(dwarf_, index_, *aggregate, name, &guesser);
    if (!found)
      return AccessFailure{AccessError::NoSuchMember, "no member `" + name + "` in `" + type_name(at_.type) + "`",
                           guesser.best()};
    if (at_.place.in_memory)
      add_constant(static_cast<int64_t>(found->offset));
    else if (found->offset != 0) {
      push({StepKind::PushConstant, static_cast<int64_t>(found->offset * 8)});
      push({StepKind::ShiftRight});
    }
    at_.type = found->type;
    at_.dimension = 0;
    at_.bits = found->bits;
    at_.first_bit = found->first_bit;
    return std::nullopt;
  }

  std::optional<AccessFailure> element(const PathStep &step) {
    uint64_t stride;
    if (tag() == DW_TAG_array_type) {
      auto array = type();
      std::vector<uint64_t> dimensions = array_dimensions(*array);
      auto element_type = type_of(&*array);
      stride = element_type ? type_size(*element_type) : 0;
      for (size_t i = at_.dimension + 1; i < dimensions.size(); ++i)
        stride *= dimensions[i];
      if (++at_.dimension >= dimensions.size()) {
        at_.type = element_type;
        at_.dimension = 0;
      }
      if (!at_.place.in_memory)
        return AccessFailure{AccessError::Unsupported, "the array is not in memory", {}};
    } else if (tag() == DW_TAG_pointer_type) {
      follow_pointer();
      auto pointee = type();
      Dwarf_Die complete = pointee ? completed(dwarf_, index_, *pointee) : Dwarf_Die{};
      stride = pointee ? type_size(complete) : 1;
    } else {
      return AccessFailure{AccessError::NotAPointer, "`" + type_name(at_.type) + "` has no elements", {}};
    }
    if (stride == 0)
      return AccessFailure{AccessError::Unsupported, "the size of `" + type_name(at_.type) + "` is not known", {}};
    if (step.kind == PathStep::Kind::Index) {
      add_constant(step.index * static_cast<int64_t>(stride));
    } else {
      push({StepKind::PushIndex, dynamic_indexes_++});
      push({StepKind::PushConstant, static_cast<int64_t>(stride)});
      push({StepKind::Multiply});
      push({StepKind::Add});
    }
    return std::nullopt;
  }

  VarAccess result(ValueType type, bool is_address) {
    VarAccess access;
    access.steps = at_.place.steps;
    access.type = std::move(type);
    access.is_address = is_address;
    access.dynamic_indexes = static_cast<unsigned>(dynamic_indexes_);
    return access;
  }

  Access<VarAccess> address() {
    if (!at_.place.in_memory || at_.bits)
      return AccessFailure{AccessError::Unsupported,
                           at_.bits ? "a bit-field has no address" : "it is in a register and has no address",
                           {}};
    ValueType pointer;
    pointer.kind = TypeKind::Pointer;
    pointer.size = 8;
    pointer.name = type_name(at_.type) + " *";
    if (auto inner = type())
      pointer.die = dwarf_dieoffset(&*inner);
    return result(pointer, true);
  }

  // Loads the aligned storage that holds all of the field, so that no byte beyond the struct's own words is read.
  void load_bit_field(bool is_signed) {
    if (at_.place.in_memory) {
      unsigned bytes = 1;
      while (bytes * 8 < at_.first_bit + at_.bits)
        bytes *= 2;
      push({StepKind::Load, 0, static_cast<uint8_t>(std::min(bytes, 8u) * 8), false});
    }
    if (at_.first_bit) {
      push({StepKind::PushConstant, at_.first_bit});
      push({StepKind::ShiftRight});
    }
    push({StepKind::Extend, 0, static_cast<uint8_t>(at_.bits), is_signed});
  }

  Access<VarAccess> value() {
    ValueType type = value_type(at_.type);
    switch (type.kind) {
    case TypeKind::Integer:
    case TypeKind::Bool:
    case TypeKind::Char:
    case TypeKind::Enum:
    case TypeKind::Pointer:
      break;
    case TypeKind::Array:
      if (!at_.place.in_memory)
        return AccessFailure{AccessError::Unsupported, "the array is not in memory", {}};
      return result(type, true);
    case TypeKind::Struct:
    case TypeKind::Union:
      return AccessFailure{
          AccessError::IsAggregate, "it is a `" + type.name + "`; name a member, or take its address with `&`", {}};
    default:
      return AccessFailure{AccessError::Unsupported, "`" + type.name + "` is no integer or pointer", {}};
    }
    if (type.size != 1 && type.size != 2 && type.size != 4 && type.size != 8)
      return AccessFailure{
          AccessError::Unsupported, "`" + type.name + "` has " + std::to_string(type.size) + " bytes", {}};
    uint8_t bits = static_cast<uint8_t>(type.size * 8);
    if (at_.bits)
      load_bit_field(type.is_signed);
    else if (at_.place.in_memory)
      push({StepKind::Load, 0, bits, type.is_signed});
    else if (bits < 64)
      push({StepKind::Extend, 0, bits, type.is_signed});
    return result(type, false);
  }

  Dwarf *dwarf_;
  const DebugIndex &index_;
  TypedPlace at_;
  int64_t dynamic_indexes_ = 0;
};

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
  Dwarf *dwarf = dwarf_begin_elf((*file)->elf(), DWARF_C_READ, nullptr);
  if (!dwarf)
    return Error{"`" + path + "` has no DWARF: " + dwarf_errmsg(-1), ""};
  return std::unique_ptr<DwarfVariables>(new DwarfVariables(std::move(*file), dwarf, index));
}

DwarfVariables::~DwarfVariables() { dwarf_end(dwarf_); }

static AccessFailure no_debuginfo() { return {AccessError::NoDebuginfo, "no debuginfo describes this function", {}}; }

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
  if (is_global && !dwarf_hasattr(&found, DW_AT_location)) // `extern`: defined in another unit
    for (const IndexRow &row : index_.rows(RowKind::Variable, name))
      if (dwarf_offdie(dwarf_, row.die, &found))
        break;
  Dwarf_Die outer = enclosing_function(function);
  ExpressionScope scope{dwarf_, site.address, !site.is_inline && site.offset == 0 && !is_global, &outer};
  Access<Place> place = variable_place(scope, &found);
  if (auto *failure = std::get_if<AccessFailure>(&place))
    return *failure;
  return PathWalker(dwarf_, index_, {std::get<Place>(place), type_of(&found)}).walk(path, address_of);
}

Access<VarAccess> DwarfVariables::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                               bool address_of) {
  Dwarf_Die function;
  if (site.die == 0 || !dwarf_offdie(dwarf_, site.die, &function))
    return no_debuginfo();
  auto type = type_of(&function);
  ValueType facts = value_type(type);
  if (facts.kind == TypeKind::Void)
    return AccessFailure{AccessError::NoReturnValue, "`" + site.function + "` returns nothing", {}};
  // psABI: one integer or pointer is in rax; structs of up to 16 bytes are in two registers, larger ones in memory.
  if ((facts.kind == TypeKind::Struct || facts.kind == TypeKind::Union) && facts.size > 8)
    return AccessFailure{
        AccessError::Unsupported, "it is a `" + facts.name + "` of " + std::to_string(facts.size) + " bytes", {}};
  if (facts.kind == TypeKind::Float)
    return AccessFailure{AccessError::Unsupported, "it is a `" + facts.name + "`", {}};
  Place rax{{{StepKind::PushRegister, 0}}, false};
  return PathWalker(dwarf_, index_, {rax, type}).walk(path, address_of);
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

Access<VarAccess> DwarfVariables::cast(std::string_view type, const std::vector<PathStep> &path, bool address_of) {
  unsigned pointers;
  auto found = find_type(dwarf_, index_, type, pointers);
  if (!found)
    return AccessFailure{AccessError::Unsupported, "no type `" + std::string(type) + "` in the kernel's debuginfo", {}};
  // @cast(p, "struct s")->m: p is the address of a struct s. @cast(p, "struct s")[i]: p is the address of the first.
  TypedPlace start{Place{{}, true}, found};
  std::vector<PathStep> steps = path;
  if (pointers == 0 && !steps.empty() && steps[0].kind != PathStep::Kind::Member) {
    uint64_t size = type_size(completed(dwarf_, index_, *found));
    if (steps[0].kind != PathStep::Kind::Index || size == 0)
      return AccessFailure{
          AccessError::Unsupported, "`[` behind a cast to `" + std::string(type) + "` needs a literal index", {}};
    start.place.steps = {{StepKind::PushConstant, steps[0].index * static_cast<int64_t>(size)}, {StepKind::Add}};
    steps.erase(steps.begin());
  }
  if (pointers > 1)
    return AccessFailure{AccessError::Unsupported, "`" + std::string(type) + "` has more than one `*`", {}};
  ValueType facts = value_type(found);
  if (pointers == 1 && steps.empty()) { // the pointer itself
    VarAccess access;
    access.type = facts;
    access.type.kind = TypeKind::Pointer;
    access.type.size = 8;
    access.type.name += " *";
    return access;
  }
  if (pointers == 0 && path.empty() && !address_of && facts.kind != TypeKind::Struct && facts.kind != TypeKind::Union) {
    start.place.in_memory = false; // a value of an integer type
    if (facts.kind == TypeKind::Array)
      start.place.in_memory = true;
  } else if (path.empty() && !address_of) { // the address, typed
    VarAccess access;
    access.type = facts;
    access.is_address = true;
    return access;
  }
  return PathWalker(dwarf_, index_, start).walk(steps, address_of);
}

Access<VarAccess> DwarfVariables::global_variable(std::string_view name, const std::vector<PathStep> &path,
                                                  bool address_of) {
  std::string_view file;
  if (size_t at = name.find('@'); at != std::string_view::npos) {
    file = name.substr(at + 1);
    name = name.substr(0, at);
  }
  for (const IndexRow &row : index_.rows(RowKind::Variable, name)) {
    Dwarf_Die die;
    if ((!file.empty() && !matches_path(file, index_.string(row.file))) || !dwarf_offdie(dwarf_, row.die, &die))
      continue;
    Place place{{{StepKind::PushAddress, static_cast<int64_t>(row.address)}}, true};
    return PathWalker(dwarf_, index_, {place, type_of(&die)}).walk(path, address_of);
  }
  std::string in_file = file.empty() ? "" : " in `" + std::string(file) + "`";
  NameGuesser guesser(name);
  for (const IndexRow &row : index_.rows(RowKind::Variable))
    guesser.consider(index_.string(row.name));
  return AccessFailure{AccessError::NoSuchVariable, "the kernel has no variable `" + std::string(name) + "`" + in_file,
                       guesser.best()};
}

Access<VarAccess> DwarfVariables::through_text(std::string_view type, Place value, const std::vector<PathStep> &path,
                                               bool address_of) {
  unsigned pointers;
  auto found = find_type(dwarf_, index_, type, pointers);
  bool is_plain = path.empty() && !address_of;
  VarAccess access;
  access.steps = value.steps;
  if (auto builtin = builtin_type(type); builtin && is_plain) {
    access.type = *builtin;
    return access;
  }
  if (pointers > 0 && is_plain) {
    access.type.kind = TypeKind::Pointer;
    access.type.size = 8;
    access.type.name = std::string(type);
    return access;
  }
  if (!found || pointers > 1)
    return AccessFailure{AccessError::Unsupported, "no type `" + std::string(type) + "` in the kernel's debuginfo", {}};
  ValueType facts = value_type(found);
  if (pointers == 0 && (facts.kind == TypeKind::Struct || facts.kind == TypeKind::Union))
    return AccessFailure{AccessError::Unsupported, "a value of type `" + std::string(type) + "`", {}};
  return PathWalker(dwarf_, index_, {Place{value.steps, pointers == 1}, found}).walk(path, address_of);
}

Access<VarAccess> DwarfVariables::argument(std::string_view type, unsigned number, const std::vector<PathStep> &path,
                                           bool address_of) {
  return through_text(type, {{{StepKind::PushArgument, number}}, false}, path, address_of);
}

Access<VarAccess> DwarfVariables::follow(const ValueType &type, const std::vector<PathStep> &path, bool address_of) {
  Dwarf_Die die;
  if (type.die == 0 || !dwarf_offdie(dwarf_, type.die, &die))
    return through_text(type.name, {}, path, address_of);
  int tag = dwarf_tag(&die);
  bool is_address = tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_array_type;
  return PathWalker(dwarf_, index_, {Place{{}, is_address}, die}).walk(path, address_of);
}

} // namespace tapjit::target
