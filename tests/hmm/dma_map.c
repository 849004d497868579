/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_dma_map() and hmm_range_dma_unmap() over mixed ranges; R1..R13, what the posted patches got wrong, each
 * with a test that their behaviour would fail.
 *
 * Pictures: w, r anonymous writable, read-only; . a hole; d the gpu's VMA, e another gpu's; numbers are file pages.
 */
#include "hmm_bench.h"

#include <p2psim/dma.h>
#include <p2psim/inject.h>
#include <p2psim/linux/pci.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/pci.h>

#define GPU(n) (0xc0000000UL + PAGES(n))
#define GPU1(n) (0xd0000000UL + PAGES(n))
#define RW (PROT_READ | PROT_WRITE)
#define P2P (HMM_PFN_VALID | HMM_PFN_P2P)

static void assert_nothing_mapped(struct hmm_bench *t)
{
	assert_int_equal(hmm_exporter_mapped(&t->gpu), 0);
	assert_int_equal(hmm_exporter_mapped(&t->gpu1), 0);
	assert_int_equal(p2psim_dma_live(t->nic0_dev), 0);
	assert_int_equal(p2psim_vma_map_count(t->mm, NULL, 0, ~0UL), 0);
}

/* R1: the posted pci_test_p2p() ended with `return false`, whatever it had found. */
static void test_r1_two_devices_below_one_switch_may_talk(void **state)
{
	struct pci_dev *sw = p2psim_pci_switch(p2psim_pci_root_port(p2psim_pci_root(NULL), NULL), 2, NULL);
	struct pci_dev *a = p2psim_pci_endpoint(p2psim_pci_switch_port(sw, 0), NULL);
	struct pci_dev *b = p2psim_pci_endpoint(p2psim_pci_switch_port(sw, 1), NULL);
	struct hmm_bench *t = *state;

	assert_true(device_test_p2p(&a->dev, &b->dev));
	assert_false(device_test_p2p(&a->dev, t->nic0_dev));
}

/*	|d0|w|d1|	R2: the second run of device pages wrote over the first one's slot */
static void test_r2_each_run_has_its_own_addresses(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	hmm_bench_anon(t, 1, 1, RW);
	hmm_bench_gpu(t, 2, 1, 1, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 3, HMM_WRITE), 0);
	assert_int_equal(t->daddrs[0], GPU(0));
	assert_int_equal(t->daddrs[1], hmm_pfn_to_phys(t->pfns[1]));
	assert_int_equal(t->daddrs[2], GPU(1));
	assert_true(t->pfns[0] == (P2P | HMM_PFN_WRITE) && t->pfns[2] == (P2P | HMM_PFN_WRITE));
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 3), 0);
	assert_nothing_mapped(t);
}

/*	|d0 d1 d2|w|w|	R3: after a run of several pages one was skipped */
static void test_r3_no_page_is_skipped_after_a_run(void **state)
{
	struct hmm_bench *t = *state;
	int i;

	hmm_bench_gpu(t, 0, 3, 0, RW);
	hmm_bench_anon(t, 3, 2, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 5, HMM_READ), 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(t->daddrs[i], GPU(i));
	assert_int_equal(t->daddrs[3], hmm_pfn_to_phys(t->pfns[3]));
	assert_int_equal(t->daddrs[4], hmm_pfn_to_phys(t->pfns[4]));
	assert_int_equal(t->gpu.maps, 1);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 5), 0);
	assert_nothing_mapped(t);
}

/*	|w|d0 d1|w|.|	R4: the unwinding counted upwards: RAM and device pages stayed mapped */
static void test_r4_an_error_unmaps_every_page_before_it(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_gpu(t, 1, 2, 0, RW);
	hmm_bench_anon(t, 3, 1, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 5, HMM_WRITE), -EFAULT);
	assert_int_equal(t->gpu.maps, 1);
	assert_nothing_mapped(t);
	assert_true(t->daddrs[0] == DMA_MAPPING_ERROR && t->daddrs[1] == DMA_MAPPING_ERROR);
}

/*	|d0 d1|w|d4 d5|	R5: the second run was unmapped at the sum of both counts */
static void test_r5_two_runs_are_unmapped_at_their_own_places(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	hmm_bench_anon(t, 2, 1, RW);
	hmm_bench_gpu(t, 3, 2, 4, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 5, HMM_WRITE), 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 5), 0);
	assert_int_equal(t->gpu.unmaps, 2);
	assert_int_equal(t->gpu.last_start, AT(3));
	assert_int_equal(t->gpu.last_end, AT(5));
	assert_nothing_mapped(t);
}

/*	|d0 d1|.|	R6: p2p_unmap() was never called on the way back */
static void test_r6_an_error_reaches_p2p_unmap(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 3, HMM_READ), -EFAULT);
	assert_int_equal(t->gpu.maps, 1);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_int_equal(t->gpu.bad_unmaps, 0);
	assert_nothing_mapped(t);
}

/*	|d0 d1|  and  |w|d0|	R7: a range that is only, or ends in, a device VMA had a page count of garbage */
static void test_r7_a_range_may_end_in_a_device_vma(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, HMM_READ), 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 2), 0);
	hmm_bench_anon(t, 8, 1, RW);
	hmm_bench_gpu(t, 9, 1, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 8, 2, HMM_READ), 0);
	assert_int_equal(t->daddrs[1], GPU(0));
	assert_int_equal(hmm_bench_dma_unmap(t, 8, 2), 0);
	assert_nothing_mapped(t);
}

/*	|d0 d1|e0 e1|	R8: unmap took one VMA; here the middle two pages, one of each, go in one call */
static void test_r8_an_unmap_may_cross_vmas(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	hmm_bench_gpu1(t, 2, 2, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 4, HMM_READ), 0);
	assert_int_equal(t->daddrs[2], GPU1(0));
	assert_int_equal(hmm_bench_dma_unmap(t, 1, 2), 0);
	assert_int_equal(t->gpu.last_start, AT(1));
	assert_int_equal(t->gpu1.last_end, AT(3));
	assert_int_equal(p2psim_vma_map_count(t->mm, t->nic0_dev, AT(0), AT(4)), 2);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 4), 0);
	assert_nothing_mapped(t);
}

/*	|d0 [d1 d2] d3|	R9: indexes of pa[] are pages from the start of the range, not of the VMA */
static void test_r9_addresses_are_indexed_by_page_of_the_range(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 4, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 1, 2, HMM_READ), 0);
	assert_int_equal(t->daddrs[0], GPU(1));
	assert_int_equal(t->daddrs[1], GPU(2));
	assert_int_equal(t->gpu.counts[0] + t->gpu.counts[3], 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 1, 2), 0);
}

/* R10: one half counted pages, the other said 0. */
static void test_r10_a_success_is_0(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 3, 0, RW);
	hmm_bench_anon(t, 3, 2, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 3, HMM_READ), 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 3), 0);
	assert_int_equal(hmm_bench_dma_map(t, 3, 2, HMM_READ), 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 3, 2), 0);
	assert_int_equal(hmm_bench_dma_map(t, 4, 0, HMM_READ), -EINVAL);
}

/* An exporter in the middle of whose p2p_map() somebody unmaps another page of the mirrored interval. */
static long map_with_a_collision(struct vm_area_struct *vma, struct device *device, unsigned long start,
				 unsigned long end, dma_addr_t *pa, bool write)
{
	struct mmu_notifier_range range;
	unsigned long i;

	for (i = 0; i < (end - start) >> PAGE_SHIFT; i++)
		pa[i] = GPU(i);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, NULL, vma->vm_mm, AT(40), AT(41));
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	return 0;
}

static long count_unmap(struct vm_area_struct *vma, struct device *device, unsigned long start, unsigned long end,
			dma_addr_t *pa)
{
	((struct hmm_exporter *)vma->vm_private_data)->unmaps++;
	return 0;
}

/* R11: the posted code came back with a mapping that the sequence had overtaken, and the importer had to know. */
static void test_r11_a_collision_seen_by_hmm_leaves_nothing_mapped(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.ops.p2p_map = map_with_a_collision;
	t->gpu.ops.p2p_unmap = count_unmap;
	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, HMM_READ), -EBUSY);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_nothing_mapped(t);
}

/* R11: a stale sequence is seen before any exporter is asked. */
static void test_r11_a_stale_sequence_asks_nobody(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	hmm_bench_anon(t, 8, 1, RW);
	hmm_bench_begin(t, 0, 2, HMM_READ);
	assert_int_equal(p2psim_munmap(t->app, AT(8), PAGES(1)), 0);
	mmap_read_lock(t->mm);
	assert_int_equal(hmm_range_dma_map(&t->range, t->nic0_dev, t->daddrs), -EBUSY);
	mmap_read_unlock(t->mm);
	assert_int_equal(t->gpu.maps, 0);
}

/* R12: the device branch came before any look at permissions. */
static void test_r12_permissions_of_a_device_vma_are_respected(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, PROT_READ);
	hmm_bench_gpu(t, 1, 1, 1, PROT_NONE);
	assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_WRITE), -EPERM);
	assert_int_equal(hmm_bench_dma_map(t, 1, 1, HMM_READ), -EFAULT);
	assert_int_equal(t->gpu.maps, 0);
	assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_READ), 0);
	assert_false(t->gpu.last_write);
	assert_true(t->pfns[0] == P2P);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 1), 0);
}

/*	|d0 d1|e0|	R13: the second exporter refuses; the first one's pages stayed mapped */
static void test_r13_an_error_gives_earlier_vmas_back(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu1.error = -EACCES;
	hmm_bench_gpu(t, 0, 2, 0, RW);
	hmm_bench_gpu1(t, 2, 1, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 3, HMM_READ), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_POLICY);
	assert_int_equal(t->gpu.unmaps, 1);
	assert_nothing_mapped(t);
}

/*	|w|.|w|	T12: asked for, -EFAULT; looked at, value, ERROR, value */
static void test_t12_anonymous_hole_anonymous(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_anon(t, 2, 1, RW);
	hmm_bench_touch(t, 0, 1, 1);
	hmm_bench_touch(t, 2, 1, 2);
	assert_int_equal(hmm_bench_dma_map(t, 0, 3, HMM_READ), -EFAULT);
	assert_nothing_mapped(t);
	assert_int_equal(hmm_bench_dma_map(t, 0, 3, 0), 0);
	assert_int_equal(t->daddrs[0], hmm_pfn_to_phys(t->pfns[0]));
	assert_true(t->pfns[1] == HMM_PFN_ERROR && t->daddrs[1] == DMA_MAPPING_ERROR);
	assert_int_equal(t->daddrs[2], hmm_pfn_to_phys(t->pfns[2]));
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 3), 0);
	assert_nothing_mapped(t);
}

/*	|w|d|	T12, C1: a device VMA without p2p_map() */
static void test_t12_anonymous_and_a_device_that_does_not_export(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.ops.p2p_map = NULL;
	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_gpu(t, 1, 1, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, HMM_READ), -EFAULT);
	assert_nothing_mapped(t);
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, 0), 0);
	assert_true(t->pfns[1] == HMM_PFN_ERROR);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 2), 0);
}

/*	|e0|r|  |r|e0|	9.12: ascending order, the first error wins: a refusal, or a write to read-only memory */
static void test_9_12_the_first_error_in_ascending_order_wins(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu1.error = -EACCES;
	hmm_bench_gpu1(t, 0, 1, 0, RW);
	hmm_bench_anon(t, 1, 1, PROT_READ);
	hmm_bench_gpu1(t, 2, 1, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, HMM_WRITE), -EFAULT);
	assert_int_equal(hmm_bench_dma_map(t, 1, 2, HMM_WRITE), -EPERM);
	assert_nothing_mapped(t);
}

/* The right-hand column: every refusal is -EFAULT, but for the three that ask for something else (S14). */
static void test_s14_a_refusal_is_efault_and_its_reason_is_kept(void **state)
{
	static const int rows[][2] = {
		{ -EACCES, -EFAULT }, { -EREMOTEIO, -EFAULT }, { -EINVAL, -EFAULT }, { -ENOSPC, -EFAULT },
		{ -ENODEV, -EFAULT }, { -EOPNOTSUPP, -EFAULT }, { -EBUSY, -EBUSY }, { -ENOMEM, -ENOMEM },
	};
	struct hmm_bench *t = *state;
	size_t i;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		t->gpu.error = rows[i][0];
		assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_READ), rows[i][1]);
		assert_int_equal(p2psim_last_refusal()->error, rows[i][0]);
	}
}

/*	|d0 d1 d2|	pages 0 and 2 ask (2 to be written), 1 does not: two calls, 1 is ERROR as for a look */
static void test_a_device_page_that_asks_nothing_is_not_mapped(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 3, 0, RW);
	memset(t->pfns, 0, sizeof(t->pfns));
	hmm_bench_begin(t, 0, 3, 0);
	t->range.pfn_flags_mask = HMM_WRITE;
	t->pfns[0] = HMM_READ;
	t->pfns[2] = HMM_WRITE;
	mmap_read_lock(t->mm);
	assert_int_equal(hmm_range_dma_map(&t->range, t->nic0_dev, t->daddrs), 0);
	mmap_read_unlock(t->mm);
	assert_true(t->pfns[0] == P2P && t->pfns[1] == HMM_PFN_ERROR && t->pfns[2] == (P2P | HMM_PFN_WRITE));
	assert_true(t->daddrs[1] == DMA_MAPPING_ERROR);
	assert_int_equal(t->gpu.maps, 2);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 3), 0);
	assert_int_equal(t->gpu.unmaps, 2);
}

/* S2: p2p_map() is no fault(); the CPU's page table stays empty (C2). */
static void test_s2_an_import_faults_nothing(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, HMM_WRITE), 0);
	assert_int_equal(t->gpu.faults, 0);
	assert_false(p2psim_pmd_present(t->mm, AT(0)));
	assert_null(hmm_pfn_to_page(t->pfns[0]));
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 2), 0);
}

/* Twice does nothing; a part of it; outside is -EINVAL. */
static void test_an_unmap_is_idempotent(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, RW);
	hmm_bench_anon(t, 2, 2, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 4, HMM_WRITE), 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 1, 2), 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 1, 2), 0);
	assert_int_equal(t->pfns[1] | t->pfns[2], 0);
	assert_int_equal(hmm_bench_dma_unmap(t, 3, 2), -EINVAL);
	assert_int_equal(p2psim_dma_live(t->nic0_dev), 1);
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 4), 0);
	assert_nothing_mapped(t);
}

/* S23: a page beyond the importer's mask fails cleanly. */
static void test_s23_memory_beyond_the_dma_mask_is_efault(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 1, 0, RW);
	hmm_bench_anon(t, 1, 1, RW);
	*t->nic0_dev->dma_mask = PAGE_SIZE - 1;
	assert_int_equal(hmm_bench_dma_map(t, 0, 2, HMM_WRITE), -EFAULT);
	assert_nothing_mapped(t);
}

/* A read gets a mapping that the device cannot write through. */
static void test_9_3_write_in_an_entry_means_that_the_cpu_may_write(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, RW);
	assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_READ), 0);
	assert_int_equal(t->pfns[0] & HMM_PFN_WRITE, 0);
	assert_false(pte_write(*p2psim_pte_lookup(t->mm, AT(0))));
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 1), 0);
	assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_WRITE), -EBUSY); /* the copy collides with itself */
	assert_int_equal(hmm_bench_dma_map(t, 0, 1, HMM_WRITE), 0);
	assert_true(t->pfns[0] & HMM_PFN_WRITE);
	assert_true(pte_write(*p2psim_pte_lookup(t->mm, AT(0))));
	assert_int_equal(hmm_bench_dma_unmap(t, 0, 1), 0);
}

/*	|w|d0 d1|w|e0|	every allocation of the whole path fails once: all, or nothing, and a clean errno */
static void test_every_failing_allocation_leaves_nothing_mapped(void **state)
{
	struct hmm_bench *t = *state;
	unsigned long n;
	bool fired;
	int ret;

	hmm_bench_anon(t, 0, 1, RW);
	hmm_bench_gpu(t, 1, 2, 0, RW);
	hmm_bench_anon(t, 3, 1, RW);
	hmm_bench_gpu1(t, 4, 1, 0, RW);
	for (n = 1, fired = true; fired; n++) {
		p2psim_inject_fail_nth(t->world, n);
		ret = hmm_bench_dma_map(t, 0, 5, HMM_WRITE);
		fired = p2psim_inject_fired(t->world, NULL);
		p2psim_inject_fail_nth(t->world, 0);
		assert_true(ret == (fired ? -ENOMEM : 0) || (fired && ret == -EFAULT));
		if (!ret)
			assert_int_equal(hmm_bench_dma_unmap(t, 0, 5), 0);
		assert_nothing_mapped(t);
		assert_null(p2psim_world_violation(t->world));
		p2psim_madvise(t->app, AT(0), PAGES(1), MADV_DONTNEED);
		p2psim_madvise(t->app, AT(3), PAGES(1), MADV_DONTNEED);
	}
	assert_true(n > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hmm_test(test_r1_two_devices_below_one_switch_may_talk),
		hmm_test(test_r2_each_run_has_its_own_addresses),
		hmm_test(test_r3_no_page_is_skipped_after_a_run),
		hmm_test(test_r4_an_error_unmaps_every_page_before_it),
		hmm_test(test_r5_two_runs_are_unmapped_at_their_own_places),
		hmm_test(test_r6_an_error_reaches_p2p_unmap),
		hmm_test(test_r7_a_range_may_end_in_a_device_vma),
		hmm_test(test_r8_an_unmap_may_cross_vmas),
		hmm_test(test_r9_addresses_are_indexed_by_page_of_the_range),
		hmm_test(test_r10_a_success_is_0),
		hmm_test(test_r11_a_collision_seen_by_hmm_leaves_nothing_mapped),
		hmm_test(test_r11_a_stale_sequence_asks_nobody),
		hmm_test(test_r12_permissions_of_a_device_vma_are_respected),
		hmm_test(test_r13_an_error_gives_earlier_vmas_back),
		hmm_test(test_t12_anonymous_hole_anonymous),
		hmm_test(test_t12_anonymous_and_a_device_that_does_not_export),
		hmm_test(test_9_12_the_first_error_in_ascending_order_wins),
		hmm_test(test_s14_a_refusal_is_efault_and_its_reason_is_kept),
		hmm_test(test_a_device_page_that_asks_nothing_is_not_mapped),
		hmm_test(test_s2_an_import_faults_nothing),
		hmm_test(test_an_unmap_is_idempotent),
		hmm_test(test_s23_memory_beyond_the_dma_mask_is_efault),
		hmm_test(test_9_3_write_in_an_entry_means_that_the_cpu_may_write),
		hmm_test(test_every_failing_allocation_leaves_nothing_mapped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
