/* SPDX-License-Identifier: MIT */
/*
 * The world from inside.  Only src/core sees this; the layers have layer.h, explore has strategy.h.
 */
#ifndef P2PSIM_CORE_INTERNAL_H
#define P2PSIM_CORE_INTERNAL_H

#include <p2psim/adversary.h>
#include <p2psim/check.h>
#include <p2psim/inject.h>
#include <p2psim/lock.h>
#include <p2psim/linux/sched.h>
#include <p2psim/task.h>
#include <p2psim/trace.h>
#include <p2psim/world.h>

#include "core/layer.h"
#include "core/strategy.h"
#include "core/switch.h"

struct timer_list;
struct work_struct;
struct workqueue_struct;

#define P2PSIM_HELD_MAX 32
#define P2PSIM_CLASSES_MAX 256
#define P2PSIM_STRINGS 64

struct p2psim_held {
	const void *lock;		/* struct p2psim_lock or p2psim_lock_map */
	const struct p2psim_site *site;
	uint16_t lock_class;
	uint16_t how;
};

enum p2psim_task_state {
	P2PSIM_TASK_UNUSED,
	P2PSIM_TASK_LIVE,		/* running, or standing before `pending` */
	P2PSIM_TASK_DONE,
};

struct p2psim_task {
	struct task_struct ts;		/* first: a task_struct pointer is a task pointer */
	struct p2psim_world *world;
	enum p2psim_task_state state;
	bool daemon, killed, should_stop;
	struct p2psim_op pending;
	struct p2psim_context context;
	void (*fn)(void *arg);
	int (*threadfn)(void *data);
	void *arg;
	int exit_code;
	uint32_t objects;		/* made so far: the next object's number */
	int rcu_idx;
	unsigned int spin_depth, rcu_depth, nonblock_depth;
	bool in_irq, irqs_off;		/* runs an interrupt handler; local_irq_disable() */
	const char *nonblock_why;
	uint32_t loops;			/* retry loops begun */
	uint64_t effects;		/* steps that left something behind; counted with P2PSIM_BUSY_RETRY */
	struct mm_struct *saved_mm;	/* kthread_use_mm() */
	uint64_t now;			/* what time it is for a task whose time was up early; else 0 */
	uint32_t sleeps_on;		/* the object of the queue that it was on last */
	uint64_t checked;		/* the step in which it looked at a queue last */
	unsigned int held_count;
	struct p2psim_held held[P2PSIM_HELD_MAX];	/* last: what lies behind the count is never looked at */
};

struct p2psim_arena {
	char *base;
	size_t bytes;			/* reserved */
	size_t used;			/* bump, a multiple of P2PSIM_SPAN */
	size_t dirty;			/* bytes that an earlier execution may have written */
	uint8_t *span_class;		/* one for each span */
	struct p2psim_chunk *free[32];
	char *carve[32], *carve_end[32];
	void *free_blocks;
	char *block_carve, *block_end;
	char *book_carve, *book_end;	/* p2psim_arena_alloc() */
	char *text_carve, *text_end;	/* p2psim_arena_text() */
	struct p2psim_chunk *quarantine[64];
	unsigned int quarantine_next;
	uint64_t live_chunks, live_blocks;
	uint64_t points, fail_at;	/* injection */
	uint64_t fail_nth;
	const struct p2psim_site *failed_site;
	bool failed;
};

struct p2psim_lock_class {
	const char *name;
	unsigned int subclass;
	uint64_t after[P2PSIM_CLASSES_MAX / 64];	/* taken while this one was held, in this execution */
	/* Where it was taken: [0] with interrupts on, [1] in an interrupt handler; [1] shared. */
	const struct p2psim_site *irq_site[2][2];
};

struct p2psim_edge {
	uint16_t from, to;
	const struct p2psim_site *from_site, *to_site;
	uint8_t task;
};

struct p2psim_lockdep {
	unsigned int class_count, edge_count;
	bool irq_sites;			/* some class has one */
	struct p2psim_lock_class classes[P2PSIM_CLASSES_MAX];
	struct p2psim_edge edges[1024];
};

struct p2psim_named {
	uint32_t id;
	const char *name;
};

enum p2psim_main_wait {
	P2PSIM_MAIN_RUNS,		/* task 0 is a task like the others */
	P2PSIM_MAIN_WAITS_ALL,		/* p2psim_run() */
	P2PSIM_MAIN_DIRECTS,		/* p2psim_run_until(), p2psim_run_alone() */
};

struct p2psim_rcu_state {
	struct srcu_struct *srcu;	/* the world's RCU is one of its SRCUs */
	struct srcu_struct *pending;	/* those with callbacks */
	struct task_struct *daemon;
	struct p2psim_object wake;
};

/* retry.c */
struct p2psim_state_hash {
	uint64_t a, b;
};

/* What was at a back edge, and since the one before. */
struct p2psim_back_edge {
	struct p2psim_state_hash state;
	uint64_t step;
	uint64_t ran, ready;		/* tasks that took a step; that could have */
};

#define P2PSIM_BACK_EDGES 64		/* kept; a longer circle is not found */

struct p2psim_lasso {
	bool on;
	int last;			/* who took the last step */
	unsigned int looks;
	uint64_t ran, ready;		/* since the last back edge */
	struct p2psim_state_hash stands[P2PSIM_TASKS_MAX];
	struct p2psim_back_edge edges[P2PSIM_BACK_EDGES];
};

struct p2psim_world {
	struct p2psim_hot hot;		/* first */
	struct p2psim_config config;
	struct p2psim_task *main;
	struct p2psim_task *tasks[P2PSIM_TASKS_MAX];
	unsigned int task_count;	/* slots ever used in this execution */
	uint64_t live;			/* mask of live tasks other than main waiting in p2psim_run() */
	uint64_t now;
	bool ended;
	uint32_t epochs;

	enum p2psim_main_wait main_wait;
	struct p2psim_task *directed;
	const char *directed_label;
	bool directed_alone;
	struct p2psim_task *starting;	/* runs its prefix */
	struct p2psim_task *starter;

	struct p2psim_task *asked;	/* whose condition is being looked at */

	uint64_t switches;		/* from one task to another */
	bool collapsed;			/* a task has stopped at a pure retry */

	uint64_t cpu_since;		/* nonpreemptive: the step from which on the CPU has been one task's */

	struct p2psim_strategy *strategy;
	uint8_t adversary_left[P2PSIM_ADVERSITIES];	/* what may still go wrong in this execution */
	struct p2psim_schedule schedule;	/* what was decided, as deviations */
	uint64_t since_deviation;

	struct p2psim_arena arena;
	struct p2psim_lockdep lockdep;
	struct p2psim_rcu_state rcu;
	struct workqueue_struct *events_wq;
	struct p2psim_timers *timers;
	struct p2psim_softirq *softirq;
	struct module *modules;			/* that this execution has loaded */
	char module_error[256];

	struct p2psim_race *race;		/* of this execution; NULL until something is checked */
	struct {
		const volatile void *addr;
		size_t size;
		uint64_t step;
	} marked;				/* the marked access whose step was the last */
	struct p2psim_places *places;		/* where code lies in the source, as far as somebody asked */
	void *layer[P2PSIM_LAYER_NR];
	void (*layer_check[P2PSIM_LAYER_NR])(void *state);

	struct p2psim_named *names;
	size_t name_count, name_space;
	struct { const void *addr; uint32_t id; } once[256];	/* marked variables outside the arena */

	struct p2psim_event *events;	/* ring */
	uint64_t event_count, event_mask;
	const char *strings[P2PSIM_STRINGS];	/* kept for the trace, by content */
	uint64_t trace_hash, end_hash;

	struct p2psim_violation violation;
	bool violated;
	unsigned int violations;
	void (*on_violation)(const struct p2psim_violation *, void *);
	void *on_violation_arg;
	int (*schedule_text)(struct p2psim_world *, char *text, size_t size);	/* the explorer's: replay string */
	const void *scenario;
	struct p2psim_lasso lasso;	/* large, and seldom looked at */
};

static inline struct p2psim_world *p2psim_world_here(void)
{
	return (struct p2psim_world *)p2psim_hot;
}

static inline struct p2psim_task *p2psim_task_here(void)
{
	return (struct p2psim_task *)p2psim_hot->task;
}

static inline struct p2psim_task *p2psim_task_of(const struct task_struct *ts)
{
	return (struct p2psim_task *)ts;
}

/* Says on stderr that a call came without a world. */
void p2psim_tell_missing(const char *call);

/* Every slow path asks this first. */
static inline bool p2psim_world_missing(const char *call)
{
	if (__builtin_expect(p2psim_hot != NULL, 1))
		return false;
	p2psim_tell_missing(call);
	return true;
}

/* arena.c, slab.c */
int p2psim_arena_create(struct p2psim_arena *arena, size_t bytes);
void p2psim_arena_destroy(struct p2psim_arena *arena);
void p2psim_arena_reset(struct p2psim_arena *arena);
char *p2psim_arena_spans(struct p2psim_arena *arena, size_t count, uint8_t span_class);
/* For what a trace keeps: memory that a world without a trace does not have. */
char *p2psim_arena_text(struct p2psim_arena *arena, size_t size);
bool p2psim_inject_here(struct p2psim_world *world);
void p2psim_slab_check(struct p2psim_world *world);
/* The allocation around `addr`: its id and the offset in it; false if it lies in none. */
bool p2psim_slab_find(struct p2psim_world *world, const void *addr, uint32_t *id, uint64_t *offset);
/* Who allocated it, or freed it, and how many bytes were asked for; false if it lies in no allocation. */
bool p2psim_slab_origin(struct p2psim_world *world, const void *addr, const struct p2psim_site **site, uint32_t *size);
#define P2PSIM_SPAN 65536u
enum { P2PSIM_SPAN_NONE, P2PSIM_SPAN_LARGE = 33, P2PSIM_SPAN_MORE, P2PSIM_SPAN_BLOCKS, P2PSIM_SPAN_BOOK,
       P2PSIM_SPAN_TEXT };

/* tasklet.c */
bool p2psim_softirq_is(const struct task_struct *task);

/* object.c */
uint32_t p2psim_next_id(struct p2psim_world *world);

/* task.c */
struct p2psim_task *p2psim_task_alloc(struct p2psim_world *world, const char *name);
void p2psim_tasks_reset(struct p2psim_world *world);
void p2psim_tasks_destroy(struct p2psim_world *world);

/* sched.c */
struct p2psim_task *p2psim_choose(struct p2psim_world *world);
void p2psim_switch_to(struct p2psim_world *world, struct p2psim_task *next);
void p2psim_end_execution(struct p2psim_world *world);
/* Counts and records the pending step of `task`. */
void p2psim_take_step(struct p2psim_world *world, struct p2psim_task *task);
/* Who could take a step now, besides `task`, whose own pending step may be an old one. */
uint64_t p2psim_ready_besides(struct p2psim_world *world, const struct p2psim_task *task);
/* nonpreemptive: so many steps of one task, with others ready, are a lockup.  The kernel's watchdog waits 20 s. */
#define P2PSIM_LOCKUP_STEPS 20000u

/* Asks the strategy whether it goes wrong for the running task, if it still `may`; may end the execution. */
bool p2psim_decide_adverse(struct p2psim_world *world, bool may, const char *what);

/*
 * One step on two objects, the second perhaps 0.  Whether a task sleeps, was stopped or killed is an object of its own: a queue's
 * steps touch that as well.
 */
void p2psim_step_two_slow(enum p2psim_step_kind kind, uint32_t obj, uint32_t other, bool write, const char *label);
#define P2PSIM_OBJ_TASK 0xff000300u
#define P2PSIM_TASK_ID(task) (P2PSIM_OBJ_TASK + (uint32_t)(task)->pid)

static inline void p2psim_step_two(enum p2psim_step_kind kind, uint32_t obj, uint32_t other, bool write, const char *label)
{
	struct p2psim_hot *hot = p2psim_hot;

	if (__builtin_expect(hot != NULL && !hot->busy, 1))
		hot->steps++;
	else
		p2psim_step_two_slow(kind, obj, other, write, label);
}

/* p2psim_step_guarded_timeout(), `early`: with the time up whenever the step is taken, unless enabled() says true. */
bool p2psim_step_timed(enum p2psim_step_kind kind, uint32_t obj, bool write, const char *label,
		       bool (*enabled)(void *arg), void *arg, uint64_t ticks, bool early);

/* adversary.c: p2psim_adverse() without its line in the picture. */
bool p2psim_goes_wrong_slow(struct p2psim_world *world, enum p2psim_adversity kind, const char *what);

static inline bool p2psim_goes_wrong(enum p2psim_adversity kind, const char *what)
{
	struct p2psim_world *world = p2psim_world_here();

	return __builtin_expect(world->config.adversary[kind], 0) && p2psim_goes_wrong_slow(world, kind, what);
}

/* Asked of every timed wait, also of one that need not wait: who comes first must not decide what is asked. */
static inline bool p2psim_timer_goes_wrong(void)
{
	return p2psim_goes_wrong(P2PSIM_ADVERSE_TIMER, "the time is up already");
}

/* Of a lock that is free. */
static inline bool p2psim_trylock_goes_wrong(void)
{
	return __builtin_expect(p2psim_world_here()->config.adversary[P2PSIM_ADVERSE_TRYLOCK], 0) &&
	       p2psim_adverse(P2PSIM_ADVERSE_TRYLOCK, "trylock fails for no reason");
}

/* timer.c, workqueue.c: without a step, for who has just taken one on them. */
bool p2psim_timer_start(struct timer_list *timer, unsigned long expires);
bool p2psim_timer_end(struct timer_list *timer);
uint32_t p2psim_timers_id(void);
bool p2psim_work_enqueue(struct workqueue_struct *wq, struct work_struct *work);
bool p2psim_work_take_back(struct work_struct *work);
uint32_t p2psim_work_queue_id(struct workqueue_struct *wq);

/* mutex.c, rwsem.c: the lock that a pending step waits for, if it is one of theirs. */
const struct p2psim_lock *p2psim_mutex_waited_for(const struct p2psim_op *op);
const struct p2psim_lock *p2psim_rwsem_waited_for(const struct p2psim_op *op);

/* lockdep.c */
void p2psim_lockdep_reset(struct p2psim_lockdep *lockdep);
void p2psim_lockdep_check(struct p2psim_world *world);

/* A spinlock or rwlock has been taken: L6. */
void p2psim_lockdep_irq(const struct p2psim_lock *lock, unsigned int how);

/* race.c, race_touch.c: all of it only with P2PSIM_BUSY_RACE. */
void p2psim_race_step(struct p2psim_world *world, const struct p2psim_op *op);
void p2psim_race_task_begins(struct p2psim_world *world, const struct p2psim_task *task);
void p2psim_race_hand_over(struct p2psim_world *world);
void p2psim_race_publish_slow(struct p2psim_world *world, uint32_t id);
void p2psim_race_join_slow(struct p2psim_world *world, uint32_t id);
void p2psim_race_marked(struct p2psim_world *world, const volatile void *addr, size_t size, bool write);
void p2psim_race_forget_slow(struct p2psim_world *world, const void *addr, size_t size);
/* What a task meets others at besides objects: being woken or stopped, and its end. */
#define P2PSIM_RACE_WOKEN(task) (0xff000100u + (uint32_t)(task)->pid)
#define P2PSIM_RACE_END(task) (0xff000200u + (uint32_t)(task)->pid)

/* What this task did so far comes before whoever joins `id` later. */
static inline void p2psim_race_publish(struct p2psim_world *world, uint32_t id)
{
	if (__builtin_expect(world->hot.busy & P2PSIM_BUSY_RACE, 0))
		p2psim_race_publish_slow(world, id);
}

static inline void p2psim_race_join(struct p2psim_world *world, uint32_t id)
{
	if (__builtin_expect(world->hot.busy & P2PSIM_BUSY_RACE, 0))
		p2psim_race_join_slow(world, id);
}

/* retry.c: each step, with P2PSIM_BUSY_RETRY; each execution. */
void p2psim_retry_step(struct p2psim_world *world, struct p2psim_task *task);
void p2psim_retry_reset(struct p2psim_world *world);

/* Nobody has accessed this memory yet: it was freed. */
static inline void p2psim_race_forget(struct p2psim_world *world, const void *addr, size_t size)
{
	if (__builtin_expect(world->hot.busy & P2PSIM_BUSY_RACE, 0))
		p2psim_race_forget_slow(world, addr, size);
}

/* The step of a marked access was taken; the access itself comes next. */
static inline void p2psim_once_done(struct p2psim_world *world, const volatile void *addr, size_t size, bool write)
{
	world->marked.addr = addr;
	world->marked.size = size;
	world->marked.step = world->hot.steps;
	if (world->hot.busy & P2PSIM_BUSY_RACE)
		p2psim_race_marked(world, addr, size, write);
}

/* Is this the access that the marked one ends with?  One is. */
static inline bool p2psim_once_was(struct p2psim_world *world, const volatile void *addr, size_t size)
{
	if (__builtin_expect(addr != world->marked.addr || size != world->marked.size ||
			     world->marked.step != world->hot.steps, 1))
		return false;
	world->marked.size = 0;
	return true;
}

/* place.c: pc as "show() gadget.c:41" or "show()+0x1c", data as "counter" or "box+8"; "?" if nothing is known. */
const char *p2psim_place_of(struct p2psim_world *world, const void *addr, bool code);
void p2psim_places_free(struct p2psim_places *places);

/* trace.c */
void p2psim_trace_step(struct p2psim_world *world, struct p2psim_task *task, uint64_t enabled);
void p2psim_trace_reset(struct p2psim_world *world);

static inline uint64_t p2psim_mix(uint64_t hash, uint64_t value)
{
	hash = (hash ^ value) * 0x9e3779b97f4a7c15ull;
	return hash ^ (hash >> 29);
}

#endif
