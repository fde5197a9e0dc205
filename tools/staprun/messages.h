// SPDX-License-Identifier: GPL-2.0-or-later
// How staprun and stapio speak: `ERROR: ...` and `WARNING: ...` on standard error, as SystemTap's do.
#pragma once

#include <cstdarg>
#include <cstdio>
#include <string>

namespace tapjit::staprun {

[[gnu::format(printf, 2, 3)]] inline void say(const char *kind, const char *format, ...) {
  char text[1024];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof(text), format, arguments);
  va_end(arguments);
  fprintf(stderr, "%s: %s\n", kind, text);
}

#define TAPJIT_ERROR(...) ::tapjit::staprun::say("ERROR", __VA_ARGS__)
#define TAPJIT_WARNING(...) ::tapjit::staprun::say("WARNING", __VA_ARGS__)

} // namespace tapjit::staprun
