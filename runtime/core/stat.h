/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics: the numbers that `<<<` keeps and the operators that read them. An element of a map has one
 * struct <name>_stat; a scalar has one per CPU (stat_scalar.h).
 */
#ifndef TAP_CORE_STAT_H
#define TAP_CORE_STAT_H

#include "hist.h"
#include "platform.h"
#include "sprint.h"

struct tap_stat {
	int64_t count, sum, min, max;
	int64_t mean,
	    m2; /* Welford's running mean and sum of squared distances, values shifted left by `shift` */
};

/* Constant for each statistic of a script, so what it does not ask for costs nothing. */
struct tap_stat_spec {
	struct tap_hist_spec hist;
	bool variance;
	int shift;
};

enum tap_stat_field {
	TAP_COUNT_OF,
	TAP_SUM,
	TAP_MIN,
	TAP_MAX,
	TAP_AVG,
	TAP_VARIANCE
}; /* ir::StatField's order */

TAP_INLINE int64_t tap_div_exact(int64_t a, int64_t b)
{
	return b == -1 ? tap_sub(0, a) : a / b;
}

/* `buckets` has spec->hist.buckets counts. */
TAP_INLINE void tap_stat_update(struct tap_stat *s, int64_t *buckets, const struct tap_stat_spec *spec,
				int64_t value)
{
	if (s->count == 0 || value < s->min)
		s->min = value;
	if (s->count == 0 || value > s->max)
		s->max = value;
	s->count++;
	s->sum = tap_add(s->sum, value);
	if (spec->variance) {
		int64_t scaled = (int64_t)((uint64_t)value << spec->shift);
		int64_t delta = tap_sub(scaled, s->mean);

		s->mean = tap_add(s->mean, delta / s->count);
		s->m2 = tap_add(s->m2, tap_mul(delta, tap_sub(scaled, s->mean)));
	}
	if (spec->hist.buckets)
		buckets[tap_hist_bucket(&spec->hist, value)]++;
}

/* An empty statistic has a count and a sum; the rest fails. `s` NULL: empty. */
TAP_INLINE int64_t tap_stat_field(struct tap_ctx *c, const struct tap_stat *s, int shift,
				  enum tap_stat_field field, const char *where)
{
	int64_t count = s ? s->count : 0;

	if (field == TAP_COUNT_OF)
		return count;
	if (field == TAP_SUM)
		return count ? s->sum : 0;
	if (tap_unlikely(!count)) {
		tap_fail(c, where, "empty aggregate");
		return 0;
	}
	switch (field) {
	case TAP_MIN:
		return s->min;
	case TAP_MAX:
		return s->max;
	case TAP_AVG:
		return s->sum / count;
	default:
		return count < 2 ? 0 : (s->m2 / (count - 1)) >> (2 * shift);
	}
}

/* Fails where a histogram of `values` values has no such bucket. */
TAP_INLINE void tap_stat_bucket_check(struct tap_ctx *c, int64_t values, const struct tap_stat_spec *spec,
				      int64_t bucket, const char *where)
{
	if (!values)
		tap_fail(c, where, "empty aggregate");
	else if (bucket < 0 || bucket >= spec->hist.buckets)
		tap_fail(c, where, "histogram index out of range");
}

/* For sorting, where nothing fails: an empty element counts as 0. */
TAP_INLINE int64_t tap_stat_sort_key(const struct tap_stat *s, int shift, enum tap_stat_field field)
{
	return s->count || field <= TAP_SUM ? tap_stat_field(NULL, s, shift, field, NULL) : 0;
}

/* Starts the record of a histogram; gives its zeroed buckets, or NULL (the unit is lost). */
TAP_INLINE int64_t *tap_hist_record(struct tap_ctx *c, const struct tap_hist_spec *hist, int64_t width,
				    int64_t elision)
{
	uint8_t *at = tap_record(
	    c, TAP_RECORD_HIST, (uint32_t)(sizeof(struct tap_record_hist) + hist->buckets * sizeof(int64_t)));
	struct tap_record_hist *record = (struct tap_record_hist *)at;

	if (!at)
		return NULL;
	tap_hist_describe(record, hist, width, elision);
	return (int64_t *)__builtin_memset(record + 1, 0, hist->buckets * sizeof(int64_t));
}

/* The storage of one statistic. `buckets_` is a constant, 0 without a histogram. */

#define TAP_STAT_TYPE(name, buckets_)                                                                        \
	struct name##_stat {                                                                                 \
		struct tap_stat s;                                                                           \
		int64_t buckets[buckets_];                                                                   \
	};

#endif
