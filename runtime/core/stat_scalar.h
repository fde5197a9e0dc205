/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A scalar statistic: one part per CPU, updated without a lock and added up when it is read. */
#ifndef TAP_CORE_STAT_SCALAR_H
#define TAP_CORE_STAT_SCALAR_H

#include "stat.h"

/*
 * The parts of a scalar, added up. Its variance is the total variance of its parts, which have a variance v
 * of their own: the sum of n * (mean - all)^2 + (n - 1) * v, where `all` is the mean of all values. As
 * arithmetic wraps, the square is multiplied out: so one walk over the parts is enough.
 */
struct tap_stat_total {
	struct tap_stat s;
	int64_t means;	 /* sum of n * mean */
	int64_t squares; /* sum of n * mean^2 + (n - 1) * v */
};

TAP_INLINE void tap_stat_merge(struct tap_stat_total *to, const struct tap_stat *from)
{
	int64_t n = from->count;

	if (!n)
		return;
	if (!to->s.count || from->min < to->s.min)
		to->s.min = from->min;
	if (!to->s.count || from->max > to->s.max)
		to->s.max = from->max;
	to->s.count += n;
	to->s.sum = tap_add(to->s.sum, from->sum);
	to->means = tap_add(to->means, tap_mul(n, from->mean));
	to->squares = tap_add(to->squares, tap_mul(tap_mul(n, from->mean), from->mean));
	if (n > 1)
		to->squares = tap_add(to->squares, tap_mul(n - 1, from->m2 / (n - 1)));
}

/* Of two values or more. */
TAP_INLINE int64_t tap_stat_total_variance(const struct tap_stat_total *total, int shift)
{
	int64_t n = total->s.count, all = (int64_t)((uint64_t)total->s.sum << shift) / n;
	int64_t distances = tap_add(tap_sub(total->squares, tap_mul(tap_mul(2, all), total->means)),
				    tap_mul(tap_mul(n, all), all));

	return (distances / (n - 1)) >> (2 * shift);
}

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
						 struct tap_stat_total *total, int64_t *buckets)             \
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
		struct tap_stat_total total;                                                                 \
                                                                                                             \
		name##_read(c, cpus, &total, NULL);                                                          \
		if (field == TAP_VARIANCE && total.s.count > 1)                                              \
			return tap_stat_total_variance(&total, (spec).shift);                                \
		return tap_stat_field(c, &total.s, (spec).shift, field, where);                              \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static int64_t name##_bucket(struct tap_ctx *c, const struct name##_cpu *cpus,      \
						      int64_t bucket, bool lenient, const char *where)       \
	{                                                                                                    \
		uint32_t count = tap_cpu_count(), i;                                                         \
		int64_t values = 0, found = 0;                                                               \
                                                                                                             \
		for (i = 0; i < count && tap_work_charge(c, NULL); i++) {                                    \
			values += cpus[i].stat.s.count;                                                      \
			if (bucket >= 0 && bucket < (spec).hist.buckets)                                     \
				found += cpus[i].stat.buckets[bucket];                                       \
		}                                                                                            \
		if (!lenient)                                                                                \
			tap_stat_bucket_check(c, values, &(spec), bucket, where);                            \
		return found;                                                                                \
	}                                                                                                    \
                                                                                                             \
	TAP_MAYBE_UNUSED static void name##_print_hist(struct tap_ctx *c, const struct name##_cpu *cpus,     \
						       int64_t width, int64_t elision, const char *where)    \
	{                                                                                                    \
		struct tap_stat_total total;                                                                 \
		int64_t *buckets;                                                                            \
                                                                                                             \
		name##_read(c, cpus, &total, NULL);                                                          \
		if (!total.s.count) {                                                                        \
			tap_fail(c, where, "empty aggregate");                                               \
			return;                                                                              \
		}                                                                                            \
		buckets = tap_hist_record(c, &(spec).hist, width, elision);                                  \
		if (buckets)                                                                                 \
			name##_read(c, cpus, &total, buckets);                                               \
	}                                                                                                    \
                                                                                                             \
	/* Adds up in the element behind the last CPU's; the caller holds the lock for writing. */           \
	TAP_MAYBE_UNUSED static struct tap_str name##_sprint_hist(                                           \
	    struct tap_ctx *c, struct name##_cpu *cpus, char *slot, uint32_t size, int64_t width,            \
	    int64_t elision, const char *where)                                                              \
	{                                                                                                    \
		struct name##_stat *sum = &cpus[tap_cpu_count()].stat;                                       \
		struct tap_stat_total total;                                                                 \
                                                                                                             \
		__builtin_memset(sum, 0, sizeof(*sum));                                                      \
		name##_read(c, cpus, &total, sum->buckets);                                                  \
		return tap_sprint_hist(c, slot, size, &(spec).hist, total.s.count ? sum->buckets : NULL,     \
				       width, elision, where);                                               \
	}

#endif
