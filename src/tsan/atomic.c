/* SPDX-License-Identifier: MIT */
/*
 * The compilers' atomics (__atomic_*, __sync_*, _Atomic) in instrumented code.
 *
 * Each is a step on its variable, as the kernel's atomics are, and orders what its memory order says: acquire joins what
 * was released to the same variable.  Relaxed ones order nothing; fences neither, as smp_mb() (docs/memory-model.md).
 */
#include "tsan/tsan.h"

static void step(const volatile void *addr, size_t size, bool write)
{
	if (p2psim_hot)
		p2psim_once(addr, size, write);
}

static void order(const volatile void *addr, int how)
{
	bool acquire = how != __ATOMIC_RELAXED && how != __ATOMIC_RELEASE;
	bool release = how == __ATOMIC_RELEASE || how == __ATOMIC_ACQ_REL || how == __ATOMIC_SEQ_CST;

	if (p2psim_race_on() && (acquire || release))
		p2psim_race_order(addr, acquire, release);
}

/* A load does not publish, a store does not join. */
static int loading(int how)
{
	return how == __ATOMIC_RELAXED ? how : __ATOMIC_ACQUIRE;
}

static int storing(int how)
{
	return how == __ATOMIC_RELAXED ? how : __ATOMIC_RELEASE;
}

#define FETCH(bits, type, name, expression)                                                                            \
	type __tsan_atomic##bits##_##name(volatile type *a, type v, int how)                                           \
	{                                                                                                              \
		type old;                                                                                              \
                                                                                                                       \
		step(a, sizeof(*a), true);                                                                             \
		old = *a;                                                                                              \
		*a = (type)(expression);                                                                               \
		order(a, how);                                                                                         \
		return old;                                                                                            \
	}

#define EXCHANGE(bits, type, strength)                                                                                 \
	int __tsan_atomic##bits##_compare_exchange_##strength(volatile type *a, type *expected, type v, int how, int fail) \
	{                                                                                                              \
		type old = __tsan_atomic##bits##_compare_exchange_val(a, *expected, v, how, fail);                     \
		int same = old == *expected;                                                                           \
                                                                                                                       \
		*expected = old;                                                                                       \
		return same;                                                                                           \
	}

/* Tasks take turns between steps: what follows a step needs no atomic instruction of its own. */
#define ATOMICS(bits, type)                                                                                            \
	type __tsan_atomic##bits##_load(const volatile type *a, int how)                                               \
	{                                                                                                              \
		step(a, sizeof(*a), false);                                                                            \
		order(a, loading(how));                                                                                \
		return *a;                                                                                             \
	}                                                                                                              \
	void __tsan_atomic##bits##_store(volatile type *a, type v, int how)                                            \
	{                                                                                                              \
		step(a, sizeof(*a), true);                                                                             \
		*a = v;                                                                                                \
		order(a, storing(how));                                                                                \
	}                                                                                                              \
	FETCH(bits, type, exchange, v)                                                                                 \
	FETCH(bits, type, fetch_add, old + v)                                                                          \
	FETCH(bits, type, fetch_sub, old - v)                                                                          \
	FETCH(bits, type, fetch_and, old & v)                                                                          \
	FETCH(bits, type, fetch_or, old | v)                                                                           \
	FETCH(bits, type, fetch_xor, old ^ v)                                                                          \
	FETCH(bits, type, fetch_nand, ~(old & v))                                                                      \
	type __tsan_atomic##bits##_compare_exchange_val(volatile type *a, type expected, type v, int how, int fail)    \
	{                                                                                                              \
		type old;                                                                                              \
                                                                                                                       \
		step(a, sizeof(*a), true);                                                                             \
		old = *a;                                                                                              \
		if (old == expected)                                                                                   \
			*a = v;                                                                                        \
		order(a, old == expected ? how : loading(fail));                                                       \
		return old;                                                                                            \
	}                                                                                                              \
	EXCHANGE(bits, type, strong)                                                                                   \
	EXCHANGE(bits, type, weak)

ATOMICS(8, uint8_t)
ATOMICS(16, uint16_t)
ATOMICS(32, uint32_t)
ATOMICS(64, uint64_t)
#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 tsan_u128;
ATOMICS(128, tsan_u128)
#endif

void __tsan_atomic_thread_fence(int how)
{
	(void)how;
}

void __tsan_atomic_signal_fence(int how)
{
	(void)how;
}
