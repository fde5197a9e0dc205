// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_image.h"

#include "frontend/target/kernel_files.h"
#include "frontend/target/unpack.h"

#include <cstdint>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace tapjit::target {

namespace {

// Offsets in the boot sector, "The Real-Mode Kernel Header".
constexpr size_t setup_sectors_offset = 0x1f1, magic_offset = 0x202, payload_offset_offset = 0x248;
constexpr size_t header_end = 0x250, sector_size = 512;
constexpr size_t largest_kernel = 1u << 30;

uint32_t word_at(std::string_view bytes, size_t offset) {
  uint32_t value;
  memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

// The packed kernel. The last word is its size unpacked: put behind it by the kernel's Makefile, or gzip's own.
struct Payload {
  std::string_view bytes;
  size_t unpacked_size = 0;
};

std::optional<Payload> find_payload(std::string_view image) {
  if (image.size() < header_end || image.substr(magic_offset, 4) != "HdrS")
    return std::nullopt;
  size_t sectors = static_cast<unsigned char>(image[setup_sectors_offset]);
  size_t start = ((sectors ? sectors : 4) + 1) * sector_size + word_at(image, payload_offset_offset);
  size_t size = word_at(image, payload_offset_offset + 4);
  if (start > image.size() || size > image.size() - start || size < 2 * sizeof(uint32_t))
    return std::nullopt;
  Payload payload{image.substr(start, size), word_at(image, start + size - sizeof(uint32_t))};
  return payload.unpacked_size > largest_kernel ? std::nullopt : std::optional(payload);
}

} // namespace

Result<std::string> unpack_kernel_image(const std::string &path) {
  auto image = read_text_file(path);
  if (!image)
    return Error{"cannot read `" + path + "`: " + strerror(errno), ""};
  auto payload = find_payload(*image);
  if (!payload)
    return Error{"`" + path + "` is no x86 kernel image", ""};
  if (packing_of(payload->bytes) == Packing::None)
    return Error{"`" + path + "` is packed by something else than gzip, xz, lzma, LZ4, zstd, bzip2 or LZO", ""};
  if (std::string problem = unpacker_problem(packing_of(payload->bytes)); !problem.empty())
    return Error{"`" + path + "` cannot be unpacked: " + problem, ""};
  auto kernel = unpack(payload->bytes, payload->unpacked_size, ELFMAG);
  if (!kernel)
    return Error{"`" + path + "` is damaged: its kernel cannot be unpacked", ""};
  return std::move(*kernel);
}

// FNV-1a, 64 bits.
static uint64_t hash_of(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char byte : bytes)
    hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
  return hash;
}

static std::string hex_of(uint64_t value) {
  std::string text;
  for (int shift = 60; shift >= 0; shift -= 4)
    text += "0123456789abcdef"[value >> shift & 15];
  return text;
}

std::string kernel_image_stamp(const std::string &path) {
  constexpr size_t head_size = 40960, tail_size = 4096; // the version text is within the setup code
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info;
  if (fd < 0)
    return {};
  std::string stamp;
  if (fstat(fd, &info) == 0 && info.st_size >= static_cast<off_t>(head_size + tail_size)) {
    std::string head(head_size, '\0'), tail(tail_size, '\0');
    if (pread(fd, head.data(), head_size, 0) == static_cast<ssize_t>(head_size) &&
        pread(fd, tail.data(), tail_size, info.st_size - static_cast<off_t>(tail_size)) ==
            static_cast<ssize_t>(tail_size))
      stamp = hex_of(static_cast<uint64_t>(info.st_size)) + "-" + hex_of(hash_of(head)) + hex_of(hash_of(tail));
  }
  close(fd);
  return stamp;
}

} // namespace tapjit::target
