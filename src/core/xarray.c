/* SPDX-License-Identifier: MIT */
/*
 * XArrays: what a call means, and its step.  The tree is radix.c's.
 */
#include <string.h>

#include <p2psim/linux/xarray.h>

#include "core/internal.h"
#include "core/radix.h"

void p2psim_xa_init(struct xarray *xa, gfp_t flags, const char *name)
{
	__spin_lock_init(&xa->xa_lock, name);
	xa->xa_flags = flags;
	xa->xa_head = NULL;
}

/* ---- steps ---- */

static bool nobody_else_has_it(void *arg)
{
	const struct xarray *xa = arg;

	return !xa->xa_lock.lock.owner || xa->xa_lock.lock.owner == current;
}

/* The pointer that a reader finds was published by who stored it. */
static void order(const struct xarray *xa, bool write)
{
	if (p2psim_race_on())
		p2psim_race_order(xa, true, write);
}

static void read_step(struct xarray *xa, unsigned long first, unsigned long last, const char *label)
{
	p2psim_step_range(P2PSIM_STEP_READ, p2psim_object_id(&xa->xa_lock.lock.obj), false, first, last, label);
	order(xa, false);
}

/* Inside, the kernel takes the lock: who has it already would wait for himself. */
static void write_step(struct xarray *xa, unsigned long first, unsigned long last, const char *label)
{
	struct p2psim_op op = {
		.kind = P2PSIM_STEP_WRITE,
		.access_count = 1,
		.label = label,
		.site = p2psim_hot ? p2psim_hot->site : NULL,
		.enabled = nobody_else_has_it,
		.arg = xa,
		.access[0] = { p2psim_object_id(&xa->xa_lock.lock.obj), true, first, last },
	};

	if (p2psim_world_missing(label))
		return;
	if (xa->xa_lock.lock.owner == current)
		p2psim_violate(P2PSIM_DEADLOCK, 0, xa->xa_lock.lock.obj.id, 0,
			       "%s() of an array whose lock the task has: %s", label, xa->xa_lock.lock.obj.name);
	p2psim_step_op(&op);
	order(xa, true);
}

static void have_lock(struct xarray *xa)
{
	p2psim_assert_held(&xa->xa_lock.lock);
}

/* The caller has taken the step: what follows does not sleep. */
static gfp_t inside(gfp_t gfp)
{
	return GFP_NOWAIT | (gfp & __GFP_NOFAIL);
}

/* ---- one entry ---- */

static void *visible(void *entry)
{
	return xa_is_zero(entry) ? NULL : entry;
}

static bool is_storable(const void *entry)
{
	return !xa_is_internal(entry) || xa_is_zero(entry);
}

/* What stands there afterwards: NULL in an allocating array reserves. */
static int put(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp, void **old)
{
	if (!entry && xa->xa_flags & XA_FLAGS_TRACK_FREE)
		entry = XA_ZERO_ENTRY;
	return p2psim_radix_store(&xa->xa_head, index, entry, inside(gfp), old);
}

static void *store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	void *old;
	int error = is_storable(entry) ? put(xa, index, entry, gfp, &old) : -EINVAL;

	return error ? xa_mk_internal((unsigned long)(long)error) : visible(old);
}

static void *erase(struct xarray *xa, unsigned long index)
{
	void *old;

	p2psim_radix_store(&xa->xa_head, index, NULL, 0, &old);
	return visible(old);
}

static void *compare_and_store(struct xarray *xa, unsigned long index, void *old, void *entry, gfp_t gfp)
{
	void *is = p2psim_radix_load(xa->xa_head, index);
	int error;

	if (is != old)
		return visible(is);
	error = is_storable(entry) ? p2psim_radix_store(&xa->xa_head, index, entry, inside(gfp), &is) : -EINVAL;
	return error ? xa_mk_internal((unsigned long)(long)error) : visible(is);
}

static int insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	if (p2psim_radix_load(xa->xa_head, index))
		return -EBUSY;
	return xa_err(store(xa, index, entry ? entry : XA_ZERO_ENTRY, gfp));
}

void *(xa_load)(struct xarray *xa, unsigned long index)
{
	read_step(xa, index, index, "xa_load");
	return visible(p2psim_radix_load(xa->xa_head, index));
}

void *(xa_store)(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	might_alloc(gfp);
	write_step(xa, index, index, "xa_store");
	return store(xa, index, entry, gfp);
}

void *(xa_erase)(struct xarray *xa, unsigned long index)
{
	write_step(xa, index, index, "xa_erase");
	return erase(xa, index);
}

int(xa_insert)(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	might_alloc(gfp);
	write_step(xa, index, index, "xa_insert");
	return insert(xa, index, entry, gfp);
}

void *(xa_cmpxchg)(struct xarray *xa, unsigned long index, void *old, void *entry, gfp_t gfp)
{
	might_alloc(gfp);
	write_step(xa, index, index, "xa_cmpxchg");
	return compare_and_store(xa, index, old, entry, gfp);
}

int xa_reserve(struct xarray *xa, unsigned long index, gfp_t gfp)
{
	return xa_err((xa_cmpxchg)(xa, index, NULL, XA_ZERO_ENTRY, gfp));
}

void xa_release(struct xarray *xa, unsigned long index)
{
	write_step(xa, index, index, "xa_release");
	if (xa_is_zero(p2psim_radix_load(xa->xa_head, index)))
		erase(xa, index);
}

void *__xa_store(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	have_lock(xa);
	return store(xa, index, entry, gfp);
}

void *__xa_erase(struct xarray *xa, unsigned long index)
{
	have_lock(xa);
	return erase(xa, index);
}

int __xa_insert(struct xarray *xa, unsigned long index, void *entry, gfp_t gfp)
{
	have_lock(xa);
	return insert(xa, index, entry, gfp);
}

void *__xa_cmpxchg(struct xarray *xa, unsigned long index, void *old, void *entry, gfp_t gfp)
{
	have_lock(xa);
	return compare_and_store(xa, index, old, entry, gfp);
}

/* ---- indices handed out ---- */

static int alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, gfp_t gfp)
{
	unsigned long index = limit.min;
	void *old;
	int error;

	if (!(xa->xa_flags & XA_FLAGS_TRACK_FREE) || !is_storable(entry))
		return -EINVAL;
	if (xa->xa_flags & XA_FLAGS_ZERO_BUSY && !index)
		index = 1;
	if (!p2psim_radix_next_free(xa->xa_head, &index) || index > limit.max)
		return -EBUSY;
	error = put(xa, index, entry, gfp, &old);
	if (!error)
		*id = (u32)index;
	return error;
}

static int alloc_cyclic(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, u32 *next, gfp_t gfp)
{
	u32 min = limit.min;
	int error;
	bool wrapped = false;

	limit.min = max(min, *next);
	error = limit.min <= limit.max ? alloc(xa, id, entry, limit, gfp) : -EBUSY;
	if (error == -EBUSY && limit.min > min) {
		limit.min = min;
		error = alloc(xa, id, entry, limit, gfp);
		wrapped = true;
	}
	if (error)
		return error;
	*next = *id + 1;
	if (xa->xa_flags & XA_FLAGS_ALLOC_WRAPPED)
		wrapped = true;
	xa->xa_flags &= ~XA_FLAGS_ALLOC_WRAPPED;
	if (!*next)
		xa->xa_flags |= XA_FLAGS_ALLOC_WRAPPED; /* told next time */
	return wrapped;
}

int(xa_alloc)(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, gfp_t gfp)
{
	might_alloc(gfp);
	write_step(xa, limit.min, limit.max, "xa_alloc");
	return alloc(xa, id, entry, limit, gfp);
}

int __xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, gfp_t gfp)
{
	have_lock(xa);
	return alloc(xa, id, entry, limit, gfp);
}

int(xa_alloc_cyclic)(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, u32 *next, gfp_t gfp)
{
	might_alloc(gfp);
	write_step(xa, limit.min, limit.max, "xa_alloc_cyclic");
	return alloc_cyclic(xa, id, entry, limit, next, gfp);
}

int __xa_alloc_cyclic(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit, u32 *next, gfp_t gfp)
{
	have_lock(xa);
	return alloc_cyclic(xa, id, entry, limit, next, gfp);
}

/* ---- marks ---- */

bool xa_get_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	read_step(xa, index, index, "xa_get_mark");
	return p2psim_radix_marked(xa->xa_head, index, mark);
}

void xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	write_step(xa, index, index, "xa_set_mark");
	p2psim_radix_mark(xa->xa_head, index, mark, true);
}

void xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	write_step(xa, index, index, "xa_clear_mark");
	p2psim_radix_mark(xa->xa_head, index, mark, false);
}

void __xa_set_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	have_lock(xa);
	p2psim_radix_mark(xa->xa_head, index, mark, true);
}

void __xa_clear_mark(struct xarray *xa, unsigned long index, xa_mark_t mark)
{
	have_lock(xa);
	p2psim_radix_mark(xa->xa_head, index, mark, false);
}

bool xa_marked(const struct xarray *xa, xa_mark_t mark)
{
	return p2psim_radix_any(xa->xa_head, mark);
}

/* ---- many ---- */

static enum p2psim_radix_map map_of(xa_mark_t filter)
{
	return filter == XA_PRESENT ? P2PSIM_RADIX_USED : (enum p2psim_radix_map)filter;
}

static void *find(struct xarray *xa, unsigned long *index, unsigned long last, xa_mark_t filter)
{
	unsigned long at = *index;
	void *entry;

	for (; p2psim_radix_next(xa->xa_head, &at, map_of(filter)) && at <= last; at++) {
		entry = p2psim_radix_load(xa->xa_head, at);
		if (!xa_is_zero(entry)) {
			*index = at;
			return entry;
		}
		if (at == ULONG_MAX)
			break;
	}
	return NULL;
}

void *(xa_find)(struct xarray *xa, unsigned long *index, unsigned long last, xa_mark_t filter)
{
	read_step(xa, *index, last, "xa_find");
	return *index <= last ? find(xa, index, last, filter) : NULL;
}

void *(xa_find_after)(struct xarray *xa, unsigned long *index, unsigned long last, xa_mark_t filter)
{
	unsigned long at = *index + 1;
	void *entry;

	read_step(xa, at, last, "xa_find_after");
	entry = at && at <= last ? find(xa, &at, last, filter) : NULL;
	if (entry)
		*index = at;
	return entry;
}

unsigned int xa_extract(struct xarray *xa, void **entries, unsigned long start, unsigned long last, unsigned int n,
			xa_mark_t filter)
{
	unsigned int count = 0;
	void *entry;

	read_step(xa, start, last, "xa_extract");
	for (; count < n; start++) {
		entry = find(xa, &start, last, filter);
		if (!entry)
			break;
		entries[count++] = entry;
		if (start == ULONG_MAX)
			break;
	}
	return count;
}

void xa_destroy(struct xarray *xa)
{
	write_step(xa, 0, ULONG_MAX, "xa_destroy");
	p2psim_radix_free(&xa->xa_head);
}
