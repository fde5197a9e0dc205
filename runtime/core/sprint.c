/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sprint.h"

struct tap_str tap_sprint(struct tap_ctx *c, char *slot, uint32_t size, const struct tap_format *format,
			  const struct tap_value *args, uint32_t count, const char *where)
{
	struct tap_out out = {slot, 0, size};
	struct tap_format_state s = {&out, format->text, format->text + format->length,
				     args, args + count, &c->work,
				     true, false,	 NULL};
	uint32_t kept;

	tap_format_run(&s);
	if (s.has_fault)
		tap_fail_fault(c, where, (uint64_t)(uintptr_t)s.fault);
	kept = out.n < size ? (uint32_t)out.n : size - 1;
	slot[kept] = 0;
	return tap_str_in(slot, kept);
}

struct tap_str tap_sprint_hist(struct tap_ctx *c, char *slot, uint32_t size, const struct tap_hist_spec *spec,
			       const int64_t *buckets, int64_t width, int64_t elision, const char *where)
{
	struct tap_record_hist record;
	struct tap_out out = {slot, 0, size};
	uint32_t kept;

	if (buckets) {
		tap_hist_describe(&record, spec, width, elision);
		tap_hist_print(&out, &record, buckets, &c->work);
	} else {
		tap_fail(c, where, "empty aggregate");
	}
	kept = out.n < size ? (uint32_t)out.n : size - 1;
	slot[kept] = 0;
	return tap_str_make(slot, kept);
}
