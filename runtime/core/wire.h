/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What passes between a running session and its reader (tools/stapio; the host of the user runtime): output
 * records, and for the kernel the control file. C and C++. Native byte order; all sizes are multiples of 8.
 * ABI.md explains.
 */
#ifndef TAP_CORE_WIRE_H
#define TAP_CORE_WIRE_H

#include "types.h"

#ifdef __KERNEL__
#include <linux/ioctl.h>
#elif defined(__linux__) && __has_include(<sys/ioctl.h>)
#include <sys/ioctl.h>
#endif

enum { TAP_ABI = 1 };

/* The output of one handler run; records follow up to `size`. */
struct tap_unit_header {
	uint32_t size; /* with this header */
	uint32_t flags;
	uint64_t seq;
};
enum { TAP_UNIT_MORE = 1 /* the next unit of the session ring continues it */ };

struct tap_record_header {
	uint32_t size;	 /* with this header */
	uint32_t format; /* index in the format table, or one of those below */
};
#define TAP_RECORD_WARNING 0xffffff00u
#define TAP_RECORD_ERROR   0xffffff01u
#define TAP_RECORD_HIST	   0xffffff02u
#define TAP_RECORD_TEXT	   0xffffff03u
#define TAP_RECORD_COMMAND 0xffffff04u /* the reader runs it, by the shell */

/* Payload of TAP_RECORD_HIST, then `buckets` counts of 8 bytes. */
struct tap_record_hist {
	int64_t kind; /* 0 log, 1 linear */
	int64_t low, high, step;
	int64_t width, elision;
	int64_t buckets;
};

/* Bytes of an argument in a record. */
enum { TAP_I64_BYTES = 8 };
#define TAP_STR_BYTES(n) ((4u + (uint32_t)(n) + 7u) & ~7u)

enum tap_state {
	TAP_STATE_STARTING = 0,
	TAP_STATE_RUNNING = 1,
	TAP_STATE_STOPPING = 2, /* exit() was called */
	TAP_STATE_ERROR = 3,	/* more than MAXERRORS failures, or too many skipped probes */
	TAP_STATE_DONE = 4,
};

struct tap_info {
	uint32_t abi;
	uint32_t rings;
	uint32_t formats, formats_bytes;
	uint32_t state;
	uint32_t probes; /* placed sites */
	char name[64];	 /* the module's */
};

struct tap_start {
	int64_t target;
	int64_t seconds_west; /* the reader's time zone, now: of UTC, and its name */
	char timezone[16];
};

struct tap_stats {
	uint64_t hits, errors;
	uint64_t lost_units;
	uint64_t skipped_total, skipped_lock, skipped_reentrant, skipped_lowstack, skipped_overload;
	uint64_t missed_kretprobe;
};

struct tap_formats_request {
	uint64_t address; /* of the reader's buffer */
	uint64_t size;
};

/* What read(2) gives: this, then `size` bytes. */
struct tap_chunk {
	uint32_t kind;
	uint32_t ring;
	uint32_t size;
	uint32_t state;
	uint64_t watermark; /* units below it are all visible */
};
enum { TAP_CHUNK_DATA = 1, TAP_CHUNK_STATE = 2, TAP_CHUNK_WATERMARK = 3 };

#ifdef _IOR
#define TAP_IOC_INFO	_IOR('t', 1, struct tap_info)
#define TAP_IOC_FORMATS _IOW('t', 2, struct tap_formats_request)
#define TAP_IOC_START	_IOW('t', 3, struct tap_start)
#define TAP_IOC_STOP	_IO('t', 4)
#define TAP_IOC_STATS	_IOR('t', 5, struct tap_stats)
#endif

#endif
