/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one session of a module, shared by the runtime's own files: lanes (a context and a ring for each CPU,
 * and one for the session's handlers), the state, and the reader. Not in the PCH.
 */
#ifndef TAP_KERNEL_SESSION_H
#define TAP_KERNEL_SESSION_H

#include "runtime/kernel/pch.h"

/*
 * Output of one lane. `head` and `tail` count bytes for ever; their difference is at most `size`, a power of
 * two. The pages are mapped twice in a row, so that a unit that begins anywhere is contiguous.
 */
struct tap_ring {
	uint8_t *data;
	uint64_t size;
	struct page **pages;
	uint32_t page_count;
	uint64_t head;				    /* moved by the lane's owner */
	uint64_t tail ____cacheline_aligned_in_smp; /* moved by the reader */
};

/* Signals that handlers have sent, and the kernel has not yet. */
enum { TAP_RAISED_MOST = 16 };
struct tap_raised {
	uint32_t head; /* written by the lane's owner */
	uint32_t tail; /* moved by compare-and-exchange: the session's work may run on two CPUs at once */
	struct {
		struct task_struct *task; /* a reference */
		int signal;
	} slots[TAP_RAISED_MOST];
};

struct tap_lane {
	struct tap_gate gate;
	uint32_t index; /* of its ring */
	bool continued; /* session lane: a unit with TAP_UNIT_MORE is out */
	bool gave_up;	/* session lane: tap_process_lock() has, in the handler that runs */
	/* Session lane, while a Process handler has its locks: of interrupts before; actions kept back. */
	unsigned long flags;
	void (*unlock)(struct tap_ctx *c); /* tap_process_unlock, in modules that have such handlers */
	int64_t kept_actions;
	struct irq_work wake, arm, raise;
	struct tap_raised raised; /* for `raise` to send */
	/* Of the handler runs on this lane; written by its owner alone. */
	uint64_t errors, lost_units, skipped_lock;
	/* Written also by what interrupts the owner. */
	local_t skipped_reentrant, skipped_lowstack;
	struct tap_ring ring;
};

enum tap_phase {
	TAP_LOADED, /* waits for TAP_IOC_START */
	TAP_STARTED,
	TAP_STOPPED,
};

/* What the one reader has been given. Under `lock`. */
struct tap_reader {
	struct mutex lock;
	uint64_t *heads;    /* a snapshot that is being delivered, by ring */
	uint64_t watermark; /* of that snapshot */
	bool delivering;
	uint64_t sent;	 /* the last watermark delivered */
	bool held;	 /* delivered units may be at or above it: the reader waits for it to move */
	uint32_t states; /* bit set of enum tap_state delivered */
	uint64_t next;	 /* monotonic ns: not woken for mere units before */
};

struct tap_session {
	struct tap_program *program;
	struct tap_lane **lanes; /* by CPU number, NULL if impossible; [lane_count - 1] is the session's */
	uint32_t lane_count;
	struct tap_lane *self;	/* the session's lane */
	struct mutex self_lock; /* whoever uses it while Event probes run (procfs handlers, late warnings) */
	void (*say_late)(bool is_owner); /* tap_session_say_late, of a session that had a late warning */
	wait_queue_head_t begun;	 /* processes that came before the session ran */

	atomic_t states; /* bit set of the states that the session went through and the reader must hear of */
	struct mutex control; /* TAP_IOC_START, TAP_IOC_STOP, release */
	enum tap_phase phase;
	bool abandoned; /* nobody will read: output that finds no room is dropped */
	uint32_t families_placed;
	uint32_t sites_placed;
	int64_t target;
	const char *fatal; /* why the session ended, where no context could say it */
	char fatal_text[256];
	uint32_t fatal_claimed;
	atomic_t errors, skipped;
	atomic_t skipped_overload;

	atomic64_t counter ____cacheline_aligned_in_smp; /* the last sequence number given */

	uint32_t waiting ____cacheline_aligned_in_smp; /* the reader sleeps: TAP_WAIT_* */
	wait_queue_head_t readable;		       /* the reader */
	wait_queue_head_t room;			       /* a session handler that waits for the reader */
	struct work_struct wake_work;
	struct hrtimer pace; /* wakes the reader at reader.next */
	struct tap_reader reader;
	atomic_t open;
	int64_t seconds_west; /* the reader's time zone */
	char timezone[16];
	int64_t reader_pid; /* the process that opened the control file */
	struct miscdevice device;
	char device_name[80], node_name[80];
	uint8_t *formats;
	uint32_t formats_bytes;
};

/*
 * Bits of what the reader waits for, and of what a writer has: units; the watermark moved without a unit;
 * something that cannot wait for the reader's next turn (a state, a ring that is half full, a session handler
 * that wants room).
 */
enum { TAP_WAIT_DATA = 1, TAP_WAIT_WATERMARK = 2, TAP_WAIT_URGENT = 4 };

extern struct tap_session tap_session;

/*
 * For code outside handlers: its address in a register. Otherwise each access is an absolute address, of
 * which each takes 24 bytes of relocation in the module's file.
 */
static inline struct tap_session *tap_self(void)
{
	struct tap_session *s = &tap_session;

	OPTIMIZER_HIDE_VAR(s);
	return s;
}

static inline struct tap_lane *tap_lane_of(struct tap_ctx *c)
{
	return container_of(c, struct tap_lane, gate.ctx);
}

/*
 * Begins a section of RCU. False, and none is begun, where RCU does not watch this CPU: on the last steps
 * into its idle loop, where functions can be probed up to 6.2, it may free what is being read.
 */
static __always_inline bool tap_rcu_begin(void)
{
	if (unlikely(!rcu_is_watching()))
		return false;
	rcu_read_lock();
	return true;
}

/* ring.c */
int tap_ring_init(struct tap_ring *ring, uint64_t bytes, int node);
void tap_ring_exit(struct tap_ring *ring);
/* Begins a unit with room for `need` bytes of records; false: there is none. */
bool tap_unit_open(struct tap_lane *lane, uint32_t need);
/* Gives the current unit to the reader, if it has records. */
void tap_unit_commit(struct tap_lane *lane, uint32_t flags);
/* Ends the unit of a handler run: commits, or counts it as lost; drops the sequence number. */
void tap_unit_finish(struct tap_lane *lane);
/* Takes a (new) sequence number for the unit being made. */
void tap_unit_number(struct tap_lane *lane);
uint64_t tap_watermark(void);
void tap_wake(struct tap_lane *lane, uint32_t what);

/* wait.c */
bool tap_session_wait(struct tap_lane *lane, uint32_t need);
TAP_INLINE bool tap_ring_has_room(const struct tap_ring *ring, uint64_t bytes)
{
	return ring->size - (ring->head - smp_load_acquire(&ring->tail)) >= bytes;
}

/* What there is of the unit goes out, and nobody waits for its number. */
static inline void tap_unit_let_go(struct tap_lane *lane)
{
	struct tap_unit *unit = &lane->gate.ctx.unit;

	if (unit->start && unit->at > unit->start + sizeof(struct tap_unit_header)) {
		tap_unit_commit(lane, TAP_UNIT_MORE);
		lane->continued = true;
	}
	unit->start = NULL;
	smp_store_release(&lane->gate.inflight, TAP_NOT_INFLIGHT);
	tap_wake(lane, TAP_WAIT_URGENT);
}

/* handler.c */
/* Counts a hit that no handler saw, or not to its end. More than MAXSKIPPED of them end the session. */
void tap_skip(struct tap_lane *lane);
/* Says the failure in the context's output, counts it, and ends the session when there were more than
 * MAXERRORS. */
void tap_report_error(struct tap_lane *lane);
/* Of the session as a whole, from any context; `text` is copied; the first one stays and is said when it
 * stops. */
void tap_session_error(struct tap_str text);
void tap_session_error_format(const char *format, ...) __printf(1, 2);

/* session.c. A unit of its own on the session's lane, whose owner calls this: under `control`. */
void tap_session_say(uint32_t format, struct tap_str line);
/* warn.c. Under `control`. */
void tap_session_warn_format(const char *format, ...) __printf(1, 2);
/*
 * In a process, with any mutex of ours or the kernel's but `late`: waits for no reader. It is said now, if
 * nobody else uses the session's lane and that has room, or else by tap_session_say_late. False: so many are
 * to be said that this one is not; it is counted as lost.
 */
bool tap_session_warn_late(const char *text);
/* Says the late warnings; `is_owner`: on the caller's own lane, waiting for room if need be. Else what can be
 * said now, for one who has just given back `control` or `self_lock`. */
static inline void tap_session_say_late(bool is_owner)
{
	void (*say)(bool);

	smp_mb(); /* what the caller gave back, before the look: see warn.c */
	say = READ_ONCE(tap_self()->say_late);
	if (say)
		say(is_owner);
}

/* arming.c. First: asks the conditions, before the probes are placed. */
void tap_arming_first(void);
void tap_arming_start(void);
void tap_arming_stop(void);
void tap_arming_wake(struct irq_work *work);

/* session.c */
/* Runs a handler on the session's lane: under `control`, or `self_lock` while the session runs. False: it
 * failed, or was left out. */
bool tap_session_run(const struct tap_site *site);
bool tap_state_change(uint32_t from, uint32_t to);
/* -EBUSY, with nothing changed, for a session that was started before. */
int tap_session_start(const struct tap_start *start);
int tap_session_stop(bool abandoned);
void tap_session_stats(struct tap_stats *stats);

/* transport.c */
/* Wakes the reader; from a hard interrupt too. */
void tap_reader_wake(void);
int tap_transport_init(void);
void tap_transport_exit(void);

#endif
