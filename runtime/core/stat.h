/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Statistics: the numbers that `<<<` keeps and the operators that read them. An element of a map has one
 * struct <name>_stat; a scalar has one per CPU, updated without a lock and merged when it is read.
 */
#ifndef TAP_CORE_STAT_H
#define TAP_CORE_STAT_H

#include "hist.h"
#include "platform.h"

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

/* Adds `from` to `to`; variances by the pairwise rule of Chan, Golub and LeVeque. */
TAP_INLINE void tap_stat_merge(struct tap_stat *to, const struct tap_stat *from)
{
	int64_t delta, total;

	if (!from->count)
		return;
	if (!to->count) {
		*to = *from;
		return;
	}
	total = to->count + from->count;
	delta = tap_sub(from->mean, to->mean);
	to->m2 = tap_add(tap_add(to->m2, from->m2),
			 tap_mul(tap_mul(delta, delta), to->count) / total * from->count);
	to->mean = tap_add(to->mean, tap_mul(delta, from->count) / total);
	to->count = total;
	to->sum = tap_add(to->sum, from->sum);
	if (from->min < to->min)
		to->min = from->min;
	if (from->max > to->max)
		to->max = from->max;
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
	record->kind = hist->kind == TAP_HIST_LINEAR;
	record->low = hist->low;
	record->high = hist->high;
	record->step = hist->step;
	record->width = width;
	record->elision = elision;
	record->buckets = hist->buckets;
	return (int64_t *)__builtin_memset(record + 1, 0, hist->buckets * sizeof(int64_t));
}

/* --- the storage of one statistic, and a scalar's functions. `buckets_` is a constant, 0 without a
 * histogram. */

#define TAP_STAT_TYPE(name, buckets_)                                                                        \
	struct name##_stat {                                                                                 \
		struct tap_stat s;                                                                           \
		int64_t buckets[buckets_];                                                                   \
	};

/* Copies one CPU's part as it was between two updates; after many vain tries, as it is. */
TAP_INLINE void tap_stat_snapshot(struct tap_ctx *c, struct tap_stat *to, const struct tap_stat *from,
				  const uint64_t *turn)
{
	int tries;

	for (tries = 0; tries < 100 && tap_work_charge(c, NULL); tries++) {
		uint64_t before = __atomic_load_n(turn, __ATOMIC_ACQUIRE);

		*to = *from;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && __atomic_load_n(turn, __ATOMIC_RELAXED) == before)
			break;
	}
}

/* One CPU's part. `turn` is odd while the CPU changes it, so that a reader can tell. */
#define TAP_STAT_DEFINE(name, spec)                                                                          \
	struct name##_cpu {                                                                                  \
		uint64_t turn;                                                                               \
		struct name##_stat stat;                                                                     \
	} __attribute__((aligned(64)));                                                                      \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_add(struct name##_cpu *cpus, int64_t value)                      \
	{                                                                                                    \
		struct name##_cpu *cpu = &cpus[tap_cpu()];                                                   \
                                                                                                             \
		__atomic_store_n(&cpu->turn, cpu->turn + 1, __ATOMIC_RELAXED);                               \
		__atomic_thread_fence(__ATOMIC_RELEASE);                                                     \
		tap_stat_update(&cpu->stat.s, cpu->stat.buckets, &(spec), value);                            \
		__atomic_store_n(&cpu->turn, cpu->turn + 1, __ATOMIC_RELEASE);                               \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_clear(struct name##_cpu *cpus)                                   \
	{                                                                                                    \
		__builtin_memset(cpus, 0, sizeof(*cpus) * tap_cpu_count());                                  \
	}                                                                                                    \
                                                                                                             \
	/* The sum over all CPUs; buckets too unless `buckets` is NULL (they start from what is there). */   \
	TAP_MAYBE_UNUSED static void name##_read(struct tap_ctx *c, const struct name##_cpu *cpus,           \
						 struct tap_stat *total, int64_t *buckets)                   \
	{                                                                                                    \
		uint32_t count = tap_cpu_count(), i, bucket;                                                 \
                                                                                                             \
		__builtin_memset(total, 0, sizeof(*total));                                                  \
		for (i = 0; i < count && tap_work_charge(c, NULL); i++) {                                    \
			struct tap_stat part;                                                                \
                                                                                                             \
			tap_stat_snapshot(c, &part, &cpus[i].stat.s, &cpus[i].turn);                         \
			tap_stat_merge(total, &part);                                                        \
			for (bucket = 0; buckets && bucket < (spec).hist.buckets; bucket++)                  \
				buckets[bucket] += cpus[i].stat.buckets[bucket];                             \
		}                                                                                            \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_get(struct tap_ctx *c, const struct name##_cpu *cpus,         \
						   enum tap_stat_field field, const char *where)             \
	{                                                                                                    \
		struct tap_stat total;                                                                       \
                                                                                                             \
		name##_read(c, cpus, &total, NULL);                                                          \
		return tap_stat_field(c, &total, (spec).shift, field, where);                                \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_print_hist(struct tap_ctx *c, const struct name##_cpu *cpus,     \
						       int64_t width, int64_t elision, const char *where)    \
	{                                                                                                    \
		struct tap_stat total;                                                                       \
		int64_t *buckets;                                                                            \
                                                                                                             \
		name##_read(c, cpus, &total, NULL);                                                          \
		if (!total.count) {                                                                          \
			tap_fail(c, where, "empty aggregate");                                               \
			return;                                                                              \
		}                                                                                            \
		buckets = tap_hist_record(c, &(spec).hist, width, elision);                                  \
		if (buckets)                                                                                 \
			name##_read(c, cpus, &total, buckets);                                               \
	}

#endif
