/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/refcount.h, kref.h, atomic.h, 6.1 (reduced).  Each operation is one step.  Taking a reference
 * when there is none left is a UAF, dropping one too many a BALANCE violation.
 */
#ifndef P2PSIM_LINUX_REFCOUNT_H
#define P2PSIM_LINUX_REFCOUNT_H

#include <p2psim/linux/kernel.h>

typedef struct refcount_struct {
	int refs;
} refcount_t;

#define REFCOUNT_INIT(n) { .refs = (n) }

P2PSIM_EXPORT void refcount_set(refcount_t *r, int n);
P2PSIM_EXPORT unsigned int refcount_read(const refcount_t *r);
P2PSIM_EXPORT void refcount_inc(refcount_t *r);
P2PSIM_EXPORT bool refcount_inc_not_zero(refcount_t *r);
P2PSIM_EXPORT bool refcount_dec_and_test(refcount_t *r);
P2PSIM_EXPORT void refcount_dec(refcount_t *r);
/* The last reference is dropped with the lock taken, and true; otherwise false, without it. */
struct mutex;
P2PSIM_EXPORT bool refcount_dec_and_mutex_lock(refcount_t *r, struct mutex *lock);

struct kref {
	refcount_t refcount;
};

static inline void kref_init(struct kref *kref)
{
	refcount_set(&kref->refcount, 1);
}

static inline void kref_get(struct kref *kref)
{
	refcount_inc(&kref->refcount);
}

static inline bool kref_get_unless_zero(struct kref *kref)
{
	return refcount_inc_not_zero(&kref->refcount);
}

static inline int kref_put(struct kref *kref, void (*release)(struct kref *kref))
{
	if (!refcount_dec_and_test(&kref->refcount))
		return 0;
	release(kref);
	return 1;
}

static inline unsigned int kref_read(const struct kref *kref)
{
	return refcount_read(&kref->refcount);
}

static inline int kref_put_mutex(struct kref *kref, void (*release)(struct kref *kref), struct mutex *lock)
{
	if (!refcount_dec_and_mutex_lock(&kref->refcount, lock))
		return 0;
	release(kref);
	return 1;
}

#define KREF_INIT(n) { .refcount = REFCOUNT_INIT(n) }

/* The rest of atomic_t is in atomic.h. */
#define ATOMIC_INIT(n) { (n) }
P2PSIM_EXPORT int atomic_read(const atomic_t *v);
P2PSIM_EXPORT void atomic_set(atomic_t *v, int n);
/* Adds and returns the new value. */
P2PSIM_EXPORT int atomic_add_return(int n, atomic_t *v);
P2PSIM_EXPORT bool atomic_add_unless(atomic_t *v, int n, int unless);
P2PSIM_EXPORT int atomic_cmpxchg(atomic_t *v, int old, int n);
#define atomic_inc(v) ((void)atomic_add_return(1, (v)))
#define atomic_dec(v) ((void)atomic_add_return(-1, (v)))
#define atomic_inc_return(v) atomic_add_return(1, (v))
#define atomic_dec_return(v) atomic_add_return(-1, (v))
#define atomic_dec_and_test(v) (atomic_add_return(-1, (v)) == 0)
#define atomic_inc_not_zero(v) atomic_add_unless((v), 1, 0)

#endif
