// SPDX-License-Identifier: GPL-2.0-or-later
// SHA-256 (FIPS 180-4), because keys must not collide by accident or by a script made for it, and a library for 60
// lines is too much.
#include "codegen/cache/store.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <dirent.h>
#include <sys/stat.h>
#include <vector>

namespace tapjit::codegen {
namespace {

constexpr uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

void collect_files(const std::string &directory, std::vector<std::string> &files) {
  DIR *stream = opendir(directory.c_str());
  if (!stream)
    return;
  while (dirent *entry = readdir(stream)) {
    std::string name = entry->d_name;
    if (name.starts_with("."))
      continue;
    std::string path = directory + "/" + name;
    struct stat status;
    if (stat(path.c_str(), &status) != 0)
      continue;
    if (S_ISDIR(status.st_mode))
      collect_files(path, files);
    else if (S_ISREG(status.st_mode))
      files.push_back(path);
  }
  closedir(stream);
}

} // namespace

std::string CacheKey::text() const {
  char buffer[33];
  snprintf(buffer, sizeof(buffer), "%016llx%016llx", static_cast<unsigned long long>(high),
           static_cast<unsigned long long>(low));
  return buffer;
}

KeyBuilder::KeyBuilder()
    : state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}, block_{} {
}

void KeyBuilder::compress(const uint8_t *block) {
  uint32_t w[64];
  for (int i = 0; i < 16; i++) {
    uint32_t word;
    memcpy(&word, block + 4 * i, 4);
    w[i] = __builtin_bswap32(word);
  }
  for (int i = 16; i < 64; i++) {
    uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  uint32_t v[8];
  std::copy(state_, state_ + 8, v);
  for (int i = 0; i < 64; i++) {
    uint32_t s1 = std::rotr(v[4], 6) ^ std::rotr(v[4], 11) ^ std::rotr(v[4], 25);
    uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + round_constants[i] + w[i];
    uint32_t s0 = std::rotr(v[0], 2) ^ std::rotr(v[0], 13) ^ std::rotr(v[0], 22);
    uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    std::copy_backward(v, v + 7, v + 8);
    v[4] += t1;
    v[0] = t1 + t2;
  }
  for (int i = 0; i < 8; i++)
    state_[i] += v[i];
}

void KeyBuilder::update(const void *data, size_t size) {
  const auto *bytes = static_cast<const uint8_t *>(data);
  while (size > 0) {
    size_t filled = total_ % 64;
    size_t take = std::min(size, 64 - filled);
    memcpy(block_ + filled, bytes, take);
    total_ += take;
    bytes += take;
    size -= take;
    if (filled + take == 64)
      compress(block_);
  }
}

KeyBuilder &KeyBuilder::add(std::string_view part) {
  uint64_t size = part.size();
  update(&size, sizeof(size));
  update(part.data(), part.size());
  return *this;
}

KeyBuilder &KeyBuilder::add(uint64_t number) {
  return add(std::string_view(reinterpret_cast<const char *>(&number), sizeof(number)));
}

KeyBuilder &KeyBuilder::add_file_stamp(const std::string &path) {
  struct stat status;
  add(path);
  if (stat(path.c_str(), &status) != 0)
    return add("missing");
  return add(status.st_size).add(status.st_mtim.tv_sec).add(status.st_mtim.tv_nsec).add(status.st_ino);
}

KeyBuilder &KeyBuilder::add_tree_stamp(const std::string &directory) {
  std::vector<std::string> files;
  collect_files(directory, files);
  std::sort(files.begin(), files.end());
  add(files.size());
  for (const std::string &file : files)
    add_file_stamp(file);
  return *this;
}

CacheKey KeyBuilder::finish() {
  uint64_t bits = __builtin_bswap64(total_ * 8);
  uint8_t pad[72] = {0x80};
  size_t filled = total_ % 64;
  size_t zeros = filled < 56 ? 56 - filled : 120 - filled;
  update(pad, zeros);
  update(&bits, 8);
  return {(uint64_t{state_[0]} << 32) | state_[1], (uint64_t{state_[2]} << 32) | state_[3]};
}

} // namespace tapjit::codegen
