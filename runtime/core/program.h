/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables that an emitted unit hands to the runtime. */
#ifndef TAP_CORE_PROGRAM_H
#define TAP_CORE_PROGRAM_H

#include "ctx.h"
#include "lock.h"

/*
 * What is known of a handler where it is compiled, so that its way in and out does no more than it needs.
 * Constant, and inlined.
 */
struct tap_plan {
	int64_t actions; /* its budget */
	uint32_t stack_bytes;
	bool budgets;	/* it uses c->actions or c->work */
	bool site;	/* it may read c->site */
	bool regs;	/* it may read c->regs */
	bool prints;	/* it may make records (those of failures aside) */
	bool recursive; /* it may use c->stack_least */
	bool arms;	/* it may change what an arming condition reads */
	bool clock;	/* its time counts for the overload check */
};
/* Of a handler of which nothing is known. */
#define TAP_PLAN_ANY                                                                                         \
	.budgets = true, .site = true, .regs = true, .prints = true, .recursive = true, .clock = true

/* One handler. The counters belong to the runtime. */
struct tap_probe {
	void (*handler)(struct tap_ctx *);
	uint32_t index;
	uint8_t kind;	       /* enum tap_kind of the context it runs in */
	bool prints;	       /* takes a sequence number even if it prints nothing */
	bool unwanted;	       /* its arming condition does not hold */
	uint16_t entry_values; /* words that entry_handler fills at c->entry */
	void (*entry_handler)(struct tap_ctx *);
	uint64_t hits, skipped;
};

/*
 * A family is one file of the platform that ends in one struct of hooks, `const struct tap_family
 * tap_family_<name>`; struct tap_family is in runtime/<platform>/family.h.
 */
struct tap_family;
struct tap_family_use {
	const struct tap_family *family;
	void *sites; /* array of struct tap_site_<name> */
	uint32_t count, site_size;
};
#define TAP_FAMILY_USE(name, array) {&tap_family_##name, (array), TAP_COUNT(array), sizeof((array)[0])}

TAP_INLINE struct tap_site *tap_site_at(const struct tap_family_use *use, uint32_t i)
{
	return (struct tap_site *)((char *)use->sites + (uint64_t)i * use->site_size);
}

struct tap_format {
	const char *text;
	const char *args; /* one letter per argument, 'i' or 's' */
	uint32_t length;
};
#define TAP_FORMAT(text, args) {(text), (args), sizeof(text) - 1}

/*
 * A symbol of a module whose data handlers read, and what its addresses have moved by. The last three belong
 * to the runtime.
 */
struct tap_module_anchor {
	const char *symbol;   /* "module:symbol" */
	uint64_t linked;      /* where the symbol is in the module's file */
	const char *build_id; /* of that file, in lower-case hex: no other build will do. NULL: any will */
	const char *away, *missing, *other;
	const char *problem; /* why it is not found: one of these */
	bool found;
	uint64_t slide;
};
#define TAP_MODULE_ANCHOR(module, name, linked_, build_id_)                                                  \
	{                                                                                                    \
	    .symbol = module ":" name,                                                                       \
	    .linked = (linked_),                                                                             \
	    .build_id = (build_id_),                                                                         \
	    .away = "module " module " is not loaded",                                                       \
	    .missing = "module " module " has no symbol " name,                                              \
	    .other = "module " module " is another build than the one that the script was compiled for",     \
	    .problem = "module " module " is not loaded",                                                    \
	}

/* ir/limits.def as the runtime sees it: only those that it needs, defaults resolved by the emitted unit. */
struct tap_limits {
	int64_t region_actions; /* of its budget, for what a Process handler does with its locks */
	uint32_t lock_tries, lock_delay_us;
	uint32_t errors, skipped;
	bool quiet; /* failures are counted, and neither said nor held against `errors` */
	uint32_t stack_bytes;
	uint32_t kretprobe_instances; /* 0: the runtime's rule */
	uint64_t overload_interval, overload_threshold;
	bool overload_off;
	uint64_t ring_bytes; /* per CPU; 0: the runtime's choice */
	uint32_t string_bytes,
	    procfs_bytes; /* of a string; of what a reader of a file gets: with the NUL behind it */
};

struct irq_work;

struct tap_program {
	uint32_t abi; /* TAP_ABI of wire.h */
	const char *name;
	struct tap_probe *probes;
	const struct tap_family_use *families;
	const struct tap_format *formats;
	uint32_t probe_count, family_count, format_count;
	uint64_t
	    frame_size; /* of struct tap_frame: limits can make it larger than 4 GB, and then it is refused */
	/* Allocate and free what globals need, give them their first values; may sleep. init: 0 or -12 (no
	 * memory). */
	int (*globals_init)(void);
	void (*globals_exit)(void);
	/* Of units that use tap_kernel_address: a function that one symbol of the kernel names, its link
	 * address. */
	const char *anchor_symbol;
	int64_t anchor;
	int (*find_slide)(const struct tap_program *program); /* tap_find_slide, where there is an anchor */
	/* Of units that use tap_module_slide. */
	struct tap_module_anchor *module_anchors;
	uint32_t module_anchor_count;
	void (*find_modules)(
	    const struct tap_program *program); /* tap_module_data_find, where there are any */
	void (*forget_modules)(void);
	/* Of units that send signals: tap_raise_now, of the kernel's runtime. */
	void (*raise_now)(struct irq_work *work);
	struct tap_limits limits;
};

/* Initialisers of tables. */
#define TAP_SITE(probe_, pp_, function_) TAP_NUMBERED_SITE(probe_, pp_, function_, 0, 0)
#define TAP_NUMBERED_SITE(probe_, pp_, function_, ...)                                                       \
	.base = {                                                                                            \
	    .probe = (probe_),                                                                               \
	    .pp = (pp_),                                                                                     \
	    .function = (function_),                                                                         \
	    .pp_len = sizeof(pp_) - 1,                                                                       \
	    .function_len = sizeof(function_) - 1,                                                           \
	    .numbers = {__VA_ARGS__},                                                                        \
	}

#define TAP_PROBE(number, kind_, prints_, entry_values_, entry_handler_)                                     \
	{                                                                                                    \
	    .handler = tap_handler_##number,                                                                 \
	    .index = (number),                                                                               \
	    .kind = (kind_),                                                                                 \
	    .prints = (prints_),                                                                             \
	    .entry_values = (entry_values_),                                                                 \
	    .entry_handler = (entry_handler_),                                                               \
	}

/* Runs a handler on the context's frame. The rest are initialisers of its struct tap_plan. */
#define TAP_HANDLER(number, function, ...)                                                                   \
	static const struct tap_plan tap_plan_##number = {__VA_ARGS__};                                      \
	static void tap_handler_##number(struct tap_ctx *c)                                                  \
	{                                                                                                    \
		tap_handler_begin(c, &tap_plan_##number);                                                    \
		function(c, &((struct tap_frame *)c->frame)->function);                                      \
		if (tap_plan_##number.arms)                                                                  \
			tap_arming_request(c);                                                               \
	}

/* The same for what runs at the entry of a return probe's function. */
#define TAP_ENTRY_HANDLER(number, function, ...)                                                             \
	static void tap_entry_handler_##number(struct tap_ctx *c)                                            \
	{                                                                                                    \
		static const struct tap_plan plan = {__VA_ARGS__};                                           \
                                                                                                             \
		tap_handler_begin(c, &plan);                                                                 \
		function(c, &((struct tap_frame *)c->frame)->function);                                      \
	}

/*
 * Between two handlers a context has no failure, holds no lock and has no open call: whoever runs handlers
 * puts that right after one that failed.
 */
TAP_INLINE void tap_handler_begin(struct tap_ctx *c, const struct tap_plan *plan)
{
	if (!plan->budgets)
		return;
	c->actions = plan->actions;
	c->work.left = TAP_WORK_TURNS;
}

#endif
