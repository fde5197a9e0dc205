/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One handler of each family; a timer ends the session after five ticks. */
#include "unit.h"
#include <trace/events/sched.h>

static const struct tap_format tap_formats[] = {
    TAP_FORMAT("hello\n", ""),
    TAP_FORMAT("tick %d\n", "i"),
    TAP_FORMAT("end: hooks seen %d\n", "i"),
    TAP_FORMAT("first read by %s\n", "s"),
};

static struct {
	struct tap_lock lock;
	int64_t reads, returns, switches, samples, ticks;
} tap_globals;

static const struct tap_lock_use uses_0[] = {{&tap_globals.lock, true, "reads"}};
static const struct tap_lock_set set_0 = {uses_0, 1};

static int tap_globals_init(void)
{
	return 0;
}

static void tap_globals_exit(void)
{
}

struct probe_frame {
	int64_t unused;
};

struct tap_frame {
	union {
		struct probe_frame probe_0, probe_1, probe_2, probe_3, probe_4, probe_5, probe_6;
	};
};

static void probe_0(struct tap_ctx *c, struct probe_frame *f)
{
	print_nothing(c, 0);
}

static void probe_1(struct tap_ctx *c, struct probe_frame *f)
{
	if (!tap_lock_set_take(c, &set_0))
		return;
	if (tap_globals.reads++ == 0) {
		char name[TASK_COMM_LEN];
		uint32_t n = tap_execname(name, sizeof(name));

		print_str(c, 3, tap_str_make(name, n));
	}
	tap_lock_set_release(c);
}

static void probe_2(struct tap_ctx *c, struct probe_frame *f)
{
	if (!tap_lock_set_take(c, &set_0))
		return;
	if (c->entry[0])
		tap_globals.returns++;
	tap_lock_set_release(c);
}

static void probe_2_entry(struct tap_ctx *c, struct probe_frame *f)
{
	c->entry[0] = tap_reg(c, 5);
}

static void probe_3(struct tap_ctx *c, struct probe_frame *f)
{
	if (!tap_lock_set_take(c, &set_0))
		return;
	if (++tap_globals.ticks == 5)
		tap_request_exit(c);
	print_i64(c, 1, tap_globals.ticks);
	tap_lock_set_release(c);
}

static void probe_4(struct tap_ctx *c, struct probe_frame *f)
{
	if (!tap_lock_set_take(c, &set_0))
		return;
	if (tap_load_kernel(c, c->arguments[1] + offsetof(struct task_struct, pid), 4, "here") >= 0)
		tap_globals.switches++;
	tap_lock_set_release(c);
}

static void probe_5(struct tap_ctx *c, struct probe_frame *f)
{
	if (!tap_lock_set_take(c, &set_0))
		return;
	if (c->regs && c->regs->ip)
		tap_globals.samples++;
	tap_lock_set_release(c);
}

static void probe_6(struct tap_ctx *c, struct probe_frame *f)
{
	print_i64(c, 2,
		  !!tap_globals.reads + !!tap_globals.returns + !!tap_globals.switches +
		      !!tap_globals.samples);
}

TAP_HANDLER(0, probe_0, SELFTEST_PLAN)
TAP_HANDLER(1, probe_1, SELFTEST_PLAN)
TAP_HANDLER(2, probe_2, SELFTEST_PLAN)
TAP_HANDLER(3, probe_3, SELFTEST_PLAN)
TAP_HANDLER(4, probe_4, SELFTEST_PLAN)
TAP_HANDLER(5, probe_5, SELFTEST_PLAN)
TAP_HANDLER(6, probe_6, SELFTEST_PLAN)

static void tap_handler_2_entry(struct tap_ctx *c)
{
	tap_handler_begin(c);
	probe_2_entry(c, &((struct tap_frame *)c->frame)->probe_2);
}

static struct tap_probe tap_probes[] = {
    {tap_handler_0, 0, TAP_SESSION, true},
    {tap_handler_1, 1, TAP_EVENT, true},
    {tap_handler_2, 2, TAP_EVENT, false, 1, tap_handler_2_entry},
    {tap_handler_3, 3, TAP_EVENT, true},
    {tap_handler_4, 4, TAP_EVENT, false},
    {tap_handler_5, 5, TAP_EVENT, false},
    {tap_handler_6, 6, TAP_SESSION, true},
};

TAP_ENTRY_BEGIN(0)
TAP_ENTRY_KPROBE(1)
TAP_ENTRY_KRETPROBE(2)
TAP_ENTRY_TIMER(3)
TAP_ENTRY_TRACEPOINT(4)
TAP_ENTRY_PROFILE(5)
TAP_ENTRY_END(6)
TAP_GLUE_TRACEPOINT(0, 4, (bool preempt, struct task_struct *prev, struct task_struct *next),
		    (int64_t)preempt, (int64_t)(long)prev, (int64_t)(long)next)

static struct tap_site_begin tap_sites_begin[] = {
    {TAP_SITE(&tap_probes[0], "begin", ""), .entry = tap_entry_begin_0}};
static struct tap_site_kprobe tap_sites_kprobe[] = {
    {TAP_SITE(&tap_probes[1], "kernel.function(\"vfs_read\")", "vfs_read"), .entry = tap_entry_kprobe_1,
     .symbol = "vfs_read"}};
static struct tap_site_kretprobe tap_sites_kretprobe[] = {
    {TAP_SITE(&tap_probes[2], "kernel.function(\"vfs_read\").return", "vfs_read"),
     .entry = tap_entry_kretprobe_2, .symbol = "vfs_read"}};
static struct tap_site_timer tap_sites_timer[] = {
    {TAP_SITE(&tap_probes[3], "timer.ms(100)", ""), .entry = tap_entry_timer_3, .interval = 100000000}};
static struct tap_site_tracepoint tap_sites_tracepoint[] = {
    {TAP_SITE(&tap_probes[4], "kernel.trace(\"sched_switch\")", ""), .entry = tap_entry_tracepoint_4,
     .name = "sched_switch", .glue = tap_glue_tracepoint_0}};
static struct tap_site_profile tap_sites_profile[] = {
    {TAP_SITE(&tap_probes[5], "timer.profile", ""), .entry = tap_entry_profile_5}};
static struct tap_site_end tap_sites_end[] = {
    {TAP_SITE(&tap_probes[6], "end", ""), .entry = tap_entry_end_6}};

static const struct tap_family_use tap_families[] = {
    TAP_FAMILY_USE(begin, tap_sites_begin),
    TAP_FAMILY_USE(kprobe, tap_sites_kprobe),
    TAP_FAMILY_USE(kretprobe, tap_sites_kretprobe),
    TAP_FAMILY_USE(timer, tap_sites_timer),
    TAP_FAMILY_USE(tracepoint, tap_sites_tracepoint),
    TAP_FAMILY_USE(profile, tap_sites_profile),
    TAP_FAMILY_USE(end, tap_sites_end),
};

static struct tap_program tap_program = {
    .abi = TAP_ABI,
    .name = "basic",
    .probes = tap_probes,
    .families = tap_families,
    .formats = tap_formats,
    .probe_count = TAP_COUNT(tap_probes),
    .family_count = TAP_COUNT(tap_families),
    .format_count = TAP_COUNT(tap_formats),
    .frame_size = sizeof(struct tap_frame),
    .globals_init = tap_globals_init,
    .globals_exit = tap_globals_exit,
    .limits = {SELFTEST_LIMITS},
};

TAP_MODULE(tap_program)
