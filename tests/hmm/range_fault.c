/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_fault(): the result table H1..H12 of src/hmm/range_fault.c, row by row, and what is least obvious about it.
 *
 * Pictures: r, w anonymous readable, writable; . a hole; 0 a page of zeros that was read; d a device VMA; x nothing
 * there.
 */
#include "hmm_bench.h"

#include <p2psim/inject.h>
#include <p2psim/linux/hmm.h>
#include <p2psim/linux/pgtable.h>
#include <p2psim/ram.h>
#include <p2psim/reclaim.h>
#include <p2psim/step.h>

#define RW (HMM_PFN_VALID | HMM_PFN_WRITE)

static unsigned long flags_of(unsigned long entry)
{
	return entry & (HMM_PFN_VALID | HMM_PFN_WRITE | HMM_PFN_ERROR);
}

static u8 byte_of(unsigned long entry)
{
	u8 byte = 0;

	assert_int_equal(p2psim_ram_read(hmm_pfn_to_phys(entry), &byte, 1), 0);
	return byte;
}

/*	|w.w|	H1: asked for, the hole is -EFAULT; looked at, it is ERROR between two values (T12) */
static void test_h1_a_hole_is_efault_or_error(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	hmm_bench_anon(t, 2, 1, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 1, 7);
	assert_int_equal(hmm_bench_fault(t, 0, 3, HMM_READ), -EFAULT);
	assert_int_equal(hmm_bench_fault(t, 0, 3, 0), 0);
	assert_int_equal(flags_of(t->pfns[0]), RW);
	assert_true(t->pfns[1] == HMM_PFN_ERROR);
	assert_int_equal(t->pfns[2], 0);
	assert_int_equal(hmm_bench_fault(t, 40, 2, HMM_READ), -EFAULT);
}

/*	|wdw|	H2: a device VMA without p2p_map() or with it: hmm_range_fault() does not look behind */
static void test_h2_a_device_vma_is_efault_or_error(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 3, PROT_READ | PROT_WRITE);
	hmm_bench_gpu(t, 1, 1, 0, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 3, HMM_READ), -EFAULT);
	assert_int_equal(hmm_bench_fault(t, 0, 3, 0), 0);
	assert_int_equal(t->pfns[0] & HMM_PFN_VALID, HMM_PFN_VALID);
	assert_true(t->pfns[1] == HMM_PFN_ERROR);
	assert_int_equal(t->gpu.maps + t->gpu.faults, 0);
}

/* H2: a PROT_NONE VMA is -EFAULT even for a write (not -EPERM); its pages are still there for who may look again. */
static void test_h2_a_vma_that_cannot_be_read_is_efault(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 2, 7);
	assert_int_equal(p2psim_mprotect(t->app, AT(0), PAGES(2), PROT_NONE), 0);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_WRITE), -EFAULT);
	assert_int_equal(hmm_bench_fault(t, 0, 2, 0), 0);
	assert_true(t->pfns[0] == HMM_PFN_ERROR && t->pfns[1] == HMM_PFN_ERROR);
	assert_int_equal(p2psim_mprotect(t->app, AT(0), PAGES(2), PROT_READ), 0);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_READ), 0);
	assert_int_equal(byte_of(t->pfns[1]), 7);
}

/*	|dd|	H2: one page of the VMA's part asks, the other does not */
static void test_h2_one_page_that_asks_fails_the_whole_part(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_gpu(t, 0, 2, 0, PROT_READ | PROT_WRITE);
	t->pfns[0] = 0;
	t->pfns[1] = HMM_READ;
	assert_int_equal(hmm_bench_fault_each(t, 0, 2), -EFAULT);
	t->pfns[0] = t->pfns[1] = 0;
	assert_int_equal(hmm_bench_fault_each(t, 0, 2), 0);
}

/*	|rr|	H3 */
static void test_h3_a_write_to_a_read_only_vma_is_eperm(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, PROT_READ);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_WRITE), -EPERM);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_READ), 0);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_WRITE), -EPERM);
}

/*	|xxx|	H4: looked at, nothing; asked for, there */
static void test_h4_nothing_there_is_zero_or_faulted_in(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 3, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 3, 0), 0);
	assert_int_equal(t->pfns[0] | t->pfns[1] | t->pfns[2], 0);
	assert_int_equal(hmm_bench_fault(t, 0, 3, HMM_WRITE), 0);
	assert_int_equal(flags_of(t->pfns[0] & t->pfns[1] & t->pfns[2]), RW);
	assert_int_equal(hmm_bench_fault(t, 0, 3, 0), 0);
	assert_int_equal(flags_of(t->pfns[2]), RW);
}

/*	|x.|	the answer is -EFAULT, and the part before the hole has been faulted in (as recorded) */
static void test_h4_the_part_before_a_failure_is_faulted_in(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_WRITE), -EFAULT);
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_int_equal(flags_of(t->pfns[0]), RW);
}

/*	|ww|	H5: page 0 is swapped out */
static void test_h5_a_swapped_page_is_zero_or_read_in(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 2, 7);
	assert_int_equal(p2psim_reclaim_address(t->app, AT(0)), 0);
	assert_int_equal(hmm_bench_fault(t, 0, 2, 0), 0);
	assert_int_equal(t->pfns[0], 0);
	assert_int_equal(flags_of(t->pfns[1]), RW);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_READ), 0);
	assert_int_equal(byte_of(t->pfns[0]), 7);
}

/*	|wr|	H8 */
static void test_h8_a_present_page_says_what_the_cpu_may_do(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 2, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 2, 7);
	assert_int_equal(p2psim_mprotect(t->app, AT(1), PAGES(1), PROT_READ), 0);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_READ), 0);
	assert_int_equal(flags_of(t->pfns[0]), RW);
	assert_int_equal(flags_of(t->pfns[1]), HMM_PFN_VALID);
	assert_int_equal(hmm_pfn_to_map_order(t->pfns[0]), 0);
	assert_int_equal(byte_of(t->pfns[1]), 7);
}

/*
 * A write fault that copies invalidates the page, and finds its own invalidation at the restart: -EBUSY, once.  The
 * caller's loop takes it as any other collision.
 */
static int fault_again(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags)
{
	assert_int_equal(hmm_bench_fault(t, first, count, flags), -EBUSY);
	return hmm_bench_fault(t, first, count, flags);
}

/* H9: read-only in the page table, writable in the VMA again: a write fault makes it so, a read leaves it. */
static void test_h9_a_read_only_entry_is_write_faulted(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	assert_int_equal(p2psim_load_byte(t->app, AT(0)), 0);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_READ), 0);
	assert_int_equal(flags_of(t->pfns[0]), HMM_PFN_VALID);
	assert_int_equal(fault_again(t, 0, 1, HMM_WRITE), 0);
	assert_int_equal(flags_of(t->pfns[0]), RW);
}

/*	|0|	H10: zeros that were read: VALID, never WRITE, and another page after a write */
static void test_h10_the_zero_page_is_valid_and_not_writable(void **state)
{
	struct hmm_bench *t = *state;
	unsigned long zero;

	hmm_bench_anon(t, 0, 2, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 2, HMM_READ), 0);
	zero = t->pfns[0];
	assert_int_equal(flags_of(zero), HMM_PFN_VALID);
	assert_int_equal(t->pfns[0], t->pfns[1]);
	assert_true(is_zero_pfn(zero & ~HMM_PFN_FLAGS));
	assert_int_equal(fault_again(t, 0, 1, HMM_WRITE), 0);
	assert_int_not_equal(t->pfns[0] & ~HMM_PFN_FLAGS, zero & ~HMM_PFN_FLAGS);
}

static vm_fault_t insert_raw_pfn(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address, 0xc0000);
}

/*	|d|	H11: a raw pfn in a VM_MIXEDMAP VMA: HMM walks in and meets something without a page */
static void test_h11_a_special_entry_is_efault_or_error(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.vm_flags = VM_MIXEDMAP;
	t->gpu.ops.fault = insert_raw_pfn;
	hmm_bench_gpu(t, 0, 1, 0, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_int_equal(t->pfns[0], 0);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_READ), -EFAULT);
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_true(t->pfns[0] == HMM_PFN_ERROR);
}

/* H11: VM_MIXEDMAP itself is no obstacle: a page in it is VALID. */
static void test_h11_a_page_of_a_mixed_map_is_valid(void **state)
{
	struct hmm_bench *t = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	struct vm_area_struct *vma;

	t->gpu.vm_flags = VM_MIXEDMAP;
	hmm_bench_gpu(t, 0, 1, 0, PROT_READ | PROT_WRITE);
	mmap_write_lock(t->mm);
	vma = vma_lookup(t->mm, AT(0));
	assert_int_equal(vm_insert_page(vma, AT(0), page), 0);
	mmap_write_unlock(t->mm);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_READ), 0);
	assert_ptr_equal(hmm_pfn_to_page(t->pfns[0]), page);
	put_page(page);
}

/* Writes an entry as no system call can yet; the old one is the result. */
static pte_t poke(struct hmm_bench *t, unsigned long page, pte_t value)
{
	pte_t *pte = p2psim_pte_lookup(t->mm, AT(page)), old = *pte;

	*pte = value;
	return old;
}

/* H7: something that no fault can resolve: poison. */
static void test_h7_an_unknown_entry_is_efault_or_zero(void **state)
{
	struct hmm_bench *t = *state;
	pte_t old;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 1, 7);
	old = poke(t, 0, __pte(1UL << 11));
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_READ), -EFAULT);
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_int_equal(t->pfns[0], 0);
	poke(t, 0, old);
}

/* H12: a PROT_NONE entry in a VMA that can be read, as NUMA balancing leaves it. */
static void test_h12_a_protnone_entry_is_zero(void **state)
{
	struct hmm_bench *t = *state;
	pte_t old;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 1, 7);
	old = *p2psim_pte_lookup(t->mm, AT(0));
	poke(t, 0, __pte((pte_val(old) & ~(u64)P2PSIM_PTE_PRESENT) | P2PSIM_PTE_PROTNONE));
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_int_equal(t->pfns[0], 0);
	poke(t, 0, old);
}

/*	|xxxx|	least obvious (1): page 1 asks to be written; 2 and 3, which asked nothing, are faulted as well */
static void test_a_fault_takes_its_neighbours_along(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 4, PROT_READ | PROT_WRITE);
	hmm_bench_anon(t, 8, 1, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 8, 1, 1); /* there is a page table */
	memset(t->pfns, 0, sizeof(t->pfns));
	t->pfns[1] = HMM_WRITE;
	assert_int_equal(hmm_bench_fault_each(t, 0, 4), 0);
	assert_int_equal(t->pfns[0], 0);
	assert_int_equal(flags_of(t->pfns[1]), RW);
	assert_int_equal(flags_of(t->pfns[3]), RW);
}

/* REQ_WRITE alone asks for nothing; a mask that lets nothing through is a look. */
static void test_without_req_fault_nothing_is_faulted(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_PFN_REQ_WRITE), 0);
	assert_int_equal(t->pfns[0], 0);
	t->pfns[0] = HMM_WRITE;
	hmm_bench_begin(t, 0, 1, 0);
	mmap_read_lock(t->mm);
	assert_int_equal(hmm_range_fault(&t->range), 0);
	mmap_read_unlock(t->mm);
	assert_int_equal(t->pfns[0], 0);
}

/* (7) */
static void test_an_empty_range_is_einval(void **state)
{
	struct hmm_bench *t = *state;

	assert_int_equal(hmm_bench_fault(t, 3, 0, HMM_READ), -EINVAL);
	t->range.end = t->range.start - PAGE_SIZE;
	assert_int_equal(hmm_range_fault(&t->range), -EINVAL);
}

/* (3): out of memory in the fault handler is -EFAULT, and the next try succeeds. */
static void test_out_of_memory_is_efault(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	p2psim_inject_fail_nth(t->world, 1);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_WRITE), -EFAULT);
	p2psim_inject_fail_nth(t->world, 0);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_WRITE), 0);
}

/* -EBUSY is an invalidation between read_begin() and the walk, of any page of the interval. */
static void test_an_invalidation_since_read_begin_is_ebusy(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	hmm_bench_anon(t, 8, 1, PROT_READ | PROT_WRITE);
	hmm_bench_begin(t, 0, 1, HMM_READ);
	assert_int_equal(p2psim_munmap(t->app, AT(8), PAGES(1)), 0);
	mmap_read_lock(t->mm);
	assert_int_equal(hmm_range_fault(&t->range), -EBUSY);
	mmap_read_unlock(t->mm);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_READ), 0);
}

static void nic_faults_two_pages(void *arg)
{
	struct hmm_bench *t = arg;

	P2PSIM_CHECK(hmm_bench_fault(t, 0, 2, HMM_READ) == -EBUSY);
}

/*
 *	nic0				kswapd
 *	walk: page 0 VALID
 *					page 0: out
 *	walk: page 1, nothing: fault
 *	check_retry(): -EBUSY
 *
 * Reclaim takes no mmap_lock.  The walk restarts after its fault, and meets the invalidation there.
 */
static void test_an_invalidation_during_the_walk_is_met_at_the_restart(void **state)
{
	struct hmm_bench *t = *state;
	struct task_struct *nic;
	int i;

	hmm_bench_anon(t, 0, 2, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 1, 7);
	nic = p2psim_task_spawn("nic0", nic_faults_two_pages, t);
	for (i = 0; i < 2; i++)
		assert_int_equal(p2psim_run_until(nic, "hmm:walk"), 0);
	assert_int_equal(p2psim_reclaim_address(t->app, AT(0)), 0);
	assert_int_equal(p2psim_run(), 0);
	assert_null(p2psim_world_violation(t->world));
}

/* The page of an entry: of one without VALID there is none to be had, of a P2P entry there is none at all. */
static void test_only_a_valid_entry_has_a_page(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 1, 7);
	assert_int_equal(hmm_bench_fault(t, 0, 1, 0), 0);
	assert_ptr_equal(hmm_pfn_to_page(t->pfns[0]), pfn_to_page(t->pfns[0] & ~HMM_PFN_FLAGS));
	assert_null(hmm_pfn_to_page(HMM_PFN_VALID | HMM_PFN_P2P));
	assert_true(hmm_pfn_to_phys(HMM_PFN_VALID | HMM_PFN_P2P) == ~(phys_addr_t)0);
	assert_null(hmm_pfn_to_page(HMM_PFN_ERROR));
	assert_violation(t->world, P2PSIM_CONTRACT, "not VALID");
}

static void test_without_mmap_lock_it_is_a_contract_violation(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	hmm_bench_touch(t, 0, 1, 7);
	hmm_bench_begin(t, 0, 1, 0);
	hmm_range_fault(&t->range);
	assert_violation(t->world, P2PSIM_CONTRACT, "without mmap_lock");
}

/* 9.8: a fault may copy, and then invalidate: not under the lock that the callback takes. */
static void test_9_8_under_the_lock_of_the_callback_it_is_a_circle(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_anon(t, 0, 1, PROT_READ | PROT_WRITE);
	assert_int_equal(p2psim_munmap(t->app, AT(0), PAGES(1)), 0); /* teaches mmu_notifier > lock */
	hmm_bench_begin(t, 0, 1, 0);
	mmap_read_lock(t->mm);
	mutex_lock(&t->nic0.lock);
	hmm_range_fault(&t->range);
	mutex_unlock(&t->nic0.lock);
	mmap_read_unlock(t->mm);
	assert_violation(t->world, P2PSIM_LOCKGRAPH, "mmu_notifier");
}

static void test_outside_the_interval_it_is_a_contract_violation(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_fault(t, HMM_IMPORTER_PAGES - 1, 2, 0);
	assert_violation(t->world, P2PSIM_CONTRACT, "outside its notifier's");
	hmm_bench_begin(t, 0, 1, 0);
	t->range.start += 8;
	mmap_read_lock(t->mm);
	hmm_range_fault(&t->range);
	mmap_read_unlock(t->mm);
	assert_violation(t->world, P2PSIM_CONTRACT, "which are no pages");
}

static void test_a_sequence_out_of_thin_air_is_a_contract_violation(void **state)
{
	struct hmm_bench *t = *state;

	hmm_bench_begin(t, 0, 1, 0);
	t->range.notifier_seq++;
	mmap_read_lock(t->mm);
	hmm_range_fault(&t->range);
	mmap_read_unlock(t->mm);
	assert_violation(t->world, P2PSIM_CONTRACT, "read_begin() did not give");
}

static vm_fault_t does_nothing(struct vm_fault *vmf)
{
	return VM_FAULT_NOPAGE;
}

/* A fault handler that always says "I have installed it myself" and never does. */
static void test_a_fault_without_effect_is_a_livelock(void **state)
{
	struct hmm_bench *t = *state;

	t->gpu.vm_flags = VM_MIXEDMAP;
	t->gpu.ops.fault = does_nothing;
	hmm_bench_gpu(t, 0, 1, 0, PROT_READ | PROT_WRITE);
	assert_int_equal(hmm_bench_fault(t, 0, 1, HMM_READ), -EBUSY);
	assert_violation(t->world, P2PSIM_PROGRESS, "still not there");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		hmm_test(test_h1_a_hole_is_efault_or_error),
		hmm_test(test_h2_a_device_vma_is_efault_or_error),
		hmm_test(test_h2_a_vma_that_cannot_be_read_is_efault),
		hmm_test(test_h2_one_page_that_asks_fails_the_whole_part),
		hmm_test(test_h3_a_write_to_a_read_only_vma_is_eperm),
		hmm_test(test_h4_nothing_there_is_zero_or_faulted_in),
		hmm_test(test_h4_the_part_before_a_failure_is_faulted_in),
		hmm_test(test_h5_a_swapped_page_is_zero_or_read_in),
		hmm_test(test_h7_an_unknown_entry_is_efault_or_zero),
		hmm_test(test_h8_a_present_page_says_what_the_cpu_may_do),
		hmm_test(test_h9_a_read_only_entry_is_write_faulted),
		hmm_test(test_h10_the_zero_page_is_valid_and_not_writable),
		hmm_test(test_h11_a_special_entry_is_efault_or_error),
		hmm_test(test_h11_a_page_of_a_mixed_map_is_valid),
		hmm_test(test_h12_a_protnone_entry_is_zero),
		hmm_test(test_a_fault_takes_its_neighbours_along),
		hmm_test(test_without_req_fault_nothing_is_faulted),
		hmm_test(test_an_empty_range_is_einval),
		hmm_test(test_out_of_memory_is_efault),
		hmm_test(test_an_invalidation_since_read_begin_is_ebusy),
		hmm_test(test_an_invalidation_during_the_walk_is_met_at_the_restart),
		hmm_test(test_only_a_valid_entry_has_a_page),
		hmm_test(test_without_mmap_lock_it_is_a_contract_violation),
		hmm_test(test_9_8_under_the_lock_of_the_callback_it_is_a_circle),
		hmm_test(test_outside_the_interval_it_is_a_contract_violation),
		hmm_test(test_a_sequence_out_of_thin_air_is_a_contract_violation),
		hmm_test(test_a_fault_without_effect_is_a_livelock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
