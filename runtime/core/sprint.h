/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sprintf in a handler, and a histogram as a string: format.h and hist.h, compiled once. */
#ifndef TAP_CORE_SPRINT_H
#define TAP_CORE_SPRINT_H

#include "format.h"
#include "hist.h"
#include "program.h"

/* The text is in `slot`, cut to size - 1 bytes and NUL-terminated; a NUL that %c or %b made ends it. */
struct tap_str tap_sprint(struct tap_ctx *c, char *slot, uint32_t size, const struct tap_format *format,
			  const struct tap_value *args, uint32_t count, const char *where);
/* The table of a histogram, likewise. `buckets` NULL: there is none, and the handler fails. */
struct tap_str tap_sprint_hist(struct tap_ctx *c, char *slot, uint32_t size, const struct tap_hist_spec *spec,
			       const int64_t *buckets, int64_t width, int64_t elision, const char *where);

#endif
