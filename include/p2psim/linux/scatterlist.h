/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/scatterlist.h, 6.1 (same; left out: sgl_alloc(), sg_split(), pools of chained tables).
 *
 * A list of pieces of memory, and where a device finds them.  Each half has its own length: mapping may merge entries.
 *
 *	sgl		[ page, offset, length | dma_address, dma_length ] ... [ SG_CHAIN ]
 *								          |
 *			+-------------------------------------------------+
 *			[ ... ] [ ... SG_END ]
 *
 *	orig_nents	entries with pages: for the CPU, and for dma_unmap_sg()
 *	nents		entries with addresses: what dma_map_sg() said, for the device
 *
 * Who reads past the end of a list, or takes a link for an entry, makes a CONTRACT violation.
 */
#ifndef P2PSIM_LINUX_SCATTERLIST_H
#define P2PSIM_LINUX_SCATTERLIST_H

#include <p2psim/linux/highmem.h>
#include <p2psim/linux/mm.h>

/* Same. */
struct scatterlist {
	unsigned long page_link;	/* the page, or the next part of the list; and SG_CHAIN, SG_END */
	unsigned int offset;		/* bytes; may be more than a page */
	unsigned int length;		/* bytes */
	dma_addr_t dma_address;
	unsigned int dma_length;	/* bytes */
	unsigned int dma_flags;		/* SG_DMA_BUS_ADDRESS */
};

struct sg_table {
	struct scatterlist *sgl;
	unsigned int nents;
	unsigned int orig_nents;
};

struct sg_append_table {
	struct sg_table sgt;
	struct scatterlist *prv;	/* the last entry that has pages */
	unsigned int total_nents;	/* allocated, links not counted */
};

#define SG_CHAIN 0x01UL
#define SG_END 0x02UL
#define SG_PAGE_LINK_MASK (SG_CHAIN | SG_END)
#define SG_DMA_BUS_ADDRESS (1 << 0)
/* Of one allocation: longer lists are chained. */
#define SG_MAX_SINGLE_ALLOC (PAGE_SIZE / sizeof(struct scatterlist))
#define SG_CHUNK_SIZE 128
#define SG_MAX_SEGMENTS 2048

#define sg_dma_address(sg) ((sg)->dma_address)
#define sg_dma_len(sg) ((sg)->dma_length)

static inline bool sg_is_chain(struct scatterlist *sg)
{
	return sg->page_link & SG_CHAIN;
}

static inline bool sg_is_last(struct scatterlist *sg)
{
	return sg->page_link & SG_END;
}

static inline struct scatterlist *sg_chain_ptr(struct scatterlist *sg)
{
	return (struct scatterlist *)(sg->page_link & ~SG_PAGE_LINK_MASK);
}

/* ---- One entry ---- */

static inline void sg_assign_page(struct scatterlist *sg, struct page *page)
{
	WARN_ON(sg_is_chain(sg));
	sg->page_link = (sg->page_link & SG_PAGE_LINK_MASK) | (unsigned long)page;
}

static inline void sg_set_page(struct scatterlist *sg, struct page *page, unsigned int len, unsigned int offset)
{
	sg_assign_page(sg, page);
	sg->offset = offset;
	sg->length = len;
}

/* buf: memory of kmalloc(), or of page_address(). */
static inline void sg_set_buf(struct scatterlist *sg, const void *buf, unsigned int buflen)
{
	sg_set_page(sg, virt_to_page(buf), buflen, (unsigned int)offset_in_page(buf));
}

static inline struct page *sg_page(struct scatterlist *sg)
{
	WARN_ON(sg_is_chain(sg));
	return (struct page *)(sg->page_link & ~SG_PAGE_LINK_MASK);
}

static inline dma_addr_t sg_phys(struct scatterlist *sg)
{
	return page_to_phys(sg_page(sg)) + sg->offset;
}

static inline void *sg_virt(struct scatterlist *sg)
{
	return (char *)page_address(sg_page(sg)) + sg->offset;
}

/* ---- Lists ---- */

static inline void sg_mark_end(struct scatterlist *sg)
{
	sg->page_link = (sg->page_link | SG_END) & ~SG_CHAIN;
}

static inline void sg_unmark_end(struct scatterlist *sg)
{
	sg->page_link &= ~SG_END;
}

static inline void sg_init_marker(struct scatterlist *sgl, unsigned int nents)
{
	sg_mark_end(&sgl[nents - 1]);
}

/* The last entry of prv[prv_nents] becomes a link to sgl. */
static inline void sg_chain(struct scatterlist *prv, unsigned int prv_nents, struct scatterlist *sgl)
{
	prv[prv_nents - 1].offset = 0;
	prv[prv_nents - 1].length = 0;
	prv[prv_nents - 1].page_link = (unsigned long)sgl | SG_CHAIN;
}

/* Clears all, marks the last one. */
P2PSIM_EXPORT void sg_init_table(struct scatterlist *sgl, unsigned int nents);
P2PSIM_EXPORT void sg_init_one(struct scatterlist *sg, const void *buf, unsigned int buflen);
/* NULL behind the last. */
P2PSIM_EXPORT struct scatterlist *sg_next(struct scatterlist *sg);
P2PSIM_EXPORT struct scatterlist *sg_last(struct scatterlist *sgl, unsigned int nents);
/* Entries up to the end mark. */
P2PSIM_EXPORT int sg_nents(struct scatterlist *sg);
/* How many hold the first `len` bytes; -EINVAL: there are not so many. */
P2PSIM_EXPORT int sg_nents_for_len(struct scatterlist *sg, u64 len);

#define for_each_sg(sglist, sg, nr, i) for ((i) = 0, (sg) = (sglist); (i) < (nr); (i)++, (sg) = sg_next(sg))
#define for_each_sgtable_sg(sgt, sg, i) for_each_sg((sgt)->sgl, sg, (sgt)->orig_nents, i)
#define for_each_sgtable_dma_sg(sgt, sg, i) for_each_sg((sgt)->sgl, sg, (sgt)->nents, i)

/* ---- Peer-to-peer: an address that goes below a common bridge, and that no IOMMU knows ---- */

static inline bool sg_is_dma_bus_address(struct scatterlist *sg)
{
	return sg->dma_flags & SG_DMA_BUS_ADDRESS;
}

static inline void sg_dma_mark_bus_address(struct scatterlist *sg)
{
	sg->dma_flags |= SG_DMA_BUS_ADDRESS;
}

static inline void sg_dma_unmark_bus_address(struct scatterlist *sg)
{
	sg->dma_flags &= ~SG_DMA_BUS_ADDRESS;
}

/* ---- Tables ---- */

typedef struct scatterlist *(sg_alloc_fn)(unsigned int nents, gfp_t gfp);
typedef void (sg_free_fn)(struct scatterlist *sgl, unsigned int nents);

/*
 * A list of `nents` empty entries, in parts of at most max_ents, the first of them (if not NULL) the caller's.
 * Return: 0; -EINVAL: nents is 0; -ENOMEM, and __sg_free_table() frees what there is (sg_alloc_table() has done so).
 */
P2PSIM_EXPORT int __sg_alloc_table(struct sg_table *table, unsigned int nents, unsigned int max_ents,
				   struct scatterlist *first_chunk, unsigned int nents_first_chunk, gfp_t gfp,
				   sg_alloc_fn *alloc_fn);
P2PSIM_EXPORT void __sg_free_table(struct sg_table *table, unsigned int max_ents, unsigned int nents_first_chunk,
				   sg_free_fn *free_fn, unsigned int num_ents);
P2PSIM_EXPORT int sg_alloc_table(struct sg_table *table, unsigned int nents, gfp_t gfp);
P2PSIM_EXPORT void sg_free_table(struct sg_table *table);

/*
 * Entries for `size` bytes from `offset` of the first page on; pages that follow each other share one, up to max_segment bytes
 * (rounded down to pages).  Takes no reference.
 * Return: 0; -EINVAL after CONTRACT: max_segment below a page; -ENOMEM, nothing is left.
 */
P2PSIM_EXPORT int sg_alloc_table_from_pages_segment(struct sg_table *sgt, struct page **pages, unsigned int n_pages,
						    unsigned int offset, unsigned long size, unsigned int max_segment,
						    gfp_t gfp);
#define sg_alloc_table_from_pages(sgt, pages, n_pages, offset, size, gfp)                                              \
	sg_alloc_table_from_pages_segment((sgt), (pages), (n_pages), (offset), (size), UINT_MAX, (gfp))
/*
 * The same in portions: behind what is there already.  left_pages: how many pages are still to come; 0 ends the list.
 * Return: as above; -EINVAL also: an offset in a later portion.  After an error, sg_free_append_table() frees what there is.
 */
P2PSIM_EXPORT int sg_alloc_append_table_from_pages(struct sg_append_table *sgt, struct page **pages, unsigned int n_pages,
						   unsigned int offset, unsigned long size, unsigned int max_segment,
						   unsigned int left_pages, gfp_t gfp);
P2PSIM_EXPORT void sg_free_append_table(struct sg_append_table *sgt);

#define sg_alloc_table(table, nents, gfp) (P2PSIM_HERE(), sg_alloc_table((table), (nents), (gfp)))
#define sg_alloc_table_from_pages_segment(sgt, pages, n, offset, size, max, gfp)                                       \
	(P2PSIM_HERE(), sg_alloc_table_from_pages_segment((sgt), (pages), (n), (offset), (size), (max), (gfp)))
#define sg_alloc_append_table_from_pages(sgt, pages, n, offset, size, max, left, gfp)                                  \
	(P2PSIM_HERE(), sg_alloc_append_table_from_pages((sgt), (pages), (n), (offset), (size), (max), (left), (gfp)))

/* ---- Page by page ---- */

struct sg_page_iter {
	struct scatterlist *sg;
	unsigned int sg_pgoffset;	/* of the page in sg */

	unsigned int __nents;		/* entries left */
	int __pg_advance;
};

struct sg_dma_page_iter {
	struct sg_page_iter base;
};

P2PSIM_EXPORT void __sg_page_iter_start(struct sg_page_iter *piter, struct scatterlist *sglist, unsigned int nents,
					unsigned long pgoffset);
P2PSIM_EXPORT bool __sg_page_iter_next(struct sg_page_iter *piter);
P2PSIM_EXPORT bool __sg_page_iter_dma_next(struct sg_dma_page_iter *dma_iter);

static inline struct page *sg_page_iter_page(struct sg_page_iter *piter)
{
	return nth_page(sg_page(piter->sg), piter->sg_pgoffset);
}

static inline dma_addr_t sg_page_iter_dma_address(struct sg_dma_page_iter *dma_iter)
{
	return sg_dma_address(dma_iter->base.sg) + ((dma_addr_t)dma_iter->base.sg_pgoffset << PAGE_SHIFT);
}

#define for_each_sg_page(sglist, piter, nents, pgoffset)                                                               \
	for (__sg_page_iter_start((piter), (sglist), (nents), (pgoffset)); __sg_page_iter_next(piter);)
#define for_each_sg_dma_page(sglist, dma_iter, dma_nents, pgoffset)                                                    \
	for (__sg_page_iter_start(&(dma_iter)->base, (sglist), (dma_nents), (pgoffset)); __sg_page_iter_dma_next(dma_iter);)
#define for_each_sgtable_page(sgt, piter, pgoffset) for_each_sg_page((sgt)->sgl, piter, (sgt)->orig_nents, pgoffset)
#define for_each_sgtable_dma_page(sgt, dma_iter, pgoffset)                                                             \
	for_each_sg_dma_page((sgt)->sgl, dma_iter, (sgt)->nents, pgoffset)

/* ---- Piece by piece, mapped for the CPU ---- */

#define SG_MITER_ATOMIC (1 << 0)	/* kmap_atomic(), else kmap() */
#define SG_MITER_TO_SG (1 << 1)
#define SG_MITER_FROM_SG (1 << 2)

struct sg_mapping_iter {
	struct page *page;
	void *addr;			/* NULL: not mapped now */
	size_t length;			/* bytes at addr, at most up to the page's end */
	size_t consumed;		/* of them; the caller may lower it before the next step */
	struct sg_page_iter piter;

	unsigned int __offset, __remaining, __flags;
};

P2PSIM_EXPORT void sg_miter_start(struct sg_mapping_iter *miter, struct scatterlist *sgl, unsigned int nents,
				  unsigned int flags);
/* false: the list ends before that. */
P2PSIM_EXPORT bool sg_miter_skip(struct sg_mapping_iter *miter, off_t offset);
/* The next piece.  false: the end.  Context: without SG_MITER_ATOMIC may sleep; one step on the page. */
P2PSIM_EXPORT bool sg_miter_next(struct sg_mapping_iter *miter);
P2PSIM_EXPORT void sg_miter_stop(struct sg_mapping_iter *miter);

/* Bytes from, or to, the list.  Return: how many.  Context: any; a step for each page. */
P2PSIM_EXPORT size_t sg_copy_buffer(struct scatterlist *sgl, unsigned int nents, void *buf, size_t buflen, off_t skip,
				    bool to_buffer);
P2PSIM_EXPORT size_t sg_zero_buffer(struct scatterlist *sgl, unsigned int nents, size_t buflen, off_t skip);
#define sg_pcopy_from_buffer(sgl, nents, buf, buflen, skip)                                                            \
	sg_copy_buffer((sgl), (nents), (void *)(uintptr_t)(buf), (buflen), (skip), false)
#define sg_pcopy_to_buffer(sgl, nents, buf, buflen, skip) sg_copy_buffer((sgl), (nents), (buf), (buflen), (skip), true)
#define sg_copy_from_buffer(sgl, nents, buf, buflen) sg_pcopy_from_buffer(sgl, nents, buf, buflen, 0)
#define sg_copy_to_buffer(sgl, nents, buf, buflen) sg_pcopy_to_buffer(sgl, nents, buf, buflen, 0)

#endif
