/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warnings of the session. Apart, for most sessions have nothing that could need one. */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

/* TAP_LATE_ROOM: more than a record takes. */
enum { TAP_LATE_MOST = 16, TAP_LATE_BYTES = 320, TAP_LATE_ROOM = 1024 };

/* What is to be said, a ring in the order in which it came. Nobody waits with the lock: it is the last. */
static DEFINE_MUTEX(late);
static char late_texts[TAP_LATE_MOST][TAP_LATE_BYTES];
static uint32_t late_first, late_count, late_lost;

void tap_session_warn_format(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	tap_session_say(TAP_RECORD_WARNING, tap_str_make(text, vscnprintf(text, sizeof(text), format, args)));
	va_end(args);
}

static bool take_late(char *text)
{
	bool is_there;

	mutex_lock(&late);
	tap_self()->self->lost_units += late_lost;
	late_lost = 0;
	is_there = late_count;
	if (is_there) {
		memcpy(text, late_texts[late_first], TAP_LATE_BYTES);
		late_first = (late_first + 1) % TAP_LATE_MOST;
		WRITE_ONCE(late_count, late_count - 1);
	}
	mutex_unlock(&late);
	return is_there;
}

static bool has_room(void)
{
	const struct tap_ring *ring = &tap_self()->self->ring;

	return ring->size - (READ_ONCE(ring->head) - smp_load_acquire(&ring->tail)) >= TAP_LATE_ROOM;
}

/* The session's lane is the caller's. */
static void say_all(bool may_wait)
{
	char text[TAP_LATE_BYTES];

	while ((may_wait || has_room()) && take_late(text))
		tap_session_say(TAP_RECORD_WARNING, tap_str_in(text, sizeof(text)));
	tap_wake(tap_self()->self, TAP_WAIT_URGENT);
}

/*
 * Whoever has one of the locks comes here when it has given it back, so what is left to them is not
 * forgotten: they look at the count after the lock, and here the locks are looked at after the count.
 */
static void try_all(void)
{
	struct tap_session *s = tap_self();

	smp_mb();
	while (READ_ONCE(late_count) && has_room() && !mutex_is_locked(&s->self_lock) &&
	       mutex_trylock(&s->control)) {
		bool is_running = s->phase == TAP_STARTED;

		if (is_running && mutex_trylock(&s->self_lock)) {
			say_all(false);
			mutex_unlock(&s->self_lock);
		}
		mutex_unlock(&s->control);
		if (!is_running)
			return; /* nobody reads it */
		smp_mb();
	}
}

static void say_late(bool is_owner)
{
	if (is_owner)
		say_all(true);
	else
		try_all();
}

bool tap_session_warn_late(const char *text)
{
	bool fits;

	mutex_lock(&late);
	fits = late_count < TAP_LATE_MOST;
	if (fits) {
		strscpy(late_texts[(late_first + late_count) % TAP_LATE_MOST], text, TAP_LATE_BYTES);
		WRITE_ONCE(late_count, late_count + 1);
	} else {
		late_lost++;
	}
	WRITE_ONCE(tap_self()->say_late, say_late);
	mutex_unlock(&late);
	try_all();
	return fits;
}

TAP_SMALL_END
