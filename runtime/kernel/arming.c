/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arming: a probe with a condition is in place only while that holds. A condition is a handler of its own
 * (family `arming`), which answers in its site. A handler that may have changed what a condition reads asks
 * for a look: an irq_work, which queues a work, which runs the conditions as Event handlers, with the locks
 * of any, and then places and removes probes, in a process, where that may sleep. Until then each handler
 * that is armed looks at its condition itself.
 *
 * The work runs between tap_arming_start and tap_arming_stop alone, both in the process of the reader: while
 * families are placed or removed as a whole it does not.
 */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

const struct tap_family tap_family_arming = {.name = "arming"};

/* From the request to the look: a handler may ask at each hit. */
#define TAP_ARMING_DELAY msecs_to_jiffies(10)

static void look(struct work_struct *work);
static DECLARE_DELAYED_WORK(arming_work, look);
static bool arming_active;
static uint32_t arming_asked;

void __kprobes tap_arming_request(struct tap_ctx *c)
{
	if (!READ_ONCE(arming_active))
		return;
	/* A full barrier: who clears it looks at the conditions afterwards, and sees what the handler wrote.
	 */
	if (!xchg(&arming_asked, 1))
		irq_work_queue(&tap_lane_of(c)->arm);
}

/* In a hard interrupt. */
void tap_arming_wake(struct irq_work *work)
{
	if (READ_ONCE(arming_active))
		queue_delayed_work(system_unbound_wq, &arming_work, TAP_ARMING_DELAY);
}

static const struct tap_family_use *conditions(void)
{
	const struct tap_program *program = tap_session.program;
	uint32_t i;

	for (i = 0; i < program->family_count; i++)
		if (program->families[i].family == &tap_family_arming)
			return &program->families[i];
	return NULL;
}

static struct tap_site_arming *condition_at(const struct tap_family_use *use, uint32_t i)
{
	return &((struct tap_site_arming *)use->sites)[i];
}

static void take_answers(const struct tap_family_use *use)
{
	uint32_t i;

	for (i = 0; i < use->count; i++) {
		const struct tap_site_arming *condition = condition_at(use, i);

		if (condition->answer)
			tap_session.program->probes[condition->of].unwanted =
			    condition->answer == TAP_DISARMED;
	}
}

/* False: it could not be asked now. A failure is one of the session, said and counted. */
static bool ask(struct tap_site_arming *condition)
{
	unsigned long flags;
	struct tap_ctx *c = tap_enter(&condition->base, &flags);
	bool failed;

	if (!c)
		return false;
	condition->answer = 0;
	condition->base.probe->handler(c);
	failed = c->error;
	((struct tap_gate *)c)->hits--; /* it was no hit */
	tap_leave(c, flags);
	return failed || condition->answer;
}

static void apply_to(const struct tap_family_use *use)
{
	uint32_t i;

	for (i = 0; i < use->count; i++) {
		struct tap_site *site = tap_site_at(use, i);

		/* The session is being stopped, which removes all of them. */
		if (!READ_ONCE(arming_active))
			return;
		if (site->disarmed == site->probe->unwanted)
			continue;
		site->disarmed = site->probe->unwanted;
		use->family->arm(use, i, !site->disarmed);
		cond_resched();
	}
}

static void look(struct work_struct *work)
{
	const struct tap_program *program = tap_session.program;
	const struct tap_family_use *use = conditions();
	bool again = false;
	uint32_t i;

	xchg(&arming_asked, 0);
	for (i = 0; i < use->count; i++)
		again |= !ask(condition_at(use, i));
	take_answers(use);
	for (i = 0; i < program->family_count; i++)
		if (program->families[i].family->arm)
			apply_to(&program->families[i]);
	if (again && READ_ONCE(arming_active))
		queue_delayed_work(system_unbound_wq, &arming_work, TAP_ARMING_DELAY);
}

void tap_arming_first(void)
{
	const struct tap_family_use *use = conditions();
	uint32_t i;

	for (i = 0; use && i < use->count; i++) {
		tap_session_run(&condition_at(use, i)->base);
		tap_session.self->gate.hits--;
	}
	if (use)
		take_answers(use);
}

void tap_arming_start(void)
{
	const struct tap_program *program = tap_session.program;
	uint32_t f, i;

	if (!conditions())
		return;
	for (f = 0; f < program->family_count; f++) {
		const struct tap_family_use *use = &program->families[f];

		for (i = 0; use->family->arm && i < use->count; i++)
			tap_site_at(use, i)->disarmed = tap_site_at(use, i)->probe->unwanted;
	}
	arming_asked = 0;
	WRITE_ONCE(arming_active, true);
}

void tap_arming_stop(void)
{
	uint32_t i;

	if (!arming_active)
		return;
	WRITE_ONCE(arming_active, false);
	/* An interrupt that saw it active has queued the work by then; one that comes later does not. */
	for (i = 0; i < tap_session.lane_count; i++)
		if (tap_session.lanes[i])
			irq_work_sync(&tap_session.lanes[i]->arm);
	cancel_delayed_work_sync(&arming_work);
}

TAP_SMALL_END
