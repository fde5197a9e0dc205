// SPDX-License-Identifier: GPL-2.0-or-later
// Maps against std::map, with keys of both kinds, and sorting against std::stable_sort.
#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "runtime/core/fail.c"
#include "runtime/core/map.c"
#include "runtime/core/map_sort.h"
#include "runtime/core/str.c"

void *tap_alloc(uint64_t bytes) { return calloc(1, bytes); }
void tap_free(void *memory) { free(memory); }

#define test_KEYS(OP) OP(i, 0, 0) OP(s, 1, 24)
TAP_MAP_DEFINE_i(test, test_KEYS);
TAP_MAP_SORT_DEFINE(sort_by_value, test_node, 1, tap_order_i(a->value, b->value))
TAP_MAP_SORT_DEFINE(sort_by_key_down, test_node, -1, tap_str_cmp(TAP_STORED(a->k1), TAP_STORED(b->k1)))

namespace {

tap_str str(const std::string &text) { return tap_str_make(text.data(), uint32_t(text.size())); }

struct Map {
  tap_map map = {};
  tap_ctx c = {};
  Map(uint32_t capacity, bool wrap) {
    EXPECT_EQ(tap_map_init(&map, capacity, sizeof(test_node), wrap), 0);
    c.work.left = 1 << 26;
  }
  ~Map() { tap_map_exit(&map); }
  std::vector<std::pair<std::string, int64_t>> elements() {
    std::vector<std::pair<std::string, int64_t>> out;
    tap_iter iter;
    tap_iter_begin(&iter, &map, -1);
    while (tap_iter_next(&iter)) {
      tap_str key = TAP_ITER_KEY_s(test, iter, 1);
      out.emplace_back(std::string(key.p, key.n), TAP_ITER_VALUE_i(test, iter));
    }
    return out;
  }
};

TEST(Map, behaves_like_a_map) {
  Map m(500, false);
  std::map<std::pair<int64_t, std::string>, int64_t> expected;
  std::mt19937 random(1);
  for (int step = 0; step < 50000; step++) {
    int64_t number = random() % 30;
    static const size_t lengths[] = {0, 2, 5, 8, 14, 22}; // each way of moving and comparing bytes
    std::string text(lengths[random() % 6], char('a' + random() % 3));
    auto key = std::make_pair(number, text);
    switch (random() % 4) {
    case 0:
      test_set(&m.c, &m.map, "w", number, str(text), step);
      expected[key] = step;
      break;
    case 1:
      if (int64_t sum = test_add(&m.c, &m.map, "w", number, str(text), 3); !m.c.error)
        EXPECT_EQ(sum, expected[key] += 3);
      break;
    case 2:
      test_del(&m.c, &m.map, number, str(text));
      expected.erase(key);
      break;
    default:
      EXPECT_EQ(test_has(&m.c, &m.map, number, str(text)), expected.count(key) > 0);
      EXPECT_EQ(test_get(&m.c, &m.map, number, str(text)), expected.count(key) ? expected[key] : 0);
    }
    if (m.c.error) { // full
      EXPECT_EQ(m.map.count, 500u);
      m.c.error = nullptr;
      expected.erase(key);
    }
    ASSERT_EQ(m.map.count, expected.size());
    if (step % 10000 == 9999) {
      tap_map_clear(&m.map);
      expected.clear();
    }
  }
}

TEST(Map, long_keys_are_cut) {
  Map m(10, false);
  test_set(&m.c, &m.map, "w", 1, str("0123456789012345678901234567890"), 7);
  EXPECT_EQ(test_get(&m.c, &m.map, 1, str("01234567890123456789012xyz")), 7);
  EXPECT_EQ(test_get(&m.c, &m.map, 1, str("0123456789012345678901")), 0);
}

TEST(Map, full_and_wrapping) {
  Map full(2, false), wrapping(2, true);
  for (Map *m : {&full, &wrapping})
    for (int i = 0; i < 3; i++)
      test_set(&m->c, &m->map, "w", i, str("k"), i);
  EXPECT_STREQ(full.c.error, "Array overflow, check MAXMAPENTRIES");
  EXPECT_EQ(wrapping.c.error, nullptr);
  EXPECT_FALSE(test_has(&wrapping.c, &wrapping.map, 0, str("k")));
  EXPECT_TRUE(test_has(&wrapping.c, &wrapping.map, 2, str("k")));
}

TEST(MapSort, stable_and_complete) {
  std::mt19937 random(2);
  for (int size : {0, 1, 2, 3, 5, 8, 100, 1000, 1024, 1025}) {
    Map m(2000, false);
    for (int i = 0; i < size; i++)
      test_set(&m.c, &m.map, "w", i, str(std::to_string(random() % 100)), int64_t(random() % 50));
    auto expected = m.elements();
    std::stable_sort(expected.begin(), expected.end(), [](auto &a, auto &b) { return a.second < b.second; });
    EXPECT_TRUE(sort_by_value(&m.c, &m.map, "w"));
    EXPECT_EQ(m.elements(), expected);
    std::stable_sort(expected.begin(), expected.end(), [](auto &a, auto &b) { return a.first > b.first; });
    EXPECT_TRUE(sort_by_key_down(&m.c, &m.map, "w"));
    EXPECT_EQ(m.elements(), expected);
    // The list is whole in both directions.
    uint32_t backwards = 0;
    for (tap_map_node *node = m.map.last; node; node = node->prev)
      backwards++;
    EXPECT_EQ(backwards, uint32_t(size));
  }
}

TEST(MapSort, refuses_without_budget) {
  Map m(100, false);
  for (int i = 0; i < 100; i++)
    test_set(&m.c, &m.map, "w", i, str("k"), 100 - i);
  m.c.work.left = 500;
  EXPECT_FALSE(sort_by_value(&m.c, &m.map, "w"));
  EXPECT_STREQ(m.c.error, "runtime work budget exceeded");
  EXPECT_EQ(m.elements().size(), 100u);
}

TEST(Str, concatenation_in_place) {
  char slot[8];
  tap_str a = tap_copy(slot, sizeof(slot), str("abc"));
  a = tap_concat(slot, sizeof(slot), a, a);
  EXPECT_EQ(std::string(a.p, a.n), "abcabc");
  a = tap_concat(slot, sizeof(slot), str("xy"), a);
  EXPECT_EQ(std::string(a.p, a.n), "xyabcab");
  EXPECT_EQ(slot[7], 0);
  EXPECT_LT(tap_str_cmp(str("ab"), str("abc")), 0);
  EXPECT_GT(tap_str_cmp(str("\xff"), str("a")), 0);
  EXPECT_EQ(tap_str_cmp(str(""), str("")), 0);
}

} // namespace
