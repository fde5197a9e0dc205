/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One unit whose handlers do what the module parameter `mode` says: a test for each cell of
 * runtime/kernel/STATES.md. */
#include "unit.h"
#include <linux/moduleparam.h>
#include <trace/events/sched.h>

static char *mode = "";
module_param(mode, charp, 0);
static int maxerrors;
module_param(maxerrors, int, 0);
static int maxskipped = 100;
module_param(maxskipped, int, 0);
static int overload;
module_param(overload, int, 0);
static ulong ring_bytes;
module_param(ring_bytes, ulong, 0);
/* Mode "address": link addresses of __x64_sys_getppid and of vfs_read. */
static ulong address, anchor;
module_param(address, ulong, 0);
module_param(anchor, ulong, 0);

static const struct tap_format tap_formats[] = {
    TAP_FORMAT("%s\n", "s"),
    TAP_FORMAT("line %d\n", "i"),
    TAP_FORMAT("%s %d\n", "si"),
};
enum { TEXT, LINE, TEXT_NUMBER };

static struct {
	struct tap_lock lock, lock_b;
	int64_t a, b, apart, hits, ticks;
} tap_globals;

static const struct tap_lock_use uses_0[] = {{&tap_globals.lock, true, "a"},
					     {&tap_globals.lock_b, true, "b"}};
static const struct tap_lock_set set_0 = {uses_0, 2};

struct tap_frame {
	int64_t unused;
};

static bool is(const char *name)
{
	return !strcmp(mode, name);
}

static void text(struct tap_ctx *c, const char *s)
{
	print_str(c, TEXT, tap_str_make(s, strlen(s)));
}

static void number(struct tap_ctx *c, const char *s, int64_t n)
{
	struct tap_str str = tap_str_make(s, strlen(s));
	uint8_t *at = tap_record(c, TEXT_NUMBER, tap_str_bytes(str) + 8);

	if (at)
		tap_put_i64(tap_put_str(at, str), n);
}

static void fail(struct tap_ctx *c)
{
	tap_fail(c, "operator '/' at <input>:1:22", "division by 0");
}

static void faults(struct tap_ctx *c)
{
	static const uint64_t bad[] = {0,
				       8,
				       0x400000,
				       0x1234567812345678,
				       0xffffffffff000000,
				       0x00007ffffffff000,
				       0x0000800000000000,
				       0xffff7fffffffffff,
				       ~0ull};
	char buffer[64];
	uint32_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		int64_t v = tap_load_kernel(c, bad[i], 8, "x:1:1");

		if (c->error) {
			tap_catch(c);
			print_str(c, TEXT, tap_catch_message(c));
		} else {
			number(c, "read!", v);
		}
		if (tap_read_kernel_string(buffer, sizeof(buffer), bad[i]) >= 0)
			number(c, "string!", i);
	}
	tap_load_user(c, (uint64_t)&tap_globals, 8, "x:1:1");
	if (c->error) {
		tap_catch(c);
		text(c, "user read of kernel address refused");
	}
	if (tap_load_kernel(c, (uint64_t)"abcdefgh", 4, "x") == 0x64636261 &&
	    tap_load_kernel(c, (uint64_t)"\xff\xff", -2, "x") == -1)
		text(c, "good reads are good");
	number(c, "length",
	       tap_read_kernel_string(buffer, sizeof(buffer), (uint64_t)"a string of 25 characters"));
	text(c, buffer);
	number(c, "cut", tap_read_kernel_string(buffer, 8, (uint64_t)"a string of 25 characters"));
	text(c, buffer);
}

static void probe_begin(struct tap_ctx *c)
{
	int i;

	text(c, "begin");
	if (is("exit_begin"))
		tap_request_exit(c);
	if (is("error_begin"))
		return fail(c);
	if (is("lines"))
		for (i = 0; i < 400000; i++)
			print_i64(c, LINE, i);
	if (is("faults"))
		faults(c);
	text(c, "begin done");
}

static void probe_begin2(struct tap_ctx *c)
{
	text(c, "begin2");
}

static void probe_timer(struct tap_ctx *c)
{
	if (is("flood"))
		return;
	text(c, "tick");
	if (is("exit_timer"))
		tap_request_exit(c);
	if (is("error_timer"))
		return fail(c);
	if (is("faults") && tap_globals.ticks++ == 0) {
		faults(c);
		tap_request_exit(c);
	}
	if (is("overload"))
		mdelay(300);
	text(c, "tick done");
}

static void probe_kprobe(struct tap_ctx *c)
{
	static const char eighty[] =
	    "0123456789012345678901234567890123456789012345678901234567890123456789012345678";

	if (is("flood") || is("exit_kprobe"))
		text(c, eighty);
	if (is("exit_kprobe"))
		tap_request_exit(c);
	if (is("error_kprobe"))
		return fail(c);
	if (is("address") && tap_globals.hits++ == 0)
		print_str(c, TEXT, tap_function(c));
	if (is("pair")) {
		if (!tap_lock_set_take(c, &set_0))
			return;
		WRITE_ONCE(tap_globals.a, READ_ONCE(tap_globals.a) + 1);
		udelay(2);
		WRITE_ONCE(tap_globals.b, READ_ONCE(tap_globals.b) + 1);
		if (tap_globals.a != tap_globals.b)
			tap_globals.apart++;
		tap_lock_set_release(c);
	}
}

static void probe_end(struct tap_ctx *c)
{
	text(c, "end");
	if (is("pair")) {
		number(c, "pairs equal", tap_globals.a == tap_globals.b);
		number(c, "pairs counted", tap_globals.a);
		number(c, "pairs apart", tap_globals.apart);
	}
	if (is("exit_end"))
		tap_request_exit(c);
	if (is("error_end"))
		return fail(c);
	text(c, "end done");
}

static void probe_end2(struct tap_ctx *c)
{
	text(c, "end2");
}

static void probe_error(struct tap_ctx *c)
{
	text(c, "error");
	if (is("error_begin") && maxerrors == 77)
		return fail(c);
	if (is("error_error"))
		return fail(c);
	text(c, "error done");
}

static void probe_error2(struct tap_ctx *c)
{
	text(c, "error2");
}

#define HANDLER(number, function)                                                                            \
	static const struct tap_plan tap_plan_##number = {SELFTEST_PLAN};                                    \
	static void tap_handler_##number(struct tap_ctx *c)                                                  \
	{                                                                                                    \
		tap_handler_begin(c, &tap_plan_##number);                                                    \
		function(c);                                                                                 \
	}
HANDLER(0, probe_begin)
HANDLER(1, probe_begin2)
HANDLER(2, probe_timer)
HANDLER(3, probe_kprobe)
HANDLER(4, probe_end)
HANDLER(5, probe_end2)
HANDLER(6, probe_error)
HANDLER(7, probe_error2)

static void probe_tracepoint(struct tap_ctx *c)
{
}
HANDLER(8, probe_tracepoint)

static struct tap_probe tap_probes[] = {
    {tap_handler_0, 0, TAP_SESSION, true}, {tap_handler_1, 1, TAP_SESSION, true},
    {tap_handler_2, 2, TAP_EVENT, true},   {tap_handler_3, 3, TAP_EVENT, true},
    {tap_handler_4, 4, TAP_SESSION, true}, {tap_handler_5, 5, TAP_SESSION, true},
    {tap_handler_6, 6, TAP_SESSION, true}, {tap_handler_7, 7, TAP_SESSION, true},
    {tap_handler_8, 8, TAP_EVENT, false},
};

TAP_ENTRY_TIMER(2)
TAP_ENTRY_KPROBE(3)
TAP_ENTRY_TRACEPOINT(8)
TAP_GLUE_TRACEPOINT(0, (struct task_struct * p), (int64_t)(long)p)

/* The order of the array is not the order of priority. */
static struct tap_site_begin tap_sites_begin[] = {
    {TAP_SITE(&tap_probes[1], "begin(1)", ""), .priority = 1},
    {TAP_SITE(&tap_probes[0], "begin(-1)", ""), .priority = -1},
};
static struct tap_site_timer tap_sites_timer[] = {{TAP_SITE(&tap_probes[2], "timer.ms(20)", ""),
						   .entry = tap_entry_timer_2, .interval = 20000000,
						   .randomize = 5000000}};
#define KPROBE(name)                                                                                         \
	{TAP_SITE(&tap_probes[3], "kprobe.function(\"" name "\")", name), .entry = tap_entry_kprobe_3,       \
	 .symbol = name}
static struct tap_site_kprobe tap_sites_kprobe[] = {KPROBE("__x64_sys_getppid"), KPROBE("__x64_sys_getuid"),
						    KPROBE("__x64_sys_geteuid")};
#define TRACEPOINT(name_)                                                                                    \
	{TAP_SITE(&tap_probes[8], "kernel.trace(\"" name_ "\")", ""), .entry = tap_entry_tracepoint_8,       \
	 .name = name_, .glue = tap_glue_tracepoint_0}
static struct tap_site_tracepoint tap_sites_tracepoint[] = {
    TRACEPOINT("sched_wakeup"), TRACEPOINT("sched_wakeup_new"), TRACEPOINT("sched_process_free")};
static struct tap_site_end tap_sites_end[] = {
    {TAP_SITE(&tap_probes[4], "end", "")},
    {TAP_SITE(&tap_probes[5], "end", "")},
};
static struct tap_site_error tap_sites_error[] = {
    {TAP_SITE(&tap_probes[6], "error", "")},
    {TAP_SITE(&tap_probes[7], "error", "")},
};

static const struct tap_family_use tap_families[] = {
    TAP_FAMILY_USE(begin, tap_sites_begin),   TAP_FAMILY_USE(timer, tap_sites_timer),
    TAP_FAMILY_USE(kprobe, tap_sites_kprobe), TAP_FAMILY_USE(tracepoint, tap_sites_tracepoint),
    TAP_FAMILY_USE(end, tap_sites_end),	      TAP_FAMILY_USE(error, tap_sites_error),
};

static struct tap_program tap_program = {
    .abi = TAP_ABI,
    .name = KBUILD_MODNAME,
    .probes = tap_probes,
    .families = tap_families,
    .formats = tap_formats,
    .probe_count = TAP_COUNT(tap_probes),
    .family_count = TAP_COUNT(tap_families),
    .format_count = TAP_COUNT(tap_formats),
    .frame_size = sizeof(struct tap_frame),
    .limits = {SELFTEST_LIMITS},
};

/* "kprobe1" spoils the second site of the family kprobe. */
static void spoil(void)
{
	uint32_t i;

	for (i = 0; i < 3; i++) {
		char name[16];

		snprintf(name, sizeof(name), "kprobe%u", i);
		if (is(name))
			tap_sites_kprobe[i].symbol = "no_such_function";
		snprintf(name, sizeof(name), "tracepoint%u", i);
		if (is(name))
			tap_sites_tracepoint[i].name = "no_such_event";
	}
}

int init_module(void)
{
	tap_program.limits.errors = maxerrors;
	tap_program.limits.skipped = maxskipped;
	tap_program.limits.ring_bytes = ring_bytes;
	tap_program.limits.overload_off = !overload;
	spoil();
	if (is("address")) {
		tap_sites_kprobe[0].symbol = NULL;
		tap_sites_kprobe[0].address = address;
		tap_sites_kprobe[0].anchor_symbol = "vfs_read";
		tap_sites_kprobe[0].anchor = anchor;
	}
	return tap_session_load(&tap_program);
}

void cleanup_module(void)
{
	tap_session_unload();
}

MODULE_LICENSE("GPL");
