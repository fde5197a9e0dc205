/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arguments of system calls as text: all those of a call, and calls by name and number. */
#include "syscall_text.h"

#include "syscall_argument.h"

SHARED const struct tap_call *find_call(int64_t number, bool compat)
{
	uint32_t index = 0;

	if (compat && number >= 0 && number < TAP_CALLS_32)
		index = tap_calls_32[number];
	else if (!compat && number >= 0 && number < TAP_CALLS_64)
		index = tap_calls_64[number];
	return index && index <= TAP_CALLS ? &tap_calls[index - 1] : NULL;
}

static void unpack_socketcall(struct tap_syscall *call)
{
	static const uint8_t counts[] = {0, 3, 3, 3, 2, 3, 3, 3, 4, 4, 4, 6, 6, 2, 5, 5, 3, 3, 4, 5, 4};
	uint32_t words[TAP_SYSCALL_ARGUMENTS], i;
	uint64_t which = call->args[0];

	if (!which || which >= sizeof(counts))
		return;
	for (i = 0; i < TAP_SYSCALL_ARGUMENTS; i++)
		words[i] = 0;
	if (!tap_read_user(words, call->args[1], counts[which] * 4))
		return;
	call->number = TAP_SOCKETCALL + (int64_t)which;
	for (i = 0; i < TAP_SYSCALL_ARGUMENTS; i++)
		call->args[i] = words[i];
}

/* ipc(call, first, second, third, ptr, fifth) */
static void unpack_ipc(struct tap_syscall *call)
{
	/* semop, semget, semctl, semtimedop; msgsnd, msgrcv, msgget, msgctl; shmat, shmdt, shmget, shmctl */
	const uint32_t known = 0xfu << 1 | 0xfu << 11 | 0xfu << 21;
	uint32_t words[2] = {0, 0}, which = call->args[0] & 0xffff;
	uint64_t first = call->args[1], second = call->args[2], third = call->args[3], ptr = call->args[4],
		 fifth = call->args[5];
	bool is_old;

	if (which > 24 || !(known >> which & 1))
		return;
	/* semctl's last argument is where ptr points to, and so are two of msgrcv's old form. */
	is_old = which == 12 && !(call->args[0] >> 16);
	if ((which == 3 || is_old) && !tap_read_user(words, ptr, is_old ? 8 : 4))
		return;
	call->number = TAP_IPC + which;
	call->args[0] = which == 22 ? ptr : first;
	if (which == 1 || which == 4 || which == 11 || which == 21) { /* semop, semtimedop, msgsnd, shmat */
		call->args[1] = ptr;
		call->args[2] = second;
		call->args[3] = which == 4 ? fifth : third;
	} else if (which == 12) { /* msgrcv */
		call->args[1] = is_old ? words[0] : ptr;
		call->args[2] = second;
		call->args[3] = is_old ? words[1] : fifth;
		call->args[4] = third;
	} else {
		call->args[1] = second;
		call->args[2] = which == 14 || which == 24 ? ptr : third; /* msgctl, shmctl */
		call->args[3] = words[0];
	}
}

void tap_syscall_unpack(struct tap_syscall *call)
{
	if (call->number == 102)
		unpack_socketcall(call);
	else if (call->number == 117)
		unpack_ipc(call);
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
			   made->compat && (made->number < TAP_FIRST_TIME64 || made->number > TAP_SOCKETCALL),
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
		if (kind == TAP_ARG_SIGACTION || kind == TAP_ARG_OLD_SIGACTION)
			put_char(&w, '{');
		put_value(c, &w, kind, made->args[i], i + 1 < TAP_SYSCALL_ARGUMENTS ? made->args[i + 1] : 0);
		if (kind == TAP_ARG_SIGACTION || kind == TAP_ARG_OLD_SIGACTION)
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
