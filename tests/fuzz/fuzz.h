/* SPDX-License-Identifier: MIT */
/*
 * The differential fuzzer: the same random system calls on a window of 64 pages, once for real and once simulated.
 *
 *	fuzz_sequence.c		sequences from a seed; shrinking; printing one as a recording
 *	fuzz_real.c		the running kernel (system headers only)
 *	fuzz_sim.c		the library (its headers only)
 *	fuzz_compare.c		what differs, and which differences a newer kernel is known for
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define FUZZ_BASE 0x200000000000UL
#define FUZZ_PAGE 4096UL
#define FUZZ_PAGES 64UL
#define FUZZ_SPAN (FUZZ_PAGES * FUZZ_PAGE)
#define FUZZ_OPS_MAX 64
#define FUZZ_VMAS_MAX 80
#define FUZZ_FILES 2

enum fuzz_verb { FUZZ_MMAP, FUZZ_MUNMAP, FUZZ_MPROTECT, FUZZ_MREMAP, FUZZ_MADVISE, FUZZ_MLOCK, FUZZ_MUNLOCK, FUZZ_READ,
		 FUZZ_WRITE };

/* The real values: the library's are the same. */
enum { FUZZ_PRIVATE = 2, FUZZ_SHARED = 1, FUZZ_FIXED = 0x10, FUZZ_ANONYMOUS = 0x20, FUZZ_NOREPLACE = 0x100000 };
enum { FUZZ_MAYMOVE = 1, FUZZ_MREMAP_FIXED = 2, FUZZ_DONTUNMAP = 4 };

/* Offsets from the window's base, and lengths, in bytes. */
struct fuzz_op {
	enum fuzz_verb verb;
	unsigned long addr, len, new_len, new_addr, offset;
	int prot, flags, advice;
	int file;			/* -1: anonymous */
	int value;
};

struct fuzz_vma {
	unsigned long start, end, offset;	/* offset 0 for anonymous memory */
	char perm[5];
	char object[16];				/* anon, f0, z1 */
	char flags[40];				/* "lo,ac", as a recording has them; only where asked for */
	/* Of the simulation only: what the maps file does not show. */
	unsigned long vm_flags, pgoff;
	int anon_vma;				/* 0: none, else its number in order of first sight */
	bool only_anon_vma;
};

struct fuzz_answer {
	char ret[40];				/* in a recording's words */
	struct fuzz_vma vmas[FUZZ_VMAS_MAX];
	int vma_count;
};

struct fuzz_sequence {
	uint64_t seed;
	struct fuzz_op ops[FUZZ_OPS_MAX];
	int count;
};

/* ---- the two sides; begin: an empty window, zeroed files.  False: not here (no window, no memory) ---- */

bool fuzz_real_begin(void);
void fuzz_real_do(const struct fuzz_op *op, struct fuzz_answer *answer);
void fuzz_real_flags(struct fuzz_answer *answer);	/* fills in flags[] */
void fuzz_real_end(void);
void fuzz_real_kernel(int *major, int *minor);
bool fuzz_real_may_lock(void);
/* Is it Linux at all?  A sandbox that answers for it (gVisor) has an mm of its own. */
bool fuzz_real_is_linux(void);

bool fuzz_sim_begin(void);
void fuzz_sim_do(const struct fuzz_op *op, struct fuzz_answer *answer);
void fuzz_sim_end(void);
/* For the fuzzer's own test: from now on mprotect() leaves cuts behind, as if a VMA were never merged with its neighbours. */
void fuzz_sim_break_merging(bool broken);

/* ---- fuzz_compare.c ---- */

/* How the running kernel's VMAs are compared. */
enum fuzz_kernel {
	FUZZ_KERNEL_SAME,	/* 6.1: exactly */
	FUZZ_KERNEL_KNOWN,	/* exactly, but for named exceptions */
	FUZZ_KERNEL_UNKNOWN,	/* after joining equal neighbours */
};

enum fuzz_exception {
	FUZZ_ACCOUNT,		/* VM_ACCOUNT goes with the right to write, if nothing was written: neighbours merge (6.12) */
	FUZZ_ANON_VMA,		/* a merge that 6.1 does not make because of anon_vmas */
	FUZZ_GAP_SIDE,		/* a gap between two merges with the one before, not with the one behind (6.12) */
	FUZZ_MREMAP_SKIPPED,	/* mremap() left out: the boundaries differ already */
	FUZZ_MREMAP_ERRNO,	/* mremap() refused by both, for reasons that 6.17 looks at in another order */
	FUZZ_MREMAP_UNMAPS,	/* a refused MREMAP_FIXED has unmapped its target: not from 6.17 on */
	FUZZ_DONTUNMAP_LOCKED,	/* MREMAP_DONTUNMAP of locked memory left out: who is unlocked after it differs */
	FUZZ_DONTUNMAP_BESIDE,	/* MREMAP_DONTUNMAP of untouched memory to beside it left out: whether the two merge differs */
	FUZZ_MREMAP_MANY,	/* mremap() of several VMAs left out: it succeeds from 6.17 on */
	FUZZ_EXCEPTIONS
};

struct fuzz_report {
	enum fuzz_kernel kernel;
	int major, minor;
	unsigned long sequences, ops, exceptions[FUZZ_EXCEPTIONS];
	bool excused[FUZZ_PAGES];	/* boundaries of this sequence that only the simulation has, explained before */
};

const char *fuzz_exception_name(enum fuzz_exception exception);
enum fuzz_kernel fuzz_kernel_of(int major, int minor);
/* NULL, or a sentence: they differ, and nothing explains it. */
const char *fuzz_compare(struct fuzz_report *report, const struct fuzz_op *op, struct fuzz_answer *real,
			 const struct fuzz_answer *sim);
/* May this mremap() be done on both sides? */
bool fuzz_may_mremap(struct fuzz_report *report, const struct fuzz_op *op, const struct fuzz_answer *real,
		     const struct fuzz_answer *sim);

/* Has this operation left the two sides apart on purpose?  Then its target is to be unmapped on both. */
bool fuzz_is_to_be_levelled(struct fuzz_report *report, const struct fuzz_op *op, const struct fuzz_answer *real,
			    const struct fuzz_answer *sim);

/* ---- fuzz_sequence.c ---- */

void fuzz_generate(struct fuzz_sequence *sequence, uint64_t seed, int ops);
/* NULL, or what differs; *at: after which operation (count: in what is read at the end). */
const char *fuzz_run(const struct fuzz_sequence *sequence, struct fuzz_report *report, int *at);
/* The shortest that still differs. */
void fuzz_shrink(struct fuzz_sequence *sequence, struct fuzz_report *report);
/* As a recording, with the running kernel's answers. */
void fuzz_print(const struct fuzz_sequence *sequence, FILE *out);
void fuzz_print_report(const struct fuzz_report *report, const char *prefix, FILE *out);

#endif
