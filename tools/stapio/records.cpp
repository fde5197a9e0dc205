// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stapio/records.h"

#include <cstring>

#include "runtime/core/format.h"
#include "runtime/core/hist.h"
#include "runtime/core/wire.h"

namespace tapjit::stapio {
namespace {

template <typename T> bool take_struct(std::string_view &bytes, T &value) {
  if (bytes.size() < sizeof(T))
    return false;
  memcpy(&value, bytes.data(), sizeof(T));
  bytes.remove_prefix(sizeof(T));
  return true;
}

bool take_string(std::string_view &bytes, std::string_view &value) {
  uint32_t length;
  if (bytes.size() < sizeof(length))
    return false;
  memcpy(&length, bytes.data(), sizeof(length));
  uint64_t padded = (sizeof(length) + uint64_t{length} + 7) & ~uint64_t{7};
  if (padded > bytes.size())
    return false;
  value = bytes.substr(sizeof(length), length);
  bytes.remove_prefix(padded);
  return true;
}

// Appends what `print` makes; it is called again with room for all when the first room was too small.
template <typename Print> void append_printed(std::string &text, size_t guess, Print print) {
  size_t start = text.size();
  text.resize(start + guess);
  uint64_t length = print(text.data() + start, static_cast<uint32_t>(guess));
  if (length > guess) {
    text.resize(start + length);
    print(text.data() + start, static_cast<uint32_t>(length));
  }
  text.resize(start + length);
}

// Counts turns for handlers; here nothing needs to be cut short.
tap_work unlimited_work() {
  tap_work work;
  work.left = TAP_INT64_MAX;
  return work;
}

bool print_format(std::string_view payload, const Format &format, std::string &text) {
  tap_value values[64];
  std::vector<tap_value> many;
  tap_value *arguments = values;
  if (format.arguments.size() > 64) {
    many.resize(format.arguments.size());
    arguments = many.data();
  }
  size_t guess = format.text.size() + 64;
  for (size_t i = 0; i < format.arguments.size(); i++) {
    arguments[i] = {0, nullptr};
    if (format.arguments[i] == 's') {
      std::string_view value;
      if (!take_string(payload, value))
        return false;
      arguments[i] = {static_cast<int64_t>(value.size()), value.data()};
      guess += value.size();
    } else {
      if (!take_struct(payload, arguments[i].i))
        return false;
      guess += 24;
    }
  }
  tap_str template_text = {format.text.data(), static_cast<uint32_t>(format.text.size())};
  append_printed(text, guess, [&](char *at, uint32_t size) {
    tap_work work = unlimited_work();
    return tap_format_text(at, size, template_text, arguments, static_cast<uint32_t>(format.arguments.size()), &work);
  });
  return true;
}

bool print_histogram(std::string_view payload, std::string &text) {
  tap_record_hist histogram;
  if (!take_struct(payload, histogram) || histogram.buckets < 0 || histogram.width < 0 ||
      histogram.width > TAP_FORMAT_MAX_WIDTH || static_cast<uint64_t>(histogram.buckets) > payload.size() / 8)
    return false;
  std::vector<int64_t> buckets(static_cast<size_t>(histogram.buckets));
  memcpy(buckets.data(), payload.data(), buckets.size() * sizeof(int64_t));
  append_printed(text, 4096, [&](char *at, uint32_t size) {
    tap_work work = unlimited_work();
    tap_out out = {at, 0, size};
    tap_hist_print(&out, &histogram, buckets.data(), &work);
    return out.n;
  });
  return true;
}

RecordKind text_record(uint32_t format, std::string_view payload, std::string &text) {
  std::string_view value;
  if (!take_string(payload, value))
    return RecordKind::Broken;
  text += value;
  if (format == TAP_RECORD_TEXT)
    return RecordKind::Output;
  if (format == TAP_RECORD_COMMAND)
    return RecordKind::Command;
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return format == TAP_RECORD_WARNING ? RecordKind::Warning : RecordKind::Error;
}

} // namespace

bool parse_formats(std::string_view bytes, std::vector<Format> &formats) {
  while (bytes.size() >= 4) {
    size_t before = bytes.size();
    Format format;
    uint32_t length, count;
    if (!take_struct(bytes, length) || length > bytes.size())
      return false;
    format.text = bytes.substr(0, length);
    bytes.remove_prefix(length);
    if (!take_struct(bytes, count) || count > bytes.size())
      return false;
    format.arguments = bytes.substr(0, count);
    bytes.remove_prefix(count);
    size_t padding = (4 - (before - bytes.size()) % 4) % 4;
    bytes.remove_prefix(std::min(padding, bytes.size()));
    formats.push_back(std::move(format));
  }
  return bytes.empty();
}

RecordKind take_record(std::string_view &records, const std::vector<Format> &formats, std::string &text) {
  tap_record_header header;
  if (records.size() < sizeof(header))
    return RecordKind::Broken;
  memcpy(&header, records.data(), sizeof(header));
  if (header.size < sizeof(header) || header.size > records.size())
    return RecordKind::Broken;
  std::string_view payload = records.substr(sizeof(header), header.size - sizeof(header));
  records.remove_prefix(header.size);
  switch (header.format) {
  case TAP_RECORD_WARNING:
  case TAP_RECORD_ERROR:
  case TAP_RECORD_TEXT:
  case TAP_RECORD_COMMAND:
    return text_record(header.format, payload, text);
  case TAP_RECORD_HIST:
    return print_histogram(payload, text) ? RecordKind::Output : RecordKind::Broken;
  default:
    if (header.format >= formats.size() || !print_format(payload, formats[header.format], text))
      return RecordKind::Broken;
    return RecordKind::Output;
  }
}

} // namespace tapjit::stapio
