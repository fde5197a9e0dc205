// SPDX-License-Identifier: GPL-2.0-or-later
// What `<<<` keeps, and the table that a histogram prints.
#include "ir/interpret/machine.h"

#include "ir/signature.h"

#include <bit>

namespace tapjit::ir {

namespace {

int64_t plus(int64_t left, int64_t right) { return int64_t(uint64_t(left) + uint64_t(right)); }
int64_t minus(int64_t left, int64_t right) { return int64_t(uint64_t(left) - uint64_t(right)); }
int64_t times(int64_t left, int64_t right) { return int64_t(uint64_t(left) * uint64_t(right)); }

constexpr int64_t log_zero = 64; // the bucket of the value 0; 64 + n: values of n bits; 64 - n: the same negated

size_t bucket_of(const StatSpec &spec, int64_t value) {
  if (spec.hist == StatSpec::Hist::Log) {
    int64_t bits = std::bit_width(value < 0 ? 0 - uint64_t(value) : uint64_t(value));
    return size_t(value < 0 ? log_zero - bits : log_zero + bits);
  }
  // Bucket 0 is below `low`, the last one above `high`.
  if (value < spec.low)
    return 0;
  uint64_t last = bucket_count(spec) - 1, steps = (uint64_t(value) - uint64_t(spec.low)) / uint64_t(spec.step);
  return size_t(std::min(last, steps >= last ? last : steps + 1));
}

int64_t value_of_bucket(const StatSpec &spec, int64_t bucket, int64_t count) {
  if (spec.hist == StatSpec::Hist::Log) {
    if (bucket == log_zero)
      return 0;
    uint64_t power = uint64_t(1) << (bucket > log_zero ? bucket - log_zero - 1 : log_zero - bucket - 1);
    return int64_t(bucket > log_zero ? power : 0 - power);
  }
  int64_t step = bucket == 0 ? 0 : bucket == count - 1 ? bucket - 2 : bucket - 1;
  return spec.low + step * spec.step;
}

std::string padded(const std::string &text, size_t width) {
  return (text.size() < width ? std::string(width - text.size(), ' ') : "") + text;
}

// The rows that are shown.
struct Rows {
  int64_t first = 0, last = 0;
  bool has_under = false, has_over = false; // what is outside of a linear histogram's bounds
};

// From the first to the last count, and two empty ones on either side.
Rows shown_rows(const std::vector<int64_t> &buckets, const StatSpec &spec) {
  int64_t count = int64_t(buckets.size());
  auto filled = [](int64_t bucket) { return bucket > 0; };
  Rows rows;
  rows.first = std::find_if(buckets.begin(), buckets.end(), filled) - buckets.begin();
  rows.last = count - 1 - (std::find_if(buckets.rbegin(), buckets.rend(), filled) - buckets.rbegin());
  for (int turn = 0; turn < 2; ++turn) {
    // Positive values alone show no negative rows.
    if (rows.first > 0 && !(spec.hist == StatSpec::Hist::Log && rows.first == log_zero))
      --rows.first;
    if (rows.last < count - 1)
      ++rows.last;
  }
  if (spec.hist == StatSpec::Hist::Linear) {
    if (rows.first == 0 && !buckets[0])
      rows.first = 1;
    if (rows.last == count - 1 && !buckets[size_t(rows.last)])
      --rows.last;
    rows.has_under = rows.first == 0;
    rows.has_over = rows.last == count - 1;
  }
  return rows;
}

// Neither the row nor one of the `elision` rows on either side of it has a count.
bool is_elided(const std::vector<int64_t> &buckets, const Rows &rows, int64_t row, int64_t elision) {
  if (elision < 0)
    return false;
  for (int64_t near = std::max(rows.first, row - elision); near <= std::min(rows.last, row + elision); ++near)
    if (buckets[size_t(near)])
      return false;
  return true;
}

} // namespace

void add_sample(Statistic &statistic, const StatSpec &spec, int64_t value) {
  statistic.min = statistic.count ? std::min(statistic.min, value) : value;
  statistic.max = statistic.count ? std::max(statistic.max, value) : value;
  ++statistic.count;
  statistic.sum = plus(statistic.sum, value);
  if (spec.variance) {
    int64_t scaled = int64_t(uint64_t(value) << spec.variance_shift);
    int64_t delta = minus(scaled, statistic.mean);
    statistic.mean = plus(statistic.mean, delta / statistic.count);
    statistic.squares = plus(statistic.squares, times(delta, minus(scaled, statistic.mean)));
  }
  if (uint64_t count = bucket_count(spec)) {
    statistic.buckets.resize(size_t(count));
    ++statistic.buckets[bucket_of(spec, value)];
  }
}

std::optional<int64_t> field_of(const Statistic &statistic, const StatSpec &spec, StatField field) {
  if (field == StatField::Count)
    return statistic.count;
  if (field == StatField::Sum)
    return statistic.sum;
  if (statistic.count == 0)
    return std::nullopt;
  switch (field) {
  case StatField::Min:
    return statistic.min;
  case StatField::Max:
    return statistic.max;
  case StatField::Avg:
    return statistic.sum / statistic.count;
  default:
    return statistic.count < 2 ? 0 : (statistic.squares / (statistic.count - 1)) >> (2 * spec.variance_shift);
  }
}

// The total variance of one part, with all that integers lose: the part's mean is that of Welford's walk.
std::optional<int64_t> scalar_field_of(const Statistic &statistic, const StatSpec &spec, StatField field) {
  if (field != StatField::Variance || statistic.count < 2)
    return field_of(statistic, spec, field);
  int64_t count = statistic.count, all = int64_t(uint64_t(statistic.sum) << spec.variance_shift) / count;
  int64_t distance = minus(statistic.mean, all);
  int64_t between = times(times(count, distance), distance);
  int64_t within = times(count - 1, statistic.squares / (count - 1));
  return (plus(between, within) / (count - 1)) >> (2 * spec.variance_shift);
}

std::string histogram_text(const Statistic &statistic, const StatSpec &spec, int64_t width, int64_t elision) {
  const std::vector<int64_t> &buckets = statistic.buckets;
  int64_t count = int64_t(buckets.size());
  Rows rows = shown_rows(buckets, spec);
  int64_t most = *std::max_element(buckets.begin(), buckets.end());
  int64_t scale = most <= width ? 1 : (most - 1) / std::max<int64_t>(width, 1) + 1;
  auto label = [&](int64_t row) {
    const char *mark = rows.has_under && row == 0 ? "<" : rows.has_over && row == count - 1 ? ">" : "";
    return mark + std::to_string(value_of_bucket(spec, row, count));
  };
  // The column is as wide as SystemTap makes it, which for a linear histogram is not always the widest label.
  size_t first_width = label(rows.first).size(), last_width = label(rows.last).size();
  if (spec.hist == StatSpec::Hist::Linear) {
    first_width = std::to_string(spec.low).size() + rows.has_under;
    last_width = std::to_string(spec.low + spec.step * rows.last).size() + rows.has_over;
  }
  size_t value_width = std::max({size_t(5), first_width, last_width});
  size_t count_width = std::to_string(most).size();
  std::string text = padded("value", value_width) + " |" + std::string(size_t(width), '-') + " count\n";
  bool eliding = false;
  for (int64_t row = rows.first; row <= rows.last; ++row) {
    if (is_elided(buckets, rows, row, elision)) {
      eliding = true;
      continue;
    }
    if (eliding)
      text += padded("~", value_width + 2) + "\n";
    eliding = false;
    int64_t marks = buckets[size_t(row)] / scale;
    text += padded(label(row), value_width) + " |" + std::string(size_t(marks), '@') +
            std::string(size_t(width - marks + 1), ' ') + padded(std::to_string(buckets[size_t(row)]), count_width) +
            "\n";
  }
  return text + "\n";
}

} // namespace tapjit::ir
