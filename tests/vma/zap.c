/* SPDX-License-Identifier: MIT */
/*
 * What drivers revoke with: zap_vma_ptes() and unmap_mapping_range() (2.5, 2.6, 3.4).
 */
#include "explored.h"
#include "vma_pages.h"

static void filled_device(struct vma_bench *b, unsigned long first, unsigned long pages)
{
	b->fills = true;
	bench_device(b, first, pages);
}

static void test_zap_vma_ptes_announces_its_range(void **state)
{
	struct vma_bench *b = *state;

	filled_device(b, 0, 4);
	pages_listen(b);
	mmap_read_lock(b->mm);
	zap_vma_ptes(vma_lookup(b->mm, AT(0)), AT(1), PAGES(2));
	mmap_read_unlock(b->mm);
	assert_string_equal(bench_log(b), "CLEAR 1-3 R; end; ");
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	assert_string_equal(pages_state(b, 1), "none");
	assert_string_equal(pages_state(b, 2), "none");
	assert_string_equal(pages_state(b, 3), "pfn-rw");
}

static void test_zap_vma_ptes_does_nothing_outside_or_without_VM_PFNMAP(void **state)
{
	struct vma_bench *b = *state;

	filled_device(b, 0, 2);
	bench_anon(b, 4, 1, RW);
	bench_touch(b, 4);
	pages_listen(b);
	zap_vma_ptes(bench_vma(b, 0), AT(1), PAGES(2));
	zap_vma_ptes(bench_vma(b, 0), AT(0) - PAGE_SIZE, PAGES(2));
	zap_vma_ptes(bench_vma(b, 0), AT(0), ~0UL);
	zap_vma_ptes(bench_vma(b, 0), AT(5), PAGES(1));
	zap_vma_ptes(bench_vma(b, 4), AT(4), PAGES(1));
	assert_string_equal(bench_log(b), "");
	assert_string_equal(pages_state(b, 1), "pfn-rw");
	assert_string_equal(pages_state(b, 4), "rw");
}

/*
 *	app	0  1  2  3  4  5	split by munmap of [2, 3); the file's pages 1..4 are revoked
 *		AAAAA    BBBBBBB
 *	other	   CCCCC		maps the file's pages 4, 5
 */
static void test_unmap_mapping_range_reaches_each_VMA_of_each_process(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");
	struct mm_struct *mm = p2psim_process_mm(other);
	const pte_t *pte;

	filled_device(b, 0, 6);
	bench_unmap(b, 2, 1);
	p2psim_mmap(other, AT(1), PAGES(2), RW, MAP_SHARED | MAP_FIXED, b->file, PAGES(4));
	pages_listen(b);
	unmap_mapping_range(b->file->f_mapping, PAGES(1), PAGES(4), 1);
	assert_string_equal(bench_log(b), "CLEAR 1-2 -; end; CLEAR 3-5 -; end; ");
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	assert_string_equal(pages_state(b, 3), "none");
	assert_string_equal(pages_state(b, 5), "pfn-rw");
	pte = p2psim_pte_lookup(mm, AT(1));
	assert_true(pte && pte_none(pte[0]) && !pte_none(pte[1]));
	p2psim_process_exit(other);
}

static void test_a_length_of_0_means_to_the_end(void **state)
{
	struct vma_bench *b = *state;

	filled_device(b, 0, 4);
	pages_listen(b);
	unmap_mapping_range(b->file->f_mapping, PAGES(1), 0, 1);
	assert_string_equal(bench_log(b), "CLEAR 1-4 -; end; ");
	unmap_mapping_range(b->file->f_mapping, PAGES(4), 0, 1);
	assert_string_equal(bench_log(b), "");
	unmap_mapping_range(b->file->f_mapping, PAGES(3), 1, 1);
	assert_string_equal(bench_log(b), "CLEAR 3-4 -; end; ");
}

/* The event comes before anybody looks at entries: so it is the revoke signal even for a VMA that nobody has touched. */
static void test_it_is_announced_although_nothing_is_mapped(void **state)
{
	struct vma_bench *b = *state;

	b->set_flags = VM_PFNMAP | VM_IO;
	bench_device(b, 0, 2);
	pages_listen(b);
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_string_equal(bench_log(b), "CLEAR 0-2 -; end; ");
	zap_vma_ptes(bench_vma(b, 0), AT(0), PAGES(1));
	assert_string_equal(bench_log(b), "CLEAR 0-1 -; end; ");
	assert_null(b->mm->pgd);
}

/*
 *	0   1   2	private; page 0 was written (a copy), page 1 was read (the file's)
 *	even_cows 0: the copy stays; 1: both go.  The event is the same
 */
static void test_even_cows_decides_over_private_copies(void **state)
{
	struct vma_bench *b = *state;

	pages_private(b, 0, 2, RW);
	pages_store(b, 0, 5);
	pages_load(b, 1);
	pages_listen(b);
	unmap_mapping_range(b->file->f_mapping, 0, 0, 0);
	assert_string_equal(bench_log(b), "CLEAR 0-2 -; end; ");
	assert_string_equal(pages_state(b, 0), "rw");
	assert_string_equal(pages_state(b, 1), "none");
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_string_equal(pages_state(b, 0), "none");
	assert_int_equal(pages_load(b, 0), 7);
}

static void test_a_copy_in_swap_is_a_copy(void **state)
{
	struct vma_bench *b = *state;

	pages_private(b, 0, 1, RW);
	pages_store(b, 0, 5);
	assert_int_equal(p2psim_reclaim_address(b->app, AT(0)), 0);
	unmap_mapping_range(b->file->f_mapping, 0, 0, 0);
	assert_string_equal(pages_state(b, 0), "swap");
	assert_int_equal(pages_load(b, 0), 5);
	p2psim_reclaim_address(b->app, AT(0));
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_string_equal(pages_state(b, 0), "none"); /* the slot is free: the end of the world looks */
}

static void revokes(void *arg)
{
	struct vma_bench *b = arg;

	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	P2PSIM_CHECK(pte_none(pages_entry(b, 0)));
}

/* Somebody holds mmap_lock for writing, and sleeps: the revocation does not care. */
static void test_it_takes_no_mmap_lock(void **state)
{
	struct vma_bench *b = *state;
	struct task_struct *gpu;

	filled_device(b, 0, 1);
	mmap_write_lock(b->mm);
	gpu = p2psim_task_spawn("gpu0", revokes, b);
	assert_int_equal(p2psim_run_alone(gpu), 0);
	assert_true(p2psim_task_done(gpu));
	mmap_write_unlock(b->mm);
}

/* 2.6: dirty entries of file pages make the page dirty; references and map counts go down. */
static void test_zapping_gives_back_what_entries_hold(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	t->keeps = true;
	bench_device(b, 0, 1);
	pages_load(b, 0);
	assert_int_equal(page_count(t->page), 2);
	assert_int_equal(pages_store(b, 0, 1), 0);
	assert_false(PageDirty(t->page));
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_true(PageDirty(t->page));
	assert_int_equal(page_mapcount(t->page), 0);
	assert_int_equal(page_count(t->page), 1);
	assert_int_equal(b->mm->rss_file, 0);
	put_page(t->page);
}

/* ---- dependencies, over every interleaving ---- */

struct race {
	struct p2psim_process *app;
	struct file *file;
	unsigned long pfn;
	uint8_t byte;		/* what the device has read */
};

static vm_fault_t give(struct vm_fault *vmf)
{
	vmf->page = alloc_page(GFP_KERNEL);
	return vmf->page ? 0 : VM_FAULT_OOM;
}

static int map(struct file *file, struct vm_area_struct *vma)
{
	static const struct vm_operations_struct ops = { .fault = give };

	vma->vm_ops = &ops;
	return 0;
}

static const struct file_operations race_fops = { .mmap = map };

static int untouched(void *state)
{
	struct race *r = state;

	r->app = p2psim_process_create("app");
	r->file = p2psim_file_create("gpu0", &race_fops, NULL, FMODE_READ | FMODE_WRITE);
	if (!r->app || !r->file)
		return -ENOMEM;
	return p2psim_mmap(r->app, AT(0), PAGES(3), RW, MAP_SHARED | MAP_FIXED, r->file, 0) > 0 ? 0 : -ENOMEM;
}

static int touched(void *state)
{
	struct race *r = state;
	int error = untouched(state);

	if (error || p2psim_store_byte(r->app, AT(0), 1))
		return -ENOMEM;
	r->pfn = pte_pfn(*p2psim_pte_lookup(p2psim_process_mm(r->app), AT(0)));
	return 0;
}

static void gpu_revokes(void *state)
{
	unmap_mapping_range(((struct race *)state)->file->f_mapping, 0, 0, 1);
}

static void touches_the_second(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->app, AT(1), 1));
}

static bool is_mapped_at_the_end(void *state)
{
	const pte_t *pte = p2psim_pte_lookup(p2psim_process_mm(((struct race *)state)->app), AT(1));

	return pte && !pte_none(*pte);
}

/* A device that was never told: it has the page's address, and no notifier. */
static void device_reads(void *state)
{
	struct race *r = state;

	p2psim_step_range(P2PSIM_STEP_DMA_READ, P2PSIM_OBJ_RAM, false, r->pfn, r->pfn, NULL);
	p2psim_ram_read((uint64_t)r->pfn << PAGE_SHIFT, &r->byte, 1);
}

static void race_ends(void *state)
{
	struct race *r = state;

	p2psim_process_exit(r->app);
	fput(r->file);
}

/* The revocation finds nothing, or finds the page, depending on who is first. */
static const struct p2psim_scenario revoke_and_first_touch = {
	.name = "vma/revoke+first-touch", .question = "Is a page there after a revocation?", .source = "mm/memory.c, 6.1",
	.state_size = sizeof(struct race), .setup = untouched,
	.tasks = { { "gpu0", gpu_revokes }, { "app", touches_the_second } },
	.exists = is_mapped_at_the_end, .teardown = race_ends, .expect = P2PSIM_SOMETIMES,
};

static const struct p2psim_scenario revoke_and_dma = {
	.name = "vma/revoke+dma!no-notifier", .question = "Does a device that was not told read a freed page?",
	.source = "invented", .state_size = sizeof(struct race), .setup = touched,
	.tasks = { { "nic0", device_reads }, { "gpu0", gpu_revokes } },
	.teardown = race_ends, .expect = P2PSIM_VIOLATION, .oracle = P2PSIM_STALE,
};

static void test_a_revocation_of_nothing_depends_on_a_first_touch(void **state)
{
	struct p2psim_explore_result result;

	explore_traces(&revoke_and_first_touch, &result);
	assert_true(result.exists > 0 && result.exists < result.executions);
}

static void test_freeing_a_page_depends_on_DMA_to_it(void **state)
{
	struct p2psim_explore_result result;

	explore_traces(&revoke_and_dma, &result);
	assert_true(result.violations > 0 && result.violations < result.executions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_zap_vma_ptes_announces_its_range),
		pages_test(test_zap_vma_ptes_does_nothing_outside_or_without_VM_PFNMAP),
		pages_test(test_unmap_mapping_range_reaches_each_VMA_of_each_process),
		pages_test(test_a_length_of_0_means_to_the_end),
		pages_test(test_it_is_announced_although_nothing_is_mapped),
		pages_test(test_even_cows_decides_over_private_copies),
		pages_test(test_a_copy_in_swap_is_a_copy),
		pages_test(test_it_takes_no_mmap_lock),
		pages_test(test_zapping_gives_back_what_entries_hold),
		cmocka_unit_test(test_a_revocation_of_nothing_depends_on_a_first_touch),
		cmocka_unit_test(test_freeing_a_page_depends_on_DMA_to_it),
	};

	return cmocka_run_group_tests_name("zap", tests, NULL, NULL);
}
