/* SPDX-License-Identifier: MIT */
/*
 * What the tests of hmm share: a process, two importers, an exporter with its device file.
 *
 *	HMM_A ...			the importers' region, HMM_IMPORTER_PAGES long; each test draws what is mapped
 */
#ifndef TESTS_HMM_BENCH_H
#define TESTS_HMM_BENCH_H

#include "core_world.h"

#include <errno.h>

#include <p2psim/linux/device.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/linux/sched.h>
#include <p2psim/notifier.h>
#include <p2psim/process.h>
#include <p2psim/reason.h>
#include <p2psim/task.h>
#include <p2psim/vma_map.h>

#include "hmm_exporter.h"
#include "hmm_importer.h"

#define HMM_A 0x10000UL
#define PAGES(n) ((unsigned long)(n) * PAGE_SIZE)
#define AT(n) (HMM_A + PAGES(n))

struct hmm_bench {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct device *nic0_dev, *nic1_dev;
	struct hmm_importer nic0;
	struct hmm_importer nic1;	/* opened by the tests that need it */
	struct hmm_exporter gpu, gpu1;
	struct file *gpu_file, *gpu1_file;
	bool app_gone, nic0_gone;	/* a test ended it by itself */

	/* for hmm_range_fault() by hand */
	unsigned long pfns[HMM_IMPORTER_PAGES];
	dma_addr_t daddrs[HMM_IMPORTER_PAGES];
	struct hmm_range range;
};

/* In the entered world; `t` is zeroed.  0 or -ENOMEM.  The other half ends what the test has not. */
int hmm_bench_init(struct hmm_bench *t);
void hmm_bench_exit(struct hmm_bench *t);
int hmm_bench_setup(void **state);
/* Ends importer and process, unless the test has; nothing may be left. */
int hmm_bench_teardown(void **state);
int hmm_bench_teardown_rubble(void **state);

#define hmm_test(f) cmocka_unit_test_setup_teardown(f, hmm_bench_setup, hmm_bench_teardown)
#define hmm_test_rubble(f) cmocka_unit_test_setup_teardown(f, hmm_bench_setup, hmm_bench_teardown_rubble)

/* At AT(page): anonymous private memory; `pages` pages of the gpu's file from `pgoff` on, shared. */
void hmm_bench_anon(struct hmm_bench *t, unsigned long page, unsigned long pages, int prot);
void hmm_bench_gpu(struct hmm_bench *t, unsigned long page, unsigned long pages, unsigned long pgoff, int prot);
void hmm_bench_gpu1(struct hmm_bench *t, unsigned long page, unsigned long pages, unsigned long pgoff, int prot);
/* Stores the byte in each page. */
void hmm_bench_touch(struct hmm_bench *t, unsigned long page, unsigned long pages, u8 value);
/* What hmm_range_fault() says of pages [first, first + count), entries in t->pfns; flags asked for every page. */
int hmm_bench_fault(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags);
/* The same, each page asking for what t->pfns[] says. */
int hmm_bench_fault_each(struct hmm_bench *t, unsigned long first, unsigned long count);
/* Sets t->range up, with a fresh sequence. */
void hmm_bench_begin(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags);
/* hmm_range_dma_map() by hand into t->pfns, t->daddrs. */
int hmm_bench_dma_map(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags);
int hmm_bench_dma_unmap(struct hmm_bench *t, unsigned long first, unsigned long count);

#define HMM_READ HMM_PFN_REQ_FAULT
#define HMM_WRITE (HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE)

#endif
