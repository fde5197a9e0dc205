/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: times and dates. */
#ifndef TAP_CORE_SYSCALL_TIMES_H
#define TAP_CORE_SYSCALL_TIMES_H

#include "syscall_memory.h"
#include "syscall_names.h"

SHARED void put_time(struct writer *w, int64_t seconds, uint64_t fraction, uint32_t width)
{
	put_decimal(w, seconds);
	put_char(w, '.');
	if ((int64_t)fraction < 0) {
		put_char(w, '-');
		put_padded(w, 0 - fraction, width - 1);
	} else {
		put_padded(w, fraction, width);
	}
}

enum { UTIME_IS_NOW = (1 << 30) - 1, UTIME_IS_OMIT = (1 << 30) - 2 };

/* `count` structures of seconds and a fraction of `width` digits, each in brackets. */
SHARED void put_times(struct writer *w, uint64_t address, uint32_t count, uint32_t width)
{
	struct words words;
	uint32_t i;

	if (!read_struct(w, &words, address, count * (w->time32 ? 8 : 16)))
		return;
	for (i = 0; i < 2 && i < count; i++) {
		uint64_t fraction = unsigned_word(&words, w->time32, i * 2 + 1);

		put_char(w, '[');
		if (width == 9 && fraction == UTIME_IS_NOW)
			put_text(w, "UTIME_NOW");
		else if (width == 9 && fraction == UTIME_IS_OMIT)
			put_text(w, "UTIME_OMIT");
		else
			put_time(w, signed_word(&words, w->time32, i * 2), fraction, width);
		put_char(w, ']');
	}
}

/* An interval and a value. */
SHARED void put_interval(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, w->time32 ? 16 : 32))
		return;
	put_char(w, '[');
	put_time(w, signed_word(&words, w->time32, 0), unsigned_word(&words, w->time32, 1), 6);
	put_char(w, ',');
	put_time(w, signed_word(&words, w->time32, 2), unsigned_word(&words, w->time32, 3), 6);
	put_char(w, ']');
}

LOCAL void put_timezone(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 8))
		return;
	put_char(w, '[');
	put_decimal(w, (int32_t)words.narrow[0]);
	put_text(w, ", ");
	put_decimal(w, (int32_t)words.narrow[1]);
	put_char(w, ']');
}

/* struct timex: `modes`, then words; `status` is an int. */
SHARED void put_timex(struct writer *w, uint64_t address)
{
	struct words words;
	bool narrow = w->time32;

	if (!read_struct(w, &words, address, narrow ? 56 : 112))
		return;
	put_char(w, '{');
	put_words(w, TAP_WORDS_timex_modes, words.narrow[0]);
	put_member(w, ", constant=", unsigned_word(&words, narrow, 6));
	put_member(w, ", esterror=", unsigned_word(&words, narrow, 4));
	put_member(w, ", freq=", unsigned_word(&words, narrow, 2));
	put_member(w, ", maxerror=", unsigned_word(&words, narrow, 3));
	put_member(w, ", offset=", unsigned_word(&words, narrow, 1));
	put_member(w, ", precision=", unsigned_word(&words, narrow, 7));
	put_text(w, ", status=");
	put_decimal(w, (int32_t)words.narrow[narrow ? 5 : 10]);
	put_member(w, ", tick=", unsigned_word(&words, narrow, 11));
	put_member(w, ", tolerance=", unsigned_word(&words, narrow, 8));
	put_char(w, '}');
}

/* As ctime() does: "Thu Jan  1 00:00:00 1970", in UTC. Days to a date: H. Hinnant, "chrono-compatible
 * low-level date algorithms". */
SHARED void put_date(struct writer *w, int64_t time)
{
	static const char days[] = "ThuFriSatSunMonTueWed", months[] = "MarAprMayJunJulAugSepOctNovDecJanFeb";
	int64_t day, era;
	uint32_t second, of_era, year, of_year, month;

	if (time < 0 || time > 253402300799) { /* years of four digits */
		put_decimal(w, time);
		return;
	}
	day = time / 86400;
	second = (uint32_t)(time % 86400);
	era = (day + 719468) / 146097;
	of_era = (uint32_t)(day + 719468 - era * 146097);
	year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	of_year = of_era - (365 * year + year / 4 - year / 100);
	month = (5 * of_year + 2) / 153;
	tap_out_bytes(&w->out, days + day % 7 * 3, 3);
	put_char(w, ' ');
	tap_out_bytes(&w->out, months + month % 12 * 3, 3);
	of_year = of_year - (153 * month + 2) / 5 + 1;
	put_text(w, of_year < 10 ? "  " : " ");
	put_unsigned(w, of_year);
	put_char(w, ' ');
	put_padded(w, second / 3600, 2);
	put_char(w, ':');
	put_padded(w, second / 60 % 60, 2);
	put_char(w, ':');
	put_padded(w, second % 60, 2);
	put_char(w, ' ');
	put_unsigned(w, year + (uint64_t)era * 400 + (month >= 10));
}

SHARED void put_utimbuf(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, w->time32 ? 8 : 16))
		return;
	put_char(w, '[');
	put_date(w, signed_word(&words, w->time32, 0));
	put_text(w, ", ");
	put_date(w, signed_word(&words, w->time32, 1));
	put_char(w, ']');
}

#endif
