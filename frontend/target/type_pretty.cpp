// SPDX-License-Identifier: GPL-2.0-or-later
// Structs are {.name=value, ...}, arrays [first, ...]. A pointer is followed only where it is what is shown. `$` opens
// the outermost level, `$$` all of them; arrays are shown by their first element, and values stop after 32, as in
// SystemTap.
#include "frontend/target/type_pretty.h"

#include <algorithm>

namespace tapjit::target {

namespace {

class Shower {
public:
  Shower(const TypeSource &types, bool deep) : types_(types), deep_(deep) {}

  void show(TypeRef type, bool outermost) {
    ValueType facts = types_.describe(type);
    switch (facts.kind) {
    case TypeKind::Pointer:
      return show_pointer(types_.target(facts.die), outermost);
    case TypeKind::Array:
      return array(facts, outermost);
    case TypeKind::Struct:
    case TypeKind::Union:
      return aggregate(facts, outermost);
    default:
      return number(facts);
    }
  }
  // Of a pointer: what it points to, or the pointer itself.
  void show_pointer(TypeRef pointee, bool outermost) {
    ValueType facts = types_.describe(pointee);
    if (is_character(facts))
      return value("%s", true);
    if (!outermost)
      return value("%p");
    switch (facts.kind) {
    case TypeKind::Struct:
    case TypeKind::Union:
      return aggregate(facts, true);
    case TypeKind::Integer:
    case TypeKind::Bool:
    case TypeKind::Char:
    case TypeKind::Enum:
      return number(facts); // the pointer's own value, in the form of what it points to
    case TypeKind::Function:
      text("<function>:");
      return value("%p");
    default:
      return value("%p");
    }
  }

  std::vector<PrettyPiece> take() { return std::move(pieces_); }

private:
  static constexpr size_t most_values = 32, deepest = 24;

  void text(std::string_view words) {
    if (pieces_.empty() || !pieces_.back().format.empty())
      pieces_.push_back({});
    pieces_.back().text += words;
  }
  void value(std::string_view format, bool is_string = false) {
    text("");
    pieces_.back().format = format;
    pieces_.back().is_string = is_string;
    pieces_.back().path = path_;
    ++values_;
  }

  bool is_character(const ValueType &facts) const {
    std::string name = facts.kind == TypeKind::Char || facts.kind == TypeKind::Integer ? types_.name(facts.die) : "";
    return name == "char" || name == "unsigned char";
  }

  void number(const ValueType &facts) {
    for (const PrettyPiece &piece : pretty_number(facts)) {
      text(piece.text);
      if (!piece.format.empty())
        value(piece.format);
    }
  }

  void array(const ValueType &facts, bool outermost) {
    if (!outermost && !deep_)
      return text("[...]");
    TypeRef element = types_.target(facts.die);
    if (is_character(types_.describe(element)))
      return value("%s", true);
    text("[");
    size_t dimensions = std::max<size_t>(1, types_.dimensions(facts.die).size());
    for (size_t i = 0; i < dimensions; ++i)
      path_.push_back({PathStep::Kind::Index, "", 0});
    show(element, false);
    path_.resize(path_.size() - dimensions);
    text(", ...]");
  }

  void aggregate(const ValueType &facts, bool outermost) {
    std::vector<TypeMember> members = types_.members(facts.die);
    if ((!outermost && !deep_) || path_.size() > deepest || members.empty())
      return text("{...}");
    text("{");
    for (size_t i = 0; i < members.size(); ++i) {
      text(i ? ", " : "");
      if (values_ >= most_values) {
        text("...");
        break;
      }
      member(members[i]);
    }
    text("}");
  }

  // An anonymous one is no step of the path: its members are found in what is around it.
  void member(const TypeMember &member) {
    if (member.name.empty()) {
      text(types_.describe(member.type).kind == TypeKind::Union ? "<union>=" : "<class>=");
      return show(member.type, false);
    }
    text("." + std::string(member.name) + "=");
    path_.push_back({PathStep::Kind::Member, std::string(member.name), 0});
    show(member.type, false);
    path_.pop_back();
  }

  const TypeSource &types_;
  bool deep_;
  size_t values_ = 0;
  std::vector<PathStep> path_;
  std::vector<PrettyPiece> pieces_;
};

} // namespace

std::vector<PrettyPiece> pretty_pieces(const TypeSource &types, const ValueType &type, bool deep) {
  if (type.die == 0)
    return pretty_number(type);
  Shower shower(types, deep);
  // The die of a pointer made by `&` or a cast is that of what it points to.
  if (type.kind == TypeKind::Pointer && types.describe(type.die).kind != TypeKind::Pointer)
    shower.show_pointer(type.die, true);
  else
    shower.show(type.die, true);
  return shower.take();
}

} // namespace tapjit::target
