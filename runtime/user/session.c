/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The life of a session in a process; the states and what happens in each are those of
 * runtime/kernel/STATES.md. One thread runs everything: handlers never overlap.
 */
#include "runtime/user/context.h"
#include "runtime/user/family.h"
#include "runtime/user/module.h"
#include "runtime/user/output.h"
#include "runtime/core/sites.h"

const struct tap_family tap_family_begin = {.name = "begin"};
const struct tap_family tap_family_end = {.name = "end"};
const struct tap_family tap_family_error = {.name = "error"};
const struct tap_family tap_family_arming = {.name = "arming"};
const struct tap_family tap_family_never = {.name = "never"};

static struct {
	enum tap_state state;
	uint32_t errors;
	bool arming_asked;
} session;

void tap_request_exit(struct tap_ctx *c)
{
	if (session.state == TAP_STATE_STARTING || session.state == TAP_STATE_RUNNING)
		session.state = TAP_STATE_STOPPING;
}

/* "TEXT near WHERE". */
static void report_failure(struct tap_ctx *c)
{
	static const char near[] = " near ";
	uint32_t n = c->error_length, tail = c->error_where ? (uint32_t)__builtin_strlen(c->error_where) : 0;
	uint32_t total = n + (tail ? sizeof(near) - 1 + tail : 0);
	bool quiet = c->aborted || c->program->limits.quiet;
	uint8_t *at = quiet ? NULL : tap_record(c, TAP_RECORD_ERROR, TAP_STR_BYTES(total));

	if (at) {
		*(uint64_t *)(at + TAP_STR_BYTES(total) - 8) = 0;
		*(uint32_t *)at = total;
		__builtin_memcpy(at + 4, c->error, n);
		if (tail) {
			__builtin_memcpy(at + 4 + n, near, sizeof(near) - 1);
			__builtin_memcpy(at + 4 + n + sizeof(near) - 1, c->error_where, tail);
		}
	}
	tap_clear_failure(c);
	if (!quiet && ++session.errors > c->program->limits.errors)
		session.state = TAP_STATE_ERROR;
}

void tap_user_run(struct tap_ctx *c, const struct tap_site *site)
{
	c->site = site;
	c->kind = site->probe->kind;
	site->probe->hits++;
	site->probe->handler(c);
	if (c->held) /* a failure left its region */
		tap_lock_set_release(c);
	if (c->error)
		report_failure(c);
	tap_output_commit(c);
}

static const struct tap_family_use *find_use(const struct tap_program *program,
					     const struct tap_family *family)
{
	uint32_t i;

	for (i = 0; i < program->family_count; i++)
		if (program->families[i].family == family)
			return &program->families[i];
	return NULL;
}

/* Runs the family's handlers by priority, then in the script's order, as long as the session stays in
 * `state`. */
static void run_by_priority(struct tap_ctx *c, const struct tap_family *family, enum tap_state state)
{
	const struct tap_family_use *use = find_use(c->program, family);
	const struct tap_site_session *last = NULL;

	while (use && session.state == state) {
		const struct tap_site_session *next = NULL;
		uint32_t i;

		for (i = 0; i < use->count; i++) {
			const struct tap_site_session *site =
			    (const struct tap_site_session *)tap_site_at(use, i);

			if (last && (site->priority < last->priority ||
				     (site->priority == last->priority && site <= last)))
				continue;
			if (!next || site->priority < next->priority)
				next = site;
		}
		if (!next)
			return;
		last = next;
		tap_user_run(c, &next->base);
	}
}

/* Which probes are wanted, by their conditions: as runtime/kernel/arming.c, but at once. */
static void ask_conditions(struct tap_ctx *c, const struct tap_family_use *use)
{
	uint32_t i;

	session.arming_asked = false;
	for (i = 0; i < use->count; i++) {
		struct tap_site_arming *condition = (struct tap_site_arming *)tap_site_at(use, i);

		condition->answer = 0;
		tap_user_run(c, &condition->base);
		condition->base.probe->hits--; /* it was no hit */
		if (condition->answer)	       /* it has not failed */
			c->program->probes[condition->of].unwanted = condition->answer == TAP_DISARMED;
	}
}

static void arm_all(const struct tap_program *program)
{
	uint32_t f, i;

	for (f = 0; f < program->family_count; f++) {
		const struct tap_family_use *use = &program->families[f];

		for (i = 0; use->family->arm && i < use->count; i++) {
			struct tap_site *site = tap_site_at(use, i);

			if (site->disarmed == site->probe->unwanted)
				continue;
			site->disarmed = site->probe->unwanted;
			use->family->arm(use, i, !site->disarmed);
		}
	}
}

void tap_arming_request(struct tap_ctx *c)
{
	(void)c;
	session.arming_asked = true;
}

static int place_all(const struct tap_program *program)
{
	uint32_t i;

	for (i = 0; i < program->family_count; i++) {
		const struct tap_family_use *use = &program->families[i];
		int status = use->family->place ? use->family->place(use) : 0;

		if (status)
			return status;
	}
	return 0;
}

static void remove_all(const struct tap_program *program)
{
	uint32_t i;

	for (i = 0; i < program->family_count; i++)
		if (program->families[i].family->remove)
			program->families[i].family->remove(&program->families[i]);
}

static const struct tap_family_use *next_due(const struct tap_program *program, int64_t *due)
{
	const struct tap_family_use *first = NULL;
	uint32_t i;

	*due = TAP_INT64_MAX;
	for (i = 0; i < program->family_count; i++) {
		const struct tap_family_use *use = &program->families[i];
		int64_t at = use->family->due ? use->family->due(use) : TAP_INT64_MAX;

		if (at < *due) {
			*due = at;
			first = use;
		}
	}
	return first;
}

static void run_events(struct tap_ctx *c)
{
	const struct tap_family_use *conditions = find_use(c->program, &tap_family_arming);

	while (session.state == TAP_STATE_RUNNING) {
		int64_t due;
		const struct tap_family_use *use = next_due(c->program, &due);

		if (!tap_host->wait_until(tap_host->self, due))
			session.state = TAP_STATE_STOPPING;
		else if (use)
			use->family->run(c, use, tap_clock_monotonic_ns());
		if (conditions && session.arming_asked) {
			ask_conditions(c, conditions);
			arm_all(c->program);
		}
	}
}

static void run_session(struct tap_ctx *c)
{
	run_by_priority(c, &tap_family_begin, TAP_STATE_STARTING);
	if (session.state == TAP_STATE_STARTING) {
		const struct tap_family_use *conditions = find_use(c->program, &tap_family_arming);

		if (conditions)
			ask_conditions(c, conditions);
	}
	if (session.state == TAP_STATE_STARTING) {
		session.state = place_all(c->program) ? TAP_STATE_ERROR : TAP_STATE_RUNNING;
		run_events(c);
		remove_all(c->program);
	}
	run_by_priority(c, &tap_family_end, TAP_STATE_STOPPING);
	run_by_priority(c, &tap_family_error, TAP_STATE_ERROR);
}

/* Of 8 MB, the usual size of a process's stack. */
#define TAP_STACK_RECURSION (4u << 20)

int tap_user_session(struct tap_program *program, const struct tap_host *host)
{
	struct tap_ctx *c;
	int status = TAP_USER_NO_MEMORY;

	if (program->abi != TAP_ABI)
		return TAP_USER_FAILED;
	tap_host = host;
	session.state = TAP_STATE_STARTING;
	session.errors = 0;
	session.arming_asked = false;
	c = (struct tap_ctx *)tap_alloc(sizeof(*c));
	if (!c)
		return status;
	c->program = program;
	c->stack_least = (uintptr_t)__builtin_frame_address(0) - TAP_STACK_RECURSION;
	c->frame = tap_alloc(program->frame_size);
	if (c->frame && !tap_output_init(c)) {
		if (!program->globals_init()) {
			run_session(c);
			status = session.errors ? TAP_USER_FAILED
						: TAP_USER_ENDED; /* one is enough, as for stapio */
		}
		program->globals_exit();
		tap_output_exit(c);
	}
	tap_free(c->frame);
	tap_free(c);
	return status;
}
