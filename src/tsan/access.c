/* SPDX-License-Identifier: MIT */
/*
 * What a compiler calls for each plain and volatile access with -fsanitize=thread.
 *
 * Plain accesses go to the race check with the place they were made at, and are never steps.  Volatile ones are marked
 * (the compiler is told to tell them apart): steps, like READ_ONCE() and WRITE_ONCE(), whose own access is one of them.
 * Left out compared with a sanitizer's run time: a shadow stack (reports name one place, not how one came there).
 */
#include "tsan/tsan.h"

void __tsan_init(void)
{
}

void __tsan_func_entry(void *pc)
{
	(void)pc;
}

void __tsan_func_exit(void)
{
}

/* The names of clang that carry a pc of their own: P2PSIM_TSAN_PLAIN(__tsan_read4, ...) makes __tsan_read4_pc() too. */
#define PLAIN(name, size, how)                                                                                         \
	void name(void *addr)                                                                                          \
	{                                                                                                              \
		tsan_access(addr, size, how, HERE);                                                                    \
	}                                                                                                              \
	void name##_pc(void *addr, void *pc)                                                                           \
	{                                                                                                              \
		tsan_access(addr, size, how, pc);                                                                      \
	}

#define VOLATILE(name, size, write)                                                                                    \
	void name(void *addr)                                                                                          \
	{                                                                                                              \
		p2psim_race_volatile(addr, size, write);                                                               \
	}

#define READ_WRITE(name, size)                                                                                         \
	void name(void *addr)                                                                                          \
	{                                                                                                              \
		tsan_access(addr, size, P2PSIM_RACE_READ, HERE);                                                       \
		tsan_access(addr, size, P2PSIM_RACE_WRITE, HERE);                                                      \
	}

#define ACCESSES(size)                                                                                                 \
	PLAIN(__tsan_read##size, size, P2PSIM_RACE_READ)                                                               \
	PLAIN(__tsan_write##size, size, P2PSIM_RACE_WRITE)                                                             \
	READ_WRITE(__tsan_read_write##size, size)                                                                      \
	VOLATILE(__tsan_volatile_read##size, size, false)                                                              \
	VOLATILE(__tsan_volatile_write##size, size, true)

#define UNALIGNED(size)                                                                                                \
	PLAIN(__tsan_unaligned_read##size, size, P2PSIM_RACE_READ)                                                     \
	PLAIN(__tsan_unaligned_write##size, size, P2PSIM_RACE_WRITE)                                                   \
	READ_WRITE(__tsan_unaligned_read_write##size, size)                                                            \
	VOLATILE(__tsan_unaligned_volatile_read##size, size, false)                                                    \
	VOLATILE(__tsan_unaligned_volatile_write##size, size, true)

ACCESSES(1)
ACCESSES(2)
ACCESSES(4)
ACCESSES(8)
ACCESSES(16)
UNALIGNED(2)
UNALIGNED(4)
UNALIGNED(8)
UNALIGNED(16)

void __tsan_read_range(void *addr, unsigned long size)
{
	tsan_access(addr, size, P2PSIM_RACE_READ, HERE);
}

void __tsan_write_range(void *addr, unsigned long size)
{
	tsan_access(addr, size, P2PSIM_RACE_WRITE, HERE);
}

void __tsan_read_range_pc(void *addr, unsigned long size, void *pc)
{
	tsan_access(addr, size, P2PSIM_RACE_READ, pc);
}

void __tsan_write_range_pc(void *addr, unsigned long size, void *pc)
{
	tsan_access(addr, size, P2PSIM_RACE_WRITE, pc);
}

void __tsan_vptr_read(void **slot)
{
	tsan_access(slot, sizeof(*slot), P2PSIM_RACE_READ, HERE);
}

void __tsan_vptr_update(void **slot, void *value)
{
	(void)value;
	tsan_access(slot, sizeof(*slot), P2PSIM_RACE_WRITE, HERE);
}
