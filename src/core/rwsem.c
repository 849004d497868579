/* SPDX-License-Identifier: MIT */
/*
 * Reader/writer semaphores, and reader/writer spinlocks, which differ in that nobody may sleep with one.
 *
 *	free --down_read--> readers=n --up_read--> free
 *	free --down_write--> owner --up_write--> free
 *	                     owner --downgrade_write--> readers=1
 *
 * A writer that finds it busy queues itself (a step of its own, because others see it: no new reader gets in from then
 * on) and takes it when the last holder is gone.
 */
#include <errno.h>

#include <p2psim/linux/rwlock.h>
#include <p2psim/linux/rwsem.h>

#include "core/internal.h"

static bool reader_may_enter(void *arg)
{
	const struct p2psim_lock *lock = arg;

	return !lock->owner && !lock->writers_queued;
}

static bool writer_may_enter(void *arg)
{
	const struct p2psim_lock *lock = arg;

	return !lock->owner && !lock->readers;
}

struct killable {
	struct p2psim_lock *lock;
	struct p2psim_task *task;
};

static bool reader_may_enter_or_killed(void *arg)
{
	struct killable *k = arg;

	return k->task->killed || reader_may_enter(k->lock);
}

static bool writer_may_enter_or_killed(void *arg)
{
	struct killable *k = arg;

	return k->task->killed || writer_may_enter(k->lock);
}

const struct p2psim_lock *p2psim_rwsem_waited_for(const struct p2psim_op *op)
{
	if (op->enabled == reader_may_enter || op->enabled == writer_may_enter)
		return op->arg;
	if (op->enabled == reader_may_enter_or_killed || op->enabled == writer_may_enter_or_killed)
		return ((struct killable *)op->arg)->lock;
	return NULL;
}

void __init_rwsem(struct rw_semaphore *sem, const char *name)
{
	sem->lock = (struct p2psim_lock){};
	p2psim_object_init(&sem->lock.obj, name);
}

static bool is_own(struct p2psim_lock *lock)
{
	if (!lock->owner || lock->owner != current)
		return false;
	p2psim_violate(P2PSIM_DEADLOCK, 0, lock->obj.id, 0, "%s takes %s, which it holds for writing already (%s:%d)",
		       current->comm, lock->obj.name, lock->site ? lock->site->func : "?",
		       lock->site ? lock->site->line : 0);
	return true;
}

static void enter_shared(struct p2psim_lock *lock, unsigned int how)
{
	lock->readers++;
	lock->site = p2psim_hot->site;
	p2psim_lockdep_acquire(lock, 0, P2PSIM_LOCK_SHARED | how);
}

static void enter_exclusive(struct p2psim_lock *lock, unsigned int subclass, unsigned int how)
{
	lock->owner = current;
	lock->site = p2psim_hot->site;
	p2psim_lockdep_acquire(lock, subclass, how);
}

void(down_read)(struct rw_semaphore *sem)
{
	if (p2psim_world_missing("down_read"))
		return;
	(might_sleep)();
	if (is_own(&sem->lock))
		return;
	p2psim_step_guarded(P2PSIM_STEP_RDLOCK, p2psim_object_id(&sem->lock.obj), false, NULL, reader_may_enter,
			    &sem->lock);
	enter_shared(&sem->lock, 0);
}

int(down_read_killable)(struct rw_semaphore *sem)
{
	struct killable k = { &sem->lock, p2psim_task_here() };

	(might_sleep)();
	if (is_own(&sem->lock))
		return -EDEADLK;
	p2psim_step_guarded(P2PSIM_STEP_RDLOCK, p2psim_object_id(&sem->lock.obj), false, "killable",
			    reader_may_enter_or_killed, &k);
	if (k.task->killed && !reader_may_enter(&sem->lock))
		return -EINTR;
	enter_shared(&sem->lock, 0);
	return 0;
}

static int try_shared(struct p2psim_lock *lock)
{
	p2psim_step_on(P2PSIM_STEP_TRYLOCK, p2psim_object_id(&lock->obj), false, "read");
	if (!reader_may_enter(lock) || p2psim_trylock_goes_wrong())
		return 0;
	enter_shared(lock, P2PSIM_LOCK_TRY);
	return 1;
}

int(down_read_trylock)(struct rw_semaphore *sem)
{
	return try_shared(&sem->lock);
}

static bool reader_leaves(struct p2psim_lock *lock)
{
	uint32_t id = p2psim_object_id(&lock->obj);

	if (!lock->readers || lock->owner) {
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s releases %s for reading, which no reader holds", current->comm,
			       lock->obj.name);
		return false;
	}
	p2psim_step_on(P2PSIM_STEP_RDUNLOCK, id, false, NULL);
	p2psim_object_id(&lock->obj); /* freed meanwhile: a UAF */
	p2psim_lockdep_release(lock);
	lock->readers--;
	return true;
}

void(up_read)(struct rw_semaphore *sem)
{
	reader_leaves(&sem->lock);
}

/* Queues and waits; `killable` NULL or who may be killed.  0 or -EINTR. */
static int wait_as_writer(struct p2psim_lock *lock, struct killable *killable)
{
	uint32_t id = p2psim_object_id(&lock->obj);
	bool (*may)(void *) = killable ? writer_may_enter_or_killed : writer_may_enter;
	void *arg = killable ? (void *)killable : lock;

	/* Taken or queued, but taken at once: no guarded step, so it is no LOCK to whoever reverses steps. */
	p2psim_step_on(P2PSIM_STEP_TRYLOCK, id, true, "write");
	if (writer_may_enter(lock))
		return 0;
	lock->writers_queued++;
	p2psim_step_guarded(P2PSIM_STEP_LOCK, id, true, killable ? "write, queued, killable" : NULL, may, arg);
	lock->writers_queued--;
	return killable && killable->task->killed && !writer_may_enter(lock) ? -EINTR : 0;
}

void(down_write)(struct rw_semaphore *sem)
{
	if (p2psim_world_missing("down_write"))
		return;
	(might_sleep)();
	if (is_own(&sem->lock))
		return;
	(void)wait_as_writer(&sem->lock, NULL);
	enter_exclusive(&sem->lock, 0, P2PSIM_LOCK_EXCLUSIVE);
}

void(down_write_nested)(struct rw_semaphore *sem, int subclass)
{
	(might_sleep)();
	if (is_own(&sem->lock))
		return;
	(void)wait_as_writer(&sem->lock, NULL);
	enter_exclusive(&sem->lock, (unsigned int)subclass, P2PSIM_LOCK_EXCLUSIVE);
}

int(down_write_killable)(struct rw_semaphore *sem)
{
	struct killable k = { &sem->lock, p2psim_task_here() };
	int error;

	(might_sleep)();
	if (is_own(&sem->lock))
		return -EDEADLK;
	error = wait_as_writer(&sem->lock, &k);
	if (!error)
		enter_exclusive(&sem->lock, 0, P2PSIM_LOCK_EXCLUSIVE);
	return error;
}

static int try_exclusive(struct p2psim_lock *lock)
{
	p2psim_step_on(P2PSIM_STEP_TRYLOCK, p2psim_object_id(&lock->obj), true, "write");
	if (!writer_may_enter(lock) || p2psim_trylock_goes_wrong())
		return 0;
	enter_exclusive(lock, 0, P2PSIM_LOCK_TRY);
	return 1;
}

int(down_write_trylock)(struct rw_semaphore *sem)
{
	return try_exclusive(&sem->lock);
}

static bool writer_leaves(struct p2psim_lock *lock, enum p2psim_step_kind kind)
{
	uint32_t id = p2psim_object_id(&lock->obj);

	if (lock->owner != current) {
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s releases %s for writing, which %s holds", current->comm,
			       lock->obj.name, lock->owner ? lock->owner->comm : "no writer");
		return false;
	}
	p2psim_step_on(kind, id, true, NULL);
	p2psim_object_id(&lock->obj); /* freed meanwhile: a UAF */
	p2psim_lockdep_release(lock);
	lock->owner = NULL;
	return true;
}

void(up_write)(struct rw_semaphore *sem)
{
	writer_leaves(&sem->lock, P2PSIM_STEP_UNLOCK);
}

void(downgrade_write)(struct rw_semaphore *sem)
{
	if (writer_leaves(&sem->lock, P2PSIM_STEP_DOWNGRADE))
		enter_shared(&sem->lock, P2PSIM_LOCK_TRY);
}

bool rwsem_is_locked(struct rw_semaphore *sem)
{
	return sem->lock.owner || sem->lock.readers;
}

bool rwsem_is_write_held(struct rw_semaphore *sem)
{
	return sem->lock.owner == current;
}

/* ---- spinlocks ---- */

void __rwlock_init(rwlock_t *lock, const char *name)
{
	lock->lock = (struct p2psim_lock){};
	p2psim_object_init(&lock->lock.obj, name);
}

void(read_lock)(rwlock_t *lock)
{
	if (p2psim_world_missing("read_lock") || is_own(&lock->lock))
		return;
	p2psim_step_guarded(P2PSIM_STEP_RDLOCK, p2psim_object_id(&lock->lock.obj), false, NULL, reader_may_enter,
			    &lock->lock);
	enter_shared(&lock->lock, 0);
	p2psim_lockdep_irq(&lock->lock, P2PSIM_LOCK_SHARED);
	p2psim_task_here()->spin_depth++;
}

int(read_trylock)(rwlock_t *lock)
{
	if (p2psim_world_missing("read_trylock") || !try_shared(&lock->lock))
		return 0;
	p2psim_lockdep_irq(&lock->lock, P2PSIM_LOCK_SHARED | P2PSIM_LOCK_TRY);
	p2psim_task_here()->spin_depth++;
	return 1;
}

void(read_unlock)(rwlock_t *lock)
{
	if (reader_leaves(&lock->lock))
		p2psim_task_here()->spin_depth--;
}

void(write_lock)(rwlock_t *lock)
{
	if (p2psim_world_missing("write_lock") || is_own(&lock->lock))
		return;
	(void)wait_as_writer(&lock->lock, NULL);
	enter_exclusive(&lock->lock, 0, P2PSIM_LOCK_EXCLUSIVE);
	p2psim_lockdep_irq(&lock->lock, P2PSIM_LOCK_EXCLUSIVE);
	p2psim_task_here()->spin_depth++;
}

int(write_trylock)(rwlock_t *lock)
{
	if (p2psim_world_missing("write_trylock") || !try_exclusive(&lock->lock))
		return 0;
	p2psim_lockdep_irq(&lock->lock, P2PSIM_LOCK_TRY);
	p2psim_task_here()->spin_depth++;
	return 1;
}

void(write_unlock)(rwlock_t *lock)
{
	if (writer_leaves(&lock->lock, P2PSIM_STEP_UNLOCK))
		p2psim_task_here()->spin_depth--;
}
