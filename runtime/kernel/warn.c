/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Warnings of the session. Apart, for most sessions have nothing that could need one. */
#include "runtime/kernel/session.h"

TAP_SMALL_BEGIN

void tap_session_warn_format(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	tap_session_say(TAP_RECORD_WARNING, tap_str_make(text, vscnprintf(text, sizeof(text), format, args)));
	va_end(args);
}

bool tap_session_warn_late(const char *text)
{
	struct tap_session *s = tap_self();
	struct tap_ring *ring;
	uint64_t room;
	bool is_said;

	if (!mutex_trylock(&s->control))
		return false;
	/* A procfs handler may have it while it waits for the reader. */
	if (!mutex_trylock(&s->self_lock)) {
		mutex_unlock(&s->control);
		return false;
	}
	ring = &s->self->ring;
	room = ring->size - (ring->head - smp_load_acquire(&ring->tail));
	is_said = room >= 1024; /* more than the record takes: saying it must not wait for the reader */
	if (is_said) {
		tap_session_say(TAP_RECORD_WARNING, tap_str_in(text, 256));
		tap_wake(s->self, TAP_WAIT_URGENT);
	} else {
		s->self->lost_units++;
	}
	mutex_unlock(&s->self_lock);
	mutex_unlock(&s->control);
	return is_said;
}

TAP_SMALL_END
