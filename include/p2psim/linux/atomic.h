/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/atomic.h, 6.1 (reduced: the usual operations of atomic_t, atomic64_t and atomic_long_t, all fully
 * ordered).  Each operation is one step on the variable; what refcount.h declares already is not repeated.
 */
#ifndef P2PSIM_LINUX_ATOMIC_H
#define P2PSIM_LINUX_ATOMIC_H

#include <p2psim/linux/refcount.h>

/* The step of a read-modify-write, which orders what is around it in both directions. */
P2PSIM_EXPORT void p2psim_atomic(const volatile void *at, size_t size);

/* <stdatomic.h> has these, with other arguments. */
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and

static inline int atomic_fetch_add(int n, atomic_t *v)
{
	return atomic_add_return(n, v) - n;
}

static inline P2PSIM_MARKED int atomic_fetch_or(int n, atomic_t *v)
{
	int was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	v->counter |= n;
	return was;
}

static inline P2PSIM_MARKED int atomic_fetch_and(int n, atomic_t *v)
{
	int was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	v->counter &= n;
	return was;
}

static inline P2PSIM_MARKED int atomic_xchg(atomic_t *v, int n)
{
	int was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	v->counter = n;
	return was;
}

static inline bool atomic_try_cmpxchg(atomic_t *v, int *old, int n)
{
	int was = atomic_cmpxchg(v, *old, n);
	bool done = was == *old;

	*old = was;
	return done;
}

/* The old value less one; dropped only if that is not below 0. */
static inline P2PSIM_MARKED int atomic_dec_if_positive(atomic_t *v)
{
	p2psim_atomic(&v->counter, sizeof(v->counter));
	return v->counter > 0 ? --v->counter : v->counter - 1;
}

#define atomic_add(n, v) ((void)atomic_add_return((n), (v)))
#define atomic_sub(n, v) ((void)atomic_add_return(-(n), (v)))
#define atomic_sub_return(n, v) atomic_add_return(-(n), (v))
#define atomic_fetch_sub(n, v) atomic_fetch_add(-(n), (v))
#define atomic_fetch_inc(v) atomic_fetch_add(1, (v))
#define atomic_fetch_dec(v) atomic_fetch_add(-1, (v))
#define atomic_sub_and_test(n, v) (atomic_add_return(-(n), (v)) == 0)
#define atomic_inc_and_test(v) (atomic_add_return(1, (v)) == 0)
#define atomic_add_negative(n, v) (atomic_add_return((n), (v)) < 0)
#define atomic_or(n, v) ((void)atomic_fetch_or((n), (v)))
#define atomic_and(n, v) ((void)atomic_fetch_and((n), (v)))
#define atomic_andnot(n, v) ((void)atomic_fetch_and(~(n), (v)))
#define atomic_fetch_andnot(n, v) atomic_fetch_and(~(n), (v))

/* ---- 64 bits ---- */

#define ATOMIC64_INIT(n) { (n) }

static inline P2PSIM_MARKED s64 atomic64_read(const atomic64_t *v)
{
	p2psim_once(&v->counter, sizeof(v->counter), false);
	return v->counter;
}

static inline P2PSIM_MARKED void atomic64_set(atomic64_t *v, s64 n)
{
	p2psim_once(&v->counter, sizeof(v->counter), true);
	v->counter = n;
}

static inline P2PSIM_MARKED s64 atomic64_cmpxchg(atomic64_t *v, s64 old, s64 n)
{
	s64 was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	if (was == old)
		v->counter = n;
	return was;
}

static inline P2PSIM_MARKED bool atomic64_add_unless(atomic64_t *v, s64 n, s64 unless)
{
	p2psim_atomic(&v->counter, sizeof(v->counter));
	if (v->counter == unless)
		return false;
	v->counter += n;
	return true;
}

static inline P2PSIM_MARKED s64 atomic64_add_return(s64 n, atomic64_t *v)
{
	p2psim_atomic(&v->counter, sizeof(v->counter));
	return v->counter += n;
}

static inline s64 atomic64_fetch_add(s64 n, atomic64_t *v)
{
	return atomic64_add_return(n, v) - n;
}

static inline P2PSIM_MARKED s64 atomic64_fetch_or(s64 n, atomic64_t *v)
{
	s64 was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	v->counter |= n;
	return was;
}

static inline P2PSIM_MARKED s64 atomic64_fetch_and(s64 n, atomic64_t *v)
{
	s64 was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	v->counter &= n;
	return was;
}

static inline P2PSIM_MARKED s64 atomic64_xchg(atomic64_t *v, s64 n)
{
	s64 was;

	p2psim_atomic(&v->counter, sizeof(v->counter));
	was = v->counter;
	v->counter = n;
	return was;
}

static inline bool atomic64_try_cmpxchg(atomic64_t *v, s64 *old, s64 n)
{
	s64 was = atomic64_cmpxchg(v, *old, n);
	bool done = was == *old;

	*old = was;
	return done;
}

/* The old value less one; dropped only if that is not below 0. */
static inline P2PSIM_MARKED s64 atomic64_dec_if_positive(atomic64_t *v)
{
	p2psim_atomic(&v->counter, sizeof(v->counter));
	return v->counter > 0 ? --v->counter : v->counter - 1;
}

#define atomic64_add(n, v) ((void)atomic64_add_return((n), (v)))
#define atomic64_sub(n, v) ((void)atomic64_add_return(-(n), (v)))
#define atomic64_sub_return(n, v) atomic64_add_return(-(n), (v))
#define atomic64_fetch_sub(n, v) atomic64_fetch_add(-(n), (v))
#define atomic64_fetch_inc(v) atomic64_fetch_add(1, (v))
#define atomic64_fetch_dec(v) atomic64_fetch_add(-1, (v))
#define atomic64_sub_and_test(n, v) (atomic64_add_return(-(n), (v)) == 0)
#define atomic64_inc_and_test(v) (atomic64_add_return(1, (v)) == 0)
#define atomic64_add_negative(n, v) (atomic64_add_return((n), (v)) < 0)
#define atomic64_or(n, v) ((void)atomic64_fetch_or((n), (v)))
#define atomic64_and(n, v) ((void)atomic64_fetch_and((n), (v)))
#define atomic64_andnot(n, v) ((void)atomic64_fetch_and(~(n), (v)))
#define atomic64_fetch_andnot(n, v) atomic64_fetch_and(~(n), (v))
#define atomic64_inc(v) ((void)atomic64_add_return(1, (v)))
#define atomic64_dec(v) ((void)atomic64_add_return(-1, (v)))
#define atomic64_inc_return(v) atomic64_add_return(1, (v))
#define atomic64_dec_return(v) atomic64_add_return(-1, (v))
#define atomic64_dec_and_test(v) (atomic64_add_return(-1, (v)) == 0)
#define atomic64_inc_not_zero(v) atomic64_add_unless((v), 1, 0)

/* ---- long, which has 64 bits here ---- */

#define ATOMIC_LONG_INIT(n) ATOMIC64_INIT(n)
#define atomic_long_read(v) atomic64_read(v)
#define atomic_long_set(v, n) atomic64_set(v, n)
#define atomic_long_add(n, v) atomic64_add(n, v)
#define atomic_long_sub(n, v) atomic64_sub(n, v)
#define atomic_long_inc(v) atomic64_inc(v)
#define atomic_long_dec(v) atomic64_dec(v)
#define atomic_long_add_return(n, v) atomic64_add_return(n, v)
#define atomic_long_sub_return(n, v) atomic64_sub_return(n, v)
#define atomic_long_inc_return(v) atomic64_inc_return(v)
#define atomic_long_dec_return(v) atomic64_dec_return(v)
#define atomic_long_dec_and_test(v) atomic64_dec_and_test(v)
#define atomic_long_sub_and_test(n, v) atomic64_sub_and_test(n, v)
#define atomic_long_inc_not_zero(v) atomic64_inc_not_zero(v)
#define atomic_long_add_unless(v, n, unless) atomic64_add_unless(v, n, unless)
#define atomic_long_cmpxchg(v, old, n) atomic64_cmpxchg(v, old, n)
#define atomic_long_xchg(v, n) atomic64_xchg(v, n)
#define atomic_long_fetch_add(n, v) atomic64_fetch_add(n, v)
#define atomic_long_fetch_sub(n, v) atomic64_fetch_sub(n, v)
#define atomic_long_fetch_inc(v) atomic64_fetch_inc(v)
#define atomic_long_fetch_dec(v) atomic64_fetch_dec(v)
#define atomic_long_or(n, v) atomic64_or(n, v)
#define atomic_long_and(n, v) atomic64_and(n, v)

#define smp_mb__before_atomic() barrier()
#define smp_mb__after_atomic() barrier()

/* On plain variables of 1, 2, 4 or 8 bytes. */
#define xchg(ptr, value)                                                                                               \
	__extension__({                                                                                                \
		__typeof__(*(ptr)) xchg_new_ = (value), xchg_was_;                                                     \
		P2PSIM_HERE();                                                                                         \
		p2psim_atomic((ptr), sizeof(*(ptr)));                                                                  \
		xchg_was_ = *(ptr);                                                                                    \
		*(ptr) = xchg_new_;                                                                                    \
		xchg_was_;                                                                                             \
	})
#define cmpxchg(ptr, old, value)                                                                                       \
	__extension__({                                                                                                \
		__typeof__(*(ptr)) cmpxchg_old_ = (old), cmpxchg_new_ = (value), cmpxchg_was_;                         \
		P2PSIM_HERE();                                                                                         \
		p2psim_atomic((ptr), sizeof(*(ptr)));                                                                  \
		cmpxchg_was_ = *(ptr);                                                                                 \
		if (cmpxchg_was_ == cmpxchg_old_)                                                                      \
			*(ptr) = cmpxchg_new_;                                                                         \
		cmpxchg_was_;                                                                                          \
	})
#define try_cmpxchg(ptr, oldp, value)                                                                                  \
	__extension__({                                                                                                \
		__typeof__(*(ptr)) try_expected_ = *(oldp), try_was_ = cmpxchg((ptr), try_expected_, (value));         \
		*(oldp) = try_was_;                                                                                    \
		try_was_ == try_expected_;                                                                             \
	})

#endif
