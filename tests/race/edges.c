/* SPDX-License-Identifier: MIT */
/*
 * Plain accesses that each primitive of the kernel orders; and the same without it.  A driver's file: nothing is marked.
 */
#include "gadget.h"

#include <p2psim/linux/kthread.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/slab.h>

static void writes(struct gadget *g)
{
	g->count = 1;
}

static void reads(struct gadget *g)
{
	P2PSIM_CHECK(g->count >= 0);
}

static void work_writes(struct work_struct *work)
{
	writes(container_of(work, struct gadget, work));
}

int gadget_setup(void *state)
{
	struct gadget *g = state;

	mutex_init(&g->mutex);
	spin_lock_init(&g->spin);
	init_rwsem(&g->sem);
	init_completion(&g->done);
	init_waitqueue_head(&g->wq);
	init_srcu_struct(&g->srcu);
	INIT_WORK(&g->work, work_writes);
	INIT_LIST_HEAD(&g->queue);
	INIT_LIST_HEAD(&g->entry);
	refcount_set(&g->refs, 2);
	atomic_set(&g->turns, 2);
	g->published = &g->other;
	return 0;
}

/* TASK(name, before, access, after): code around a plain access of the count. */
#define TASK(name, before, access, after)                                                                              \
	static void name(void *state)                                                                                  \
	{                                                                                                              \
		struct gadget *g = state;                                                                              \
                                                                                                                       \
		before;                                                                                                \
		access(g);                                                                                             \
		after;                                                                                                 \
	}

TASK(bare_writes, (void)0, writes, (void)0)
TASK(bare_reads, (void)0, reads, (void)0)
TASK(mutex_writes, mutex_lock(&g->mutex), writes, mutex_unlock(&g->mutex))
TASK(mutex_reads, mutex_lock(&g->mutex), reads, mutex_unlock(&g->mutex))
TASK(spin_writes, spin_lock(&g->spin), writes, spin_unlock(&g->spin))
TASK(spin_reads, spin_lock(&g->spin), reads, spin_unlock(&g->spin))
TASK(sem_writes, down_write(&g->sem), writes, up_write(&g->sem))
TASK(sem_reads, down_read(&g->sem), reads, up_read(&g->sem))
TASK(reader_writes, down_read(&g->sem), writes, up_read(&g->sem))
TASK(downgrade_reads, down_write(&g->sem); downgrade_write(&g->sem), reads, up_read(&g->sem))
TASK(completes, (void)0, writes, complete(&g->done))
TASK(waits_for_it, wait_for_completion(&g->done), reads, (void)0)
TASK(reads_then_waits, (void)0, reads, wait_for_completion(&g->done))
TASK(stores_release, (void)0, writes, smp_store_release(&g->ready, 1))
TASK(stores, (void)0, writes, WRITE_ONCE(g->ready, 1))
TASK(wakes_release, (void)0, writes, smp_store_release(&g->ready, 1); wake_up_all(&g->wq))
TASK(wakes_unmarked, (void)0, writes, g->ready = 1; wake_up_all(&g->wq))
TASK(sleeps_acquire, wait_event(g->wq, smp_load_acquire(&g->ready)), reads, (void)0)
TASK(sleeps_unmarked, wait_event(g->wq, g->ready), reads, (void)0)
TASK(publishes, (void)0, writes, rcu_assign_pointer(g->published, &g->count))
TASK(reads_and_puts, (void)0, reads, (void)refcount_dec_and_test(&g->refs))
TASK(puts_and_writes, if (!refcount_dec_and_test(&g->refs)) return, writes, (void)0)
TASK(writes_and_puts, (void)0, writes, (void)refcount_dec_and_test(&g->refs))
TASK(reads_and_counts, (void)0, reads, (void)atomic_dec_and_test(&g->turns))
TASK(counts_and_writes, if (!atomic_dec_and_test(&g->turns)) return, writes, (void)0)
TASK(looks_and_writes, if (atomic_read(&g->turns) != 1) return, writes, (void)0)
TASK(stores_native, (void)0, writes, __atomic_store_n(&g->native, 1, __ATOMIC_RELEASE))
TASK(stores_relaxed, (void)0, writes, __atomic_store_n(&g->native, 1, __ATOMIC_RELAXED))
TASK(adds_native, (void)0, writes, __sync_fetch_and_add(&g->native, 1))
TASK(loads_native, if (!__atomic_load_n(&g->native, __ATOMIC_ACQUIRE)) return, reads, (void)0)
TASK(exchanges_native, if (!__sync_bool_compare_and_swap(&g->native, 1, 2)) return, reads, (void)0)

static void loads_acquire(void *state)
{
	struct gadget *g = state;

	if (smp_load_acquire(&g->ready))
		reads(g);
}

static void loads(void *state)
{
	struct gadget *g = state;

	if (READ_ONCE(g->ready))
		reads(g);
}

static void dereferences(void *state)
{
	struct gadget *g = state;

	P2PSIM_CHECK(*rcu_dereference(g->published) >= 0);
}

static void dereferences_plainly(void *state)
{
	struct gadget *g = state;

	P2PSIM_CHECK(*READ_ONCE(g->published) >= 0);
}

static void srcu_reads(void *state)
{
	struct gadget *g = state;
	int idx = srcu_read_lock(&g->srcu);

	if (!READ_ONCE(g->ready))
		reads(g);
	srcu_read_unlock(&g->srcu, idx);
}

static void srcu_writes(void *state)
{
	struct gadget *g = state;

	WRITE_ONCE(g->ready, 1);
	synchronize_srcu(&g->srcu);
	writes(g);
}

static void rcu_reads(void *state)
{
	struct gadget *g = state;

	rcu_read_lock();
	if (!READ_ONCE(g->ready))
		reads(g);
	rcu_read_unlock();
}

static void rcu_writes(void *state)
{
	struct gadget *g = state;

	WRITE_ONCE(g->ready, 1);
	synchronize_rcu();
	writes(g);
}

static void no_grace_writes(void *state)
{
	struct gadget *g = state;

	WRITE_ONCE(g->ready, 1);
	writes(g);
}

static void works(void *state)
{
	struct gadget *g = state;

	writes(g);
	schedule_work(&g->work);
	flush_work(&g->work);
	reads(g);
}

static void works_without_flush(void *state)
{
	struct gadget *g = state;

	schedule_work(&g->work);
	reads(g);
}

static int thread(void *state)
{
	struct gadget *g = state;

	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	writes(g);
	return 0;
}

static void starts_and_stops(void *state)
{
	struct gadget *g = state;
	struct task_struct *child;

	writes(g);
	child = kthread_run(thread, g, "child");
	writes(g);
	kthread_stop(child);
	reads(g);
}

static int hasty_thread(void *state)
{
	struct gadget *g = state;

	cond_resched();
	writes(g);
	return 0;
}

static void reads_before_stop(void *state)
{
	struct gadget *g = state;
	struct task_struct *child = kthread_run(hasty_thread, g, "child");

	reads(g);
	kthread_stop(child);
}

static void idles(void *state)
{
	(void)state;
}

const struct story edges[] = {
	{ "mutex", mutex_writes, mutex_reads, P2PSIM_NO_ORACLE },
	{ "mutex, one forgets it", mutex_writes, bare_reads, P2PSIM_RACE },
	{ "spinlock", spin_writes, spin_reads, P2PSIM_NO_ORACLE },
	{ "spinlock and mutex", spin_writes, mutex_reads, P2PSIM_RACE },
	{ "rwsem", sem_writes, sem_reads, P2PSIM_NO_ORACLE },
	{ "rwsem, downgraded", sem_writes, downgrade_reads, P2PSIM_NO_ORACLE },
	{ "rwsem, readers write", reader_writes, reader_writes, P2PSIM_RACE },
	{ "completion", completes, waits_for_it, P2PSIM_NO_ORACLE },
	{ "completion, too early", completes, reads_then_waits, P2PSIM_RACE },
	{ "wait queue", wakes_release, sleeps_acquire, P2PSIM_NO_ORACLE },
	{ "wait queue, bare condition", wakes_unmarked, sleeps_unmarked, P2PSIM_RACE },
	{ "release and acquire", stores_release, loads_acquire, P2PSIM_NO_ORACLE },
	{ "release alone", stores_release, loads, P2PSIM_RACE },
	{ "acquire alone", stores, loads_acquire, P2PSIM_RACE },
	{ "RCU pointer", publishes, dereferences, P2PSIM_NO_ORACLE },
	{ "RCU pointer, not dereferenced as one", publishes, dereferences_plainly, P2PSIM_RACE },
	{ "SRCU", srcu_reads, srcu_writes, P2PSIM_NO_ORACLE },
	{ "SRCU, no grace period", srcu_reads, no_grace_writes, P2PSIM_RACE },
	{ "RCU", rcu_reads, rcu_writes, P2PSIM_NO_ORACLE },
	{ "RCU, no grace period", rcu_reads, no_grace_writes, P2PSIM_RACE },
	{ "refcount", reads_and_puts, puts_and_writes, P2PSIM_NO_ORACLE },
	{ "refcount, after the put", bare_reads, writes_and_puts, P2PSIM_RACE },
	{ "atomic", reads_and_counts, counts_and_writes, P2PSIM_NO_ORACLE },
	{ "atomic, only read", reads_and_counts, looks_and_writes, P2PSIM_RACE },
	{ "work", works, idles, P2PSIM_NO_ORACLE },
	{ "work, no flush", works_without_flush, idles, P2PSIM_RACE },
	{ "kthread", starts_and_stops, idles, P2PSIM_NO_ORACLE },
	{ "kthread, before the stop", reads_before_stop, idles, P2PSIM_RACE },
	{ "compiler's release and acquire", stores_native, loads_native, P2PSIM_NO_ORACLE },
	{ "compiler's relaxed", stores_relaxed, loads_native, P2PSIM_RACE },
	{ "compiler's add and exchange", adds_native, exchanges_native, P2PSIM_NO_ORACLE },
	{ "nothing at all", bare_writes, bare_writes, P2PSIM_RACE },
	{ NULL, NULL, NULL, P2PSIM_NO_ORACLE },
};
