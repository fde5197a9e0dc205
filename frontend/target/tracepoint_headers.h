// SPDX-License-Identifier: GPL-2.0-or-later
// Tracepoints read from the kernel's headers, by a small parser that knows the few macros which declare one
// (include/linux/tracepoint.h, include/trace/define_trace.h): TRACE_EVENT and its variants, DECLARE_EVENT_CLASS with
// DEFINE_EVENT, DECLARE_TRACE.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/target.h"

#include <optional>
#include <string>
#include <string_view>

namespace tapjit::target {

// All tracepoints that the text of one header declares.
std::vector<Tracepoint> parse_trace_header(std::string_view text, std::string_view header);

// Tracepoints called "event" or "system:event", wildcards allowed in both, in the headers that belong to a build tree
// (its own include/ and that of the source tree which its Makefile includes).
Result<TracepointMatches> find_tracepoints(const std::string &build_dir, std::string_view pattern);

// The access of an argument whose C type needs no debuginfo: an integer or any pointer.
std::optional<VarAccess> simple_argument(std::string_view type, unsigned number);

} // namespace tapjit::target
