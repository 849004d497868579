/* SPDX-License-Identifier: MIT */
/*
 * The reference timelines (T1, T2, T7, T9, T10), the invariants of section 9 and its interleavings (9.11), with a whole
 * mm, two exporters and importers that follow the canonical loop, or do not.
 *
 * Pictures: w anonymous writable; . a hole; d the gpu's VMA, e another gpu's; numbers are file pages.
 */
#include "hmm_bench.h"

#include <p2psim/dma.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>

#define GPU(n) (0xc0000000UL + PAGES(n))
#define RW (PROT_READ | PROT_WRITE)

/* A task that maps [AT(first), AT(first + count)) for an importer. */
struct job {
	struct hmm_importer *importer;
	unsigned long first, count, flags;
	int ret;
};

static void do_map(void *arg)
{
	struct job *job = arg;

	job->ret = hmm_importer_map(job->importer, AT(job->first), AT(job->first + job->count), job->flags);
}

static int map(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags)
{
	return hmm_importer_map(&t->nic0, AT(first), AT(first + count), flags);
}

static unsigned long entries(struct hmm_bench *t, unsigned long first, unsigned long count)
{
	return hmm_importer_entries(&t->nic0, AT(first), AT(first + count));
}

/* The exporter takes pages [pgoff, pgoff + pages) of its file back from everybody (C6). */
static void revoke(struct file *file, unsigned long pgoff, unsigned long pages)
{
	unmap_mapping_range(file->f_mapping, (loff_t)PAGES(pgoff), (loff_t)PAGES(pages), 1);
}

/*
 *	nic0				app
 *	p2p_map(d0..d3), commit
 *					munmap(): detach, start(UNMAP)
 *	invalidate(): p2p_unmap()
 *					end(), close(d)
 *	map again: -EFAULT
 */
static void test_t1_munmap_of_an_imported_device_vma(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 4, 0, RW);
	assert_int_equal(map(t, 0, 4, HMM_WRITE), 0);
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(4)), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_UNMAP);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_int_equal(t->gpu.closes, 1);
	assert_int_equal(t->gpu.mapped_at_close, 0);
	assert_int_equal(entries(t, 0, 4), 0);
	assert_int_equal(map(t, 0, 1, HMM_READ), -EFAULT);
}

/* p2p_unmap() looks around while it is called from munmap()'s notifier, whose task holds mmap_lock. */
static long looking_unmap(struct vm_area_struct *vma, struct device *device, unsigned long start, unsigned long end,
			  dma_addr_t *pa)
{
	struct hmm_exporter *exporter = vma->vm_private_data;
	unsigned long page = vma->vm_pgoff + ((start - vma->vm_start) >> PAGE_SHIFT);

	for (; start < end; start += PAGE_SIZE)
		exporter->counts[page++]--;
	exporter->unmaps++;
	exporter->last_vma = vma_lookup(vma->vm_mm, vma->vm_start);
	return 0;
}

/* 9.10: in the UNMAP callback find_vma() finds nothing; the VMA handed to p2p_unmap() is alive all the same. */
static void test_9_10_unmap_reaches_a_vma_that_find_vma_does_not(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.ops.p2p_unmap = looking_unmap;
	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(map(t, 0, 2, HMM_READ), 0);
	assert_non_null(t->gpu.last_vma);
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(2)), 0);
	assert_null(t->gpu.last_vma);
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
}

/*
 *	gpu0				nic0
 *					p2p_map(d0 d1) = BAR
 *	door closed (-EBUSY)
 *	unmap_mapping_range()		p2p_unmap()
 *					again: -EBUSY
 *	moves to RAM, door open
 *					p2p_map(d0 d1) = RAM
 */
static void test_t2_eviction_gives_other_addresses_afterwards(void **state)
{
	struct hmm_bench *t = *state;

	t->nic0.tries_max = 3;
	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	t->gpu.error = -EBUSY;
	revoke(t->gpu_file, 0, 2);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_CLEAR);
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), -EBUSY);
	t->gpu.error = 0;
	t->gpu.base = 0x200000;
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	assert_int_equal(hmm_importer_dma(&t->nic0, AT(1)), 0x201000);
}

/*
 *	app				nic0
 *					maps d0, w1
 *	exit: RELEASE			drops all
 *	UNMAP 0..~0			nothing left to drop
 *	close(d)
 *					map: -EFAULT; later: remove
 */
static void test_t7_exit_with_a_live_mapping(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	hmm_bench_anon(t, 1, 1, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	p2psim_process_exit(t->app);
	t->app_gone = true;
	assert_int_equal(t->nic0.events, 2);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_UNMAP);
	assert_int_equal(entries(t, 0, 2), 0);
	assert_int_equal(p2psim_dma_live(t->nic0_dev), 0);
	assert_int_equal(t->gpu.closes, 1);
	assert_int_equal(t->gpu.mapped_at_close, 0);
	assert_int_equal(map(t, 0, 1, HMM_READ), -EFAULT);
}

/*	|w|	PROT_VMA; a read works afterwards, a write is -EPERM */
static void test_t9_mprotect_of_imported_memory(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	assert_int_equal(p2psim_mprotect(t->app, AT(0), PAGES(1), PROT_READ), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_PROTECTION_VMA);
	assert_int_equal(entries(t, 0, 1), 0);
	assert_int_equal(entries(t, 1, 1), 1);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), -EPERM);
	assert_int_equal(map(t, 0, 1, HMM_READ), 0);
	assert_false(hmm_importer_pfn(&t->nic0, AT(0)) & HMM_PFN_WRITE);
}

/*
 *	|d0|	no page table: mprotect() announces nothing, the writable import stays.  A hole of the design; what
 *		comes after it is refused, and vm_ops->mprotect() is where an exporter can close it
 */
static void test_t9_mprotect_of_an_untouched_device_vma_is_silent(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(p2psim_mprotect(t->app, AT(0), PAGES(1), PROT_READ), 0);
	assert_int_equal(t->nic0.events, 0);
	assert_int_equal(entries(t, 0, 1), 1);
	assert_true(p2psim_vma_map_covers(t->mm, t->nic0_dev, AT(0), GPU(0)));
	hmm_importer_unmap(&t->nic0, AT(0), AT(1));
	assert_int_equal(map(t, 0, 1, HMM_WRITE), -EPERM);
	assert_int_equal(map(t, 0, 1, HMM_READ), 0);
}

static int revoke_on_mprotect(struct vm_area_struct *vma, unsigned long start, unsigned long end,
			      unsigned long newflags)
{
	if (!(newflags & VM_WRITE))
		zap_vma_ptes(vma, start, end - start);
	return 0;
}

/* T9, C6: the hook that closes the hole: zap_vma_ptes() announces although there is nothing to zap. */
static void test_t9_an_exporter_may_revoke_in_its_mprotect_hook(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.ops.mprotect = revoke_on_mprotect;
	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(p2psim_mprotect(t->app, AT(0), PAGES(1), PROT_READ), 0);
	assert_int_equal(t->nic0.last_event, MMU_NOTIFY_CLEAR);
	assert_int_equal(entries(t, 0, 1), 0);
}

/*
 *	|d0 d1|..........|      mremap      |......|d0 d1|
 *	UNMAP(old) twice, the importer unmaps through the old VMA; the new place works, the old one is -EFAULT (9.11 k)
 */
static void test_t10_9_11_k_mremap_of_a_mapped_device_vma(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 3, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	assert_int_equal(p2psim_mremap(t->app, AT(0), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(16)),
			 AT(16));
	assert_int_equal(t->nic0.events, 2);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_int_equal(t->gpu.opens, 1);
	assert_int_equal(t->gpu.closes, 1);
	assert_int_equal(map(t, 16, 2, HMM_WRITE), 0);
	assert_int_equal(hmm_importer_dma(&t->nic0, AT(17)), GPU(4));
	assert_int_equal(map(t, 0, 2, HMM_WRITE), -EFAULT);
}

/* 9.1: after munmap() nothing in the range is mapped any more, by anybody; its neighbours are. */
static void test_9_1_after_munmap_nothing_of_it_is_mapped(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, RW);
	hmm_bench_gpu(t, 2, 2, 0, RW);
	assert_int_equal(map(t, 0, 4, HMM_WRITE), 0);
	assert_int_equal(p2psim_munmap(t->app, AT(1), PAGES(2)), 0);
	assert_int_equal(entries(t, 1, 2), 0);
	assert_int_equal(entries(t, 0, 1) + entries(t, 3, 1), 2);
	assert_int_equal(t->gpu.counts[0], 0);
	assert_int_equal(p2psim_dma_live(t->nic0_dev), 1);
}

/*
 *	|d0 d1 d2 d3|  munmap of d1 d2  |d0|..|d3|
 *
 * S13, 9.5, 9.7: two splits, both remaining parts keep working, the exporter is called with the VMA that has the page
 * now
 */
static void test_s13_9_5_9_7_a_split_device_vma_keeps_working(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 4, 0, RW);
	assert_int_equal(map(t, 0, 4, HMM_WRITE), 0);
	assert_int_equal(p2psim_munmap(t->app, AT(1), PAGES(2)), 0);
	assert_int_equal(t->gpu.opens, 2);
	assert_int_equal(t->gpu.closes, 1);
	assert_int_equal(t->gpu.last_start, AT(1));
	assert_int_equal(hmm_importer_dma(&t->nic0, AT(3)), GPU(3));
	assert_int_equal(map(t, 1, 1, HMM_READ), -EFAULT);

	hmm_importer_unmap(&t->nic0, AT(3), AT(4));
	assert_int_equal(t->gpu.last_vma->vm_start, AT(3));
}

/* 9.6, 9.7: every mapping of a retry is given back, with its own addresses (the teardown counts them). */
static void test_9_6_a_retry_gives_back_what_it_mapped(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 2, HMM_WRITE, 1 };
	struct task_struct *nic;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "importer:commit"), 0);
	revoke(t->gpu_file, 0, 1);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, 0);
	assert_int_equal(t->gpu.maps, 2);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 2);
}

/*
 *	nic0				kswapd
 *	faults w0 = pfn
 *					CLEAR(w0) from start to end: pfn is free
 *	lock; read_retry(): again
 *	faults w0 = another pfn
 */
static void test_9_11_a_a_whole_invalidation_before_the_lock(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_touch(t, 0, 1, 7);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "hmm:mapped"), 0);
	assert_int_equal(p2psim_reclaim_address(t->app, AT(0)), 0);
	assert_int_equal(p2psim_mm_active_invalidations(t->mm), 0);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, 0);
	assert_int_equal(t->nic0.tries, 2);
	assert_int_equal(p2psim_load_byte(t->app, AT(0)), 7);
}

static void begin_clear(struct hmm_bench *t, struct mmu_notifier_range *range, unsigned long first, unsigned long count)
{
	mmu_notifier_range_init(range, MMU_NOTIFY_CLEAR, 0, NULL, t->mm, AT(first), AT(first + count));
	mmu_notifier_invalidate_range_start(range);
}

/* 9.2: an invalidation is under way at read_begin(): nothing is mapped before its end. */
static void test_9_2_9_11_b_a_reader_waits_for_the_end(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct mmu_notifier_range range;
	struct task_struct *nic;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	begin_clear(t, &range, 0, 1);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	assert_int_equal(t->gpu.maps, 0);
	mmu_notifier_invalidate_range_end(&range);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, 0);
	assert_int_equal(t->nic0.tries, 1);
}

/* An importer that subscribes during an invalidation counts as being invalidated. */
static void test_9_11_c_a_newcomer_waits_for_the_end(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic1, 0, 1, HMM_WRITE, 1 };
	struct mmu_notifier_range range;
	struct task_struct *nic;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	begin_clear(t, &range, 0, 1);
	assert_int_equal(hmm_importer_open(&t->nic1, t->nic1_dev, t->mm, HMM_A, HMM_IMPORTER_PAGES), 0);
	nic = p2psim_task_spawn("nic1", do_map, &job);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	mmu_notifier_invalidate_range_end(&range);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, 0);
	hmm_importer_close(&t->nic1);
}

static void close_nic0(void *arg)
{
	hmm_importer_close(arg);
}

/* An importer that leaves during an invalidation waits for its end, with nothing mapped any more. */
static void test_9_11_d_a_leaver_waits_for_the_end(void **state)
{
	struct hmm_bench *t = *state;
	struct mmu_notifier_range range;
	struct task_struct *nic;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	begin_clear(t, &range, 0, 1);
	nic = p2psim_task_spawn("nic0", close_nic0, &t->nic0);
	assert_int_equal(p2psim_run_alone(nic), -EAGAIN);
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
	mmu_notifier_invalidate_range_end(&range);
	assert_int_equal(p2psim_run(), 0);
	assert_true(p2psim_task_done(nic));
	t->nic0_gone = true;
}

/*
 *	nic0				app
 *	mmget(); maps d0
 *					exit(): an mm reference is left: no RELEASE yet
 *	commits; mmput(): RELEASE, close(d)
 */
static void test_9_11_e_exit_waits_for_the_importers_mmput(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "hmm:mapped"), 0);
	p2psim_process_exit(t->app);
	t->app_gone = true;
	assert_int_equal(t->nic0.events, 0);
	assert_int_equal(t->gpu.closes, 0);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, 0);
	assert_int_equal(t->gpu.closes, 1);
	assert_int_equal(entries(t, 0, 1), 0);
}

/*
 *	nic0				gpu0
 *	p2p_map(d0) = c0000000
 *					CLEAR(d0), from start to end; d0 is at d0000000 now
 *	lock; read_retry(): p2p_unmap(c0000000), again
 *	p2p_map(d0) = d0000000
 */
static void test_9_11_g_a_revoke_between_map_and_lock(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "hmm:mapped"), 0);
	revoke(t->gpu_file, 0, 1);
	t->gpu.given[0] = GPU(0);
	assert_int_equal(p2psim_run_until(nic, "hmm:unmap"), 0);
	t->gpu.base = 0xd0000000;
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, 0);
	assert_int_equal(t->gpu.maps, 2);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_int_equal(hmm_importer_dma(&t->nic0, AT(0)), 0xd0000000);
}

/* Regular memory, mmap_lock let go early: mprotect() comes in between, and the second try is refused. */
static void test_9_11_h_mprotect_between_map_and_lock(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	t->nic0.early_unlock = true;
	hmm_bench_anon(t, 0, 1, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "importer:commit"), 0);
	assert_int_equal(p2psim_mprotect(t->app, AT(0), PAGES(1), PROT_READ), 0);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(job.ret, -EPERM);
	assert_int_equal(t->nic0.tries, 2);
	assert_int_equal(entries(t, 0, 1), 0);
}

/* Two importers; the exporter refuses one, the other does not notice (C3: "other device may fail"). */
static void test_9_11_j_two_importers_one_refused(void **state)
{
	struct hmm_bench *t = *state;

	assert_int_equal(hmm_importer_open(&t->nic1, t->nic1_dev, t->mm, HMM_A, HMM_IMPORTER_PAGES), 0);
	t->gpu.only = t->nic0_dev;
	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(hmm_importer_map(&t->nic1, AT(0), AT(1), HMM_WRITE), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_POLICY);
	assert_int_equal(entries(t, 0, 1), 1);
	assert_int_equal(t->gpu.unmaps, 0);
	hmm_importer_close(&t->nic1);
}

/*
 *	|d0|e0|w|   munmap of the middle, something else there:   |d0|w|w|
 *
 * S12: one region over many VMAs; only what changed is mapped again
 */
static void test_s12_boundaries_move_during_the_life_of_a_region(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	hmm_bench_gpu1(t, 1, 1, 0, RW);
	hmm_bench_anon(t, 2, 1, RW);
	assert_int_equal(map(t, 0, 3, HMM_WRITE), 0);
	assert_int_equal(p2psim_munmap(t->app, AT(1), PAGES(1)), 0);
	assert_int_equal(entries(t, 0, 1) + entries(t, 2, 1), 2);
	assert_int_equal(map(t, 1, 1, HMM_WRITE), -EFAULT);
	hmm_bench_anon(t, 1, 1, RW);
	assert_int_equal(map(t, 1, 1, HMM_WRITE), 0);
	assert_int_equal(entries(t, 0, 3), 3);
	assert_int_equal(t->gpu.maps, 1);
}

/* C7: an import keeps nothing alive: one munmap() and the file is as free as it was. */
static void test_c7_an_import_pins_nothing(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(atomic_read(&t->gpu_file->f_count), 2);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(atomic_read(&t->gpu_file->f_count), 2);
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(1)), 0);
	assert_int_equal(atomic_read(&t->gpu_file->f_count), 1);
}

/* C6: both revoke tools reach an importer although no page table has an entry. */
static void test_c6_a_revoke_needs_no_page_table(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(map(t, 0, 2, HMM_WRITE), 0);
	assert_false(p2psim_pmd_present(t->mm, AT(0)));
	revoke(t->gpu_file, 1, 1);
	assert_int_equal(entries(t, 0, 2), 1);
	mmap_read_lock(t->mm);
	zap_vma_ptes(vma_lookup(t->mm, AT(0)), AT(0), PAGES(1));
	mmap_read_unlock(t->mm);
	assert_int_equal(entries(t, 0, 2), 0);
}

/* C10: what happens to regular memory around it is not the device VMA's business. */
static void test_c10_a_device_vma_hears_of_no_reclaim(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_gpu(t, 1, 1, 0, RW);
	hmm_bench_anon(t, 2, 1, RW);
	hmm_bench_touch(t, 0, 1, 1);
	hmm_bench_touch(t, 2, 1, 1);
	assert_int_equal(map(t, 0, 3, HMM_WRITE), 0);
	assert_int_equal(p2psim_reclaim_address(t->app, AT(0)), 0);
	assert_int_equal(p2psim_reclaim_address(t->app, AT(2)), 0);
	assert_int_equal(entries(t, 0, 3), 1);
	assert_int_equal(entries(t, 1, 1), 1);
	assert_int_equal(t->gpu.unmaps, 0);
}

/* C13, S1: without HMM: look the VMA up; GUP for a regular one, p2p_map() for a device's, else fail. */
static void test_c13_an_importer_without_hmm(void **state)
{
	struct hmm_bench *t = *state;
	struct page *page;
	dma_addr_t pa;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_gpu(t, 1, 1, 5, RW);
	mmap_read_lock(t->mm);
	assert_int_equal(p2psim_vma_map(vma_lookup(t->mm, AT(0)), t->nic0_dev, AT(0), AT(1), &pa, true), -EOPNOTSUPP);
	assert_int_equal(get_user_pages_remote(t->mm, AT(0), 1, FOLL_WRITE, &page, NULL, NULL), 1);
	assert_int_equal(get_user_pages_remote(t->mm, AT(1), 1, FOLL_WRITE, &page, NULL, NULL), -EFAULT);
	assert_int_equal(p2psim_vma_map(vma_lookup(t->mm, AT(1)), t->nic0_dev, AT(1), AT(2), &pa, true), 0);
	mmap_read_unlock(t->mm);
	assert_int_equal(pa, GPU(5));
	assert_int_equal(p2psim_vma_unmap(t->mm, t->nic0_dev, AT(1), AT(2), &pa), 0);
	put_page(page);
}

/* C3 and S25: after a move the same device maps the same range again; refused, the exporter has broken its word. */
static void test_c3_s25_a_map_after_a_revoke_must_succeed(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	revoke(t->gpu_file, 0, 1);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	revoke(t->gpu_file, 0, 1);
	t->gpu.error = -ENOSPC;
	assert_int_equal(map(t, 0, 1, HMM_WRITE), -EFAULT);
	assert_violation(t->world, P2PSIM_CONTRACT, "granted before (C3)");
}

/* C4: deaf: it moves the sequence, and keeps what the device is programmed with. */
static void test_c4_an_importer_that_keeps_its_mapping_after_munmap(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	assert_int_equal(map(t, 0, 1, HMM_WRITE), 0);
	t->nic0.deaf = true;
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(1)), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "nic0 ignores UNMAP");
}

/* 9.11 g, broken: it does not look for the collision, and commits an address that is gone. */
static void test_9_11_g_broken_without_read_retry(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	t->nic0.no_retry = true;
	hmm_bench_gpu(t, 0, 1, 0, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "hmm:mapped"), 0);
	revoke(t->gpu_file, 0, 1);
	assert_int_not_equal(p2psim_run(), 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "did not look for the collision");
}

/* 9.6, broken: tries again without giving back; it shows when the VMA is closed. */
static void test_9_6_broken_a_retry_that_forgets_leaks(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	t->nic0.forget_unmap = true;
	hmm_bench_gpu(t, 0, 1, 0, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "hmm:mapped"), 0);
	revoke(t->gpu_file, 0, 1);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(1)), 0);
	assert_violation(t->world, P2PSIM_LEAK, "nic0 has not given back page 0x10000");
}

/* C12, broken: mmap_lock is let go before the commit; munmap() comes in between and closes the VMA. */
static void test_c12_broken_mmap_lock_let_go_too_early(void **state)
{
	struct hmm_bench *t = *state;
	struct job job = { &t->nic0, 0, 1, HMM_WRITE, 1 };
	struct task_struct *nic;

	t->nic0.early_unlock = true;
	hmm_bench_gpu(t, 0, 1, 0, RW);
	nic = p2psim_task_spawn("nic0", do_map, &job);
	assert_int_equal(p2psim_run_until(nic, "importer:commit"), 0);
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(1)), 0);
	assert_violation(t->world, P2PSIM_LEAK, "mmap_lock is kept until");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hmm_test(test_t1_munmap_of_an_imported_device_vma),
		hmm_test(test_9_10_unmap_reaches_a_vma_that_find_vma_does_not),
		hmm_test(test_t2_eviction_gives_other_addresses_afterwards),
		hmm_test(test_t7_exit_with_a_live_mapping),
		hmm_test(test_t9_mprotect_of_imported_memory),
		hmm_test(test_t9_mprotect_of_an_untouched_device_vma_is_silent),
		hmm_test(test_t9_an_exporter_may_revoke_in_its_mprotect_hook),
		hmm_test(test_t10_9_11_k_mremap_of_a_mapped_device_vma),
		hmm_test(test_9_1_after_munmap_nothing_of_it_is_mapped),
		hmm_test(test_s13_9_5_9_7_a_split_device_vma_keeps_working),
		hmm_test(test_9_6_a_retry_gives_back_what_it_mapped),
		hmm_test(test_9_11_a_a_whole_invalidation_before_the_lock),
		hmm_test(test_9_2_9_11_b_a_reader_waits_for_the_end),
		hmm_test(test_9_11_c_a_newcomer_waits_for_the_end),
		hmm_test(test_9_11_d_a_leaver_waits_for_the_end),
		hmm_test(test_9_11_e_exit_waits_for_the_importers_mmput),
		hmm_test(test_9_11_g_a_revoke_between_map_and_lock),
		hmm_test(test_9_11_h_mprotect_between_map_and_lock),
		hmm_test(test_9_11_j_two_importers_one_refused),
		hmm_test(test_s12_boundaries_move_during_the_life_of_a_region),
		hmm_test(test_c7_an_import_pins_nothing),
		hmm_test(test_c6_a_revoke_needs_no_page_table),
		hmm_test(test_c10_a_device_vma_hears_of_no_reclaim),
		hmm_test(test_c13_an_importer_without_hmm),
		hmm_test_rubble(test_c3_s25_a_map_after_a_revoke_must_succeed),
		hmm_test_rubble(test_c4_an_importer_that_keeps_its_mapping_after_munmap),
		hmm_test_rubble(test_9_11_g_broken_without_read_retry),
		hmm_test_rubble(test_9_6_broken_a_retry_that_forgets_leaks),
		hmm_test_rubble(test_c12_broken_mmap_lock_let_go_too_early),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
