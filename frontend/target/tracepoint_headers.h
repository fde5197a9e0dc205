// SPDX-License-Identifier: GPL-2.0-or-later
// Tracepoints read from the kernel's headers, by a small parser that knows the few macros which declare one
// (include/linux/tracepoint.h, include/trace/define_trace.h): TRACE_EVENT and its variants, DECLARE_EVENT_CLASS with
// DEFINE_EVENT, DECLARE_TRACE.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/target.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

// All tracepoints that the text of one header declares.
std::vector<Tracepoint> parse_trace_header(std::string_view text, std::string_view header);

// The headers that belong to a build tree: its own include/ and that of the source tree which its Makefile includes.
class TracepointHeaders {
public:
  explicit TracepointHeaders(std::string build_dir) : build_dir_(std::move(build_dir)) {}
  // Tracepoints called "event" or "system:event", wildcards allowed in both. Headers are read when they are first asked
  // for; an answer is kept. Fails when there are none.
  Result<TracepointMatches> find(std::string_view pattern);

private:
  std::vector<Tracepoint> read(std::string_view must_contain) const;
  const std::vector<Tracepoint> &all();
  std::string build_dir_;
  std::optional<std::vector<Tracepoint>> all_;
  std::map<std::string, TracepointMatches> found_; // by pattern
};

// The access of an argument whose C type needs no debuginfo: an integer or any pointer.
std::optional<VarAccess> simple_argument(std::string_view type, unsigned number);

} // namespace tapjit::target
