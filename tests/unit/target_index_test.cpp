// SPDX-License-Identifier: GPL-2.0-or-later
// The flat index: what is written is found again, and damaged bytes never make a bad read.
#include "frontend/target/debug_index.h"
#include "frontend/target/debug_index_writer.h"

#include <cstring>
#include <gtest/gtest.h>

namespace tapjit::target {

namespace {

// Bytes at the alignment that DebugIndex wants.
class Aligned {
public:
  explicit Aligned(const std::string &bytes) : words_(bytes.size() / 8 + 1), size_(bytes.size()) {
    memcpy(words_.data(), bytes.data(), bytes.size());
  }
  std::span<const char> span() const { return {reinterpret_cast<const char *>(words_.data()), size_}; }
  char *data() { return reinterpret_cast<char *>(words_.data()); }

private:
  std::vector<uint64_t> words_;
  size_t size_;
};

std::string sample() {
  DebugIndexWriter writer;
  auto row = [&](RowKind kind, const char *name, uint64_t die, uint64_t address) {
    writer.add(IndexRow{static_cast<uint32_t>(kind), writer.intern(name), writer.intern("a.c"), 3, die, address});
  };
  row(RowKind::Function, "shared", 20, 0x2000);
  row(RowKind::Function, "shared", 10, 0x1000);
  row(RowKind::Function, "alone", 30, 0x3000);
  row(RowKind::Inlined, "shared", 40, 0);
  row(RowKind::Inlined, "shared", 35, 0);
  row(RowKind::Inlined, "never", 45, 0);
  for (auto [function, die, address] : {std::tuple{40, 80, 0x3040}, {35, 70, 0x1080}, {40, 90, 0x3020}})
    writer.add(
        IndexCopy{static_cast<uint32_t>(function), static_cast<uint32_t>(die), 10, 0, static_cast<uint64_t>(address)});
  row(RowKind::Struct, "file", 60, 0);
  row(RowKind::Struct, "file", 50, 0);
  for (auto [name, address] : {std::pair{"shared", 0x1000}, {"shared", 0x2000}, {"alone", 0x3000}, {"alias", 0x3000}})
    writer.add(IndexSymbol{writer.intern(name), 1, static_cast<uint64_t>(address), 0x100});
  writer.add(IndexSymbol{writer.intern("data"), 0, 0x2080, 8});
  writer.add(IndexSection{0x1000, 0x3000, writer.intern(".text"), 1});
  writer.add(IndexRefusal{0x3000, 0x3001, writer.intern("because"), 0});
  writer.add(IndexRefusal{0x5000, 0x5010, writer.intern("inner"), 0});
  writer.add(IndexRefusal{0x4ff0, 0x5020, writer.intern("outer"), 0});
  return writer.finish();
}

void ask_everything(const DebugIndex &index) {
  for (RowKind kind : {RowKind::Function, RowKind::Inlined, RowKind::Struct, RowKind::Variable})
    for (const IndexRow &row : index.rows(kind, "shared"))
      for (const IndexCopy &copy : index.copies(row))
        (void)(copy.address + index.string(row.name).size());
  for (const IndexSymbol &symbol : index.symbols("alone"))
    (void)index.string(symbol.name).size();
  for (uint64_t address : {0x0, 0x1000, 0x2084, 0x3000, 0x9000}) {
    if (const IndexSymbol *symbol = index.symbol_at(address, "alone"))
      (void)index.is_unique(*symbol);
    (void)index.section_at(address).size();
    (void)index.refusal_at(address).size();
  }
}

} // namespace

TEST(DebugIndex, FindsWhatWasWritten) {
  Aligned bytes(sample());
  auto index = DebugIndex::open(bytes.span());
  ASSERT_TRUE(index);
  auto shared = index->rows(RowKind::Function, "shared");
  ASSERT_EQ(shared.size(), 2u);
  EXPECT_EQ(shared[0].address, 0x1000u); // sorted by address
  EXPECT_EQ(shared[1].die, 20u);
  EXPECT_EQ(index->string(shared[0].file), "a.c");
  EXPECT_EQ(index->rows(RowKind::Function).size(), 3u);
  EXPECT_EQ(index->rows(RowKind::Inlined, "shared").size(), 2u);
  EXPECT_TRUE(index->rows(RowKind::Function, "share").empty());
  EXPECT_TRUE(index->rows(RowKind::Union, "file").empty());
}

TEST(DebugIndex, FindsInlinedCopies) {
  Aligned bytes(sample());
  auto index = DebugIndex::open(bytes.span());
  ASSERT_TRUE(index);
  auto shared = index->rows(RowKind::Inlined, "shared");
  ASSERT_EQ(shared.size(), 2u);
  EXPECT_EQ(shared[0].die, 35u);
  ASSERT_EQ(index->copies(shared[0]).size(), 1u);
  EXPECT_EQ(index->copies(shared[0])[0].address, 0x1080u);
  ASSERT_EQ(index->copies(shared[1]).size(), 2u);
  EXPECT_EQ(index->copies(shared[1])[0].die, 90u); // by address
  EXPECT_EQ(index->copies(shared[1])[1].outer, 10u);
  auto never = index->rows(RowKind::Inlined, "never");
  ASSERT_EQ(never.size(), 1u);
  EXPECT_TRUE(index->copies(never[0]).empty());
}

TEST(DebugIndex, KeepsTheFirstDefinitionOfAType) {
  Aligned bytes(sample());
  auto index = DebugIndex::open(bytes.span());
  ASSERT_TRUE(index);
  auto file = index->rows(RowKind::Struct, "file");
  ASSERT_EQ(file.size(), 1u);
  EXPECT_EQ(file[0].die, 50u);
}

TEST(DebugIndex, FindsSymbolsByAddress) {
  Aligned bytes(sample());
  auto index = DebugIndex::open(bytes.span());
  ASSERT_TRUE(index);
  EXPECT_EQ(index->symbols("shared").size(), 2u);
  EXPECT_EQ(index->symbol_at(0xfff, ""), nullptr);
  EXPECT_EQ(index->symbol_at(0x1010, "")->address, 0x1000u);
  EXPECT_EQ(index->symbol_at(0x2090, "")->address, 0x2000u) << "data symbols are passed over";
  EXPECT_EQ(index->string(index->symbol_at(0x3000, "alone")->name), "alone");
  EXPECT_EQ(index->string(index->symbol_at(0x3000, "")->name), "alias");
  EXPECT_EQ(index->section_at(0x3fff), ".text");
  EXPECT_EQ(index->section_at(0x4000), "");
  EXPECT_EQ(index->refusal_at(0x3000), "because");
  EXPECT_EQ(index->refusal_at(0x3001), "");
  EXPECT_EQ(index->refusal_at(0x4fef), "");
  for (uint64_t address : {0x4ff0, 0x4fff, 0x5010, 0x501f})
    EXPECT_EQ(index->refusal_at(address), "outer") << address;
  for (uint64_t address : {0x5000, 0x500f})
    EXPECT_EQ(index->refusal_at(address), "inner") << "what was added first";
  EXPECT_EQ(index->refusal_at(0x5020), "");
  EXPECT_TRUE(index->is_unique(index->symbols("alone")[0]));
  EXPECT_FALSE(index->is_unique(index->symbols("shared")[0]));
  EXPECT_FALSE(index->is_unique(index->symbols("shared")[1]));
}

TEST(DebugIndex, RefusesWhatIsNoIndex) {
  EXPECT_FALSE(DebugIndex::open({}));
  Aligned text("this is certainly no index of debuginfo, but it is longer than its header would be: "
               "................................................................................");
  EXPECT_FALSE(DebugIndex::open(text.span()));
  std::string good = sample();
  for (size_t length : {size_t{10}, sizeof(IndexHeader), good.size() / 2, good.size() - 1})
    EXPECT_FALSE(DebugIndex::open(Aligned(good.substr(0, length)).span())) << length;
}

// Every byte is damaged in turn, in two ways; sanitizers see a bad read.
TEST(DebugIndex, DamageIsHarmless) {
  const std::string good = sample();
  for (size_t at = 0; at < good.size(); ++at)
    for (unsigned char flip : {0x01, 0xff}) {
      Aligned bytes(good);
      bytes.data()[at] = static_cast<char>(bytes.data()[at] ^ flip);
      if (auto index = DebugIndex::open(bytes.span()))
        ask_everything(*index);
    }
}

} // namespace tapjit::target
