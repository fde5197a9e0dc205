// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/regex/nfa.h"

#include <algorithm>
#include <map>

namespace tapjit::ir::regex {

namespace {

// Builds from the end: each part is told where to go on.
class Construction {
public:
  Construction(const Syntax &syntax, size_t most) : syntax_(syntax), most_(most) {}

  std::optional<Nfa> run() {
    uint32_t match = add({NfaNode::Kind::Match});
    nfa_.start = build(syntax_.root, match);
    nfa_.groups = syntax_.groups + 1;
    if (is_full())
      return std::nullopt;
    make_classes();
    return std::move(nfa_);
  }

private:
  // Parts without nodes, such as `(?:)`, count as steps: repetitions of repetitions of them make none.
  bool is_full() const { return nfa_.nodes.size() >= most_ || steps_ > 10 * most_; }

  uint32_t add(NfaNode node) {
    if (is_full())
      return 0;
    nfa_.nodes.push_back(node);
    return uint32_t(nfa_.nodes.size() - 1);
  }

  uint32_t build(uint32_t index, uint32_t next) {
    ++steps_;
    if (is_full())
      return 0;
    const Node &node = syntax_.nodes[index];
    switch (node.kind) {
    case Node::Kind::Empty:
      return next;
    case Node::Kind::Bytes:
      return add({NfaNode::Kind::Bytes, next, 0, set_index(node.bytes)});
    case Node::Kind::Begin:
      nfa_.has_begin = true;
      return add({NfaNode::Kind::Begin, next});
    case Node::Kind::End:
      nfa_.has_end = true;
      return add({NfaNode::Kind::End, next});
    case Node::Kind::Sequence:
      for (size_t part = node.parts.size(); part-- > 0;)
        next = build(node.parts[part], next);
      return next;
    case Node::Kind::Choice: {
      uint32_t start = build(node.parts.back(), next);
      for (size_t part = node.parts.size() - 1; part-- > 0;)
        start = add({NfaNode::Kind::Split, build(node.parts[part], next), start});
      return start;
    }
    case Node::Kind::Group: {
      uint32_t end = add({NfaNode::Kind::Tag, next, 0, 2 * node.group + 1});
      return add({NfaNode::Kind::Tag, build(node.parts[0], end), 0, 2 * node.group});
    }
    case Node::Kind::Repeat:
      return repeat(node, next);
    }
    return next;
  }

  // At least once; then again, or on. A turn that matched nothing comes back to `again`, where a walk has been already:
  // so only the first may match nothing, and its groups are set then.
  uint32_t repeat_endless(uint32_t part, uint32_t next) {
    uint32_t again = add({NfaNode::Kind::Split, 0, next});
    uint32_t start = build(part, again);
    nfa_.nodes[again].next = start;
    return start;
  }

  uint32_t repeat(const Node &node, uint32_t next) {
    uint32_t part = node.parts[0], least = node.least, result = next;
    if (node.most == Node::endless) {
      result = repeat_endless(part, next);
      if (least == 0)
        return add({NfaNode::Kind::Split, result, next});
      --least;
    } else {
      for (uint32_t turn = least; turn < node.most && !is_full(); ++turn)
        result = add({NfaNode::Kind::Split, build(part, result), next});
    }
    for (uint32_t turn = 0; turn < least && !is_full(); ++turn)
      result = build(part, result);
    return result;
  }

  uint32_t set_index(const ByteSet &bytes) {
    auto [found, is_new] = set_numbers_.try_emplace(bytes.to_string(), uint32_t(sets_.size()));
    if (is_new)
      sets_.push_back(bytes);
    return found->second;
  }

  // Each set splits the classes that it holds in part.
  void make_classes() {
    std::array<uint32_t, 256> number{};
    uint32_t count = 1;
    for (const ByteSet &set : sets_) {
      std::map<std::pair<uint32_t, bool>, uint32_t> split;
      for (unsigned byte = 1; byte < 256; ++byte)
        number[byte] = split.try_emplace({number[byte], set[byte]}, uint32_t(split.size())).first->second;
      count = uint32_t(split.size());
    }
    number[0] = number[1];
    nfa_.classes = count;
    for (unsigned byte = 0; byte < 256; ++byte)
      nfa_.class_of[byte] = uint8_t(number[byte]);
    for (const ByteSet &set : sets_) {
      ByteSet classes;
      for (unsigned byte = 1; byte < 256; ++byte)
        if (set[byte])
          classes.set(number[byte]);
      nfa_.sets.push_back(classes);
    }
  }

  const Syntax &syntax_;
  size_t most_, steps_ = 0;
  Nfa nfa_;
  std::vector<ByteSet> sets_;
  std::map<std::string, uint32_t> set_numbers_;
};

} // namespace

std::optional<Nfa> make_nfa(const Syntax &syntax, size_t most) { return Construction(syntax, most).run(); }

} // namespace tapjit::ir::regex
