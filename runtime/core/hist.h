/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Histograms: which bucket a value falls in, and the table that is printed. C and C++.
 *
 * Logarithmic: 128 buckets; 64 is the value 0, 64 + n the values from 2^(n-1) to 2^n - 1, 64 - n the same
 * negated. Linear: bucket 0 is below `low`, bucket i from low + (i-1) * step, the last one is above `high`.
 */
#ifndef TAP_CORE_HIST_H
#define TAP_CORE_HIST_H

#include "out.h"
#include "wire.h"

enum tap_hist_kind { TAP_HIST_NONE, TAP_HIST_LOG, TAP_HIST_LINEAR };
enum { TAP_HIST_LOG_BUCKETS = 128, TAP_HIST_LOG_ZERO = 64 };

struct tap_hist_spec {
	enum tap_hist_kind kind;
	int64_t low, high, step;
	uint32_t buckets; /* 0: no histogram */
};

TAP_INLINE void tap_hist_describe(struct tap_record_hist *record, const struct tap_hist_spec *spec,
				  int64_t width, int64_t elision)
{
	record->kind = spec->kind == TAP_HIST_LINEAR;
	record->low = spec->low;
	record->high = spec->high;
	record->step = spec->step;
	record->width = width;
	record->elision = elision;
	record->buckets = spec->buckets;
}

TAP_INLINE uint32_t tap_hist_bucket(const struct tap_hist_spec *spec, int64_t value)
{
	uint64_t distance;

	if (spec->kind == TAP_HIST_LOG) {
		if (!value)
			return TAP_HIST_LOG_ZERO;
		if (value > 0)
			return TAP_HIST_LOG_ZERO + 64 - (uint32_t)__builtin_clzll((uint64_t)value);
		return (uint32_t)__builtin_clzll(0 - (uint64_t)value);
	}
	if (value < spec->low)
		return 0;
	distance = ((uint64_t)value - (uint64_t)spec->low) / (uint64_t)spec->step;
	return distance >= spec->buckets - 2 ? spec->buckets - 1 : (uint32_t)distance + 1;
}

/* The least value of a bucket (of a negative logarithmic one: the greatest). */
TAP_INLINE int64_t tap_hist_value(const struct tap_record_hist *h, int64_t bucket)
{
	if (h->kind == 0) {
		if (bucket == TAP_HIST_LOG_ZERO)
			return 0;
		if (bucket > TAP_HIST_LOG_ZERO)
			return (int64_t)(1ull << (bucket - TAP_HIST_LOG_ZERO - 1));
		return (int64_t)(0 - (1ull << (TAP_HIST_LOG_ZERO - bucket - 1)));
	}
	if (bucket == 0)
		return h->low;
	if (bucket == h->buckets - 1)
		return h->low + (bucket - 2) * h->step;
	return h->low + (bucket - 1) * h->step;
}

TAP_INLINE uint32_t tap_digits(int64_t value)
{
	char text[24];

	return tap_decimal(text, value);
}

/* The rows that are shown: from the first to the last count, two empty ones on either side. */
struct tap_hist_range {
	int64_t first, last, most;
	bool under, over;
};

TAP_INLINE struct tap_hist_range tap_hist_range(const struct tap_record_hist *h, const int64_t *buckets,
						struct tap_work *work)
{
	struct tap_hist_range r = {-1, 0, 0, false, false};
	int64_t i;

	for (i = 0; i < h->buckets && tap_work_take(work); i++) {
		if (buckets[i] <= 0)
			continue;
		if (r.first < 0)
			r.first = i;
		r.last = i;
		if (buckets[i] > r.most)
			r.most = buckets[i];
	}
	if (r.first < 0)
		return r;
	for (i = 0; i < 2; i++) {
		/* A logarithmic histogram of positive values does not show negative rows. */
		if (r.first > 0 && !(h->kind == 0 && r.first == TAP_HIST_LOG_ZERO))
			r.first--;
		if (r.last < h->buckets - 1)
			r.last++;
	}
	if (h->kind) {
		if (r.first == 0 && !buckets[0])
			r.first = 1;
		if (r.last == h->buckets - 1 && !buckets[r.last])
			r.last--;
		r.under = r.first == 0;
		r.over = r.last == h->buckets - 1;
	}
	return r;
}

/* No count in the `elision` rows on either side, nor in the row itself. */
TAP_INLINE bool tap_hist_elided(const struct tap_record_hist *h, const int64_t *buckets, int64_t row,
				const struct tap_hist_range *r, struct tap_work *work)
{
	int64_t i = row - h->elision < r->first ? r->first : row - h->elision;
	int64_t end = row + h->elision > r->last ? r->last : row + h->elision;

	if (h->elision < 0)
		return false;
	for (; i <= end && tap_work_take(work); i++)
		if (buckets[i])
			return false;
	return true;
}

/* A value right-aligned, with its mark < or >. */
TAP_INLINE void tap_hist_label(struct tap_out *out, uint32_t width, const char *mark, int64_t value)
{
	char text[24];
	uint32_t n = tap_decimal(text, value), m = (uint32_t)__builtin_strlen(mark);

	tap_out_fill(out, ' ', n + m < width ? width - n - m : 0);
	tap_out_bytes(out, mark, m);
	tap_out_bytes(out, text, n);
}

/* Prints the table and an empty line; nothing for a histogram without counts. */
TAP_INLINE void tap_hist_print(struct tap_out *out, const struct tap_record_hist *h, const int64_t *buckets,
			       struct tap_work *work)
{
	struct tap_hist_range r = tap_hist_range(h, buckets, work);
	uint32_t low_width, high_width, width, count_width = tap_digits(r.most);
	int64_t scale = r.most <= h->width ? 1 : (r.most - 1) / (h->width > 0 ? h->width : 1) + 1, i;
	bool eliding = false;

	if (r.first < 0)
		return;
	/* SystemTap's: not always as wide as the widest label. */
	low_width = tap_digits(h->kind ? h->low : tap_hist_value(h, r.first)) + r.under;
	high_width = tap_digits(h->kind ? h->low + h->step * r.last : tap_hist_value(h, r.last)) + r.over;
	width = low_width > high_width ? low_width : high_width;
	if (width < 5)
		width = 5;
	tap_out_fill(out, ' ', width - 5);
	tap_out_bytes(out, "value |", 7);
	tap_out_fill(out, '-', (uint64_t)h->width);
	tap_out_bytes(out, " count\n", 7);
	for (i = r.first; i <= r.last && tap_work_take(work); i++) {
		uint64_t marks = (uint64_t)(buckets[i] / scale);
		bool under = r.under && i == 0, over = r.over && i == h->buckets - 1;

		if (tap_hist_elided(h, buckets, i, &r, work)) {
			eliding = true;
			continue;
		}
		if (eliding) {
			tap_out_fill(out, ' ', width + 1);
			tap_out_bytes(out, "~\n", 2);
			eliding = false;
		}
		tap_hist_label(out, width, under ? "<" : over ? ">" : "", tap_hist_value(h, i));
		tap_out_bytes(out, " |", 2);
		tap_out_fill(out, '@', marks);
		tap_out_fill(out, ' ', (uint64_t)h->width - marks + 1);
		tap_hist_label(out, count_width, "", buckets[i]);
		tap_out_bytes(out, "\n", 1);
	}
	tap_out_bytes(out, "\n", 1);
}

#endif
