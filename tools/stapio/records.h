// SPDX-License-Identifier: GPL-2.0-or-later
// Turns records into text, with the format table read from the module and the formatter of runtime/core.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::stapio {

struct Format {
  std::string text;
  std::string arguments; // one letter each: 'i' or 's'
};

// The table as TAP_IOC_FORMATS gives it. False when it is not well formed.
bool parse_formats(std::string_view bytes, std::vector<Format> &formats);

enum class RecordKind { Output, Warning, Error, Command, Broken };

// Takes the first record off `records` and appends its text (of a warning or an error without prefix and newline; of a
// command, the command).
RecordKind take_record(std::string_view &records, const std::vector<Format> &formats, std::string &text);

} // namespace tapjit::stapio
