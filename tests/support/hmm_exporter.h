/* SPDX-License-Identifier: MIT */
/*
 * A small exporter for tests: page n of its file lies at bus address base + n * 4096, and it counts everything.  Each
 * knob makes it misbehave in one way.  It takes no lock: tests own it.
 */
#ifndef TESTS_HMM_EXPORTER_H
#define TESTS_HMM_EXPORTER_H

#include <p2psim/linux/mm_types.h>
#include <p2psim/linux/mutex.h>

#define HMM_EXPORTER_PAGES 64

struct hmm_exporter {
	struct vm_operations_struct ops;	/* of its VMAs; a test takes out what it likes */
	dma_addr_t base;

	/* Knobs */
	long error;			/* what p2p_map() returns: 0, -errno, or a forbidden count */
	const struct device *only;	/* the importer that p2p_map() is for; others get -EACCES.  NULL: all */
	bool read_only;			/* -EACCES for a write */
	bool forget_address;		/* leaves the last pa[] as it was */
	bool keep_lock;			/* returns with `lock` held */
	long unmap_error;
	bool withdraw;			/* before it refuses */
	const char *stop;		/* a step with this label in the middle of p2p_map() and p2p_unmap() */
	unsigned long vm_flags;		/* that ->mmap() adds */
	struct mutex lock;

	/* What happened */
	unsigned long maps, unmaps;	/* calls */
	unsigned long opens, closes, faults;
	long counts[HMM_EXPORTER_PAGES]; /* maps - unmaps of a page */
	dma_addr_t given[HMM_EXPORTER_PAGES]; /* the last address of each page */
	unsigned long bad_unmaps;	/* with another address than was given */
	unsigned long mapped_at_close;	/* pages, the last time */
	bool last_write;
	const struct vm_area_struct *last_vma;
	unsigned long last_start, last_end;
};

void hmm_exporter_init(struct hmm_exporter *exporter, dma_addr_t base);
/* What ->mmap() does to a VMA. */
void hmm_exporter_adopt(struct hmm_exporter *exporter, struct vm_area_struct *vma);
/* Pages mapped by peers, all together. */
long hmm_exporter_mapped(const struct hmm_exporter *exporter);

#endif
