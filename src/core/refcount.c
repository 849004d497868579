/* SPDX-License-Identifier: MIT */
/*
 * Counters: refcount_t with its two mistakes, and atomic_t.  The object of a step is the counter's place in its
 * allocation (p2psim_once()).
 */
#include <p2psim/linux/atomic.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/race.h>

#include "core/internal.h"

void p2psim_atomic(const volatile void *at, size_t size)
{
	p2psim_once(at, size, true);
	if (p2psim_race_on())
		p2psim_race_order(at, true, true);
}

static void ordered_once(const volatile int *counter)
{
	p2psim_atomic(counter, sizeof(*counter));
}

void refcount_set(refcount_t *r, int n)
{
	p2psim_once(&r->refs, sizeof(r->refs), true);
	r->refs = n;
}

unsigned int refcount_read(const refcount_t *r)
{
	p2psim_once(&r->refs, sizeof(r->refs), false);
	return (unsigned int)r->refs;
}

void refcount_inc(refcount_t *r)
{
	p2psim_once(&r->refs, sizeof(r->refs), true);
	if (r->refs <= 0)
		p2psim_violate(P2PSIM_UAF, 0, 0, 0, "a reference is taken of an object whose last one was dropped");
	r->refs++;
}

bool refcount_inc_not_zero(refcount_t *r)
{
	p2psim_once(&r->refs, sizeof(r->refs), true);
	if (!r->refs)
		return false;
	r->refs++;
	return true;
}

bool refcount_dec_and_test(refcount_t *r)
{
	ordered_once(&r->refs);
	if (r->refs <= 0)
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "one reference too many is dropped");
	return --r->refs == 0;
}

void refcount_dec(refcount_t *r)
{
	if (refcount_dec_and_test(r))
		p2psim_violate(P2PSIM_BALANCE, 0, 0, 0, "refcount_dec() drops the last reference");
}

/* Two steps when it may be the last: looking, and dropping under the lock. */
bool refcount_dec_and_mutex_lock(refcount_t *r, struct mutex *lock)
{
	ordered_once(&r->refs);
	if (r->refs > 1) {
		r->refs--;
		return false;
	}
	(mutex_lock)(lock);
	if (refcount_dec_and_test(r))
		return true;
	(mutex_unlock)(lock);
	return false;
}

int atomic_read(const atomic_t *v)
{
	p2psim_once(&v->counter, sizeof(v->counter), false);
	return v->counter;
}

void atomic_set(atomic_t *v, int n)
{
	p2psim_once(&v->counter, sizeof(v->counter), true);
	v->counter = n;
}

int atomic_add_return(int n, atomic_t *v)
{
	ordered_once(&v->counter);
	return v->counter += n;
}

bool atomic_add_unless(atomic_t *v, int n, int unless)
{
	ordered_once(&v->counter);
	if (v->counter == unless)
		return false;
	v->counter += n;
	return true;
}

int atomic_cmpxchg(atomic_t *v, int old, int n)
{
	int was;

	ordered_once(&v->counter);
	was = v->counter;
	if (was == old)
		v->counter = n;
	return was;
}
