/* SPDX-License-Identifier: MIT */
/*
 * 05, 09, 16, 17, 19-21: what the tasks of a driver share.  Lists and device state are words marked READ_ONCE() and
 * WRITE_ONCE(), a cache of translations is steps: no call of the kernel stands for them.
 */
#include "patterns.h"

#include <errno.h>

#include <p2psim/linux/mutex.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/wait.h>
#include <p2psim/retry.h>
#include <p2psim/step.h>

struct object {
	refcount_t refs;
};

struct sharing {
	struct mutex lock;
	wait_queue_head_t wq;
	int head, next[2];		/* a list: 0 = its end */
	int done;
	int page, copy[2];
	int pte, tlb;			/* 0 = nothing */
	struct p2psim_object pte_obj, tlb_obj, page_obj;
	bool freed, bad;
	struct object *object;
	int busy[2];			/* channels */
	bool closed;			/* lock */
	struct { unsigned int seq; int id; } vma;
};

static int begin(void *state)
{
	struct sharing *s = state;

	mutex_init(&s->lock);
	init_waitqueue_head(&s->wq);
	p2psim_object_init(&s->pte_obj, "pte");
	p2psim_object_init(&s->tlb_obj, "tlb");
	p2psim_object_init(&s->page_obj, "page");
	s->page = s->pte = 1;
	s->vma.id = 1;
	return 0;
}

static bool wrong(void)
{
	return p2psim_scenario_data();
}

static bool is_bad(void *state)
{
	return ((struct sharing *)state)->bad;
}

/* ---- 05: two insertions ---- */

static void insert(struct sharing *s, int who)
{
	if (!wrong())
		mutex_lock(&s->lock);
	s->next[who - 1] = READ_ONCE(s->head);
	WRITE_ONCE(s->head, who);
	if (!wrong())
		mutex_unlock(&s->lock);
}

static void nic0_registers(void *state)
{
	insert(state, 1);
}

static void nic1_registers(void *state)
{
	insert(state, 2);
}

static bool one_is_lost(void *state)
{
	struct sharing *s = state;

	return !s->next[s->head - 1];
}

/* ---- 09: a sleep and a wake-up ---- */

static void app_ends(void *state)
{
	struct sharing *s = state;

	WRITE_ONCE(s->done, 1);
	wake_up_all(&s->wq);
}

static void nic_waits(void *state)
{
	struct sharing *s = state;
	DEFINE_WAIT(wait);

	if (!wrong()) {
		wait_event(s->wq, READ_ONCE(s->done));
		return;
	}
	if (READ_ONCE(s->done))
		return;
	prepare_to_wait(&s->wq, &wait, TASK_UNINTERRUPTIBLE);
	schedule();
	finish_wait(&s->wq, &wait);
}

/* ---- 16: the cache of translations ---- */

static void step(enum p2psim_step_kind kind, struct p2psim_object *read, struct p2psim_object *written)
{
	struct p2psim_op op = { .kind = kind };

	if (read)
		op.access[op.access_count++] = (struct p2psim_access){ p2psim_object_id(read), 0, 0, UINT64_MAX };
	if (written)
		op.access[op.access_count++] = (struct p2psim_access){ p2psim_object_id(written), 1, 0, UINT64_MAX };
	p2psim_step_op(&op);
}

static void flush(struct sharing *s)
{
	step(P2PSIM_STEP_TLB, NULL, &s->tlb_obj);
	s->tlb = 0;
}

static void app_unmaps(void *state)
{
	struct sharing *s = state;

	if (wrong())
		flush(s);
	step(P2PSIM_STEP_PTE_WRITE, NULL, &s->pte_obj);
	s->pte = 0;
	if (!wrong())
		flush(s);
	step(P2PSIM_STEP_WRITE, NULL, &s->page_obj);
	s->freed = true;
}

/* A walk and its fill are one step, an access through the cache is one. */
static void nic_accesses(void *state)
{
	struct sharing *s = state;

	step(P2PSIM_STEP_TLB, &s->pte_obj, &s->tlb_obj);
	s->tlb = s->pte;
	step(P2PSIM_STEP_DMA_WRITE, &s->tlb_obj, &s->page_obj);
	s->bad = s->tlb && s->freed;
}

/* ---- 17: a reference of an object that goes ---- */

static int begin_object(void *state)
{
	struct sharing *s = state;

	begin(state);
	s->object = kzalloc(sizeof(*s->object), GFP_KERNEL);
	if (!s->object)
		return -ENOMEM;
	refcount_set(&s->object->refs, 1);
	return 0;
}

static void end_object(void *state)
{
	kfree(((struct sharing *)state)->object);
}

/* The memory itself stays until the end, as behind RCU. */
static void app_puts(void *state)
{
	struct sharing *s = state;

	if (refcount_dec_and_test(&s->object->refs))
		s->freed = true;
}

static void nic_gets(void *state)
{
	struct sharing *s = state;

	if (!wrong()) {
		if (!refcount_inc_not_zero(&s->object->refs))
			return;
	} else {
		if (!refcount_read(&s->object->refs))
			return;
		refcount_inc(&s->object->refs);
	}
	app_puts(state);
}

/* ---- 19: two channels ---- */

static void channel(struct sharing *s, int n)
{
	mutex_lock(&s->lock);
	if (s->closed) {
		mutex_unlock(&s->lock);
		return;
	}
	WRITE_ONCE(s->busy[n], 1);
	mutex_unlock(&s->lock);
	if (READ_ONCE(s->freed))
		s->bad = true;
	WRITE_ONCE(s->busy[n], 0);
	wake_up_all(&s->wq);
}

static void channel0(void *state)
{
	channel(state, 0);
}

static void channel1(void *state)
{
	channel(state, 1);
}

/* No new transfers: before it waits for the old ones, or too late. */
static void close_door(struct sharing *s)
{
	mutex_lock(&s->lock);
	s->closed = true;
	mutex_unlock(&s->lock);
}

static void driver_unmaps(void *state)
{
	struct sharing *s = state;

	if (!wrong())
		close_door(s);
	wait_event(s->wq, !READ_ONCE(s->busy[0]));
	wait_event(s->wq, !READ_ONCE(s->busy[1]));
	if (wrong())
		close_door(s);
	WRITE_ONCE(s->freed, true);
}

/* ---- 20: another VMA, another sequence ---- */

static void app_remaps(void *state)
{
	struct sharing *s = state;

	mutex_lock(&s->lock);
	s->vma.seq = wrong() ? 0 : s->vma.seq + 1;
	s->vma.id++;
	s->copy[0] = 0;
	mutex_unlock(&s->lock);
}

static void nic_installs(void *state)
{
	struct sharing *s = state;
	unsigned int seq;
	int id;

	do {
		mutex_lock(&s->lock);
		seq = s->vma.seq;
		id = s->vma.id;
		mutex_unlock(&s->lock);
		mutex_lock(&s->lock);
		if (s->vma.seq == seq)
			s->copy[0] = id;
		mutex_unlock(&s->lock);
	} while (!s->copy[0] && READ_ONCE(s->vma.seq) != seq);
}

static bool of_another_vma(void *state)
{
	struct sharing *s = state;

	return s->copy[0] && s->copy[0] != s->vma.id;
}

/* ---- 21: two migrations that undo each other ---- */

#define TRIES 2

/*
 * Takes the page, copies it, which takes its time, and has to begin again if the page has gone.  To give up at some time is
 * an answer: -EBUSY.
 */
static void migrate_to(struct sharing *s, int me)
{
	struct p2psim_retry again;
	int tries = 0, owner;

	p2psim_retry_begin(&again);
	for (;;) {
		WRITE_ONCE(s->page, me);
		cond_resched();
		owner = READ_ONCE(s->page);
		if (owner == me || (!wrong() && ++tries == TRIES))
			return;
		p2psim_retry(&again, (uint64_t)tries << 8 | (uint64_t)owner);
	}
}

static void gpu0_migrates(void *state)
{
	migrate_to(state, 1);
}

static void gpu1_migrates(void *state)
{
	migrate_to(state, 2);
}

#define NIC1(fn) { "nic1", fn }
#define NOBODY {}
#define SHARING(title, ask, from, begins, t0, t1, t2, asks, ends, bug, verdict, which)                                 \
	.scenario = { .name = title, .question = ask, .source = from, .state_size = sizeof(struct sharing),            \
		      .setup = begins, .tasks = { { "app", t0 }, { "nic0", t1 }, t2 }, \
		      .exists = asks, .teardown = ends, .expect = verdict, .oracle = which, .data = bug }

const struct pattern patterns_of_sharing[] = {
	{ SHARING("05/register+register", "Is a registration lost?", "linux-rdma msg80339", begin, nic0_registers,
		  nic1_registers, NOBODY, one_is_lost, NULL, NULL, P2PSIM_NEVER, 0), .traces = 2 },
	{ SHARING("05/register+register!no-lock", "And without the lock?", "linux-rdma msg80339", begin, nic0_registers,
		  nic1_registers, NOBODY, one_is_lost, NULL, "wrong", P2PSIM_SOMETIMES, 0), .preemptions = 1 },
	{ SHARING("09/wait+wake", "Is a wake-up lost?", "wait_event()", begin, app_ends, nic_waits, NOBODY, NULL,
		  NULL, NULL,
		  P2PSIM_NEVER, 0), .traces = 4 },
	{ SHARING("09/wait+wake!check-first", "And if the condition is read before prepare_to_wait()?", "wait_event()",
		  begin, app_ends, nic_waits, NOBODY, NULL, NULL, "wrong", P2PSIM_VIOLATION, P2PSIM_DEADLOCK),
	  .preemptions = 1 },
	{ SHARING("16/access+unmap", "Does a cached translation outlive its page?", "arch_invalidate_secondary_tlbs()",
		  begin, app_unmaps, nic_accesses, NOBODY, is_bad, NULL, NULL, P2PSIM_NEVER, 0), .traces = 8 },
	{ SHARING("16/access+unmap!flush-first", "And if the cache is flushed before the entry is cleared?",
		  "arch_invalidate_secondary_tlbs()", begin, app_unmaps, nic_accesses, NOBODY, is_bad, NULL, "wrong",
		  P2PSIM_SOMETIMES, 0), .preemptions = 2 },
	{ SHARING("17/get+put", "Is a reference taken of an object without one?", "refcount_inc_not_zero()",
		  begin_object,
		  app_puts, nic_gets, NOBODY, NULL, end_object, NULL, P2PSIM_NEVER, 0), .traces = 3 },
	{ SHARING("17/get+put!test-then-inc", "And if the count is tested first, then raised?",
		  "refcount_inc_not_zero()",
		  begin_object, app_puts, nic_gets, NOBODY, NULL, end_object, "wrong", P2PSIM_VIOLATION, P2PSIM_UAF),
	  .preemptions = 1 },
	{ SHARING("19/two-channels", "Does a channel run when the memory is gone?", "a drain", begin, driver_unmaps,
		  channel0, NIC1(channel1), is_bad, NULL, NULL, P2PSIM_NEVER, 0), .traces = 140 },
	{ SHARING("19/two-channels!open-door", "And if new transfers may start meanwhile?", "a drain", begin,
		  driver_unmaps,
		  channel0, NIC1(channel1), is_bad, NULL, "wrong", P2PSIM_SOMETIMES, 0), .preemptions = 2 },
	{ SHARING("20/install+remap", "Is a page of the old VMA installed in the new one?",
		  "mm/mmu_notifier.c, 6.1", begin,
		  app_remaps, nic_installs, NOBODY, of_another_vma, NULL, NULL, P2PSIM_NEVER, 0), .traces = 3 },
	{ SHARING("20/install+remap!new-sequence", "And if the new one's sequence starts over?",
		  "mm/mmu_notifier.c, 6.1",
		  begin, app_remaps, nic_installs, NOBODY, of_another_vma, NULL, "wrong", P2PSIM_SOMETIMES, 0),
	  .preemptions = 1 },
	{ SHARING("21/migrate+migrate", "Do two gpus that take a page from each other end?", "Documentation/mm/hmm.rst",
		  begin, gpu0_migrates, gpu1_migrates, NOBODY, NULL, NULL, NULL, P2PSIM_NEVER, 0), .traces = 8 },
	{ SHARING("21/migrate+migrate!for-ever", "And if neither gives up?", "open-gpu-kernel-modules#1223", begin,
		  gpu0_migrates, gpu1_migrates, NOBODY, NULL, NULL, "wrong", P2PSIM_VIOLATION, P2PSIM_PROGRESS),
	  .preemptions = 0 },
	{},
};
