// SPDX-License-Identifier: GPL-2.0-or-later
// Packed files, packed here by the libraries' own encoders: damaged ones, modules, and a bootable kernel whose packing
// was changed.
#include "frontend/target/unpack.h"

#include "frontend/target/elf_file.h"
#include "frontend/target/kernel_files.h"
#include "frontend/target/kernel_image.h"
#include "frontend/target/kernel_target.h"

#include <bzlib.h>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace tapjit::target {

namespace {

namespace fs = std::filesystem;

std::string gzip(const std::string &bytes) {
  z_stream stream = {};
  deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef *>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// As the kernel's scripts/xz_wrap.sh: with the filter for x86 code.
std::string xz(const std::string &bytes) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 0);
  lzma_filter filters[] = {{LZMA_FILTER_X86, nullptr}, {LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, nullptr}};
  std::string out(lzma_stream_buffer_bound(bytes.size()), '\0');
  size_t size = 0;
  EXPECT_EQ(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, nullptr,
                                      reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(),
                                      reinterpret_cast<uint8_t *>(out.data()), &size, out.size()),
            LZMA_OK);
  out.resize(size);
  return out;
}

std::string lzma(const std::string &bytes) {
  lzma_options_lzma options;
  lzma_lzma_preset(&options, 0);
  lzma_stream stream = LZMA_STREAM_INIT;
  EXPECT_EQ(lzma_alone_encoder(&stream, &options), LZMA_OK);
  std::string out(bytes.size() + 65536, '\0');
  stream.next_in = reinterpret_cast<const uint8_t *>(bytes.data());
  stream.avail_in = bytes.size();
  stream.next_out = reinterpret_cast<uint8_t *>(out.data());
  stream.avail_out = out.size();
  EXPECT_EQ(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
  out.resize(stream.total_out);
  lzma_end(&stream);
  return out;
}

std::string zstd(const std::string &bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), 1));
  return out;
}

std::string lz4(const std::string &bytes) {
  constexpr size_t block = 8u << 20;
  std::string out("\x02\x21\x4c\x18", 4);
  for (size_t at = 0; at < bytes.size(); at += block) {
    int length = static_cast<int>(std::min(block, bytes.size() - at));
    std::string packed(static_cast<size_t>(LZ4_compressBound(length)), '\0');
    uint32_t size = static_cast<uint32_t>(
        LZ4_compress_default(bytes.data() + at, packed.data(), length, static_cast<int>(packed.size())));
    out.append(reinterpret_cast<const char *>(&size), sizeof size);
    out.append(packed, 0, size);
  }
  return out;
}

std::string bzip2(const std::string &bytes) {
  std::string out(bytes.size() + bytes.size() / 50 + 1000, '\0');
  unsigned size = static_cast<unsigned>(out.size());
  EXPECT_EQ(BZ2_bzBuffToBuffCompress(out.data(), &size, const_cast<char *>(bytes.data()),
                                     static_cast<unsigned>(bytes.size()), 1, 0, 0),
            BZ_OK);
  out.resize(size);
  return out;
}

void put_big_endian(std::string &out, uint32_t value, size_t size = 4) {
  while (size-- > 0)
    out += static_cast<char>(value >> 8 * size);
}

// As `lzop -9`, but for the level: liblzo2 has no header for what is asked of it here.
std::string lzo(const std::string &bytes) {
  using Compress = int (*)(const unsigned char *from, size_t from_size, unsigned char *to, size_t *to_size, void *room);
  static auto compress = reinterpret_cast<Compress>(dlsym(dlopen("liblzo2.so.2", RTLD_LAZY), "lzo1x_1_compress"));
  constexpr size_t block_size = 256u << 10, room_size = 128u << 10;
  std::string out("\x89LZO\0\r\n\x1a\n", 9);
  put_big_endian(out, 0x1030'20a0); // versions of lzop and of the library
  put_big_endian(out, 0x0940'0309); // needed version, method, level
  put_big_endian(out, 0x0300'0001); // checksums of the data
  out += std::string(3 * 4, '\0') + '\4' + "name" + std::string(4, '\0');
  std::string room(room_size, '\0'), packed(2 * block_size, '\0');
  for (size_t at = 0; at < bytes.size(); at += block_size) {
    const size_t size = std::min(block_size, bytes.size() - at);
    const auto *from = reinterpret_cast<const unsigned char *>(bytes.data() + at);
    size_t packed_size = 0;
    EXPECT_EQ(compress(from, size, reinterpret_cast<unsigned char *>(packed.data()), &packed_size, room.data()), 0);
    const bool is_smaller = packed_size < size;
    put_big_endian(out, static_cast<uint32_t>(size));
    put_big_endian(out, static_cast<uint32_t>(is_smaller ? packed_size : size));
    put_big_endian(out, static_cast<uint32_t>(adler32(1, from, static_cast<uInt>(size))));
    out.append(is_smaller ? packed : bytes, is_smaller ? 0 : at, is_smaller ? packed_size : size);
  }
  put_big_endian(out, 0);
  return out;
}

constexpr struct {
  const char *suffix;
  Packing packing;
  std::string (*pack)(const std::string &);
} packers[] = {{".gz", Packing::Gzip, gzip},  {".xz", Packing::Xz, xz},    {".lzma", Packing::Lzma, lzma},
               {".zst", Packing::Zstd, zstd}, {".lz4", Packing::Lz4, lz4}, {".bz2", Packing::Bzip2, bzip2},
               {".lzo", Packing::Lzo, lzo}};

// More than one step of the decoders, and not too easy to pack.
std::string some_text() {
  std::string text;
  for (unsigned i = 0; text.size() < 3u << 20; ++i)
    text += std::to_string(i * 2654435761u) + (i % 7 ? " " : "\n");
  return text;
}

std::string release_with_dwarf() {
  std::error_code error;
  for (const auto &entry : fs::directory_iterator("/boot", error))
    if (std::string name = entry.path().filename(); name.starts_with("vmlinuz-"))
      if (std::string release = name.substr(8); fs::exists("/usr/lib/debug/boot/vmlinux-" + release, error))
        return release;
  return {};
}

// A file system of its own, removed at the end.
class PackedFilesTest : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/tapjit-packed-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    release_ = release_with_dwarf();
    if (release_.empty())
      GTEST_SKIP() << "no kernel with debuginfo is installed";
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string &path, const std::string &bytes) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path, std::ios::binary) << bytes;
  }
  std::unique_ptr<KernelTarget> open() const {
    KernelTargetOptions options;
    options.release_or_dir = release_;
    options.places.root = root_;
    auto target = KernelTarget::open(options);
    return target ? std::move(*target) : nullptr;
  }
  std::string root_, release_;
};

} // namespace

TEST(Unpack, GivesBackWhatWasPacked) {
  const std::string text = some_text();
  for (const auto &packer : packers) {
    std::string packed = packer.pack(text);
    EXPECT_EQ(packing_of(packed), packer.packing) << packer.suffix;
    EXPECT_EQ(unpack(packed), text) << packer.suffix;
    EXPECT_EQ(unpack(packed, text.size()), text) << packer.suffix;
    if (packer.packing != Packing::Lz4) // whose end only the size tells
      EXPECT_EQ(unpack(packed + "behind", text.size()), text) << packer.suffix;
    EXPECT_EQ(unpack(packed, text.size() - 1), std::nullopt) << packer.suffix;
    EXPECT_EQ(unpack(packed, text.size() + 1), std::nullopt) << packer.suffix;
  }
  EXPECT_EQ(packing_of(text), Packing::None);
  EXPECT_EQ(unpack(text), std::nullopt);
  EXPECT_EQ(unpack(""), std::nullopt);
}

// A small file may hold a gigabyte that is no ELF file.
TEST(Unpack, OtherBeginningsAreRefused) {
  const std::string text = some_text();
  for (const auto &packer : packers) {
    std::string packed = packer.pack(text);
    EXPECT_EQ(unpack(packed, 0, text.substr(0, 4)), text) << packer.suffix;
    EXPECT_EQ(unpack(packed, 0, "other"), std::nullopt) << packer.suffix;
    EXPECT_EQ(unpack(packed, text.size(), "other"), std::nullopt) << packer.suffix;
    EXPECT_EQ(unpack(packer.pack("ot"), 0, "other"), std::nullopt) << packer.suffix;
  }
}

// Cut off, it is refused; changed somewhere, it is refused or, in formats without a checksum, another text.
TEST(Unpack, DamageIsNoMemoryError) {
  const std::string text = some_text().substr(0, 20000);
  for (const auto &packer : packers) {
    std::string packed = packer.pack(text);
    for (size_t size = 0; size < packed.size(); size += 1 + size / 5)
      EXPECT_EQ(unpack(packed.substr(0, size), text.size()), std::nullopt) << packer.suffix << " " << size;
    for (size_t i = 0; i < packed.size(); i += 1 + i / 50) {
      std::string changed = packed;
      changed[i] = static_cast<char>(~changed[i]);
      (void)unpack(changed);
      (void)unpack(changed, text.size());
    }
  }
}

// With its debuginfo in a file of its own, which is packed, too, and without.
TEST_F(PackedFilesTest, Modules) {
  const std::string folder = "/lib/modules/" + release_ + "/", name = "kernel/drivers/block/loop.ko";
  auto plain = read_text_file(folder + name), debug = read_text_file("/usr/lib/debug" + folder + name);
  ASSERT_TRUE(plain && debug);
  CodeQuery query;
  query.module = "loop";
  query.pattern = parse_function_pattern("loop_add");
  for (const auto &packer : packers) {
    fs::remove_all(root_ + "/lib");
    fs::remove_all(root_ + "/usr");
    write(folder + "modules.dep", name + packer.suffix + ":\n");
    write(folder + name + packer.suffix, packer.pack(*plain));
    auto found = open()->code(query);
    ASSERT_TRUE(found) << packer.suffix << ": " << found.error().observed;
    ASSERT_EQ(found->sites.size(), 1u) << packer.suffix;
    EXPECT_TRUE(found->without_debuginfo) << packer.suffix;
    write("/usr/lib/debug" + folder + name + ".debug", packer.pack(*debug));
    auto target = open();
    found = target->code(query);
    ASSERT_TRUE(found) << packer.suffix << ": " << found.error().observed;
    ASSERT_EQ(found->sites.size(), 1u) << packer.suffix;
    EXPECT_EQ(found->sites[0].file, "drivers/block/loop.c") << packer.suffix;
    EXPECT_EQ(target->variable_names(found->sites[0], true), std::vector<std::string>{"i"}) << packer.suffix;
  }
  const std::string packed_name = name + std::rbegin(packers)->suffix; // as modules.dep says now
  write(folder + packed_name, packers[0].pack(*plain).substr(0, 5000));
  fs::remove_all(root_ + "/usr");
  auto damaged = open()->code(query);
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().observed.find(packed_name + "` is damaged"), std::string::npos) << damaged.error().observed;
}

// A file that is named by its path is not the one that has that name in the kernel's tree, whichever was asked first.
TEST_F(PackedFilesTest, ModulesOfOneName) {
  const std::string folder = "/lib/modules/" + release_ + "/kernel/drivers/block/";
  auto loop = read_text_file(folder + "loop.ko"), other = read_text_file(folder + "virtio_blk.ko");
  ASSERT_TRUE(loop && other);
  write("/lib/modules/" + release_ + "/modules.dep", "kernel/drivers/block/loop.ko:\n");
  write(folder + "loop.ko", *loop);
  write("/mine/loop.ko", *other);
  auto loop_debug = read_text_file("/usr/lib/debug" + folder + "loop.ko");
  auto other_debug = read_text_file("/usr/lib/debug" + folder + "virtio_blk.ko");
  ASSERT_TRUE(loop_debug && other_debug);
  write(folder + "loop.ko.debug", *loop_debug);
  write("/mine/loop.ko.debug", *other_debug);
  CodeQuery named, by_path;
  named.module = "loop";
  named.pattern = parse_function_pattern("loop_add");
  by_path.module = root_ + "/mine/loop.ko";
  by_path.pattern = parse_function_pattern("virtblk_probe");
  for (bool path_first : {false, true}) {
    auto target = open();
    auto first = target->code(path_first ? by_path : named), second = target->code(path_first ? named : by_path);
    ASSERT_TRUE(first && second) << path_first;
    ASSERT_EQ(first->sites.size(), 1u);
    ASSERT_EQ(second->sites.size(), 1u);
    EXPECT_EQ(first->sites[0].module, "loop");
    EXPECT_EQ(second->sites[0].module, "loop");
    EXPECT_NE(first->sites[0].build_id, second->sites[0].build_id);
    EXPECT_EQ(target->variable_names(path_first ? second->sites[0] : first->sites[0], true),
              std::vector<std::string>{"i"});
    EXPECT_EQ(target->variable_names(path_first ? first->sites[0] : second->sites[0], true),
              std::vector<std::string>{"vdev"});
  }
}

// The installed kernel inside of an image like those of other distributions.
TEST_F(PackedFilesTest, BootableKernels) {
  auto kernel = unpack_kernel_image("/boot/vmlinuz-" + release_);
  auto image = read_text_file("/boot/vmlinuz-" + release_);
  ASSERT_TRUE(kernel && image);
  auto put = [&](size_t at, uint32_t word) { memcpy(image->data() + at, &word, sizeof word); };
  for (const auto &packer : packers) {
    if (packer.packing == Packing::Lz4 || packer.packing == Packing::Lzma || packer.packing == Packing::Zstd ||
        packer.packing == Packing::Bzip2)
      continue; // installed ones are packed with LZ4 and zstd, lzma is decoded as xz, and bzip2 takes 7 s to pack one
    std::string payload = packer.pack(*kernel);
    const uint32_t size = static_cast<uint32_t>(kernel->size());
    if (packer.packing != Packing::Gzip) // ends in that word itself
      payload.append(reinterpret_cast<const char *>(&size), sizeof size);
    image->resize(64 * 1024);
    (*image)[0x1f1] = 4; // sectors of the setup code
    put(0x248, 100);     // payload_offset, payload_length
    put(0x24c, static_cast<uint32_t>(payload.size()));
    image->resize(5 * 512 + 100);
    *image += payload + "padding";
    write("/boot/vmlinuz-" + release_, *image);
    EXPECT_EQ(*unpack_kernel_image(root_ + "/boot/vmlinuz-" + release_), *kernel) << packer.suffix;
    auto target = open();
    auto found = target->functions("vfs_read", FunctionKind::OutOfLine);
    ASSERT_TRUE(found) << packer.suffix << ": " << found.error().observed;
    ASSERT_EQ(found->sites.size(), 1u) << packer.suffix;
    EXPECT_EQ(target->variable_names(found->sites[0], true), (std::vector<std::string>{"file", "buf", "count", "pos"}));
    EXPECT_EQ(target->build_id().size(), 40u);
  }
}

} // namespace tapjit::target
