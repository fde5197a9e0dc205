/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a session; STATES.md has the table that this file implements. Everything that handlers use is
 * allocated when the module is loaded and freed when it is unloaded; probes are placed and removed in the
 * process of the reader.
 */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

struct tap_session tap_session;
uint64_t tap_kernel_slide;

/* Room for output of each CPU and of begin, end, error, where the program does not say. */
#define TAP_CPU_RING	 (256ull << 10)
#define TAP_SESSION_RING (1ull << 20)

const struct tap_family tap_family_begin = {.name = "begin"};
const struct tap_family tap_family_end = {.name = "end"};
const struct tap_family tap_family_error = {.name = "error"};
const struct tap_family tap_family_never = {.name = "never"};

bool __kprobes tap_state_change(uint32_t from, uint32_t to)
{
	struct tap_session *s = &tap_session;

	if (cmpxchg(&tap_session_state, from, to) != from)
		return false;
	/* The reader hears of every state, also of one that has passed when it looks. */
	atomic_or(1 << to, &s->states);
	return true;
}

int64_t tap_target(const struct tap_ctx *c)
{
	return tap_session.target;
}

/* What a script's limits ask for may be more than there is: fail quietly, and kill no process for it. */
#define TAP_GFP (GFP_KERNEL | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)

void *tap_alloc(uint64_t bytes)
{
	if (!bytes)
		bytes = 1;
	return bytes > INT_MAX ? __vmalloc(bytes, TAP_GFP | __GFP_ZERO) : kvzalloc(bytes, TAP_GFP);
}

void tap_free(void *memory)
{
	kvfree(memory);
}

uint32_t tap_cpu_count(void)
{
	return nr_cpu_ids;
}

uint32_t tap_c_format(char *dst, uint32_t size, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vscnprintf(dst, size, format, args);
	va_end(args);
	return n;
}

void tap_session_error_format(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	tap_session_error(tap_str_make(text, vscnprintf(text, sizeof(text), format, args)));
	va_end(args);
}

void tap_session_say(uint32_t format, struct tap_str line)
{
	struct tap_lane *lane = tap_session.self;
	uint8_t *at = tap_record(&lane->gate.ctx, format, tap_str_bytes(line));

	if (at)
		tap_put_str(at, line);
	tap_unit_finish(lane);
}

static void say_fatal(void)
{
	const char *text = smp_load_acquire(&tap_session.fatal);

	if (text) {
		tap_session.fatal = NULL;
		tap_session_say(TAP_RECORD_ERROR, tap_str_in(text, sizeof(tap_session.fatal_text)));
	}
}

/* Handlers of begin, end and error. */

bool tap_session_run(const struct tap_site *site)
{
	struct tap_lane *lane = tap_session.self;
	struct tap_ctx *c = &lane->gate.ctx;
	bool failed;

	if (site->probe->kind == TAP_PROCESS)
		c->kind = TAP_PROCESS;
	c->site = site;
	c->stack_least = tap_stack_least();
	lane->gave_up = false;
	site->probe->handler(c);
	if (c->held)
		(c->kind == TAP_PROCESS ? lane->unlock : tap_lock_set_release)(c);
	failed = c->error;
	if (failed)
		tap_report_error(lane);
	tap_unit_finish(lane);
	lane->gate.hits++;
	c->kind = TAP_SESSION;
	return !failed && !lane->gave_up;
}

/*
 * All sites of a family in the order of priority, then of the script, as long as the session stays in
 * `state`. Looks for the next one anew each time: there are few.
 */
static void run_session_family(const struct tap_family *family, uint32_t state)
{
	struct tap_session *s = tap_self();
	const struct tap_program *program = s->program;
	const struct tap_site_session *last = NULL;
	uint32_t last_index = 0;

	while (READ_ONCE(tap_session_state) == state) {
		const struct tap_site_session *next = NULL;
		uint32_t next_index = 0, index = 0, f, i;

		for (f = 0; f < program->family_count; f++) {
			const struct tap_family_use *use = &program->families[f];

			for (i = 0; use->family == family && i < use->count; i++, index++) {
				const struct tap_site_session *site = (const void *)tap_site_at(use, i);

				if (last && (site->priority < last->priority ||
					     (site->priority == last->priority && index <= last_index)))
					continue;
				if (!next || site->priority < next->priority) {
					next = site;
					next_index = index;
				}
			}
		}
		if (!next)
			return;
		last = next;
		last_index = next_index;
		tap_session_run(&next->base);
		cond_resched();
	}
}

/* Probes. */

static void remove_families(void)
{
	struct tap_session *s = tap_self();

	while (s->families_placed > 0) {
		const struct tap_family_use *use = &s->program->families[--s->families_placed];

		if (use->family->remove)
			use->family->remove(use);
	}
	s->sites_placed = 0;
}

static int place_families(void)
{
	struct tap_session *s = tap_self();
	uint32_t placed = 0;

	for (; s->families_placed < s->program->family_count; s->families_placed++) {
		const struct tap_family_use *use = &s->program->families[s->families_placed];
		int rc = use->family->place ? use->family->place(use, &placed) : 0;

		if (rc) {
			remove_families();
			return rc;
		}
	}
	s->sites_placed = placed;
	return 0;
}

int tap_session_start(const struct tap_start *start)
{
	struct tap_session *s = tap_self();
	int rc = 0;

	if (mutex_lock_killable(&s->control))
		return -EINTR;
	if (s->phase != TAP_LOADED) {
		mutex_unlock(&s->control);
		return -EBUSY;
	}
	s->phase = TAP_STARTED;
	s->target = start->target;
	s->seconds_west = start->seconds_west;
	static_assert(sizeof(s->timezone) == sizeof(start->timezone));
	memcpy(s->timezone, start->timezone, sizeof(s->timezone));
	rc = s->program->find_slide ? s->program->find_slide(s->program) : 0;
	if (rc) {
		tap_session_error_format("cannot find `%s` in the running kernel (rc %d)",
					 s->program->anchor_symbol, rc);
		say_fatal();
		tap_state_change(TAP_STATE_STARTING, TAP_STATE_ERROR);
		tap_wake(s->self, TAP_WAIT_URGENT);
		mutex_unlock(&s->control);
		return rc;
	}
	if (s->program->find_modules)
		s->program->find_modules(s->program);
	run_session_family(&tap_family_begin, TAP_STATE_STARTING);
	if (READ_ONCE(tap_session_state) == TAP_STATE_STARTING) {
		tap_arming_first();
		rc = place_families();
		tap_session_say_late(true);
	}
	if (rc) {
		tap_session_error_format("cannot place the probes (rc %d)", rc);
		say_fatal();
		tap_state_change(TAP_STATE_STARTING, TAP_STATE_ERROR);
	} else {
		tap_arming_start();
		tap_state_change(TAP_STATE_STARTING, TAP_STATE_RUNNING);
	}
	wake_up_all(&s->begun);
	tap_wake(s->self, TAP_WAIT_URGENT);
	mutex_unlock(&s->control);
	tap_session_say_late(false);
	return rc;
}

static void finish(void)
{
	tap_state_change(TAP_STATE_RUNNING, TAP_STATE_STOPPING);
	tap_state_change(TAP_STATE_STARTING, TAP_STATE_STOPPING);
	tap_arming_stop();
	remove_families();
	tap_session_say_late(true);
	say_fatal();
	run_session_family(&tap_family_end, TAP_STATE_STOPPING);
	run_session_family(&tap_family_error, TAP_STATE_ERROR);
	say_fatal();
}

int tap_session_stop(bool abandoned)
{
	struct tap_session *s = tap_self();

	if (abandoned) {
		WRITE_ONCE(s->abandoned, true);
		wake_up_all(&s->room);
		mutex_lock(&s->control);
	} else if (mutex_lock_killable(&s->control)) {
		return -EINTR;
	}
	if (s->phase == TAP_STARTED)
		finish();
	s->phase = TAP_STOPPED;
	WRITE_ONCE(tap_session_state, TAP_STATE_DONE);
	atomic_or(1 << TAP_STATE_DONE, &s->states);
	tap_wake(s->self, TAP_WAIT_URGENT);
	mutex_unlock(&s->control);
	return 0;
}

/* Exact after TAP_IOC_STOP; a close guess while handlers run. */
void tap_session_stats(struct tap_stats *stats)
{
	struct tap_session *s = tap_self();
	uint32_t i;

	memset(stats, 0, sizeof(*stats));
	for (i = 0; i < s->lane_count; i++) {
		const struct tap_lane *lane = s->lanes[i];

		if (!lane)
			continue;
		stats->hits += READ_ONCE(lane->gate.hits);
		stats->errors += READ_ONCE(lane->errors);
		stats->lost_units += READ_ONCE(lane->lost_units);
		stats->skipped_lock += READ_ONCE(lane->skipped_lock);
		stats->skipped_reentrant += local_read(&lane->skipped_reentrant);
		stats->skipped_lowstack += local_read(&lane->skipped_lowstack);
	}
	stats->skipped_overload = atomic_read(&s->skipped_overload);
	stats->skipped_total = atomic_read(&s->skipped);
	for (i = 0; i < s->program->family_count; i++) {
		const struct tap_family_use *use = &s->program->families[i];

		if (use->family->count)
			use->family->count(use, stats);
	}
}

/* Loading and unloading. */

static void lane_exit(struct tap_lane *lane)
{
	if (!lane)
		return;
	tap_ring_exit(&lane->ring);
	kvfree(lane->gate.ctx.frame);
	kvfree(lane);
}

/* In a hard interrupt. */
static void lane_wake(struct irq_work *work)
{
	tap_reader_wake();
}

static struct tap_lane *lane_init(uint32_t index, int node, uint8_t kind, uint64_t ring_bytes)
{
	const struct tap_program *program = tap_session.program;
	struct tap_lane *lane = kvzalloc_node(sizeof(*lane), GFP_KERNEL, node);

	if (!lane)
		return NULL;
	lane->index = index;
	lane->gate.inflight = TAP_NOT_INFLIGHT;
	lane->wake = IRQ_WORK_INIT_HARD(lane_wake);
	if (program->raise_now)
		lane->raise = IRQ_WORK_INIT(program->raise_now);
	lane->arm = IRQ_WORK_INIT_HARD(tap_arming_wake);
	lane->gate.ctx.kind = kind;
	lane->gate.ctx.program = program;
	lane->gate.ctx.frame = kvzalloc_node(program->frame_size ? program->frame_size : 8, TAP_GFP, node);
	if (lane->gate.ctx.frame && tap_ring_init(&lane->ring, ring_bytes, node) == 0)
		return lane;
	lane_exit(lane);
	return NULL;
}

static void lanes_exit(void)
{
	struct tap_session *s = tap_self();
	uint32_t i;

	for (i = 0; i < s->lane_count; i++)
		lane_exit(s->lanes[i]);
	kvfree(s->lanes);
}

static int lanes_init(void)
{
	struct tap_session *s = tap_self();
	uint64_t bytes = s->program->limits.ring_bytes;
	int cpu;

	s->lane_count = nr_cpu_ids + 1;
	s->lanes = kvcalloc(s->lane_count, sizeof(*s->lanes), GFP_KERNEL);
	if (!s->lanes)
		return -ENOMEM;
	for_each_possible_cpu(cpu)
	{
		s->lanes[cpu] = lane_init(cpu, cpu_to_node(cpu), TAP_EVENT, bytes ? bytes : TAP_CPU_RING);
		if (!s->lanes[cpu])
			goto fail;
		per_cpu(tap_gate, cpu) = &s->lanes[cpu]->gate;
	}
	s->self = lane_init(nr_cpu_ids, NUMA_NO_NODE, TAP_SESSION, max_t(uint64_t, bytes, TAP_SESSION_RING));
	if (!s->self)
		goto fail;
	s->lanes[nr_cpu_ids] = s->self;
	return 0;
fail:
	lanes_exit();
	return -ENOMEM;
}

/* Interrupts are off while a handler waits for a lock: a second in all is far below what a watchdog notices.
 */
static void bound_lock_wait(struct tap_limits *limits)
{
	limits->lock_delay_us = min_t(uint32_t, limits->lock_delay_us, 10000);
	limits->lock_tries = min_t(uint32_t, limits->lock_tries, USEC_PER_SEC / (limits->lock_delay_us + 1));
}

int tap_session_load(struct tap_program *program)
{
	struct tap_session *s = tap_self();
	int rc;

	if (program->abi != TAP_ABI)
		return -ENOEXEC;
	s->program = program;
	bound_lock_wait(&program->limits);
	mutex_init(&s->control);
	mutex_init(&s->self_lock);
	init_waitqueue_head(&s->begun);
	init_waitqueue_head(&s->readable);
	init_waitqueue_head(&s->room);
	rc = lanes_init();
	if (rc)
		return rc;
	/* A globals_init that fails leaves what it had made to globals_exit. */
	rc = program->globals_init ? program->globals_init() : 0;
	if (rc)
		goto fail_globals;
	rc = tap_transport_init();
	if (rc)
		goto fail_globals;
	return 0;

fail_globals:
	if (program->globals_exit)
		program->globals_exit();
	lanes_exit();
	return rc;
}

/* The control file holds a reference to the module: nobody has it open, and its release has stopped the
 * session. */
void tap_session_unload(void)
{
	struct tap_session *s = tap_self();
	uint32_t i;

	tap_session_stop(true);
	for (i = 0; i < s->program->family_count; i++)
		if (s->program->families[i].family->unload)
			s->program->families[i].family->unload(&s->program->families[i]);
	if (s->program->forget_modules)
		s->program->forget_modules();
	/* What wakes the reader: interrupts, then (in tap_transport_exit) timer and worker. */
	for (i = 0; i < s->lane_count; i++) {
		if (s->lanes[i]) {
			irq_work_sync(&s->lanes[i]->wake);
			irq_work_sync(&s->lanes[i]->arm);
			irq_work_sync(&s->lanes[i]->raise);
		}
	}
	tap_transport_exit();
	if (s->program->globals_exit)
		s->program->globals_exit();
	lanes_exit();
}

TAP_SMALL_END
