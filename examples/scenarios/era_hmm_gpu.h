/* SPDX-License-Identifier: MIT */
/*
 * The device of the scenarios of 5.2: gpu0 mirrors two pages of app.  Its page table is an array; its lock is the one that
 * the callback takes.
 */
#ifndef P2PSIM_EXAMPLES_ERA_HMM_GPU_H
#define P2PSIM_EXAMPLES_ERA_HMM_GPU_H

#include <p2psim/linux-5.2/hmm.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/process.h>

#define START 0x10000UL
#define PAGES 2
#define AT(page) (START + (unsigned long)(page) * PAGE_SIZE)
#define END AT(PAGES)

extern const uint64_t era_flags[HMM_PFN_FLAG_MAX], era_values[HMM_PFN_VALUE_MAX];

struct gpu {
	struct hmm_mirror mirror;
	struct mutex lock;
	uint64_t ptes[PAGES];		/* lock */
	bool got_nothing;		/* lock; a page that was asked for is not there, and nobody said so */
	bool owns_range;		/* lock; `range` is registered, and not given back yet */
	struct hmm_range range;
	uint64_t pfns[PAGES];
};

struct era {
	struct p2psim_process *app;	/* NULL: it has exited */
	struct mm_struct *mm;
	struct gpu *gpu;
	struct hmm_mirror second;	/* another device; registered if ->hmm */
	int failed;			/* the errno that nobody should have seen */
	bool wrong;
};

/* 0, or -errno with nothing left: the process with its pages; gpu0 mirrors it; ... */
int era_setup_unmirrored(void *state);
int era_setup(void *state);
int era_setup_two_mirrors(void *state);
int era_setup_range(void *state);
/* ... and page 0 is unmapped. */
int era_setup_hole(void *state);
void era_teardown(void *state);

/* A range of gpu0: it asks for each page, for reading. */
void era_range_init(struct hmm_range *range, uint64_t *pfns);
int era_mirror(struct era *t, struct hmm_mirror *mirror);
/* The canonical loop.  0; -ETIMEDOUT: never valid; -EAGAIN: collided too often; an error of hmm_range_fault(). */
int era_fault(struct era *t, unsigned long start, unsigned long end);

#endif
