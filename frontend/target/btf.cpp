// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/btf.h"

#include <algorithm>
#include <cstring>
#include <optional>

namespace tapjit::target {

namespace {

// struct btf_header
struct Header {
  uint16_t magic;
  uint8_t version, flags;
  uint32_t header_size;
  uint32_t types_offset, types_size; // offsets count from the end of the header
  uint32_t strings_offset, strings_size;
};
constexpr uint16_t expected_magic = 0xeb9f;
constexpr uint8_t expected_version = 1;

// struct btf_type: three words, then what its kind asks for.
constexpr size_t record_size = 12;

// Bytes behind the three words; nullopt: an unknown kind.
std::optional<size_t> extra_size(BtfKind kind, size_t count) {
  switch (kind) {
  case BtfKind::Int:
  case BtfKind::Variable:
  case BtfKind::DeclTag:
    return 4;
  case BtfKind::Array:
    return 12;
  case BtfKind::Struct:
  case BtfKind::Union:
  case BtfKind::DataSection:
  case BtfKind::Enum64:
    return 12 * count;
  case BtfKind::Enum:
  case BtfKind::Prototype:
    return 8 * count;
  case BtfKind::Pointer:
  case BtfKind::Forward:
  case BtfKind::Typedef:
  case BtfKind::Volatile:
  case BtfKind::Const:
  case BtfKind::Restrict:
  case BtfKind::Function:
  case BtfKind::Float:
  case BtfKind::TypeTag:
    return 0;
  case BtfKind::Void:
    break;
  }
  return std::nullopt;
}

BtfKind kind_of(uint32_t info) { return static_cast<BtfKind>(info >> 24 & 0x1f); }
uint32_t count_of(uint32_t info) { return info & 0xffff; }

Error damaged(const std::string &what) { return {"the kernel's BTF is damaged: " + what, ""}; }

} // namespace

uint32_t Btf::word(size_t offset) const {
  uint32_t value;
  memcpy(&value, records_.data() + offset, sizeof value);
  return value;
}

std::string_view Btf::string(uint32_t offset) const {
  if (offset < first_string_)
    return base_->string(offset);
  offset -= first_string_;
  return offset < strings_.size() ? std::string_view(strings_.data() + offset) : std::string_view();
}

Result<Btf> Btf::open(std::span<const char> bytes, const Btf *base) {
  Header header;
  if (bytes.size() < sizeof header)
    return damaged("it has no header");
  memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != expected_magic || header.version != expected_version)
    return damaged("its magic number or version is unknown");
  if (header.header_size < sizeof header || header.header_size > bytes.size())
    return damaged("the size of its header is wrong");
  std::span<const char> rest = bytes.subspan(header.header_size);
  if (header.types_offset > rest.size() || header.types_size > rest.size() - header.types_offset ||
      header.strings_offset > rest.size() || header.strings_size > rest.size() - header.strings_offset)
    return damaged("its tables end behind it");
  Btf btf;
  if (base) {
    btf.base_ = base;
    btf.first_ = base->last() + 1;
    btf.first_string_ = base->first_string_ + static_cast<uint32_t>(base->strings_.size());
  }
  btf.records_ = rest.subspan(header.types_offset, header.types_size);
  btf.strings_ = rest.subspan(header.strings_offset, header.strings_size);
  if (btf.strings_.empty() || btf.strings_.back() != '\0')
    return damaged("its strings have no end");
  constexpr size_t usual_record = 32;
  btf.types_.reserve(btf.records_.size() / usual_record);
  for (size_t at = 0; at < btf.records_.size();) {
    if (btf.records_.size() - at < record_size)
      return damaged("its last type is cut off");
    uint32_t info = btf.word(at + 4);
    auto extra = extra_size(kind_of(info), count_of(info));
    if (!extra)
      return damaged("type " + std::to_string(btf.last() + 1) + " is of unknown kind");
    if (btf.records_.size() - at - record_size < *extra)
      return damaged("its last type is cut off");
    btf.types_.push_back(static_cast<uint32_t>(at));
    at += record_size + *extra;
  }
  return btf;
}

BtfType Btf::type(BtfId id) const {
  BtfType type;
  if (base_ && id < first_)
    return base_->type(id);
  if (!is_own(id))
    return type;
  size_t at = place(id);
  uint32_t info = word(at + 4);
  type.kind = kind_of(info);
  type.flag = (info >> 31) != 0;
  type.count = count_of(info);
  type.name = string(word(at));
  type.size_or_type = word(at + 8);
  return type;
}

BtfInt Btf::integer(BtfId id) const {
  if (base_ && id < first_)
    return base_->integer(id);
  BtfInt out;
  if (type(id).kind != BtfKind::Int)
    return out;
  uint32_t data = word(place(id) + record_size);
  uint32_t encoding = data >> 24 & 0xf;
  out.bits = static_cast<uint8_t>(data);
  out.offset = static_cast<uint8_t>(data >> 16);
  out.is_signed = (encoding & 1) != 0;
  out.is_char = (encoding & 2) != 0;
  out.is_bool = (encoding & 4) != 0;
  return out;
}

BtfArray Btf::array(BtfId id) const {
  if (base_ && id < first_)
    return base_->array(id);
  if (type(id).kind != BtfKind::Array)
    return {};
  size_t at = place(id) + record_size;
  return {word(at), word(at + 8)};
}

std::vector<BtfMember> Btf::members(BtfId id) const {
  if (base_ && id < first_)
    return base_->members(id);
  BtfType facts = type(id);
  std::vector<BtfMember> out;
  if (facts.kind != BtfKind::Struct && facts.kind != BtfKind::Union)
    return out;
  out.reserve(facts.count);
  for (size_t i = 0, at = place(id) + record_size; i < facts.count; ++i, at += 12) {
    BtfMember member{string(word(at)), word(at + 4), word(at + 8)};
    if (facts.flag) {
      member.bits = member.bit_offset >> 24;
      member.bit_offset &= 0xffffff;
    }
    out.push_back(member);
  }
  return out;
}

std::vector<BtfParameter> Btf::parameters(BtfId prototype) const {
  if (base_ && prototype < first_)
    return base_->parameters(prototype);
  BtfType facts = type(prototype);
  std::vector<BtfParameter> out;
  if (facts.kind != BtfKind::Prototype)
    return out;
  for (size_t i = 0, at = place(prototype) + record_size; i < facts.count; ++i, at += 8)
    out.push_back({string(word(at)), word(at + 4)});
  return out;
}

std::vector<BtfEnumerator> Btf::enumerators(BtfId id) const {
  if (base_ && id < first_)
    return base_->enumerators(id);
  BtfType facts = type(id);
  std::vector<BtfEnumerator> out;
  const size_t stride = facts.kind == BtfKind::Enum64 ? 12 : 8;
  if (facts.kind != BtfKind::Enum && facts.kind != BtfKind::Enum64)
    return out;
  for (size_t i = 0, at = place(id) + record_size; i < facts.count; ++i, at += stride) {
    int64_t value = static_cast<int32_t>(word(at + 4));
    if (facts.kind == BtfKind::Enum64)
      value = static_cast<int64_t>(word(at + 4) | static_cast<uint64_t>(word(at + 8)) << 32);
    else if (!facts.flag)
      value = word(at + 4);
    out.push_back({string(word(at)), value});
  }
  return out;
}

std::vector<BtfPlacedVariable> Btf::variables(BtfId section) const {
  if (base_ && section < first_)
    return base_->variables(section);
  BtfType facts = type(section);
  std::vector<BtfPlacedVariable> out;
  if (facts.kind != BtfKind::DataSection)
    return out;
  for (size_t i = 0, at = place(section) + record_size; i < facts.count; ++i, at += 12)
    out.push_back({word(at), word(at + 4), word(at + 8)});
  return out;
}

BtfId Btf::find(BtfKind kind, std::string_view name, BtfId after) const {
  if (name.empty())
    return 0;
  const bool is_behind_own = after != 0 && after < first_;
  for (BtfId id = std::max(first_, after + 1); is_own(id) && !is_behind_own; ++id) {
    if (kind_of(word(place(id) + 4)) != kind)
      continue;
    uint32_t offset = word(place(id));
    if (offset < first_string_) {
      if (base_->string(offset) == name)
        return id;
      continue;
    }
    // Compared in place: strings_ ends in NUL, and most names differ in the first letters.
    offset -= first_string_;
    if (offset < strings_.size() && strings_.size() - offset > name.size() &&
        memcmp(strings_.data() + offset, name.data(), name.size()) == 0 && strings_[offset + name.size()] == '\0')
      return id;
  }
  return base_ ? base_->find(kind, name, is_behind_own ? after : 0) : 0;
}

} // namespace tapjit::target
