// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/names.h"

#include <algorithm>
#include <fnmatch.h>

namespace tapjit::target {

bool has_wildcard(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

bool matches_wildcard(const std::string &pattern, const std::string &name) {
  return fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool matches_path(std::string_view pattern, std::string_view path) {
  for (;;) {
    if (matches_wildcard(std::string(pattern), std::string(path)))
      return true;
    size_t slash = path.find('/');
    if (slash == std::string_view::npos)
      return false;
    path.remove_prefix(slash + 1);
  }
}

NameGuesser::NameGuesser(std::string_view wanted)
    : wanted_(wanted), limit_(std::clamp<unsigned>(static_cast<unsigned>(wanted.size() / 3), 1, 3)) {}

// Insertions, deletions, changes and swaps of neighbours that make `a` of `b`; given up as soon as they must exceed
// `limit`.
static unsigned bounded_distance(std::string_view a, std::string_view b, unsigned limit) {
  constexpr size_t longest = 96;
  if (a.size() > longest || b.size() > longest)
    return limit + 1;
  unsigned rows[3][longest + 1];
  unsigned *before = rows[0], *above = rows[1], *row = rows[2];
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = static_cast<unsigned>(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    std::swap(before, above);
    std::swap(above, row);
    unsigned smallest = row[0] = static_cast<unsigned>(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
      smallest = std::min(smallest, row[j]);
    }
    if (smallest > limit)
      return limit + 1;
  }
  return row[b.size()];
}

void NameGuesser::consider(std::string_view name) {
  size_t longer = std::max(name.size(), wanted_.size()), shorter = std::min(name.size(), wanted_.size());
  if (longer - shorter > limit_)
    return;
  unsigned distance = bounded_distance(wanted_, name, limit_);
  if (distance <= limit_)
    guesses_.push_back({distance, std::string(name)});
}

std::vector<std::string> NameGuesser::best(size_t count) const {
  std::vector<Guess> sorted = guesses_;
  std::sort(sorted.begin(), sorted.end(), [](const Guess &a, const Guess &b) {
    return a.distance != b.distance ? a.distance < b.distance : a.name < b.name;
  });
  std::vector<std::string> names;
  for (const Guess &guess : sorted)
    if (names.size() < count && (names.empty() || names.back() != guess.name))
      names.push_back(guess.name);
  return names;
}

} // namespace tapjit::target
