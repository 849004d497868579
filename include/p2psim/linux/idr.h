/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/idr.h, 6.1 (reduced): small numbers for pointers (idr), and for nothing (ida).
 *
 * An idr has no lock of its own: whoever changes one holds the driver's; idr_find() and the walks may be called under RCU.  An
 * ida locks for itself.  Each call is one step.
 */
#ifndef P2PSIM_LINUX_IDR_H
#define P2PSIM_LINUX_IDR_H

#include <p2psim/linux/xarray.h>

struct idr {
	struct p2psim_object obj;	/* unit: id less idr_base */
	void *head;
	unsigned int idr_base;
	unsigned int idr_next;		/* of idr_alloc_cyclic() */
};

#define IDR_INIT_BASE(name, base) { .obj = { .name = #name }, .idr_base = (base) }
#define IDR_INIT(name) IDR_INIT_BASE(name, 0)
#define DEFINE_IDR(name) struct idr name = IDR_INIT(name)

P2PSIM_EXPORT void p2psim_idr_init(struct idr *idr, unsigned int base, const char *name);
#define idr_init_base(idr, base) p2psim_idr_init((idr), (base), #idr)
#define idr_init(idr) p2psim_idr_init((idr), 0, #idr)
/* Forgets all; the driver has put what they point at. */
P2PSIM_EXPORT void idr_destroy(struct idr *idr);
P2PSIM_EXPORT bool idr_is_empty(const struct idr *idr);

/* The lowest free id of [start, end) (end <= 0: no end).  -ENOSPC, -ENOMEM; -EINVAL: start < 0, no pointer. */
P2PSIM_EXPORT int idr_alloc(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);
/* Behind the last one that it gave, then from `start` again. */
P2PSIM_EXPORT int idr_alloc_cyclic(struct idr *idr, void *ptr, int start, int end, gfp_t gfp);
/* From *id to max, both included; written to *id before the entry can be found.  0, -ENOSPC, -ENOMEM. */
P2PSIM_EXPORT int idr_alloc_u32(struct idr *idr, void *ptr, u32 *id, unsigned long last, gfp_t gfp);
/* What was there, or NULL. */
P2PSIM_EXPORT void *idr_remove(struct idr *idr, unsigned long id);
P2PSIM_EXPORT void *idr_find(const struct idr *idr, unsigned long id);
/* What was there; ERR_PTR(-ENOENT): nothing, and nothing is stored. */
P2PSIM_EXPORT void *idr_replace(struct idr *idr, void *ptr, unsigned long id);
/* The first at *id or behind it, its id in *id. */
P2PSIM_EXPORT void *idr_get_next(struct idr *idr, int *id);
P2PSIM_EXPORT void *idr_get_next_ul(struct idr *idr, unsigned long *id);
/* Until fn() says something other than 0. */
P2PSIM_EXPORT int idr_for_each(const struct idr *idr, int (*fn)(int id, void *p, void *data), void *data);

#define idr_for_each_entry(idr, entry, id) for ((id) = 0; ((entry) = idr_get_next((idr), &(id))) != NULL; (id)++)
#define idr_for_each_entry_continue(idr, entry, id)                                                                    \
	for ((entry) = idr_get_next((idr), &(id)); (entry); ++(id), (entry) = idr_get_next((idr), &(id)))
#define idr_for_each_entry_ul(idr, entry, tmp, id)                                                                     \
	for ((tmp) = 0, (id) = 0; ((entry) = (tmp) <= (id) ? idr_get_next_ul((idr), &(id)) : NULL) != NULL;            \
	     (tmp) = (id), ++(id))
/* Memory in advance: the allocation itself asks for it here. */
#define idr_preload(gfp) might_alloc(gfp)
#define idr_preload_end() barrier()

struct ida {
	struct xarray xa;
};

#define IDA_INIT(name) { .xa = XARRAY_INIT(name, XA_FLAGS_ALLOC) }
#define DEFINE_IDA(name) struct ida name = IDA_INIT(name)
#define ida_init(ida) p2psim_xa_init(&(ida)->xa, XA_FLAGS_ALLOC, #ida)

/* The lowest free number of [min, max].  -ENOSPC, -ENOMEM, -EINVAL: min beyond INT_MAX. */
P2PSIM_EXPORT int ida_alloc_range(struct ida *ida, unsigned int min, unsigned int last, gfp_t gfp);
/* BALANCE: it was not allocated. */
P2PSIM_EXPORT void ida_free(struct ida *ida, unsigned int id);
P2PSIM_EXPORT void ida_destroy(struct ida *ida);
P2PSIM_EXPORT bool ida_is_empty(const struct ida *ida);
#define ida_alloc(ida, gfp) ida_alloc_range((ida), 0, ~0u, (gfp))
#define ida_alloc_min(ida, min, gfp) ida_alloc_range((ida), (min), ~0u, (gfp))
#define ida_alloc_max(ida, last, gfp) ida_alloc_range((ida), 0, (last), (gfp))
#define ida_simple_get(ida, start, end, gfp) ida_alloc_range((ida), (start), (end) - 1, (gfp))
#define ida_simple_remove(ida, id) ida_free((ida), (id))

#endif
