// SPDX-License-Identifier: GPL-2.0-or-later
// Matching and guessing names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

bool has_wildcard(std::string_view pattern);
// fnmatch(3) rules without flags, over the whole of `name`.
bool matches_wildcard(const std::string &pattern, const std::string &name);

// `path` is `pattern`, or ends in a / and then `pattern`; wildcards allowed.
bool matches_path(std::string_view pattern, std::string_view path);

// Collects the names nearest to one that does not exist, for "did you mean".
class NameGuesser {
public:
  explicit NameGuesser(std::string_view wanted);
  void consider(std::string_view name);
  std::vector<std::string> best(size_t count = 5) const;

private:
  struct Guess {
    unsigned distance;
    std::string name;
  };
  std::string wanted_;
  unsigned limit_;
  std::vector<Guess> guesses_;
};

} // namespace tapjit::target
