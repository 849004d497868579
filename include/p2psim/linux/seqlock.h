/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/seqlock.h, 6.1 (reduced: no latches, and a counter does not say which lock its writers hold).
 *
 *	writer						reader
 *	write_seqlock()		sequence is odd		do {
 *	data						    seq = read_seqbegin()	waits while it is odd
 *	write_sequnlock()	even again		    data
 *							} while (read_seqretry(seq))	true: it has moved
 *
 * Each of the four is one step (a writer's lock is one more).  Between begin and end a writer must not sleep (LOCKGRAPH): readers
 * spin.  A race check reports what readers look at without READ_ONCE().
 */
#ifndef P2PSIM_LINUX_SEQLOCK_H
#define P2PSIM_LINUX_SEQLOCK_H

#include <p2psim/linux/spinlock.h>

typedef struct seqcount {
	struct p2psim_object obj;
	unsigned int sequence;		/* odd: somebody writes */
} seqcount_t;

typedef struct {
	seqcount_t seqcount;
	spinlock_t lock;
} seqlock_t;

#define SEQCNT_ZERO(s) { .obj = { .name = #s } }
#define DEFINE_SEQLOCK(s) seqlock_t s = { .seqcount = SEQCNT_ZERO(s), .lock = __SPIN_LOCK_UNLOCKED(s) }

P2PSIM_EXPORT void __seqcount_init(seqcount_t *s, const char *name);
/* The even number that it has, or will have once the writer is through. */
P2PSIM_EXPORT unsigned int read_seqcount_begin(const seqcount_t *s);
/* Has it moved since? */
P2PSIM_EXPORT bool read_seqcount_retry(const seqcount_t *s, unsigned int start);
/* Context: whoever writes holds a lock that keeps other writers out. */
P2PSIM_EXPORT void write_seqcount_begin(seqcount_t *s);
/* BALANCE when it was not begun. */
P2PSIM_EXPORT void write_seqcount_end(seqcount_t *s);

#define seqcount_init(s) __seqcount_init((s), #s)
#define read_seqcount_begin(s) (P2PSIM_HERE(), read_seqcount_begin(s))
#define read_seqcount_retry(s, start) (P2PSIM_HERE(), read_seqcount_retry((s), (start)))
#define write_seqcount_begin(s) (P2PSIM_HERE(), write_seqcount_begin(s))
#define write_seqcount_end(s) (P2PSIM_HERE(), write_seqcount_end(s))

#define seqlock_init(s)                                                                                                \
	do {                                                                                                           \
		__seqcount_init(&(s)->seqcount, #s);                                                                   \
		__spin_lock_init(&(s)->lock, #s);                                                                      \
	} while (0)
#define read_seqbegin(s) read_seqcount_begin(&(s)->seqcount)
#define read_seqretry(s, start) read_seqcount_retry(&(s)->seqcount, (start))
#define write_seqlock(s)                                                                                               \
	do {                                                                                                           \
		spin_lock(&(s)->lock);                                                                                 \
		write_seqcount_begin(&(s)->seqcount);                                                                  \
	} while (0)
#define write_sequnlock(s)                                                                                             \
	do {                                                                                                           \
		write_seqcount_end(&(s)->seqcount);                                                                    \
		spin_unlock(&(s)->lock);                                                                               \
	} while (0)
#define write_seqlock_irq(s)                                                                                           \
	do {                                                                                                           \
		local_irq_disable();                                                                                   \
		write_seqlock(s);                                                                                      \
	} while (0)
#define write_sequnlock_irq(s)                                                                                         \
	do {                                                                                                           \
		write_sequnlock(s);                                                                                    \
		local_irq_enable();                                                                                    \
	} while (0)
#define write_seqlock_bh(s) write_seqlock(s)
#define write_sequnlock_bh(s) write_sequnlock(s)
#define write_seqlock_irqsave(s, flags)                                                                                \
	do {                                                                                                           \
		local_irq_save(flags);                                                                                 \
		write_seqlock(s);                                                                                      \
	} while (0)
#define write_sequnlock_irqrestore(s, flags)                                                                           \
	do {                                                                                                           \
		write_sequnlock(s);                                                                                    \
		local_irq_restore(flags);                                                                              \
	} while (0)
/* A reader that keeps writers out. */
#define read_seqlock_excl(s) spin_lock(&(s)->lock)
#define read_sequnlock_excl(s) spin_unlock(&(s)->lock)

#endif
