/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The formats are SystemTap's (its tapset aux_syscalls and sysc_*, observed): "0x0" for a null pointer,
 * "[1.000000500]" for a struct timespec, flags joined by "|".
 */
#include "syscall_text.h"

#include "out.h"
#include "syscall_tables.def"

/* Code that many places share. (The kernel has a macro of the attribute's plain name.) */
#define SHARED static __attribute__((__noinline__))

/* A value being written: `compat` and `time32` say how the caller's structures are laid out. */
struct writer {
	struct tap_out out;
	bool compat, time32;
	uint32_t bytes; /* of a buffer that are shown, quotes and marks included */
};

TAP_INLINE void put_char(struct writer *w, char byte)
{
	if (w->out.n < w->out.size)
		w->out.p[w->out.n] = byte;
	w->out.n++;
}

SHARED void put_text(struct writer *w, const char *text)
{
	uint32_t i;

	for (i = 0; i < 64 && text[i]; i++)
		put_char(w, text[i]);
}

SHARED void put_decimal(struct writer *w, int64_t value)
{
	char digits[24];

	tap_out_bytes(&w->out, digits, tap_decimal(digits, value));
}

SHARED void put_unsigned(struct writer *w, uint64_t value)
{
	char digits[24];

	tap_out_bytes(&w->out, digits, tap_digits_of(digits, value, 10, false));
}

SHARED void put_hex(struct writer *w, uint64_t value)
{
	char digits[24];

	put_text(w, "0x");
	tap_out_bytes(&w->out, digits, tap_digits_of(digits, value, 16, false));
}

SHARED void put_octal(struct writer *w, uint64_t value)
{
	char digits[24];

	put_char(w, '0');
	if (value)
		tap_out_bytes(&w->out, digits, tap_digits_of(digits, value, 8, false));
}

/* Decimal with zeros in front. */
SHARED void put_padded(struct writer *w, uint64_t value, uint32_t width)
{
	char digits[24];
	uint32_t n = tap_digits_of(digits, value, 10, false);

	if (n < width)
		tap_out_fill(&w->out, '0', width - n);
	tap_out_bytes(&w->out, digits, n);
}

SHARED void put_member(struct writer *w, const char *name, uint64_t value)
{
	put_text(w, name);
	put_unsigned(w, value);
}

/* ---- names */

SHARED void put_rest(struct writer *w, uint64_t value, uint32_t form)
{
	if (form == TAP_FORM_ONE10)
		put_decimal(w, (int32_t)value);
	else if (form == TAP_FORM_FLAGS8)
		put_octal(w, value);
	else
		put_hex(w, value);
}

SHARED void put_words(struct writer *w, uint32_t which, uint64_t value)
{
	const struct tap_word_kind *kind;
	bool some = false;
	bool flags;
	uint32_t i;

	if (which >= TAP_WORD_KINDS)
		return;
	kind = &tap_word_kinds[which];
	flags = kind->form == TAP_FORM_FLAGS || kind->form == TAP_FORM_FLAGS8;
	for (i = 0; i < TAP_MOST_WORDS && i < kind->count; i++) {
		const struct tap_word *word = &tap_words[(kind->first + i) % TAP_WORDS];

		if (((uint32_t)value & word->mask) != word->value)
			continue;
		if (some)
			put_char(w, '|');
		put_text(w, tap_names + word->name);
		some = true;
		if (!flags)
			return;
		value &= ~(uint64_t)word->mask;
		if (!value)
			return;
	}
	if (some)
		put_char(w, '|');
	if (value || !some)
		put_rest(w, value, kind->form);
}

/* ---- memory of the caller */

/* A word of the caller's. */
TAP_INLINE uint32_t word_size(const struct writer *w)
{
	return w->compat ? 4 : 8;
}

SHARED void put_escaped(struct writer *w, unsigned char byte)
{
	static const char plain[] = "abtnvfr";

	if (byte == '"' || byte == '\\') {
		put_char(w, '\\');
		put_char(w, byte);
	} else if (byte >= 7 && byte <= 13) {
		put_char(w, '\\');
		put_char(w, plain[byte - 7]);
	} else if (byte >= ' ' && byte <= '~') {
		put_char(w, byte);
	} else {
		put_char(w, '\\');
		put_char(w, '0' + (byte >> 6));
		put_char(w, '0' + ((byte >> 3) & 7));
		put_char(w, '0' + (byte & 7));
	}
}

TAP_INLINE uint32_t escaped_length(unsigned char byte)
{
	return byte == '"' || byte == '\\' || (byte >= 7 && byte <= 13) ? 2
	       : byte >= ' ' && byte <= '~'				? 1
									: 4;
}

enum { TAP_CHUNK = 64 };

/*
 * Quoted: `most` bytes of the caller at the most, up to a NUL if `string`. What does not fit `room`
 * characters (quotes included) is left out, which "..." behind the quotes says.
 */
SHARED void put_quoted(struct tap_ctx *c, struct writer *w, uint64_t address, uint64_t most, bool string,
		       uint32_t room)
{
	uint64_t start = w->out.n, done = 0, safe, end;
	char chunk[TAP_CHUNK];

	if (!address) {
		put_text(w, "NULL");
		return;
	}
	if (room < 6)
		room = 6;
	end = start + room - 1; /* of the closing quote */
	put_char(w, '"');
	safe = w->out.n;
	while (done < most && tap_work_take(&c->work)) {
		/* A piece ends where a page may end. */
		uint32_t n = TAP_CHUNK - (uint32_t)((address + done) & (TAP_CHUNK - 1)), i;

		if (n > most - done)
			n = (uint32_t)(most - done);
		if (!tap_read_user(chunk, address + done, n)) {
			w->out.n = start;
			put_hex(w, address);
			return;
		}
		for (i = 0; i < TAP_CHUNK && i < n; i++) {
			if (string && !chunk[i])
				goto whole;
			if (w->out.n + escaped_length((unsigned char)chunk[i]) > end)
				goto cut;
			put_escaped(w, (unsigned char)chunk[i]);
			if (w->out.n + 3 <= end) /* "..." fits behind it */
				safe = w->out.n;
		}
		done += n;
	}
whole:
	put_char(w, '"');
	return;
cut:
	w->out.n = safe;
	put_text(w, "\"...");
}

/* What is left of the buffer for a string. */
SHARED void put_string(struct tap_ctx *c, struct writer *w, uint64_t address)
{
	uint64_t left = w->out.n + 1 < w->out.size ? w->out.size - w->out.n - 1 : 0;

	put_quoted(c, w, address, ~0ull, true, (uint32_t)left);
}

static void put_buffer(struct tap_ctx *c, struct writer *w, uint64_t address, uint64_t length)
{
	put_quoted(c, w, address, length, false, w->bytes);
}

SHARED void put_xattr(struct writer *w, uint64_t address, uint64_t size)
{
	char bytes[50];
	uint32_t n = size < sizeof(bytes) ? (uint32_t)size : (uint32_t)sizeof(bytes), i;

	if (!address || !n || !tap_read_user(bytes, address, n)) {
		put_hex(w, address);
		return;
	}
	if (n > 1 && !bytes[n - 1] && bytes[n - 2] >= ' ' && bytes[n - 2] <= '~')
		n--;
	put_char(w, '"');
	for (i = 0; i < sizeof(bytes) && i < n; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte >= ' ' && byte <= '~') {
			put_char(w, byte);
			continue;
		}
		put_text(w, "\\x");
		put_char(w, "0123456789abcdef"[byte >> 4]);
		put_char(w, "0123456789abcdef"[byte & 15]);
	}
	put_char(w, '"');
}

SHARED void put_argv(struct tap_ctx *c, struct writer *w, uint64_t address)
{
	uint32_t i;

	put_char(w, '[');
	for (i = 0; address && i < 4096 && w->out.n < w->out.size && tap_work_take(&c->work); i++) {
		uint64_t string = 0;

		if (!tap_read_user(&string, address + i * word_size(w), word_size(w))) {
			if (i)
				put_text(w, ", ");
			put_hex(w, address + i * word_size(w));
			break;
		}
		if (!string)
			break;
		if (i)
			put_text(w, ", ");
		put_string(c, w, string);
	}
	put_char(w, ']');
}

/* Words of a structure, and whether it can be read. Of a structure that cannot, or is not there,
 * `put_absent`. */
struct words {
	union {
		uint64_t wide[14];
		uint32_t narrow[28];
		char bytes[112];
	};
};

SHARED bool read_struct(struct writer *w, struct words *to, uint64_t address, uint32_t bytes)
{
	if (address && bytes <= sizeof(*to) && tap_read_user(to->bytes, address, bytes))
		return true;
	if (address)
		put_hex(w, address);
	else
		put_text(w, "NULL");
	return false;
}

/* Word `i` of the caller's size. */
TAP_INLINE int64_t signed_word(const struct words *words, bool narrow, uint32_t i)
{
	return narrow ? (int32_t)words->narrow[i] : (int64_t)words->wide[i];
}
TAP_INLINE uint64_t unsigned_word(const struct words *words, bool narrow, uint32_t i)
{
	return narrow ? words->narrow[i] : words->wide[i];
}

/* ---- times */

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

static void put_timezone(struct writer *w, uint64_t address)
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

/* ---- signals */

/* Signal `number` if it is in the set whose text began at `start`. */
SHARED void put_signal(struct writer *w, uint64_t set, uint32_t number, uint64_t start)
{
	if (!(set >> (number - 1) & 1))
		return;
	put_char(w, w->out.n > start ? '|' : '[');
	put_words(w, TAP_WORDS_signal, number);
}

SHARED void put_signals(struct writer *w, uint64_t set)
{
	uint64_t start = w->out.n;
	uint32_t i;

	for (i = 1; i < 32; i++)
		put_signal(w, set, i, start);
	put_text(w, w->out.n > start ? "]" : "[EMPTY]");
}

static void put_sigset(struct writer *w, uint64_t address)
{
	struct words words;

	if (read_struct(w, &words, address, 8))
		put_signals(w, words.wide[0]);
}

/* The kernel's struct sigaction: handler, flags, restorer, mask. */
SHARED void put_sigaction(struct writer *w, uint64_t address)
{
	struct words words;
	uint64_t handler;

	if (read_struct(w, &words, address, w->compat ? 20 : 32)) {
		handler = unsigned_word(&words, w->compat, 0);
		if (handler <= 1)
			put_words(w, TAP_WORDS_signal_handler, handler);
		else
			put_hex(w, handler);
		if (handler > 1) {
			put_text(w, ", ");
			put_words(w, TAP_WORDS_sigaction_flags, unsigned_word(&words, w->compat, 1));
			put_text(w, ", ");
			put_hex(w, unsigned_word(&words, w->compat, 2));
			put_text(w, ", ");
			put_signals(w, w->compat ? words.narrow[3] | (uint64_t)words.narrow[4] << 32
						 : words.wide[3]);
		}
	}
}

SHARED void put_siginfo(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 32))
		return;
	put_text(w, "{si_signo=");
	put_words(w, TAP_WORDS_signal, words.narrow[0]);
	put_text(w, ", si_code=");
	put_words(w, TAP_WORDS_siginfo_code, words.narrow[2]);
	put_text(w, ", si_pid=");
	put_decimal(w, (int32_t)words.narrow[w->compat ? 3 : 4]);
	put_text(w, ", si_uid=");
	put_decimal(w, (int32_t)words.narrow[w->compat ? 4 : 5]);
	put_char(w, '}');
}

SHARED void put_sigaltstack(struct writer *w, uint64_t address)
{
	struct words words;

	if (!address) {
		put_hex(w, 0);
		return;
	}
	if (!read_struct(w, &words, address, w->compat ? 12 : 24))
		return;
	put_text(w, "{ss_sp=");
	put_hex(w, unsigned_word(&words, w->compat, 0));
	put_text(w, ", ss_flags=");
	put_words(w, TAP_WORDS_sigaltstack_flags, words.narrow[w->compat ? 1 : 2]);
	put_member(w, ", ss_size=", unsigned_word(&words, w->compat, 2));
	put_char(w, '}');
}

/* ---- sockets */

TAP_INLINE uint32_t big_endian16(const char *p)
{
	return (uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

SHARED void put_ip4(struct writer *w, const char *p)
{
	uint32_t i;

	for (i = 0; i < 4; i++) {
		if (i)
			put_char(w, '.');
		put_unsigned(w, (unsigned char)p[i]);
	}
}

SHARED void put_ip6(struct writer *w, const char *p)
{
	char digits[24];
	uint32_t i;

	for (i = 0; i < 8; i++) {
		uint32_t n = tap_digits_of(digits, big_endian16(p + i * 2), 16, false);

		if (i)
			put_char(w, ':');
		tap_out_fill(&w->out, '0', 4 - n);
		tap_out_bytes(&w->out, digits, n);
	}
}

SHARED void put_unix_path(struct writer *w, const char *path, uint32_t n)
{
	uint32_t i = 0;

	put_text(w, "{AF_UNIX, \"");
	if (n && !path[0]) { /* an abstract name */
		put_text(w, "\\000");
		i = 1;
	}
	for (; i < 108 && i < n && path[i]; i++)
		put_char(w, path[i]);
	put_text(w, "\"}");
}

SHARED void put_sockaddr(struct writer *w, uint64_t address, uint64_t length)
{
	struct words words;
	uint32_t n = (uint32_t)length < sizeof(words) ? (uint32_t)length : (uint32_t)sizeof(words), family, i;

	for (i = 0; i < 14; i++)
		words.wide[i] = 0;
	if (!address) {
		put_text(w, "NULL");
		return;
	}
	if (!n || !tap_read_user(words.bytes, address, n)) {
		put_text(w, n ? "{...}" : "{unknown sockaddr with salen=0}");
		return;
	}
	family = (unsigned char)words.bytes[0] | (uint32_t)(unsigned char)words.bytes[1] << 8;
	if (family == 2 && n >= 16) {
		put_text(w, "{AF_INET, ");
		put_ip4(w, words.bytes + 4);
		put_text(w, ", ");
		put_unsigned(w, big_endian16(words.bytes + 2));
		put_char(w, '}');
	} else if (family == 10 && n >= 24) {
		put_text(w, "{AF_INET6, ");
		put_ip6(w, words.bytes + 8);
		put_text(w, ", ");
		put_unsigned(w, big_endian16(words.bytes + 2));
		put_char(w, '}');
	} else if (family == 1 && n >= 2) {
		put_unix_path(w, words.bytes + 2, n - 2);
	} else if (family == 16 && n >= 12) {
		put_text(w, "{AF_NETLINK, pid=");
		put_decimal(w, (int32_t)words.narrow[1]);
		put_text(w, ", groups=");
		put_hex(w, words.narrow[2]);
		put_char(w, '}');
	} else if (n >= 2) {
		put_member(w, "{unknown sockaddr with sa=", family);
		put_member(w, ", salen=", length);
		put_char(w, '}');
	} else {
		put_member(w, "{unknown sockaddr with salen=", length);
		put_char(w, '}');
	}
}

/* ---- other structures */

static void put_limit(struct writer *w, uint64_t limit)
{
	put_decimal(w, (int64_t)limit);
}

static void put_rlimit(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, w->compat ? 8 : 16))
		return;
	put_char(w, '[');
	put_limit(w, unsigned_word(&words, w->compat, 0));
	put_char(w, ',');
	put_limit(w, unsigned_word(&words, w->compat, 1));
	put_char(w, ']');
}

static void put_tms(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 4 * word_size(w)))
		return;
	put_member(w, "{tms_utime=", unsigned_word(&words, w->compat, 0));
	put_member(w, ", tms_stime=", unsigned_word(&words, w->compat, 1));
	put_member(w, ", tms_cutime=", unsigned_word(&words, w->compat, 2));
	put_member(w, ", tms_cstime=", unsigned_word(&words, w->compat, 3));
	put_char(w, '}');
}

SHARED void put_sysinfo(struct writer *w, uint64_t address)
{
	struct words words;
	bool narrow = w->compat;

	if (!read_struct(w, &words, address, narrow ? 64 : 112))
		return;
	put_text(w, "{uptime=");
	put_decimal(w, signed_word(&words, narrow, 0));
	put_member(w, ", loads=[", unsigned_word(&words, narrow, 1));
	put_member(w, ", ", unsigned_word(&words, narrow, 2));
	put_member(w, ", ", unsigned_word(&words, narrow, 3));
	put_member(w, "], totalram=", unsigned_word(&words, narrow, 4));
	put_member(w, ", freeram=", unsigned_word(&words, narrow, 5));
	put_member(w, ", sharedram=", unsigned_word(&words, narrow, 6));
	put_member(w, ", bufferram=", unsigned_word(&words, narrow, 7));
	put_member(w, ", totalswap=", unsigned_word(&words, narrow, 8));
	put_member(w, ", freeswap=", unsigned_word(&words, narrow, 9));
	put_member(w, ", procs=", words.narrow[narrow ? 10 : 20] & 0xffff);
	put_char(w, '}');
}

static void put_sched_attr(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 48))
		return;
	put_member(w, "{size=", words.narrow[0]);
	put_member(w, ", sched_policy=", words.narrow[1]);
	put_member(w, ", sched_flags=", words.wide[1]);
	put_text(w, ", sched_nice=");
	put_decimal(w, (int32_t)words.narrow[4]);
	put_member(w, ", sched_priority=", words.narrow[5]);
	put_member(w, ", sched_runtime=", words.wide[3]);
	put_member(w, ", sched_deadline=", words.wide[4]);
	put_member(w, ", sched_period=", words.wide[5]);
	put_char(w, '}');
}

static void put_open_how(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 24))
		return;
	put_text(w, "{flags=");
	put_words(w, TAP_WORDS_open_flags, words.wide[0]);
	put_text(w, ", mode=");
	put_octal(w, words.wide[1]);
	put_text(w, ", resolve=");
	put_hex(w, words.wide[2]);
	put_char(w, '}');
}

static void put_user_desc(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 16))
		return;
	put_member(w, "{entry_number=", words.narrow[0]);
	put_text(w, ", base_addr=");
	put_hex(w, words.narrow[1]);
	put_member(w, ", limit=", words.narrow[2]);
	put_char(w, '}');
}

static void put_iovec(struct writer *w, uint64_t address)
{
	struct words words;

	if (!read_struct(w, &words, address, 2 * word_size(w)))
		return;
	put_text(w, "[{");
	put_hex(w, unsigned_word(&words, w->compat, 0));
	put_member(w, ", ", unsigned_word(&words, w->compat, 1));
	put_text(w, "}]");
}

static void put_ioprio(struct writer *w, uint32_t value)
{
	static const char classes[4][18] = {"IOPRIO_CLASS_NONE", "IOPRIO_CLASS_RT", "IOPRIO_CLASS_BE",
					    "IOPRIO_CLASS_IDLE"};

	if (value >> 13 < 4)
		put_text(w, classes[value >> 13]);
	else
		put_hex(w, value >> 13);
	put_char(w, '|');
	put_unsigned(w, value & 0x1fff);
}

static void put_futex_wake_op(struct writer *w, uint32_t value)
{
	static const char operations[5][14] = {"FUTEX_OP_SET", "FUTEX_OP_ADD", "FUTEX_OP_OR", "FUTEX_OP_ANDN",
					       "FUTEX_OP_XOR"};
	static const char compares[6][16] = {"FUTEX_OP_CMP_EQ", "FUTEX_OP_CMP_NE", "FUTEX_OP_CMP_LT",
					     "FUTEX_OP_CMP_LE", "FUTEX_OP_CMP_GT", "FUTEX_OP_CMP_GE"};
	uint32_t operation = value >> 28 & 7, compare = value >> 24 & 15;

	put_char(w, '{');
	if (value >> 31)
		put_text(w, "FUTEX_OP_OPARG_SHIFT|");
	if (operation < 5)
		put_text(w, operations[operation]);
	else
		put_hex(w, operation);
	put_text(w, ", ");
	put_decimal(w, (int32_t)(value << 8) >> 20);
	put_text(w, ", ");
	if (compare < 6)
		put_text(w, compares[compare]);
	else
		put_hex(w, compare);
	put_text(w, ", ");
	put_decimal(w, (int32_t)(value << 20) >> 20);
	put_char(w, '}');
}

/* ---- one argument */

TAP_INLINE bool makes_file(uint64_t flags)
{
	return (flags & 0100) || (flags & 020200000) == 020200000;
}

SHARED void put_number(struct writer *w, uint32_t kind, uint64_t value, uint64_t other)
{
	switch (kind) {
	case TAP_ARG_INT:
		put_decimal(w, (int32_t)value);
		break;
	case TAP_ARG_UINT:
		put_unsigned(w, (uint32_t)value);
		break;
	case TAP_ARG_LONG:
		put_decimal(w, w->compat ? (int32_t)value : (int64_t)value);
		break;
	case TAP_ARG_ULONG:
		put_unsigned(w, value);
		break;
	case TAP_ARG_SHORT:
		put_decimal(w, (int16_t)value);
		break;
	case TAP_ARG_CREATE_PTR:
	case TAP_ARG_PTR:
		put_hex(w, value);
		break;
	case TAP_ARG_HEX:
		put_hex(w, (uint32_t)value);
		break;
	case TAP_ARG_ALT:
		value = (uint32_t)value;
		/* fall through */
	case TAP_ARG_ALT64:
		if (value)
			put_hex(w, value);
		else
			put_char(w, '0');
		break;
	case TAP_ARG_CREATE_MODE:
	case TAP_ARG_OCT:
		put_octal(w, (uint32_t)value);
		break;
	case TAP_ARG_POSITION:
		put_hex(w, w->compat ? (uint32_t)value | other << 32 : value);
		break;
	case TAP_ARG_LOFF:
		put_decimal(w, (int64_t)(w->compat ? (uint32_t)value | other << 32 : value));
		break;
	case TAP_ARG_DFD:
		if ((int32_t)value == -100)
			put_text(w, "AT_FDCWD");
		else
			put_decimal(w, (int32_t)value);
		break;
	case TAP_ARG_SIGMASK:
		put_signals(w, (uint32_t)value);
		break;
	case TAP_ARG_IOPRIO:
		put_ioprio(w, (uint32_t)value);
		break;
	case TAP_ARG_FUTEX_WAKE_OP:
		put_futex_wake_op(w, (uint32_t)value);
		break;
	case TAP_ARG_SOCKET_PROTOCOL:
		put_words(w, TAP_WORDS_internet_protocol, (uint32_t)value);
		break;
	default:
		break;
	}
}

static void put_memory(struct tap_ctx *c, struct writer *w, uint32_t kind, uint64_t value, uint64_t other)
{
	switch (kind) {
	case TAP_ARG_PATH:
	case TAP_ARG_STR:
		put_string(c, w, value);
		break;
	case TAP_ARG_BUF:
		put_buffer(c, w, value, other);
		break;
	case TAP_ARG_XATTR:
		put_xattr(w, value, other);
		break;
	case TAP_ARG_ARGV:
		put_argv(c, w, value);
		break;
	case TAP_ARG_TIMESPEC:
		put_times(w, value, 1, 9);
		break;
	case TAP_ARG_TIMESPECS:
		put_times(w, value, 2, 9);
		break;
	case TAP_ARG_TIMEVAL:
		put_times(w, value, 1, 6);
		break;
	case TAP_ARG_TIMEVALS:
		put_times(w, value, 2, 6);
		break;
	case TAP_ARG_ITIMERSPEC:
	case TAP_ARG_ITIMERVAL:
		put_interval(w, value);
		break;
	case TAP_ARG_TIMEZONE:
		put_timezone(w, value);
		break;
	case TAP_ARG_TIMEX:
		put_timex(w, value);
		break;
	case TAP_ARG_UTIMBUF:
		put_utimbuf(w, value);
		break;
	case TAP_ARG_SIGSET:
		put_sigset(w, value);
		break;
	case TAP_ARG_SIGACTION:
		put_sigaction(w, value);
		break;
	case TAP_ARG_SIGINFO:
		put_siginfo(w, value);
		break;
	case TAP_ARG_SIGALTSTACK:
		put_sigaltstack(w, value);
		break;
	case TAP_ARG_SOCKADDR:
		put_sockaddr(w, value, (uint32_t)other);
		break;
	case TAP_ARG_RLIMIT:
		put_rlimit(w, value);
		break;
	case TAP_ARG_TMS:
		put_tms(w, value);
		break;
	case TAP_ARG_SYSINFO:
		put_sysinfo(w, value);
		break;
	case TAP_ARG_SCHED_ATTR:
		put_sched_attr(w, value);
		break;
	case TAP_ARG_OPEN_HOW:
		put_open_how(w, value);
		break;
	case TAP_ARG_USER_DESC:
		put_user_desc(w, value);
		break;
	case TAP_ARG_IOVEC:
		put_iovec(w, value);
		break;
	default:
		put_number(w, kind, value, other);
		break;
	}
}

static void put_value(struct tap_ctx *c, struct writer *w, uint32_t kind, uint64_t value, uint64_t other)
{
	if (kind >= TAP_ARG_WORDS)
		put_words(w, kind - TAP_ARG_WORDS, (uint32_t)value);
	else
		put_memory(c, w, kind, value, other);
}

TAP_INLINE uint32_t finish(struct writer *w)
{
	uint32_t n = w->out.n < w->out.size ? (uint32_t)w->out.n : w->out.size - 1;

	w->out.p[n] = 0;
	return n;
}

/* ---- calls */

SHARED const struct tap_call *find_call(int64_t number, bool compat)
{
	uint32_t index = 0;

	if (compat && number >= 0 && number < TAP_CALLS_32)
		index = tap_calls_32[number];
	else if (!compat && number >= 0 && number < TAP_CALLS_64)
		index = tap_calls_64[number];
	return index && index <= TAP_CALLS ? &tap_calls[index - 1] : NULL;
}

/* How the arguments are written: by the value of one of them for some calls. */
static const uint8_t *kinds_of(const struct tap_call *call, const struct tap_syscall *made)
{
	uint64_t value =
	    made->args[call->selector % TAP_SYSCALL_ARGUMENTS] >> call->selector_shift & call->selector_mask;
	uint32_t i;

	for (i = 0; i < TAP_MOST_VARIANTS && i < call->variants; i++) {
		const struct tap_variant *variant = &tap_variants[(call->first_variant + i) % TAP_VARIANTS];

		if (variant->value == (uint32_t)value)
			return variant->kinds;
	}
	return call->kinds;
}

/* From this number on, i386's calls have 64-bit times. */
enum { TAP_FIRST_TIME64 = 403 };

uint32_t tap_syscall_arguments(struct tap_ctx *c, char *dst, uint32_t size, const struct tap_syscall *made,
			       int64_t bytes)
{
	const struct tap_call *call = find_call(made->number, made->compat);
	struct writer w = {{dst, 0, size},
			   made->compat,
			   made->compat && made->number < TAP_FIRST_TIME64,
			   bytes < 0	  ? 0
			   : bytes > size ? size
					  : (uint32_t)bytes};
	const uint8_t *kinds;
	bool some = false;
	uint32_t i;

	if (!size)
		return 0;
	if (!call)
		return finish(&w);
	kinds = kinds_of(call, made);
	for (i = 0; i < TAP_SYSCALL_ARGUMENTS; i++) {
		uint32_t kind = kinds[i];

		if (kind == TAP_ARG_NONE ||
		    (kind == TAP_ARG_CREATE_MODE && i && !makes_file(made->args[i - 1])) ||
		    (kind == TAP_ARG_CREATE_PTR && i > 1 && !makes_file(made->args[i - 2])))
			continue;
		if (some)
			put_text(&w, ", ");
		some = true;
		if (kind == TAP_ARG_SOCKET_PROTOCOL && made->args[0] != 2 && made->args[0] != 10)
			kind = TAP_ARG_INT;
		if (kind == TAP_ARG_SIGACTION)
			put_char(&w, '{');
		put_value(c, &w, kind, made->args[i], i + 1 < TAP_SYSCALL_ARGUMENTS ? made->args[i + 1] : 0);
		if (kind == TAP_ARG_SIGACTION)
			put_char(&w, '}');
	}
	return finish(&w);
}

int64_t tap_syscall_number(const char *name, uint32_t size)
{
	uint32_t number, i;

	for (number = 0; number < TAP_CALLS_64; number++) {
		const struct tap_call *call = find_call(number, false);
		const char *known = call ? tap_names + call->real_name : "";

		for (i = 0; i < 64 && i < size && name[i] && name[i] == known[i]; i++)
			;
		if (i && i < size && !name[i] && !known[i])
			return number;
	}
	return -1;
}

uint32_t tap_syscall_row(int64_t number, bool compat)
{
	const struct tap_call *call = find_call(number, compat);

	return call ? (uint32_t)(call - tap_calls) + 1 : 0;
}

uint32_t tap_syscall_name(char *dst, uint32_t size, int64_t number, bool compat, bool real)
{
	const struct tap_call *call = find_call(number, compat);
	struct writer w = {{dst, 0, size}, false, false, 0};

	if (!size)
		return 0;
	if (call)
		put_text(&w, tap_names + (real ? call->real_name : call->name));
	return finish(&w);
}

uint32_t tap_syscall_buffer(struct tap_ctx *c, char *dst, uint32_t size, int64_t address, int64_t length,
			    int64_t bytes)
{
	struct writer w = {{dst, 0, size}, false, false, 0};

	if (!size)
		return 0;
	put_quoted(c, &w, (uint64_t)address, length < 0 ? 0 : (uint64_t)length, false,
		   bytes <= 0 || bytes >= size ? size - 1 : (uint32_t)bytes);
	return finish(&w);
}

uint32_t tap_syscall_value(struct tap_ctx *c, char *dst, uint32_t size, int64_t kind, int64_t value,
			   int64_t other, bool compat)
{
	struct writer w = {{dst, 0, size}, compat, compat, 50};

	if (!size)
		return 0;
	if (kind == TAP_ARG_SOCKET_PROTOCOL && other != 2 && other != 10)
		kind = TAP_ARG_INT;
	put_value(c, &w, (uint32_t)kind, (uint64_t)value, (uint64_t)other);
	return finish(&w);
}
