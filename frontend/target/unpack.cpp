// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/unpack.h"

#include <algorithm>
#include <bzlib.h>
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

namespace tapjit::target {

namespace {

constexpr size_t largest = 1u << 30;
constexpr size_t lz4_block = 8u << 20; // the largest that `lz4 -l` writes

constexpr struct {
  std::string_view magic;
  Packing packing;
} magics[] = {{{"\x1f\x8b", 2}, Packing::Gzip},          {{"\xfd\x37zXZ\0", 6}, Packing::Xz},
              {{"\x5d\0\0", 3}, Packing::Lzma},          {{"\x28\xb5\x2f\xfd", 4}, Packing::Zstd},
              {{"\x02\x21\x4c\x18", 4}, Packing::Lz4},   {{"BZh", 3}, Packing::Bzip2},
              {{"\x89LZO\0\r\n\x1a\n", 9}, Packing::Lzo}};

// What must come out; see unpack().
struct Wanted {
  size_t size;
  std::string_view begins;
  // Of the first bytes as far as they are there.
  bool may_be(std::string_view out) const { return out.substr(0, begins.size()) == begins.substr(0, out.size()); }
  bool is_all(std::string_view out) const { return (size == 0 || out.size() == size) && out.starts_with(begins); }
};

// Calls `step` with room behind what is there until it is done; `step` says how much it wrote, nullopt when the input
// is damaged or ended too early.
struct Step {
  size_t written;
  bool done;
};
std::optional<std::string> fill(Wanted wanted, const std::function<std::optional<Step>(char *, size_t)> &step) {
  const size_t size = wanted.size, first = 1u << 20;
  std::string out(size ? size + 1 : first, '\0'); // room to see that more comes than should
  size_t filled = 0;
  for (;;) {
    if (filled == out.size()) {
      if (size || out.size() >= largest)
        return std::nullopt;
      out.resize(std::min(largest, 2 * out.size()));
    }
    auto made = step(out.data() + filled, std::min(first, out.size() - filled));
    if (!made)
      return std::nullopt;
    filled += made->written;
    if (!wanted.may_be({out.data(), filled}))
      return std::nullopt;
    if (!made->done)
      continue;
    out.resize(filled);
    return wanted.is_all(out) ? std::optional(std::move(out)) : std::nullopt;
  }
}

std::optional<std::string> unpack_gzip(std::string_view packed, Wanted wanted) {
  z_stream stream = {};
  stream.next_in = reinterpret_cast<Bytef *>(const_cast<char *>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  constexpr int gzip_with_largest_window = 16 + MAX_WBITS;
  if (inflateInit2(&stream, gzip_with_largest_window) != Z_OK)
    return std::nullopt;
  auto out = fill(wanted, [&](char *to, size_t room) -> std::optional<Step> {
    stream.next_out = reinterpret_cast<Bytef *>(to);
    stream.avail_out = static_cast<uInt>(room);
    int result = inflate(&stream, Z_NO_FLUSH);
    if (result != Z_OK && result != Z_STREAM_END)
      return std::nullopt;
    return Step{room - stream.avail_out, result == Z_STREAM_END};
  });
  inflateEnd(&stream);
  return out;
}

std::optional<std::string> unpack_xz(std::string_view packed, Wanted wanted) {
  lzma_stream stream = LZMA_STREAM_INIT;
  constexpr uint64_t most_memory = 512u << 20;
  stream.next_in = reinterpret_cast<const uint8_t *>(packed.data());
  stream.avail_in = packed.size();
  if (lzma_auto_decoder(&stream, most_memory, 0) != LZMA_OK)
    return std::nullopt;
  auto out = fill(wanted, [&](char *to, size_t room) -> std::optional<Step> {
    stream.next_out = reinterpret_cast<uint8_t *>(to);
    stream.avail_out = room;
    lzma_ret result = lzma_code(&stream, LZMA_RUN);
    if (result != LZMA_OK && result != LZMA_STREAM_END)
      return std::nullopt;
    return Step{room - stream.avail_out, result == LZMA_STREAM_END};
  });
  lzma_end(&stream);
  return out;
}

std::optional<std::string> unpack_zstd(std::string_view packed, Wanted wanted) {
  ZSTD_DStream *stream = ZSTD_createDStream();
  ZSTD_inBuffer in = {packed.data(), packed.size(), 0};
  auto out = fill(wanted, [&](char *to, size_t room) -> std::optional<Step> {
    ZSTD_outBuffer piece = {to, room, 0};
    size_t left = ZSTD_decompressStream(stream, &piece, &in);
    if (ZSTD_isError(left) || (left != 0 && in.pos == in.size && piece.pos < room))
      return std::nullopt;
    return Step{piece.pos, left == 0};
  });
  ZSTD_freeDStream(stream);
  return out;
}

// The format of `lz4 -l`: the magic number, then blocks with their compressed size before them. Nothing marks the end.
std::optional<std::string> unpack_lz4(std::string_view packed, Wanted wanted) {
  constexpr std::string_view magic("\x02\x21\x4c\x18", 4);
  const size_t size = wanted.size;
  std::string out(size, '\0');
  size_t filled = 0;
  while (packed.size() >= sizeof(uint32_t) && (size == 0 || filled < size)) {
    uint32_t length;
    memcpy(&length, packed.data(), sizeof length);
    bool another_frame = packed.starts_with(magic);
    packed.remove_prefix(sizeof length);
    if (another_frame)
      continue;
    if (length > packed.size() || filled > largest)
      return std::nullopt;
    if (size == 0)
      out.resize(filled + lz4_block);
    int made = LZ4_decompress_safe(packed.data(), out.data() + filled, static_cast<int>(length),
                                   static_cast<int>(out.size() - filled));
    if (made < 0)
      return std::nullopt;
    filled += static_cast<size_t>(made);
    if (!wanted.may_be({out.data(), filled}))
      return std::nullopt;
    packed.remove_prefix(length);
  }
  out.resize(filled);
  return wanted.is_all(out) ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> unpack_bzip2(std::string_view packed, Wanted wanted) {
  bz_stream stream = {};
  stream.next_in = const_cast<char *>(packed.data());
  stream.avail_in = static_cast<unsigned>(packed.size());
  if (BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK)
    return std::nullopt;
  auto out = fill(wanted, [&](char *to, size_t room) -> std::optional<Step> {
    stream.next_out = to;
    stream.avail_out = static_cast<unsigned>(room);
    int result = BZ2_bzDecompress(&stream);
    // The end of the input is no error to it.
    if (result != BZ_STREAM_END && (result != BZ_OK || stream.avail_out == room))
      return std::nullopt;
    return Step{room - stream.avail_out, result == BZ_STREAM_END};
  });
  BZ2_bzDecompressEnd(&stream);
  return out;
}

// Of liblzo2, which few kernels need: loaded when one does.
using LzoDecompress = int (*)(const unsigned char *from, size_t from_size, unsigned char *to, size_t *to_size, void *);

struct Lzo {
  LzoDecompress decompress = nullptr;
  std::string problem; // not empty: it is not there
};

const Lzo &lzo() {
  static const Lzo loaded = [] {
    Lzo found;
    void *library = dlopen("liblzo2.so.2", RTLD_LAZY);
    if (library)
      found.decompress = reinterpret_cast<LzoDecompress>(dlsym(library, "lzo1x_decompress_safe"));
    if (!found.decompress)
      found.problem = std::string(dlerror()) + " (Debian: apt install liblzo2-2)";
    return found;
  }();
  return loaded;
}

// Big-endian words from the front of what `lzop` wrote.
class LzopReader {
public:
  explicit LzopReader(std::string_view bytes) : rest_(bytes) {}
  uint32_t take(size_t size) {
    std::string_view bytes = take_bytes(size);
    uint32_t value = 0;
    for (char byte : bytes)
      value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  std::string_view take_bytes(size_t size) {
    is_good_ &= size <= rest_.size();
    std::string_view taken = rest_.substr(0, is_good_ ? size : 0);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  bool is_good() const { return is_good_; } // all that was taken was there

private:
  std::string_view rest_;
  bool is_good_ = true;
};

struct LzopFlags {
  enum : uint32_t { AdlerOfData = 1, AdlerOfPacked = 2, CrcOfData = 0x100, CrcOfPacked = 0x200, Filter = 0x800 };
};

// The flags; nullopt: not a header of lzop 0.94 (1998) or later.
std::optional<uint32_t> take_lzop_header(LzopReader &reader) {
  constexpr size_t magic = 9;
  constexpr uint32_t first_version = 0x0940;
  reader.take_bytes(magic);
  const uint32_t version = reader.take(2);
  reader.take_bytes(2 + 2 + 1 + 1); // of the library, needed version, method, level
  const uint32_t flags = reader.take(4);
  if (flags & LzopFlags::Filter)
    reader.take_bytes(4);
  reader.take_bytes(3 * 4); // mode and time
  reader.take_bytes(reader.take(1));
  reader.take_bytes(4); // checksum of the header
  return version >= first_version && reader.is_good() ? std::optional(flags) : std::nullopt;
}

std::optional<std::string> unpack_lzo(std::string_view packed, Wanted wanted) {
  constexpr uint32_t largest_block = 64u << 20; // lzop's own limit
  LzopReader reader(packed);
  auto flags = take_lzop_header(reader);
  if (!flags || !lzo().decompress)
    return std::nullopt;
  std::string out;
  for (;;) {
    const uint32_t size = reader.take(4);
    if (!reader.is_good())
      return std::nullopt;
    if (size == 0)
      return wanted.is_all(out) ? std::optional(std::move(out)) : std::nullopt;
    const uint32_t packed_size = reader.take(4);
    const uint32_t adler = *flags & LzopFlags::AdlerOfData ? reader.take(4) : 0;
    reader.take_bytes(*flags & LzopFlags::CrcOfData ? 4 : 0);
    if (packed_size < size) // else it stands there as it is
      reader.take_bytes((*flags & LzopFlags::AdlerOfPacked ? 4 : 0) + (*flags & LzopFlags::CrcOfPacked ? 4 : 0));
    std::string_view block = reader.take_bytes(packed_size);
    const size_t begin = out.size();
    if (!reader.is_good() || size > largest_block || packed_size > size || begin > largest)
      return std::nullopt;
    out.resize(begin + size);
    auto *to = reinterpret_cast<unsigned char *>(out.data() + begin);
    size_t made = size;
    if (packed_size == size)
      memcpy(to, block.data(), size);
    else if (lzo().decompress(reinterpret_cast<const unsigned char *>(block.data()), block.size(), to, &made,
                              nullptr) != 0 ||
             made != size)
      return std::nullopt;
    if ((*flags & LzopFlags::AdlerOfData) && adler32(1, to, size) != adler)
      return std::nullopt;
    if (!wanted.may_be(out) || (wanted.size && out.size() > wanted.size))
      return std::nullopt;
  }
}

} // namespace

std::string unpacker_problem(Packing packing) { return packing == Packing::Lzo ? lzo().problem : ""; }

Packing packing_of(std::string_view bytes) {
  for (const auto &known : magics)
    if (bytes.starts_with(known.magic))
      return known.packing;
  return Packing::None;
}

std::optional<std::string> unpack(std::string_view packed, size_t size, std::string_view begins) {
  const Wanted wanted{size, begins};
  if (size > largest || packed.size() > largest)
    return std::nullopt;
  switch (packing_of(packed)) {
  case Packing::None:
    return std::nullopt;
  case Packing::Gzip:
    return unpack_gzip(packed, wanted);
  case Packing::Xz:
  case Packing::Lzma:
    return unpack_xz(packed, wanted);
  case Packing::Zstd:
    return unpack_zstd(packed, wanted);
  case Packing::Lz4:
    return unpack_lz4(packed, wanted);
  case Packing::Bzip2:
    return unpack_bzip2(packed, wanted);
  case Packing::Lzo:
    return unpack_lzo(packed, wanted);
  }
  return std::nullopt;
}

} // namespace tapjit::target
