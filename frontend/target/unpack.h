// SPDX-License-Identifier: GPL-2.0-or-later
// Files that are installed packed: modules (.ko.xz, .ko.zst, .ko.gz), and the kernel inside of its bootable image.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tapjit::target {

// Told by the first bytes; a name's ending says nothing.
enum class Packing { None, Gzip, Xz, Lzma, Zstd, Lz4, Bzip2, Lzo };

Packing packing_of(std::string_view bytes);

// Why nothing that is packed so can be unpacked here: a library is missing. Empty: it can.
std::string unpacker_problem(Packing packing);

// What `packed` holds: its first stream, as there may be more behind it. `size`: what must come out, 0 when that is not
// known. `begins`: what it must begin with, which is seen before all is unpacked. nullopt: it is not packed, damaged,
// cut off, of another size, begins otherwise, or is larger than any kernel (1 GB).
std::optional<std::string> unpack(std::string_view packed, size_t size = 0, std::string_view begins = {});

} // namespace tapjit::target
