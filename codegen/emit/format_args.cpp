// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/emit/format_args.h"

#include <string>

namespace tapjit::codegen {

namespace {

// Walks the directives of one format text.
class Directives {
public:
  explicit Directives(const ir::Format &format) : format_(format), arguments_(format.args.size()) {
    for (size_t i = 0; i < format.args.size(); i++)
      if (format.args[i] == ir::Type::Str)
        arguments_[i].kind = FormatArgument::Kind::String;
  }

  std::vector<FormatArgument> walk() {
    while ((at_ = format_.text.find('%', at_)) != std::string::npos) {
      at_++;
      directive();
    }
    return std::move(arguments_);
  }

private:
  char here() const { return at_ < format_.text.size() ? format_.text[at_] : 0; }

  // A number, or '*' and the number of its argument (else -1).
  int64_t number(int &argument) {
    argument = -1;
    if (here() == '*') {
      at_++;
      argument = int(next_++);
      return 0;
    }
    int64_t value = 0;
    for (; here() >= '0' && here() <= '9'; at_++)
      value = value < 4096 ? value * 10 + (here() - '0') : value;
    return value;
  }

  void directive() {
    FormatArgument memory{FormatArgument::Kind::Memory};
    int ignored;
    for (; here() && std::string("0+- #").find(here()) != std::string::npos; at_++)
      memory.user |= here() == '#';
    number(ignored);
    if (here() == '.') {
      at_++;
      memory.bytes = number(memory.bytes_argument);
    }
    if (here() == 'l')
      at_++;
    char conversion = here();
    at_++;
    if (conversion == '%' || !conversion)
      return;
    if ((conversion == 'm' || conversion == 'M') && next_ < arguments_.size())
      arguments_[next_] = memory;
    next_++;
  }

  const ir::Format &format_;
  std::vector<FormatArgument> arguments_;
  size_t at_ = 0, next_ = 0;
};

} // namespace

std::vector<FormatArgument> format_arguments(const ir::Format &format) { return Directives(format).walk(); }

} // namespace tapjit::codegen
