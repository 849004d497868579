/* SPDX-License-Identifier: MIT */
/*
 * Lists of pieces of memory: walking them, making tables of them.  Mirrors: lib/scatterlist.c, 6.1 (same results).
 */
#include <p2psim/linux/scatterlist.h>
#include <p2psim/linux/slab.h>

/* ---- walking ---- */

struct scatterlist *sg_next(struct scatterlist *sg)
{
	if (sg_is_last(sg))
		return NULL;
	sg++;
	return sg_is_chain(sg) ? sg_chain_ptr(sg) : sg;
}

int sg_nents(struct scatterlist *sg)
{
	int nents = 0;

	for (; sg; sg = sg_next(sg))
		nents++;
	return nents;
}

int sg_nents_for_len(struct scatterlist *sg, u64 len)
{
	u64 seen = 0;
	int nents = 0;

	for (; sg && seen < len; sg = sg_next(sg)) {
		seen += sg->length;
		nents++;
	}
	return seen < len ? -EINVAL : nents;
}

struct scatterlist *sg_last(struct scatterlist *sgl, unsigned int nents)
{
	struct scatterlist *sg, *last = NULL;
	unsigned int i;

	for_each_sg(sgl, sg, nents, i)
		last = sg;
	WARN_ON(!last || !sg_is_last(last));
	return last;
}

void sg_init_table(struct scatterlist *sgl, unsigned int nents)
{
	memset(sgl, 0, nents * sizeof(*sgl));
	sg_init_marker(sgl, nents);
}

void sg_init_one(struct scatterlist *sg, const void *buf, unsigned int buflen)
{
	sg_init_table(sg, 1);
	sg_set_buf(sg, buf, buflen);
}

/* ---- tables: parts of at most so many entries, the last entry of a part being the link to the next ---- */

static struct scatterlist *part_alloc(unsigned int nents, gfp_t gfp)
{
	return (kmalloc_array)(nents, sizeof(struct scatterlist), gfp);
}

static void part_free(struct scatterlist *sgl, unsigned int nents)
{
	(kfree)(sgl);
}

int __sg_alloc_table(struct sg_table *table, unsigned int nents, unsigned int max_ents, struct scatterlist *first_chunk,
		     unsigned int nents_first_chunk, gfp_t gfp, sg_alloc_fn *alloc_fn)
{
	unsigned int most = nents_first_chunk ? nents_first_chunk : max_ents, left = nents, slots;
	struct scatterlist *part = first_chunk, *link = NULL;

	*table = (struct sg_table){};
	if (!nents)
		return -EINVAL;
	for (; left; most = max_ents, part = NULL) {
		slots = min(left, most);
		if (!part)
			part = alloc_fn(slots, gfp);
		if (!part) {
			/* What was to be the link counts as an entry, so that the table is freed with the right size. */
			table->orig_nents += link != NULL;
			table->nents = table->orig_nents;
			return -ENOMEM;
		}
		sg_init_table(part, slots);
		if (link)
			sg_chain(link, 1, part);
		else
			table->sgl = part;
		link = &part[slots - 1];
		slots -= left > most;
		left -= slots;
		table->orig_nents += slots;
	}
	table->nents = table->orig_nents;
	return 0;
}

void __sg_free_table(struct sg_table *table, unsigned int max_ents, unsigned int nents_first_chunk, sg_free_fn *free_fn,
		     unsigned int num_ents)
{
	unsigned int most = nents_first_chunk ? nents_first_chunk : max_ents, left = num_ents, slots;
	struct scatterlist *part = table->sgl, *next;

	for (; part && left; part = next, most = max_ents, nents_first_chunk = 0) {
		slots = min(left, most);
		next = left > most ? sg_chain_ptr(&part[slots - 1]) : NULL;
		left -= next ? slots - 1 : slots;
		if (!nents_first_chunk)
			free_fn(part, slots);
	}
	table->sgl = NULL;
}

int(sg_alloc_table)(struct sg_table *table, unsigned int nents, gfp_t gfp)
{
	int error = __sg_alloc_table(table, nents, SG_MAX_SINGLE_ALLOC, NULL, 0, gfp, part_alloc);

	if (error)
		sg_free_table(table);
	return error;
}

void sg_free_table(struct sg_table *table)
{
	__sg_free_table(table, SG_MAX_SINGLE_ALLOC, 0, part_free, table->orig_nents);
}

/* ---- tables of pages ---- */

void sg_free_append_table(struct sg_append_table *table)
{
	__sg_free_table(&table->sgt, SG_MAX_SINGLE_ALLOC, 0, part_free, table->total_nents);
}

/* How many of the pages, from the first on, follow each other and fit into one entry. */
static unsigned int run_length(struct page **pages, unsigned int n_pages, unsigned int most)
{
	unsigned int n = 1;

	while (n < n_pages && n < most && page_to_pfn(pages[n]) == page_to_pfn(pages[n - 1]) + 1)
		n++;
	return n;
}

static unsigned int run_count(struct page **pages, unsigned int n_pages, unsigned int most)
{
	unsigned int runs = 0, n;

	for (; n_pages; n_pages -= n, pages += n, runs++)
		n = run_length(pages, n_pages, most);
	return runs;
}

/* The entry behind `sg`, of a new part when that is full; its last entry stays free for the link while more may come. */
static struct scatterlist *next_entry(struct sg_append_table *table, struct scatterlist *sg, unsigned int needed, gfp_t gfp)
{
	struct scatterlist *next = sg ? sg_next(sg) : NULL, *part;
	unsigned int slots;

	if (next && (!sg_is_last(next) || needed == 1))
		return next;
	if (WARN_ON(sg && !next))
		return NULL;
	slots = min_t(unsigned int, needed, SG_MAX_SINGLE_ALLOC);
	part = part_alloc(slots, gfp);
	if (!part)
		return NULL;
	sg_init_table(part, slots);
	if (next)
		sg_chain(next, 1, part);
	else
		table->sgt.sgl = part;
	table->total_nents += next ? slots - 1 : slots;
	return part;
}

/* Lengthens the last entry by pages that follow it.  Return: how many. */
static unsigned int extend_last(struct scatterlist *last, struct page **pages, unsigned int n_pages, unsigned int max_segment)
{
	unsigned long pfn = (sg_phys(last) + last->length) >> PAGE_SHIFT;
	unsigned int n = 0;

	while (n < n_pages && page_to_pfn(pages[n]) == pfn + n && last->length + PAGE_SIZE <= max_segment) {
		last->length += PAGE_SIZE;
		n++;
	}
	return n;
}

/* A portion that the last entry does not take: an entry for each run of pages. */
static int append_runs(struct sg_append_table *table, struct page **pages, unsigned int n_pages, unsigned int offset,
		       unsigned long size, unsigned int most, unsigned int left_pages, gfp_t gfp)
{
	unsigned int runs = run_count(pages, n_pages, most), i, n;
	struct scatterlist *sg = table->prv;

	for (i = 0; i < runs; i++) {
		unsigned long bytes;

		n = run_length(pages, n_pages, most);
		bytes = ((unsigned long)n << PAGE_SHIFT) - offset;
		sg = next_entry(table, sg, runs - i + left_pages, gfp);
		if (!sg)
			return -ENOMEM;
		sg_set_page(sg, pages[0], (unsigned int)min(size, bytes), offset);
		size -= bytes;
		offset = 0;
		pages += n;
		n_pages -= n;
	}
	table->sgt.nents += runs;
	table->sgt.orig_nents = table->sgt.nents;
	table->prv = sg;
	return 0;
}

int(sg_alloc_append_table_from_pages)(struct sg_append_table *table, struct page **pages, unsigned int n_pages,
				      unsigned int offset, unsigned long size, unsigned int max_segment,
				      unsigned int left_pages, gfp_t gfp)
{
	unsigned int most = max_segment >> PAGE_SHIFT, had = 0, n;
	struct scatterlist *last = table->prv;
	int error = 0;

	if (WARN_ON(!most) || WARN_ON(last && offset))
		return -EINVAL;
	if (last) {
		had = last->length;
		n = extend_last(last, pages, n_pages, most << PAGE_SHIFT);
		pages += n;
		n_pages -= n;
	}
	if (n_pages)
		error = append_runs(table, pages, n_pages, offset, size, most, left_pages, gfp);
	if (error && last)
		last->length = had;
	if (!error && !left_pages)
		sg_mark_end(table->prv);
	return error;
}

int(sg_alloc_table_from_pages_segment)(struct sg_table *sgt, struct page **pages, unsigned int n_pages,
				       unsigned int offset, unsigned long size, unsigned int max_segment, gfp_t gfp)
{
	struct sg_append_table table = {};
	int error = (sg_alloc_append_table_from_pages)(&table, pages, n_pages, offset, size, max_segment, 0, gfp);

	if (error)
		sg_free_append_table(&table);
	else
		*sgt = table.sgt;
	return error;
}

/* ---- page by page ---- */

void __sg_page_iter_start(struct sg_page_iter *piter, struct scatterlist *sglist, unsigned int nents, unsigned long pgoffset)
{
	*piter = (struct sg_page_iter){ .sg = sglist, .sg_pgoffset = (unsigned int)pgoffset, .__nents = nents };
}

static unsigned int pages_of(const struct scatterlist *sg, unsigned int length)
{
	return (unsigned int)(PAGE_ALIGN((unsigned long)sg->offset + length) >> PAGE_SHIFT);
}

static bool iter_next(struct sg_page_iter *piter, bool dma)
{
	unsigned int pages;

	if (!piter->__nents || !piter->sg)
		return false;
	piter->sg_pgoffset += (unsigned int)piter->__pg_advance;
	piter->__pg_advance = 1;
	for (;;) {
		pages = pages_of(piter->sg, dma ? sg_dma_len(piter->sg) : piter->sg->length);
		if (piter->sg_pgoffset < pages)
			return true;
		piter->sg_pgoffset -= pages;
		piter->sg = sg_next(piter->sg);
		if (!--piter->__nents || !piter->sg)
			return false;
	}
}

bool __sg_page_iter_next(struct sg_page_iter *piter)
{
	return iter_next(piter, false);
}

bool __sg_page_iter_dma_next(struct sg_dma_page_iter *dma_iter)
{
	return iter_next(&dma_iter->base, true);
}

/* ---- piece by piece ---- */

void sg_miter_start(struct sg_mapping_iter *miter, struct scatterlist *sgl, unsigned int nents, unsigned int flags)
{
	*miter = (struct sg_mapping_iter){ .__flags = flags };
	__sg_page_iter_start(&miter->piter, sgl, nents, 0);
	WARN_ON(!(flags & (SG_MITER_TO_SG | SG_MITER_FROM_SG)));
}

/* What is left of this page, or the next one: __offset, __remaining. */
static bool miter_find(struct sg_mapping_iter *miter)
{
	const struct scatterlist *sg;
	unsigned long skipped;

	if (miter->__remaining)
		return true;
	if (!__sg_page_iter_next(&miter->piter))
		return false;
	sg = miter->piter.sg;
	if (!miter->piter.sg_pgoffset) /* an offset of whole pages is stepped over */
		miter->piter.sg_pgoffset = sg->offset >> PAGE_SHIFT;
	skipped = (unsigned long)miter->piter.sg_pgoffset << PAGE_SHIFT;
	miter->__offset = skipped > sg->offset ? 0 : (unsigned int)offset_in_page(sg->offset);
	miter->__remaining = (unsigned int)min(sg->offset + sg->length - skipped - miter->__offset,
					       PAGE_SIZE - miter->__offset);
	return true;
}

bool sg_miter_skip(struct sg_mapping_iter *miter, off_t offset)
{
	unsigned int bytes;

	sg_miter_stop(miter);
	for (; offset; offset -= bytes) {
		if (!miter_find(miter))
			return false;
		bytes = (unsigned int)min_t(off_t, offset, miter->__remaining);
		miter->__offset += bytes;
		miter->__remaining -= bytes;
	}
	return true;
}

bool sg_miter_next(struct sg_mapping_iter *miter)
{
	sg_miter_stop(miter);
	if (!miter_find(miter))
		return false;
	miter->page = sg_page_iter_page(&miter->piter);
	miter->addr = miter->__flags & SG_MITER_ATOMIC ? (kmap_local_page)(miter->page) : (kmap)(miter->page);
	miter->addr = (char *)miter->addr + miter->__offset;
	miter->consumed = miter->length = miter->__remaining;
	return true;
}

void sg_miter_stop(struct sg_mapping_iter *miter)
{
	WARN_ON(miter->consumed > miter->length);
	if (!miter->addr)
		return;
	miter->__offset += (unsigned int)miter->consumed;
	miter->__remaining -= (unsigned int)miter->consumed;
	if (miter->__flags & SG_MITER_ATOMIC)
		kunmap_atomic(miter->addr);
	else
		kunmap(miter->page);
	miter->page = NULL;
	miter->addr = NULL;
	miter->length = miter->consumed = 0;
}

/* to_buffer: out of the list; else into it, zeros when buf is NULL. */
static size_t copy_pieces(struct scatterlist *sgl, unsigned int nents, char *buf, size_t buflen, off_t skip, bool to_buffer)
{
	struct sg_mapping_iter miter;
	size_t done = 0, bytes;

	sg_miter_start(&miter, sgl, nents, SG_MITER_ATOMIC | (to_buffer ? SG_MITER_FROM_SG : SG_MITER_TO_SG));
	if (!sg_miter_skip(&miter, skip))
		return 0;
	for (; done < buflen && sg_miter_next(&miter); done += bytes) {
		bytes = min(miter.length, buflen - done);
		if (to_buffer)
			memcpy(buf + done, miter.addr, bytes);
		else if (buf)
			memcpy(miter.addr, buf + done, bytes);
		else
			memset(miter.addr, 0, bytes);
	}
	sg_miter_stop(&miter);
	return done;
}

size_t sg_copy_buffer(struct scatterlist *sgl, unsigned int nents, void *buf, size_t buflen, off_t skip, bool to_buffer)
{
	return copy_pieces(sgl, nents, buf, buflen, skip, to_buffer);
}

size_t sg_zero_buffer(struct scatterlist *sgl, unsigned int nents, size_t buflen, off_t skip)
{
	return copy_pieces(sgl, nents, NULL, buflen, skip, false);
}
