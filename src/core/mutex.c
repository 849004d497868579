/* SPDX-License-Identifier: MIT */
/*
 * Mutexes and spinlocks: one guarded step to take, one step to let go.  Who gets a contended lock is the scheduler's
 * choice; there is no queue.
 */
#include <errno.h>

#include <p2psim/linux/mutex.h>
#include <p2psim/linux/spinlock.h>

#include "core/internal.h"

static bool is_free(void *arg)
{
	return !((struct p2psim_lock *)arg)->owner;
}

static bool is_free_or_killed(void *arg)
{
	/* The task that waits is not the one that evaluates: a killed task is found through its own pending step. */
	struct p2psim_lock **lock = arg;
	struct p2psim_task *task = (struct p2psim_task *)lock[1];

	return !lock[0]->owner || task->killed;
}

const struct p2psim_lock *p2psim_mutex_waited_for(const struct p2psim_op *op)
{
	if (op->enabled == is_free)
		return op->arg;
	return op->enabled == is_free_or_killed ? *(struct p2psim_lock **)op->arg : NULL;
}

static void lock_init(struct p2psim_lock *lock, const char *name)
{
	*lock = (struct p2psim_lock){};
	p2psim_object_init(&lock->obj, name);
}

/* Would the caller wait for itself? */
static bool is_own(struct p2psim_lock *lock)
{
	if (!lock->owner || lock->owner != current)
		return false;
	p2psim_violate(P2PSIM_DEADLOCK, 0, lock->obj.id, 0, "%s takes %s, which it holds already (%s:%d)",
		       current->comm, lock->obj.name, lock->site ? lock->site->func : "?",
		       lock->site ? lock->site->line : 0);
	return true;
}

static void take(struct p2psim_lock *lock, unsigned int subclass, unsigned int how)
{
	lock->owner = current;
	lock->site = p2psim_hot->site;
	p2psim_lockdep_acquire(lock, subclass, how);
}

static void lock_common(struct p2psim_lock *lock, unsigned int subclass)
{
	uint32_t id = p2psim_object_id(lock ? &lock->obj : NULL);

	if (is_own(lock))
		return;
	p2psim_step_guarded(P2PSIM_STEP_LOCK, id, true, NULL, is_free, lock);
	take(lock, subclass, P2PSIM_LOCK_EXCLUSIVE);
}

static int trylock_common(struct p2psim_lock *lock)
{
	p2psim_step_on(P2PSIM_STEP_TRYLOCK, p2psim_object_id(&lock->obj), true, NULL);
	if (lock->owner || p2psim_trylock_goes_wrong())
		return 0;
	take(lock, 0, P2PSIM_LOCK_TRY);
	return 1;
}

static bool unlock_common(struct p2psim_lock *lock)
{
	uint32_t id = p2psim_object_id(&lock->obj);

	if (lock->owner != current) {
		p2psim_violate(P2PSIM_BALANCE, 0, id, 0, "%s releases %s, which %s holds", current->comm, lock->obj.name,
			       lock->owner ? lock->owner->comm : "nobody");
		return false;
	}
	p2psim_step_on(P2PSIM_STEP_UNLOCK, id, true, NULL);
	p2psim_object_id(&lock->obj); /* freed meanwhile: a UAF */
	p2psim_lockdep_release(lock);
	lock->owner = NULL;
	return true;
}

void __mutex_init(struct mutex *lock, const char *name)
{
	lock_init(&lock->lock, name);
}

void mutex_destroy(struct mutex *lock)
{
	if (lock->lock.owner)
		p2psim_violate(P2PSIM_BALANCE, 0, lock->lock.obj.id, 0, "%s is destroyed while %s holds it",
			       lock->lock.obj.name, lock->lock.owner->comm);
}

void(mutex_lock)(struct mutex *lock)
{
	if (p2psim_world_missing("mutex_lock"))
		return;
	(might_sleep)();
	lock_common(&lock->lock, 0);
}

void(mutex_lock_nested)(struct mutex *lock, unsigned int subclass)
{
	if (p2psim_world_missing("mutex_lock_nested"))
		return;
	(might_sleep)();
	lock_common(&lock->lock, subclass);
}

int(mutex_lock_killable)(struct mutex *lock)
{
	void *waits[2] = { &lock->lock, current };

	(might_sleep)();
	if (is_own(&lock->lock))
		return 0;
	p2psim_step_guarded(P2PSIM_STEP_LOCK, p2psim_object_id(&lock->lock.obj), true, "killable", is_free_or_killed,
			    waits);
	if (lock->lock.owner)
		return -EINTR;
	take(&lock->lock, 0, P2PSIM_LOCK_EXCLUSIVE);
	return 0;
}

int(mutex_lock_interruptible)(struct mutex *lock)
{
	return (mutex_lock_killable)(lock);
}

int(mutex_trylock)(struct mutex *lock)
{
	return p2psim_world_missing("mutex_trylock") ? 0 : trylock_common(&lock->lock);
}

void(mutex_unlock)(struct mutex *lock)
{
	if (!p2psim_world_missing("mutex_unlock"))
		unlock_common(&lock->lock);
}

bool mutex_is_locked(struct mutex *lock)
{
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&lock->lock.obj), false, "is_locked");
	return lock->lock.owner != NULL;
}

void __spin_lock_init(spinlock_t *lock, const char *name)
{
	lock_init(&lock->lock, name);
}

void(spin_lock)(spinlock_t *lock)
{
	if (p2psim_world_missing("spin_lock"))
		return;
	lock_common(&lock->lock, 0);
	p2psim_lockdep_irq(&lock->lock, P2PSIM_LOCK_EXCLUSIVE);
	p2psim_task_here()->spin_depth++;
}

int(spin_trylock)(spinlock_t *lock)
{
	if (p2psim_world_missing("spin_trylock") || !trylock_common(&lock->lock))
		return 0;
	p2psim_lockdep_irq(&lock->lock, P2PSIM_LOCK_TRY);
	p2psim_task_here()->spin_depth++;
	return 1;
}

void(spin_unlock)(spinlock_t *lock)
{
	if (!p2psim_world_missing("spin_unlock") && unlock_common(&lock->lock))
		p2psim_task_here()->spin_depth--;
}

bool spin_is_locked(spinlock_t *lock)
{
	p2psim_step_on(P2PSIM_STEP_READ, p2psim_object_id(&lock->lock.obj), false, "is_locked");
	return lock->lock.owner != NULL;
}
