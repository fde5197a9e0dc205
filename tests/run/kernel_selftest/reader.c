/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small reader of a session, for tests of the kernel runtime alone: reader [OPTION]... MODULE
 * Prints units merged by number, states, and the counters at the end. Formats are printed with %d, %s only.
 *   -q       do not print units; count them and check their order
 *   -s N     sleep N ms between START's return and the first read
 *   -k N     after N ms leave without TAP_IOC_STOP (exit code 9)
 *   -t N     ask for the stop after N ms
 *   -p       do nothing but hold the file open until killed
 */
#include "runtime/core/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BUFFER = 4 << 20, RINGS = 260 };

static int fd;
static struct tap_info info;
static char *format_text[4096];
static char *format_args[4096];
static int quiet;
static volatile int start_rc = -9999;
static uint64_t units, records, bytes, reads, out_of_order;
static uint64_t errors_printed;

struct queue {
	uint8_t *data;
	size_t at, end, room;
};
static struct queue queues[RINGS];

static void load_formats(void)
{
	uint8_t *table = malloc(info.formats_bytes + 1), *at = table;
	struct tap_formats_request request = {(uintptr_t)table, info.formats_bytes};

	if (ioctl(fd, TAP_IOC_FORMATS, &request)) {
		perror("formats");
		exit(1);
	}
	for (uint32_t i = 0; i < info.formats; i++) {
		uint32_t n, args;

		memcpy(&n, at, 4);
		format_text[i] = strndup((char *)at + 4, n);
		memcpy(&args, at + 4 + n, 4);
		format_args[i] = strndup((char *)at + 8 + n, args);
		at += (8 + n + args + 3) & ~3u;
	}
}

static void print_record(const struct tap_record_header *record)
{
	const uint8_t *at = (const uint8_t *)(record + 1);
	const char *p;

	if (record->format >= TAP_RECORD_WARNING) {
		uint32_t n = *(const uint32_t *)at;

		errors_printed += record->format == TAP_RECORD_ERROR;
		printf("%s%.*s\n",
		       record->format == TAP_RECORD_WARNING ? "WARNING: "
		       : record->format == TAP_RECORD_ERROR ? "ERROR: "
							    : "",
		       (int)n, at + 4);
		return;
	}
	for (p = format_text[record->format]; *p; p++) {
		if (*p != '%') {
			putchar(*p);
		} else if (*++p == 'd') {
			printf("%lld", *(const long long *)at);
			at += 8;
		} else {
			uint32_t n = *(const uint32_t *)at;

			fwrite(at + 4, 1, n, stdout);
			at += TAP_STR_BYTES(n);
		}
	}
}

/* All units below the watermark, in order of their numbers. */
static void merge(uint64_t watermark)
{
	static uint64_t last;

	for (;;) {
		struct queue *best = NULL;
		uint64_t best_seq = watermark;

		for (int i = 0; i < RINGS; i++) {
			struct queue *q = &queues[i];
			struct tap_unit_header *unit = (void *)(q->data + q->at);

			if (q->at < q->end && unit->seq < best_seq) {
				best = q;
				best_seq = unit->seq;
			}
		}
		if (!best)
			break;
		struct tap_unit_header *unit = (void *)(best->data + best->at);
		out_of_order += unit->seq <= last;
		last = unit->seq;
		units++;
		for (uint32_t at = sizeof(*unit); at < unit->size;) {
			struct tap_record_header *record = (void *)((uint8_t *)unit + at);

			records++;
			if (!quiet || record->format >= TAP_RECORD_WARNING)
				print_record(record);
			at += record->size;
		}
		best->at += unit->size;
		if (best->at == best->end)
			best->at = best->end = 0;
	}
	fflush(stdout);
}

static void take(const struct tap_chunk *chunk, const uint8_t *data)
{
	if (chunk->kind == TAP_CHUNK_DATA) {
		struct queue *q = &queues[chunk->ring];

		if (q->end + chunk->size > q->room) {
			q->room = 2 * (q->end + chunk->size);
			q->data = realloc(q->data, q->room);
		}
		memcpy(q->data + q->end, data, chunk->size);
		q->end += chunk->size;
		bytes += chunk->size;
	}
	if (chunk->watermark)
		merge(chunk->watermark);
}

static void *starter(void *unused)
{
	struct tap_start start = {.target = 42};

	start_rc = ioctl(fd, TAP_IOC_START, &start) ? -errno : 0;
	return NULL;
}

static void *stopper(void *delay)
{
	usleep(1000 * (intptr_t)delay);
	if (ioctl(fd, TAP_IOC_STOP))
		perror("stop");
	return NULL;
}

static void *leaver(void *delay)
{
	usleep(1000 * (intptr_t)delay);
	_exit(9);
}

int main(int argc, char **argv)
{
	static uint8_t buffer[BUFFER];
	int option, hold = 0;
	intptr_t nap = 0, leave = 0, stop = 0;
	char path[128];
	pthread_t thread, other;
	struct tap_stats stats;
	ssize_t n;

	while ((option = getopt(argc, argv, "qs:k:t:p")) != -1) {
		if (option == 'q')
			quiet = 1;
		if (option == 's')
			nap = atoi(optarg);
		if (option == 'k')
			leave = atoi(optarg);
		if (option == 't')
			stop = atoi(optarg);
		if (option == 'p')
			hold = 1;
	}
	snprintf(path, sizeof(path), "/dev/systemtap/%s", argv[optind]);
	fd = open(path, O_RDWR);
	if (fd < 0 || ioctl(fd, TAP_IOC_INFO, &info)) {
		perror(path);
		return 1;
	}
	load_formats();
	if (leave)
		pthread_create(&other, NULL, leaver, (void *)leave);
	if (stop)
		pthread_create(&other, NULL, stopper, (void *)stop);
	if (hold)
		pause();
	pthread_create(&thread, NULL, starter, NULL);
	if (nap) {
		pthread_join(thread, NULL);
		usleep(1000 * nap);
	}
	int failed = 0;
	while ((n = read(fd, buffer, sizeof(buffer))) > 0) {
		reads++;
		for (ssize_t at = 0; at < n;) {
			struct tap_chunk *chunk = (void *)(buffer + at);

			if (chunk->kind == TAP_CHUNK_STATE) {
				printf("[state %u]\n", chunk->state);
				if (chunk->state != TAP_STATE_RUNNING && !stop)
					pthread_create(&other, NULL, stopper, NULL);
			}
			take(chunk, buffer + at + sizeof(*chunk));
			at += sizeof(*chunk) + chunk->size;
		}
	}
	if (n < 0)
		perror("read");
	pthread_join(thread, NULL);
	ioctl(fd, TAP_IOC_STATS, &stats);
	printf("[start %d failed %d units %llu records %llu reads %llu disorder %llu | hits %llu errors %llu "
	       "lost %llu skipped %llu lock "
	       "%llu reentrant %llu lowstack %llu overload %llu missed %llu]\n",
	       start_rc, failed, (long long)units, (long long)records, (long long)reads,
	       (long long)out_of_order, (long long)stats.hits, (long long)stats.errors,
	       (long long)stats.lost_units, (long long)stats.skipped_total, (long long)stats.skipped_lock,
	       (long long)stats.skipped_reentrant, (long long)stats.skipped_lowstack,
	       (long long)stats.skipped_overload, (long long)stats.missed_kretprobe);
	return 0;
}
