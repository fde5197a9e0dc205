// SPDX-License-Identifier: GPL-2.0-or-later
// ShortList against std::vector: the same random changes, around the size where ids go to memory of their own.
#include "ir/ids.h"
#include "ir/short_list.h"

#include <gtest/gtest.h>
#include <random>

namespace tapjit::ir {

namespace {

std::vector<ValueId> contents(const ShortList<ValueId> &list) { return {list.begin(), list.end()}; }

} // namespace

TEST(ShortList, ChangesLikeAVector) {
  std::mt19937 random(20261121);
  ShortList<ValueId> list;
  std::vector<ValueId> wanted;
  for (uint32_t turn = 0; turn < 20000; ++turn) {
    switch (random() % 7) {
    case 0:
    case 1:
      list.push_back(ValueId{turn});
      wanted.push_back(ValueId{turn});
      break;
    case 2:
      if (!wanted.empty()) {
        size_t at = random() % wanted.size();
        list.erase(list.begin() + at);
        wanted.erase(wanted.begin() + ptrdiff_t(at));
      }
      break;
    case 3: {
      size_t count = random() % (wanted.size() + 1);
      list.truncate(count);
      wanted.resize(count);
      break;
    }
    case 4:
      if (wanted.size() < 20) { // its own ids behind themselves
        list.append(list);
        std::vector<ValueId> twice = wanted;
        twice.insert(twice.end(), wanted.begin(), wanted.end());
        wanted = std::move(twice);
      }
      break;
    case 5: {
      ShortList<ValueId> copy = list, moved = std::move(copy);
      list = moved;
      break;
    }
    default:
      if (random() % 50 == 0) {
        list.clear();
        wanted.clear();
      }
    }
    ASSERT_EQ(contents(list), wanted) << "turn " << turn;
    ASSERT_EQ(list.size(), wanted.size());
  }
}

TEST(ShortList, EqualByContents) {
  ShortList<ValueId> once{ValueId{1}, ValueId{2}}, grown{ValueId{1}, ValueId{2}, ValueId{3}, ValueId{4}};
  EXPECT_FALSE(once == grown);
  grown.truncate(2);
  EXPECT_TRUE(once == grown);
}

} // namespace tapjit::ir
