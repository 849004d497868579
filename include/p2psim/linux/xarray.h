/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/xarray.h, 6.1 (reduced: the normal API; no entries of more than one index, no xas_ calls).
 *
 * An array of pointers, indexed by unsigned long, of which most are NULL.  An entry is a pointer (aligned to 4), a pointer with a
 * tag (0, 1 or 3), or a value of 63 bits.
 *
 * Each call is one step, which names the array and the index, so that calls on different entries commute.  Those that change
 * something wait while another task has xa_lock(); __xa_store() and its kin are for who has it (CONTRACT).
 * Compared with the kernel, an array whose only entry has index 0 needs memory, too.
 */
#ifndef P2PSIM_LINUX_XARRAY_H
#define P2PSIM_LINUX_XARRAY_H

#include <p2psim/linux/bitops.h>
#include <p2psim/linux/err.h>
#include <p2psim/linux/slab.h>
#include <p2psim/linux/spinlock.h>

struct xarray {
	spinlock_t xa_lock;		/* its object stands for the array in steps; unit: index */
	gfp_t xa_flags;
	void *xa_head;			/* the top node, or NULL */
};

typedef unsigned int xa_mark_t;
#define XA_MARK_0 0u
#define XA_MARK_1 1u
#define XA_MARK_2 2u
#define XA_PRESENT 8u
#define XA_MARK_MAX XA_MARK_2
#define XA_FREE_MARK XA_MARK_0

#define XA_FLAGS_LOCK_IRQ 0x1u
#define XA_FLAGS_LOCK_BH 0x2u
#define XA_FLAGS_TRACK_FREE 0x4u
#define XA_FLAGS_ZERO_BUSY 0x8u
#define XA_FLAGS_ALLOC_WRAPPED 0x10u
#define XA_FLAGS_ACCOUNT 0x20u
#define XA_FLAGS_ALLOC XA_FLAGS_TRACK_FREE
#define XA_FLAGS_ALLOC1 (XA_FLAGS_TRACK_FREE | XA_FLAGS_ZERO_BUSY)

#define XARRAY_INIT(name, flags) { .xa_lock = __SPIN_LOCK_UNLOCKED(name), .xa_flags = (flags) }
#define DEFINE_XARRAY_FLAGS(name, flags) struct xarray name = XARRAY_INIT(name, flags)
#define DEFINE_XARRAY(name) DEFINE_XARRAY_FLAGS(name, 0)
#define DEFINE_XARRAY_ALLOC(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC)
#define DEFINE_XARRAY_ALLOC1(name) DEFINE_XARRAY_FLAGS(name, XA_FLAGS_ALLOC1)

P2PSIM_EXPORT void p2psim_xa_init(struct xarray *xa, gfp_t flags, const char *name);
#define xa_init_flags(xa, flags) p2psim_xa_init((xa), (flags), #xa)
#define xa_init(xa) p2psim_xa_init((xa), 0, #xa)

/* Which indices xa_alloc() may take, both included. */
struct xa_limit {
	u32 max;
	u32 min;
};
#define XA_LIMIT(first, last) ((struct xa_limit){ .min = (first), .max = (last) })
#define xa_limit_32b XA_LIMIT(0, UINT_MAX)
#define xa_limit_31b XA_LIMIT(0, INT_MAX)
#define xa_limit_16b XA_LIMIT(0, USHRT_MAX)

/* ---- what an entry is ---- */

static inline void *xa_mk_value(unsigned long value)
{
	return (void *)(value << 1 | 1);
}

static inline unsigned long xa_to_value(const void *entry)
{
	return (unsigned long)entry >> 1;
}

static inline bool xa_is_value(const void *entry)
{
	return (unsigned long)entry & 1;
}

static inline void *xa_tag_pointer(void *ptr, unsigned long tag)
{
	return (void *)((unsigned long)ptr | tag);
}

static inline void *xa_untag_pointer(void *entry)
{
	return (void *)((unsigned long)entry & ~3UL);
}

static inline unsigned int xa_pointer_tag(const void *entry)
{
	return (unsigned long)entry & 3UL;
}

static inline void *xa_mk_internal(unsigned long value)
{
	return (void *)(value << 2 | 2);
}

static inline bool xa_is_internal(const void *entry)
{
	return ((unsigned long)entry & 3) == 2;
}

/* An index that is in use and loads as NULL. */
#define XA_ZERO_ENTRY xa_mk_internal(257)

static inline bool xa_is_zero(const void *entry)
{
	return entry == XA_ZERO_ENTRY;
}

/* Is it what a failed xa_store() gives back?  And which error. */
static inline bool xa_is_err(const void *entry)
{
	return xa_is_internal(entry) && (unsigned long)entry >= (unsigned long)xa_mk_internal((unsigned long)-MAX_ERRNO);
}

static inline int xa_err(const void *entry)
{
	return xa_is_err(entry) ? (int)((long)entry >> 2) : 0;
}

/* ---- one entry ---- */

/* Context: any. */
P2PSIM_EXPORT void *xa_load(struct xarray *xa, unsigned long index);
/*
 * The entry that was there (NULL), or an error entry: -ENOMEM, -EINVAL for what is no entry.  Storing NULL is erasing; in an
 * allocating array it reserves.
 * Context: may sleep if `gfp` says so.
 */
P2PSIM_EXPORT void *xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
P2PSIM_EXPORT void *xa_erase(struct xarray *xa, unsigned long index);
/* 0; -EBUSY: there is something, also reserved; -ENOMEM. */
P2PSIM_EXPORT int __must_check xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
/* What was there: stored if that is `old`. */
P2PSIM_EXPORT void *xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry, gfp_t gfp);
/* 0 or -ENOMEM; xa_release() undoes it if nothing was stored. */
P2PSIM_EXPORT int __must_check xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp);
P2PSIM_EXPORT void xa_release(struct xarray *xa, unsigned long index);
/* Under xa_lock(): no step. */
P2PSIM_EXPORT void *__xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
P2PSIM_EXPORT void *__xa_erase(struct xarray *xa, unsigned long index);
P2PSIM_EXPORT int __must_check __xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp);
P2PSIM_EXPORT void *__xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry, gfp_t gfp);

/* ---- indices that the array hands out: XA_FLAGS_ALLOC ---- */

/* The lowest free one of `limit` in *id.  0; -EBUSY: none; -ENOMEM; -EINVAL: not an allocating array. */
P2PSIM_EXPORT int __must_check xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, gfp_t gfp);
/* The lowest at or behind *next, then from the bottom again (1).  0, 1, or as above. */
P2PSIM_EXPORT int xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, u32 *next, gfp_t gfp);
P2PSIM_EXPORT int __must_check __xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, gfp_t gfp);
P2PSIM_EXPORT int __xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, u32 *next, gfp_t gfp);

/* ---- marks: three bits of each entry; not of those of an allocating array that have XA_MARK_0 ---- */

P2PSIM_EXPORT bool xa_get_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
/* Nothing happens where there is no entry. */
P2PSIM_EXPORT void xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
P2PSIM_EXPORT void xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
P2PSIM_EXPORT void __xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
P2PSIM_EXPORT void __xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark);
/* Has any entry this mark? */
P2PSIM_EXPORT bool xa_marked(const struct xarray *xa, xa_mark_t mark);

/* ---- many entries ---- */

static inline bool xa_empty(const struct xarray *xa)
{
	return !xa->xa_head;
}

/* The first entry at *index (_after: behind it) up to `max`, its index in *index; NULL: none.  filter: a mark, or XA_PRESENT. */
P2PSIM_EXPORT void *xa_find(struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter);
P2PSIM_EXPORT void *xa_find_after(struct xarray *xa, unsigned long *index, unsigned long max, xa_mark_t filter);
/* Up to n entries of [start, max]; how many. */
P2PSIM_EXPORT unsigned int xa_extract(struct xarray *xa, void **entries, unsigned long start, unsigned long max,
				      unsigned int n, xa_mark_t filter);
/* Forgets all entries. */
P2PSIM_EXPORT void xa_destroy(struct xarray *xa);

#define xa_for_each_range(xa, index, entry, start, last)                                                               \
	for ((index) = (start), (entry) = xa_find((xa), &(index), (last), XA_PRESENT); (entry);                        \
	     (entry) = xa_find_after((xa), &(index), (last), XA_PRESENT))
#define xa_for_each_start(xa, index, entry, start) xa_for_each_range(xa, index, entry, start, ULONG_MAX)
#define xa_for_each(xa, index, entry) xa_for_each_start(xa, index, entry, 0)
#define xa_for_each_marked(xa, index, entry, filter)                                                                   \
	for ((index) = 0, (entry) = xa_find((xa), &(index), ULONG_MAX, (filter)); (entry);                             \
	     (entry) = xa_find_after((xa), &(index), ULONG_MAX, (filter)))

/* ---- the lock ---- */

#define xa_lock(xa) spin_lock(&(xa)->xa_lock)
#define xa_unlock(xa) spin_unlock(&(xa)->xa_lock)
#define xa_trylock(xa) spin_trylock(&(xa)->xa_lock)
#define xa_lock_bh(xa) xa_lock(xa)
#define xa_unlock_bh(xa) xa_unlock(xa)
#define xa_lock_irq(xa) spin_lock_irq(&(xa)->xa_lock)
#define xa_unlock_irq(xa) spin_unlock_irq(&(xa)->xa_lock)
#define xa_lock_irqsave(xa, flags) spin_lock_irqsave(&(xa)->xa_lock, flags)
#define xa_unlock_irqrestore(xa, flags) spin_unlock_irqrestore(&(xa)->xa_lock, flags)

/* Remember the driver's line for reports. */
#define xa_load(xa, index) (P2PSIM_HERE(), xa_load((xa), (index)))
#define xa_store(xa, index, entry, gfp) (P2PSIM_HERE(), xa_store((xa), (index), (entry), (gfp)))
#define xa_erase(xa, index) (P2PSIM_HERE(), xa_erase((xa), (index)))
#define xa_insert(xa, index, entry, gfp) (P2PSIM_HERE(), xa_insert((xa), (index), (entry), (gfp)))
#define xa_cmpxchg(xa, index, old, entry, gfp) (P2PSIM_HERE(), xa_cmpxchg((xa), (index), (old), (entry), (gfp)))
#define xa_alloc(xa, id, entry, limit, gfp) (P2PSIM_HERE(), xa_alloc((xa), (id), (entry), (limit), (gfp)))
#define xa_alloc_cyclic(xa, id, entry, limit, next, gfp)                                                               \
	(P2PSIM_HERE(), xa_alloc_cyclic((xa), (id), (entry), (limit), (next), (gfp)))
#define xa_find(xa, index, max, filter) (P2PSIM_HERE(), xa_find((xa), (index), (max), (filter)))
#define xa_find_after(xa, index, max, filter) (P2PSIM_HERE(), xa_find_after((xa), (index), (max), (filter)))
#define xa_store_bh(xa, index, entry, gfp) xa_store(xa, index, entry, gfp)
#define xa_store_irq(xa, index, entry, gfp) xa_store(xa, index, entry, gfp)
#define xa_erase_bh(xa, index) xa_erase(xa, index)
#define xa_erase_irq(xa, index) xa_erase(xa, index)
#define xa_insert_irq(xa, index, entry, gfp) xa_insert(xa, index, entry, gfp)
#define xa_cmpxchg_irq(xa, index, old, entry, gfp) xa_cmpxchg(xa, index, old, entry, gfp)
#define xa_alloc_irq(xa, id, entry, limit, gfp) xa_alloc(xa, id, entry, limit, gfp)
#define xa_alloc_bh(xa, id, entry, limit, gfp) xa_alloc(xa, id, entry, limit, gfp)
#define xa_alloc_cyclic_irq(xa, id, entry, limit, next, gfp) xa_alloc_cyclic(xa, id, entry, limit, next, gfp)

#endif
