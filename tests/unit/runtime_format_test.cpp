// SPDX-License-Identifier: GPL-2.0-or-later
// The printf formats and the histogram's table, as C++ programs see them.
#include "runtime/core/format.h"
#include "runtime/core/hist.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace {

struct Arg {
  Arg(int i) : value{i, nullptr} {}
  Arg(int64_t i) : value{i, nullptr} {}
  Arg(const char *s) : value{int64_t(strlen(s)), s} {}
  Arg(const std::string &s) : value{int64_t(s.size()), s.data()} {}
  tap_value value;
};

std::string format(const std::string &text, const std::vector<Arg> &args) {
  std::vector<tap_value> values;
  for (const Arg &arg : args)
    values.push_back(arg.value);
  char buffer[4096];
  tap_work work{1000000};
  uint64_t n = tap_format_text(buffer, sizeof(buffer), tap_str_make(text.data(), uint32_t(text.size())), values.data(),
                               uint32_t(values.size()), &work);
  return {buffer, n};
}

TEST(Format, decimal) {
  EXPECT_EQ(format("%d %i %ld", {5, -6, INT64_MIN}), "5 -6 -9223372036854775808");
  EXPECT_EQ(format("[%5d][%-5d][%05d][%+d][% d]", {42, 42, -42, 42, 42}), "[   42][42   ][-0042][+42][ 42]");
  EXPECT_EQ(format("[%.3d][%6.3d][%.0d]", {7, -7, 0}), "[007][  -007][0]");
  EXPECT_EQ(format("%u", {-1}), "18446744073709551615");
  EXPECT_EQ(format("[%*d][%-*d][%*d][%.*d]", {4, 1, 4, 1, -4, 1, 3, 1}), "[   1][1   ][1   ][001]");
}

TEST(Format, other_bases) {
  EXPECT_EQ(format("%x %X %o", {255, 255, 8}), "ff FF 10");
  EXPECT_EQ(format("%#x %#X %#o %p", {255, 255, 8, 4096}), "0xff 0XFF 010 0x1000");
  EXPECT_EQ(format("%#x %p", {0, 0}), "0x0 0x0");
  EXPECT_EQ(format("[%8x][%-8x][%08x]", {255, 255, 255}), "[      ff][ff      ][000000ff]");
}

TEST(Format, strings_and_characters) {
  EXPECT_EQ(format("[%s][%5s][%-5s][%.2s][%5.1s]", {"abc", "abc", "abc", "abc", "abc"}),
            "[abc][  abc][abc  ][ab][    a]");
  EXPECT_EQ(format("[%c][%3c][%-3c]", {'x', 'y', 'z'}), "[x][  y][z  ]");
  EXPECT_EQ(format("%#c%#c%#c%#c", {'\n', 'a', 1, '\\'}), "\\na\\001\\\\");
  EXPECT_EQ(format("100%% %s", {"done"}), "100% done");
}

TEST(Format, bytes) {
  EXPECT_EQ(format("%1b%2b", {0x41, 0x4342}), "ABC");
  EXPECT_EQ(format("%b", {0x4847464544434241}), "ABCDEFGH");
  EXPECT_EQ(format("[%m][%M]", {std::string("a\0b", 3), std::string("\x01\xff", 2)}), std::string("[a\0b][01ff]", 11));
}

TEST(Format, odd_text) {
  EXPECT_EQ(format("%", {}), "%");
  EXPECT_EQ(format("%d", {}), "0");
  EXPECT_EQ(format("[%s]", {}), "[]");
  EXPECT_EQ(format("", {1}), "");
}

TEST(Format, says_how_long_the_whole_is) {
  char buffer[4] = {'#', '#', '#', '#'};
  tap_work work{1000};
  tap_value value = {1234567, nullptr};
  EXPECT_EQ(tap_format_text(buffer, 3, tap_str_make("%d", 2), &value, 1, &work), 7u);
  EXPECT_EQ(std::string(buffer, 4), "123#");
}

TEST(Format, work_bounds_it) {
  char buffer[64];
  tap_work work{5};
  std::string text;
  for (int i = 0; i < 100; i++)
    text += "%d";
  EXPECT_LT(
      tap_format_text(buffer, sizeof(buffer), tap_str_make(text.data(), uint32_t(text.size())), nullptr, 0, &work),
      10u);
}

std::string histogram(const tap_hist_spec &spec, const std::vector<std::pair<int64_t, int64_t>> &values,
                      int64_t elision = 2, int64_t width = 50) {
  std::vector<int64_t> buckets(spec.buckets);
  for (auto [value, times] : values)
    buckets[tap_hist_bucket(&spec, value)] += times;
  tap_record_hist record = {spec.kind == TAP_HIST_LINEAR, spec.low, spec.high, spec.step, width, elision, spec.buckets};
  char buffer[16384];
  tap_out out = {buffer, 0, sizeof(buffer)};
  tap_work work{1000000};
  tap_hist_print(&out, &record, buckets.data(), &work);
  return {buffer, out.n};
}

const tap_hist_spec log_spec = {TAP_HIST_LOG, 0, 0, 0, 128};

TEST(Hist, buckets_of_logarithmic) {
  EXPECT_EQ(tap_hist_bucket(&log_spec, 0), 64u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, 1), 65u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, 2), 66u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, 3), 66u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, 4), 67u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, INT64_MAX), 127u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, -1), 63u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, -3), 62u);
  EXPECT_EQ(tap_hist_bucket(&log_spec, INT64_MIN), 0u);
}

TEST(Hist, buckets_of_linear) {
  tap_hist_spec spec = {TAP_HIST_LINEAR, -10, 10, 5, 7};
  EXPECT_EQ(tap_hist_bucket(&spec, -11), 0u);
  EXPECT_EQ(tap_hist_bucket(&spec, INT64_MIN), 0u);
  EXPECT_EQ(tap_hist_bucket(&spec, -10), 1u);
  EXPECT_EQ(tap_hist_bucket(&spec, 0), 3u);
  EXPECT_EQ(tap_hist_bucket(&spec, 14), 5u);
  EXPECT_EQ(tap_hist_bucket(&spec, 15), 6u);
  EXPECT_EQ(tap_hist_bucket(&spec, INT64_MAX), 6u);
}

// The layout of a published example: counts of five digits behind a bar of the whole width.
TEST(Hist, wide_counts_scale) {
  EXPECT_EQ(histogram(log_spec, {{4, 36200}, {8, 14707}, {16, 105}, {32, 2892}, {64, 114}}),
            "value |-------------------------------------------------- count\n"
            "    1 |                                                       0\n"
            "    2 |                                                       0\n"
            "    4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@ 36200\n"
            "    8 |@@@@@@@@@@@@@@@@@@@@                               14707\n"
            "   16 |                                                     105\n"
            "   32 |@@@                                                 2892\n"
            "   64 |                                                     114\n"
            "  128 |                                                       0\n"
            "  256 |                                                       0\n"
            "\n");
}

TEST(Hist, linear_under_and_over) {
  EXPECT_EQ(histogram({TAP_HIST_LINEAR, 0, 20, 10, 5}, {{-5, 1}, {5, 2}, {1000, 3}}, 2, 10), "value |---------- count\n"
                                                                                             "   <0 |@          1\n"
                                                                                             "    0 |@@         2\n"
                                                                                             "   10 |           0\n"
                                                                                             "   20 |           0\n"
                                                                                             "  >20 |@@@        3\n"
                                                                                             "\n");
}

TEST(Hist, elision) {
  tap_hist_spec spec = {TAP_HIST_LINEAR, 0, 100, 10, 13};
  EXPECT_EQ(histogram(spec, {{0, 1}, {90, 1}}, 1, 10), "value |---------- count\n"
                                                       "    0 |@          1\n"
                                                       "   10 |           0\n"
                                                       "      ~\n"
                                                       "   80 |           0\n"
                                                       "   90 |@          1\n"
                                                       "  100 |           0\n"
                                                       "\n");
  EXPECT_EQ(histogram(spec, {{0, 1}, {30, 1}}, -1, 10).find('~'), std::string::npos);
  EXPECT_EQ(histogram(spec, {}), "");
}

} // namespace
