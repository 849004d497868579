/* SPDX-License-Identifier: MIT */
/*
 * Steps: the visible operations.
 *
 * The scheduler decides *before* each step who goes next; everything between two steps of one task is atomic.  A step
 * names the objects that it reads and writes, for the trace and for whoever explores interleavings.  With the default
 * policy, no trace and nobody exploring, a step is an inline increment.
 */
#ifndef P2PSIM_STEP_H
#define P2PSIM_STEP_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

enum p2psim_step_kind {
	P2PSIM_STEP_LABEL,	/* p2psim_step("...") */
	P2PSIM_STEP_AWAIT,	/* p2psim_step_await() */
	P2PSIM_STEP_LOCK,	/* mutex, spinlock, rwsem for writing */
	P2PSIM_STEP_UNLOCK,
	P2PSIM_STEP_TRYLOCK,
	P2PSIM_STEP_RDLOCK,
	P2PSIM_STEP_RDUNLOCK,
	P2PSIM_STEP_DOWNGRADE,
	P2PSIM_STEP_READ,	/* READ_ONCE, atomic_read, ... */
	P2PSIM_STEP_WRITE,	/* WRITE_ONCE, atomic RMW, refcount_*, complete() */
	P2PSIM_STEP_WQ_PREPARE,
	P2PSIM_STEP_WQ_CHECK,
	P2PSIM_STEP_WQ_SLEEP,
	P2PSIM_STEP_WQ_WAKE,
	P2PSIM_STEP_GRACE,	/* RCU and SRCU: read side, grace period */
	P2PSIM_STEP_SEQ_READ,	/* mmu_interval sequence */
	P2PSIM_STEP_SEQ_WRITE,
	P2PSIM_STEP_PTE_READ,
	P2PSIM_STEP_PTE_WRITE,
	P2PSIM_STEP_VMA_READ,	/* the VMA tree */
	P2PSIM_STEP_VMA_WRITE,
	P2PSIM_STEP_CB_ENTER,	/* a notifier or driver callback */
	P2PSIM_STEP_CB_EXIT,
	P2PSIM_STEP_DMA_READ,	/* one beat of a device */
	P2PSIM_STEP_DMA_WRITE,
	P2PSIM_STEP_TLB,	/* a device TLB fill or flush */
	P2PSIM_STEP_MEM_READ,	/* CPU load of simulated memory */
	P2PSIM_STEP_MEM_WRITE,
	P2PSIM_STEP_CHOICE,	/* no step: p2psim_adverse() */
	P2PSIM_STEP_KIND_NR
};

/* One object that a step touches: all of it, or the units [start, last] of it (pages of an mm, pfns of RAM). */
struct p2psim_access {
	uint32_t obj;
	uint32_t write;
	uint64_t start;
	uint64_t last;
};

#define P2PSIM_ACCESS_MAX 3

/* A pending step.  `enabled` NULL: always.  `label` and `arg` strings are static: they are formatted when read. */
struct p2psim_op {
	uint16_t kind;
	uint16_t access_count;
	uint32_t yields;	/* switching away here is free (p2psim_yield) */
	const char *label;	/* what a directed stop matches, "hmm:faulted" */
	const struct p2psim_site *site;
	bool (*enabled)(void *arg);
	void *arg;
	uint64_t deadline;	/* logical time at which the step is enabled anyway; 0 = never */
	struct p2psim_access access[P2PSIM_ACCESS_MAX];
};

/* A step with several accesses or a guard: lets the strategy choose, records the trace. */
P2PSIM_EXPORT void p2psim_step_op(const struct p2psim_op *op);
/* The slow half of p2psim_step_range(). */
P2PSIM_EXPORT void p2psim_step_slow(enum p2psim_step_kind kind, uint32_t obj, bool write, uint64_t start, uint64_t last,
				    const char *label);

/* One step on one object.  `write` false: two such steps commute.  obj 0 = touches nothing shared. */
static inline void p2psim_step_range(enum p2psim_step_kind kind, uint32_t obj, bool write, uint64_t start, uint64_t last,
				     const char *label)
{
	struct p2psim_hot *hot = p2psim_hot;

	if (__builtin_expect(hot != NULL && !hot->busy, 1)) {
		hot->steps++;
	} else {
		p2psim_step_slow(kind, obj, write, start, last, label);
	}
}

static inline void p2psim_step_on(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label)
{
	p2psim_step_range(kind, obj, write, 0, UINT64_MAX, label);
}

/*
 * A named scheduling point that touches nothing: `label` (static) is what directed stops match.
 * Context: any task; takes one step.
 */
#define p2psim_step(label) (P2PSIM_HERE(), p2psim_step_on(P2PSIM_STEP_LABEL, 0, false, (label)))

/* A scheduling point at which switching away costs no preemption. */
P2PSIM_EXPORT void p2psim_yield(void);

/*
 * Guarded steps: the step is enabled when `enabled(arg)` holds; evaluating it must change nothing.
 * The object is what the guard reads (and, with `write`, what the caller changes right after).
 */
P2PSIM_EXPORT void p2psim_step_guarded(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
				       bool (*enabled)(void *arg), void *arg);
/* The same with a deadline in ticks from now; returns false when time ran out with the guard still closed. */
P2PSIM_EXPORT bool p2psim_step_guarded_timeout(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
					       bool (*enabled)(void *arg), void *arg, uint64_t ticks);

/*
 * Waits, in ONE step, until cond(arg) holds; cond changes nothing and reads what `obj` stands for.
 * A function rather than an expression, so that gcc and clang agree and a report can name the place.
 */
P2PSIM_EXPORT void p2psim_step_await(struct p2psim_object *obj, bool (*cond)(void *arg), void *arg);

/*
 * Makes `obj` known to the world of the caller: gives it its id.  `name` is static or lives as long as the world.
 * Called by every *_init(); safe to call again (a new id).
 */
P2PSIM_EXPORT void p2psim_object_init(struct p2psim_object *obj, const char *name);
/* The id, registering a statically initialised object at its first use; reports UAF when `obj` was freed. */
P2PSIM_EXPORT uint32_t p2psim_object_id_slow(struct p2psim_object *obj);
/* Another name for reports: "nic0.update" rather than "&nic->update". */
P2PSIM_EXPORT void p2psim_object_rename(struct p2psim_object *obj, const char *fmt, ...) P2PSIM_PRINTF(2, 3);

static inline uint32_t p2psim_object_id(struct p2psim_object *obj)
{
#ifndef P2PSIM_ASAN
	if (__builtin_expect(p2psim_hot && obj->epoch == p2psim_hot->epoch, 1))
		return obj->id;
#endif
	return p2psim_object_id_slow(obj);
}

/* Ids of spaces that are not one object: accesses name a unit of them in [start, last]. */
#define P2PSIM_OBJ_RAM 0xff000001u	/* unit: pfn */
#define P2PSIM_OBJ_BAR 0xff000002u	/* unit: bus address >> PAGE_SHIFT */
#define P2PSIM_OBJ_PID 0xff000004u	/* tasks and processes as pid.h names them; unit: number */
#define P2PSIM_OBJ_ARENA 0xff000003u	/* a scenario's state and other bookkeeping; unit: byte of the arena */

P2PSIM_END_DECLS

#endif
