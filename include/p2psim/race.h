/* SPDX-License-Identifier: MIT */
/*
 * Data races of plain accesses.
 *
 * A world with config.races keeps a vector clock for each task.  Two accesses of one byte by two tasks, one of them a
 * write, that no synchronisation orders are a RACE violation that names both.  Plain accesses are checked, never steps:
 * they add no interleavings.  What orders and what does not is told in docs/memory-model.md.  Without config.races a
 * check is one test of a flag.
 */
#ifndef P2PSIM_RACE_H
#define P2PSIM_RACE_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

/* The slow half of the checks below; `what` (static) names the variable in reports. */
P2PSIM_EXPORT void p2psim_race_touch(const volatile void *addr, size_t size, bool write, const char *what);
enum p2psim_race_how {
	P2PSIM_RACE_READ = 0,
	P2PSIM_RACE_WRITE = 1,
	P2PSIM_RACE_MARKED = 2,		/* READ_ONCE() and its kin: they race with plain accesses, not with each other */
};

/*
 * What compiled code did at `pc`, for those who instrument it (libp2psim-tsan).  A volatile access is a step, as
 * READ_ONCE() and WRITE_ONCE() are, unless it is the one inside them.  Without a world they do nothing.
 */
P2PSIM_EXPORT void p2psim_race_access(const volatile void *addr, size_t size, enum p2psim_race_how how, const void *pc);
P2PSIM_EXPORT void p2psim_race_volatile(const volatile void *addr, size_t size, bool write);

/* The variable at `addr` was read with acquire, written with release order: called right after the marked access. */
P2PSIM_EXPORT void p2psim_race_order(const volatile void *addr, bool acquire, bool release);

static inline bool p2psim_race_on(void)
{
	struct p2psim_hot *hot = p2psim_hot;

	return __builtin_expect(hot && (hot->busy & (P2PSIM_BUSY_RACE | P2PSIM_BUSY_ENDED)) == P2PSIM_BUSY_RACE, 0);
}

/* A plain access of `size` bytes at `addr` by the running task.  Its own stack is checked once somebody else was there. */
#define p2psim_race_check(addr, size, write)                                                                           \
	__extension__({                                                                                                \
		P2PSIM_HERE();                                                                                         \
		if (p2psim_race_on())                                                                                  \
			p2psim_race_touch((addr), (size), (write), #addr);                                             \
		(void)0;                                                                                               \
	})

/* The value at `ptr`, read plainly. */
#define p2psim_plain_read(ptr)                                                                                         \
	__extension__({                                                                                                \
		p2psim_race_check(ptr, sizeof(*(ptr)), false);                                                         \
		*(ptr);                                                                                                \
	})

/* Writes `value` to `ptr` plainly. */
#define p2psim_plain_write(ptr, value)                                                                                 \
	__extension__({                                                                                                \
		p2psim_race_check(ptr, sizeof(*(ptr)), true);                                                          \
		*(ptr) = (value);                                                                                      \
		(void)0;                                                                                               \
	})

P2PSIM_END_DECLS

#endif
