/* SPDX-License-Identifier: MIT */
/*
 * Ids for pointers.  A NULL pointer takes an id, too: it stands as a zero entry in the tree.
 */
#include <p2psim/check.h>
#include <p2psim/linux/idr.h>
#include <p2psim/step.h>

#include "core/internal.h"
#include "core/radix.h"

void p2psim_idr_init(struct idr *idr, unsigned int base, const char *name)
{
	*idr = (struct idr){ .idr_base = base };
	p2psim_object_init(&idr->obj, name);
}

static void step(const struct idr *idr, bool write, unsigned long first, unsigned long last, const char *label)
{
	uint32_t id = p2psim_object_id((struct p2psim_object *)&idr->obj);

	p2psim_step_range(write ? P2PSIM_STEP_WRITE : P2PSIM_STEP_READ, id, write, first, last, label);
	if (p2psim_race_on())
		p2psim_race_order(idr, true, write);
}

static void *stored(void *ptr)
{
	return ptr ? ptr : XA_ZERO_ENTRY;
}

static void *found(void *entry)
{
	return xa_is_zero(entry) ? NULL : entry;
}

void idr_destroy(struct idr *idr)
{
	step(idr, true, 0, ULONG_MAX, "idr_destroy");
	p2psim_radix_free(&idr->head);
}

bool idr_is_empty(const struct idr *idr)
{
	step(idr, false, 0, ULONG_MAX, "idr_is_empty");
	return !idr->head;
}

/* first and last less idr_base. */
static int alloc(struct idr *idr, void *ptr, unsigned long *index, unsigned long last, gfp_t gfp)
{
	void *old;

	if (!p2psim_radix_next_free(idr->head, index) || *index > last)
		return -ENOSPC;
	return p2psim_radix_store(&idr->head, *index, stored(ptr), GFP_NOWAIT | (gfp & __GFP_NOFAIL), &old);
}

int idr_alloc_u32(struct idr *idr, void *ptr, u32 *id, unsigned long last, gfp_t gfp)
{
	unsigned long index = *id > idr->idr_base ? *id - idr->idr_base : 0;
	int error;

	might_alloc(gfp);
	step(idr, true, index, last, "idr_alloc");
	if (last < idr->idr_base)
		return -ENOSPC;
	error = alloc(idr, ptr, &index, last - idr->idr_base, gfp);
	if (!error)
		*id = (u32)(index + idr->idr_base);
	return error;
}

static unsigned long last_of(int end)
{
	return end > 0 ? (unsigned long)end - 1 : INT_MAX;
}

int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u32 id = (u32)start;
	int error;

	if (start < 0 || xa_is_internal(ptr))
		return -EINVAL;
	error = idr_alloc_u32(idr, ptr, &id, last_of(end), gfp);
	return error ? error : (int)id;
}

int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp)
{
	u32 id = max((u32)start, (u32)idr->idr_next);
	int error;

	if (start < 0 || xa_is_internal(ptr))
		return -EINVAL;
	error = id <= last_of(end) ? idr_alloc_u32(idr, ptr, &id, last_of(end), gfp) : -ENOSPC;
	if (error == -ENOSPC && id > (u32)start) {
		id = (u32)start;
		error = idr_alloc_u32(idr, ptr, &id, last_of(end), gfp);
	}
	if (error)
		return error;
	idr->idr_next = id + 1;
	return (int)id;
}

void *idr_remove(struct idr *idr, unsigned long id)
{
	unsigned long index = id - idr->idr_base;
	void *old;

	step(idr, true, index, index, "idr_remove");
	p2psim_radix_store(&idr->head, index, NULL, 0, &old);
	return found(old);
}

void *idr_find(const struct idr *idr, unsigned long id)
{
	unsigned long index = id - idr->idr_base;

	step(idr, false, index, index, "idr_find");
	return found(p2psim_radix_load(idr->head, index));
}

void *idr_replace(struct idr *idr, void *ptr, unsigned long id)
{
	unsigned long index = id - idr->idr_base;
	void *old;

	step(idr, true, index, index, "idr_replace");
	if (!p2psim_radix_load(idr->head, index))
		return ERR_PTR(-ENOENT);
	p2psim_radix_store(&idr->head, index, stored(ptr), 0, &old); /* its slot is there: nothing is allocated */
	return found(old);
}

/* Passes over NULLs, as the kernel's do. */
static void *next(const struct idr *idr, unsigned long *index)
{
	void *entry;

	step(idr, false, *index, ULONG_MAX, "idr_get_next");
	while (p2psim_radix_next(idr->head, index, P2PSIM_RADIX_USED)) {
		entry = found(p2psim_radix_load(idr->head, *index));
		if (entry || *index == ULONG_MAX)
			return entry;
		++*index;
	}
	return NULL;
}

void *idr_get_next_ul(struct idr *idr, unsigned long *id)
{
	unsigned long index = *id > idr->idr_base ? *id - idr->idr_base : 0;
	void *entry = next(idr, &index);

	if (entry)
		*id = index + idr->idr_base;
	return entry;
}

void *idr_get_next(struct idr *idr, int *id)
{
	unsigned long at = (unsigned long)(long)*id;
	void *entry = idr_get_next_ul(idr, &at);

	if (entry && at > INT_MAX)
		return NULL;
	*id = entry ? (int)at : *id;
	return entry;
}

int idr_for_each(const struct idr *idr, int (*fn)(int id, void *p, void *data), void *data)
{
	unsigned long index = 0;
	void *entry;
	int ret;

	for (; (entry = next(idr, &index)) != NULL; index++) {
		ret = fn((int)(index + idr->idr_base), entry, data);
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- ida ---- */

int ida_alloc_range(struct ida *ida, unsigned int min, unsigned int last, gfp_t gfp)
{
	u32 id;
	int error;

	if ((int)min < 0)
		return -EINVAL;
	if ((int)last < 0)
		last = INT_MAX;
	error = (xa_alloc)(&ida->xa, &id, xa_mk_value(1), XA_LIMIT(min, last), gfp);
	if (error)
		return error == -EBUSY ? -ENOSPC : error;
	return (int)id;
}

void ida_free(struct ida *ida, unsigned int id)
{
	if (!(xa_erase)(&ida->xa, id))
		p2psim_violate(P2PSIM_BALANCE, 0, p2psim_object_id(&ida->xa.xa_lock.lock.obj), 0,
			       "ida_free() of %u, which was not allocated", id);
}

void ida_destroy(struct ida *ida)
{
	xa_destroy(&ida->xa);
}

bool ida_is_empty(const struct ida *ida)
{
	return xa_empty(&ida->xa);
}
