/* SPDX-License-Identifier: MIT */
/*
 * Counters: refcount_t with its two mistakes, and atomic_t.  The object of a step is the counter's place in its
 * allocation (p2psim_once()).
 */
#include <p2psim/linux/refcount.h>
#include <p2psim/race.h>

#include "core/internal.h"

/* A read-modify-write that orders what is around it in both directions. */
static void ordered_once(const volatile int *counter)
{
	p2psim_once(counter, sizeof(*counter), true);
	if (p2psim_race_on())
		p2psim_race_order(counter, true, true);
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
