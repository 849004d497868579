/* SPDX-License-Identifier: MIT */
/*
 * How drivers fill a VMA: each row of 2.5 with its errnos, and what the kernel would BUG() on.
 *
 * The calls come from ->mmap() as they do in drivers, or by hand under mmap_lock.
 */
#include "vma_pages.h"

static struct vm_area_struct *locked_vma(struct vma_bench *b, unsigned long page)
{
	mmap_write_lock(b->mm);
	return vma_lookup(b->mm, AT(page));
}

static void unlock(struct vma_bench *b)
{
	mmap_write_unlock(b->mm);
}

/* ---- remap_pfn_range() ---- */

static void test_remap_pfn_range_maps_and_marks_the_VMA(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	b->fills = true;
	bench_device(b, 1, 2);
	vma = bench_vma(b, 1);
	assert_int_equal(vma->vm_flags & (VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP),
			 VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	assert_string_equal(pages_state(b, 1), "pfn-rw");
	assert_int_equal(pte_pfn(pages_entry(b, 2)), DEVICE_PFN + 2);
	assert_int_equal(b->mm->rss_file, 0);
}

static void test_remap_pfn_range_of_a_part_of_a_private_VMA_is_refused(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	pages_private(b, 0, 2, RW);
	vma = locked_vma(b, 0);
	assert_int_equal(remap_pfn_range(vma, AT(0), DEVICE_PFN, PAGES(1), vma->vm_page_prot), -EINVAL);
	assert_int_equal(remap_pfn_range(vma, AT(0), DEVICE_PFN, PAGES(2), vma->vm_page_prot), 0);
	unlock(b);
	assert_int_equal(vma->vm_pgoff, DEVICE_PFN); /* the linear rule: which page is the original */
	assert_string_equal(pages_state(b, 1), "pfn-ro");
}

static void test_remap_pfn_range_of_what_is_not_aligned_is_refused(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	bench_device(b, 0, 2);
	vma = locked_vma(b, 0);
	assert_int_equal(remap_pfn_range(vma, AT(0) + 1, DEVICE_PFN, PAGE_SIZE, vma->vm_page_prot), -EINVAL);
	assert_null(p2psim_world_violation(b->world));
	assert_false(vma->vm_flags & VM_PFNMAP);
	unlock(b);
}

static void test_remap_pfn_range_outside_over_or_without_the_lock_is_a_violation(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	bench_device(b, 0, 2);
	vma = locked_vma(b, 0);
	assert_int_equal(remap_pfn_range(vma, AT(1), DEVICE_PFN, PAGES(2), vma->vm_page_prot), -EINVAL);
	assert_violation(b->world, P2PSIM_RANGE, "reaches out of its VMA");
	remap_pfn_range(vma, AT(1), DEVICE_PFN, 0, vma->vm_page_prot);
	assert_violation(b->world, P2PSIM_RANGE, "reaches out of its VMA");
	assert_int_equal(remap_pfn_range(vma, AT(1), DEVICE_PFN, PAGES(1), vma->vm_page_prot), 0);
	assert_int_equal(remap_pfn_range(vma, AT(1), DEVICE_PFN, PAGES(1), vma->vm_page_prot), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "over what is mapped");
	unlock(b);
	remap_pfn_range(vma, AT(0), DEVICE_PFN, PAGES(1), vma->vm_page_prot);
	assert_violation(b->world, P2PSIM_CONTRACT, "mmap_lock");
}

/* No memory for the second table: what the first holds is taken back, announced. */
static void test_remap_pfn_range_without_memory_is_undone(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	b->set_flags = VM_IO;
	bench_device(b, 0x1ff, 2);
	pages_listen(b);
	vma = locked_vma(b, 0x1ff);
	p2psim_inject_fail_nth(b->world, 5);
	assert_int_equal(remap_pfn_range(vma, AT(0x1ff), DEVICE_PFN, PAGES(2), vma->vm_page_prot), -ENOMEM);
	assert_string_equal(pages_state(b, 0x1ff), "none");
	assert_string_equal(bench_log(b), "CLEAR 1ff-201 W; end; ");
	p2psim_inject_fail_nth(b->world, 0);
	unlock(b);
}

/* ---- vm_insert_page() ---- */

static void test_vm_insert_page_takes_a_reference_and_mixes_the_VMA(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	struct vm_area_struct *vma;

	bench_device(b, 0, 2);
	vma = locked_vma(b, 0);
	assert_int_equal(vm_insert_page(vma, AT(0), page), 0);
	assert_int_equal(vm_insert_page(vma, AT(0), page), -EBUSY);
	unlock(b);
	assert_true(vma->vm_flags & VM_MIXEDMAP);
	assert_int_equal(page_count(page), 2);
	assert_int_equal(page_mapcount(page), 1);
	assert_int_equal(b->mm->rss_file, 1);
	assert_string_equal(pages_state(b, 0), "rw");
	put_page(page);
}

static void test_vm_insert_page_refuses(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL), *freed = alloc_page(GFP_KERNEL);
	struct vm_area_struct *vma;

	put_page(freed);
	bench_device(b, 0, 2);
	bench_anon(b, 4, 1, RW);
	bench_touch(b, 4);
	freed = alloc_page(GFP_KERNEL);
	put_page(freed);
	vma = locked_vma(b, 0);
	assert_int_equal(vm_insert_page(vma, AT(2), page), -EFAULT);
	assert_int_equal(vm_insert_page(vma, AT(0) - 1, page), -EFAULT);
	assert_int_equal(vm_insert_page(vma, AT(0), freed), -EINVAL);
	assert_int_equal(vm_insert_page(vma, AT(0), pages_page(b, 4)), -EINVAL);
	p2psim_inject_fail_nth(b->world, 1);
	assert_int_equal(b->mm->rss_file, 0);
	assert_int_equal(vm_insert_page(vma, AT(0), page), 0); /* the table is there already */
	p2psim_inject_fail_nth(b->world, 0);
	unlock(b);
	put_page(page);
}

static void test_vm_insert_page_without_memory(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	struct vm_area_struct *vma;

	bench_device(b, 0, 2);
	vma = locked_vma(b, 0);
	p2psim_inject_fail_nth(b->world, 1);
	assert_int_equal(vm_insert_page(vma, AT(0), page), -ENOMEM);
	p2psim_inject_fail_nth(b->world, 0);
	unlock(b);
	assert_int_equal(page_count(page), 1);
	put_page(page);
}

static void test_vm_insert_page_in_the_wrong_place_is_a_violation(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);

	b->fills = true;
	bench_device(b, 0, 1);
	assert_int_equal(vm_insert_page(locked_vma(b, 0), AT(0), page), -EINVAL);
	assert_violation(b->world, P2PSIM_CONTRACT, "VM_PFNMAP");
	unlock(b);
	b->fills = false;
	bench_device(b, 4, 1);
	vm_insert_page(bench_vma(b, 4), AT(4), page);
	assert_violation(b->world, P2PSIM_CONTRACT, "mmap_lock");
	put_page(page);
}

/* From ->fault(), under the read lock, once the VMA is mixed. */
static void test_vm_insert_page_into_a_mixed_VMA_needs_no_write_lock(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);

	b->set_flags = VM_MIXEDMAP;
	bench_device(b, 0, 1);
	mmap_read_lock(b->mm);
	assert_int_equal(vm_insert_page(vma_lookup(b->mm, AT(0)), AT(0), page), 0);
	mmap_read_unlock(b->mm);
	put_page(page);
}

/* ---- vmf_insert_pfn() ---- */

static void test_vmf_insert_pfn_keeps_what_is_there(void **state)
{
	struct vma_bench *b = *state;
	struct vm_area_struct *vma;

	b->set_flags = VM_PFNMAP;
	bench_device(b, 0, 2);
	vma = locked_vma(b, 0);
	assert_int_equal(vmf_insert_pfn(vma, AT(0), DEVICE_PFN), VM_FAULT_NOPAGE);
	assert_int_equal(vmf_insert_pfn(vma, AT(0), DEVICE_PFN + 1), VM_FAULT_NOPAGE);
	assert_int_equal(pte_pfn(pages_entry(b, 0)), DEVICE_PFN);
	assert_int_equal(vmf_insert_pfn(vma, AT(2), DEVICE_PFN), VM_FAULT_SIGBUS);
	unlock(b);
}

static void test_vmf_insert_pfn_without_memory(void **state)
{
	struct vma_bench *b = *state;

	b->set_flags = VM_PFNMAP;
	bench_device(b, 0, 1);
	p2psim_inject_fail_nth(b->world, 1);
	assert_int_equal(vmf_insert_pfn(bench_vma(b, 0), AT(0), DEVICE_PFN), VM_FAULT_OOM);
	p2psim_inject_fail_nth(b->world, 0);
}

static void test_vmf_insert_pfn_into_the_wrong_VMA_is_a_violation(void **state)
{
	static const struct {
		unsigned long flags;
		bool is_private, has_page;
	} rows[] = {
		{ 0, false, false },
		{ VM_PFNMAP | VM_MIXEDMAP, false, false },
		{ VM_PFNMAP, true, false },
		{ VM_MIXEDMAP, false, true },
	};
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		b->set_flags = rows[i].flags;
		if (rows[i].is_private)
			pages_private(b, 0, 1, RW);
		else
			bench_device(b, 0, 1);
		assert_int_equal(vmf_insert_pfn(bench_vma(b, 0), AT(0), rows[i].has_page ? page->pfn : DEVICE_PFN),
				 VM_FAULT_SIGBUS);
		assert_violation(b->world, P2PSIM_CONTRACT, "vmf_insert_pfn");
	}
	put_page(page);
}

/* ---- follow_pfn() ---- */

static void test_follow_pfn_tells_only_of_device_VMAs(void **state)
{
	struct vma_bench *b = *state;
	unsigned long pfn = 0;

	b->set_flags = VM_PFNMAP;
	bench_device(b, 0, 2);
	vmf_insert_pfn(bench_vma(b, 0), AT(0), DEVICE_PFN);
	bench_anon(b, 4, 1, RW);
	bench_touch(b, 4);
	assert_int_equal(follow_pfn(bench_vma(b, 0), AT(0), &pfn), 0);
	assert_int_equal(pfn, DEVICE_PFN);
	assert_int_equal(follow_pfn(bench_vma(b, 0), AT(1), &pfn), -EINVAL);
	assert_int_equal(follow_pfn(bench_vma(b, 4), AT(4), &pfn), -EINVAL);
}

/* ---- permissions: mprotect() of pfns ---- */

/* No driver wants to hear of writes: the write permission comes back at once. */
static void test_shared_pfns_are_writable_at_once(void **state)
{
	struct vma_bench *b = *state;

	b->fills = true;
	bench_device(b, 0, 1);
	bench_protect(b, 0, 1, PROT_READ);
	assert_string_equal(pages_state(b, 0), "pfn-ro");
	bench_protect(b, 0, 1, RW);
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	bench_protect(b, 0, 1, PROT_NONE);
	assert_string_equal(pages_state(b, 0), "prot-none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_remap_pfn_range_maps_and_marks_the_VMA),
		pages_test(test_remap_pfn_range_of_a_part_of_a_private_VMA_is_refused),
		pages_test(test_remap_pfn_range_of_what_is_not_aligned_is_refused),
		pages_test(test_remap_pfn_range_outside_over_or_without_the_lock_is_a_violation),
		pages_test(test_remap_pfn_range_without_memory_is_undone),
		pages_test(test_vm_insert_page_takes_a_reference_and_mixes_the_VMA),
		pages_test(test_vm_insert_page_refuses),
		pages_test(test_vm_insert_page_without_memory),
		pages_test(test_vm_insert_page_in_the_wrong_place_is_a_violation),
		pages_test(test_vm_insert_page_into_a_mixed_VMA_needs_no_write_lock),
		pages_test(test_vmf_insert_pfn_keeps_what_is_there),
		pages_test(test_vmf_insert_pfn_without_memory),
		pages_test(test_vmf_insert_pfn_into_the_wrong_VMA_is_a_violation),
		pages_test(test_follow_pfn_tells_only_of_device_VMAs),
		pages_test(test_shared_pfns_are_writable_at_once),
	};

	return cmocka_run_group_tests_name("pfnmap", tests, NULL, NULL);
}
