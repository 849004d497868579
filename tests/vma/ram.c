/* SPDX-License-Identifier: MIT */
/*
 * RAM: allocation, bytes, counts, owners; MMIO windows; what CPU accesses reach, as steps name it.
 */
#include "explored.h"
#include "vma_pages.h"

/* The kernel keeps struct page at 64 bytes; so do we. */
_Static_assert(sizeof(struct page) <= 64, "struct page has grown");

/* 1 fresh, 2 fresh: an execution sees no page twice, so who comes too late finds a free one in every order. */
static void test_a_freed_page_rests_while_there_are_fresh_ones(void **state)
{
	struct page *a = alloc_page(GFP_KERNEL), *c;
	unsigned long first = page_to_pfn(a);

	put_page(a);
	c = alloc_page(GFP_KERNEL);
	assert_int_equal(page_to_pfn(c), first + 1);
	assert_int_equal(p2psim_ram_used(), 1);
	put_page(c);
}

/* A machine of 8 pages, one of them the caller's two. */
static void test_the_last_page_freed_is_the_first_taken_when_none_is_fresh(void **state)
{
	struct page *pages[8];
	uint32_t generation;
	int i;

	for (i = 0; i < 8; i++)
		pages[i] = alloc_page(GFP_KERNEL);
	assert_non_null(pages[7]);
	assert_null(alloc_page(GFP_KERNEL));
	generation = p2psim_page_generation(pages[2]);
	put_page(pages[5]);
	put_page(pages[2]);
	assert_ptr_equal(alloc_page(GFP_KERNEL), pages[2]);
	assert_ptr_equal(alloc_page(GFP_KERNEL), pages[5]);
	assert_int_equal(p2psim_page_generation(pages[2]), generation + 1);
	for (i = 0; i < 8; i++)
		put_page(pages[i]);
}

static void test_bytes_exist_only_where_something_was_stored(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL);
	uint8_t byte = 1, zeros[16] = {};

	p2psim_ram_write(page_to_phys(page), zeros, sizeof(zeros));
	assert_null(page->data);
	p2psim_ram_write(page_to_phys(page) + 8, &byte, 1);
	assert_non_null(page->data);
	p2psim_ram_read(page_to_phys(page) + 7, zeros, 3);
	assert_int_equal(zeros[0] + zeros[1] * 2 + zeros[2], 2);
	put_page(page);
	page = alloc_page(GFP_KERNEL);
	p2psim_ram_read(page_to_phys(page) + 8, &byte, 1);
	assert_int_equal(byte, 0);
	put_page(page);
}

static int setup_8_pages(void **state)
{
	static const struct p2psim_config config = { .ram_pages = 8 };

	return pages_setup_config(state, &config);
}

static void test_the_machine_has_as_many_pages_as_configured(void **state)
{
	struct vma_bench *b = *state;
	unsigned int i;

	bench_anon(b, 0, 16, RW);
	for (i = 0; i < 8; i++)
		assert_int_equal(pages_store(b, i, 1), 0);
	assert_int_equal(pages_store(b, 8, 1), -ENOMEM);
	assert_int_equal(pages_load(b, 8), -ENOMEM); /* not even one for zeros */
	assert_null(alloc_page(GFP_KERNEL));
	assert_int_equal(p2psim_ram_used(), 8);
	bench_unmap(b, 3, 1);
	assert_int_equal(pages_store(b, 8, 1), 0);
	assert_true(p2psim_pgtable_is_valid(b->mm));
}

static void test_a_free_page_is_not_to_be_read_or_written(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	uint8_t byte = 1;

	put_page(page);
	assert_int_equal(p2psim_ram_read(page_to_phys(page), &byte, 1), 0);
	assert_int_equal(byte, 0x6b);
	assert_violation(b->world, P2PSIM_STALE, "a read of page");
	p2psim_ram_write(page_to_phys(page), &byte, 1);
	assert_violation(b->world, P2PSIM_STALE, "a write of page");
	assert_int_equal(p2psim_ram_read(0, &byte, 1), -EFAULT);
	assert_int_equal(p2psim_ram_read((uint64_t)DEVICE_PFN << PAGE_SHIFT, &byte, 1), -EFAULT);
}

static void test_references_are_balanced(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);

	get_page(page);
	put_page(page);
	put_page(page);
	put_page(page);
	assert_violation(b->world, P2PSIM_BALANCE, "reference too many");
	get_page(page);
	assert_violation(b->world, P2PSIM_UAF, "which is free");
}

/* It keeps one for itself. */
static void test_references_of_the_zero_page_are_balanced(void **state)
{
	struct vma_bench *b = *state;
	struct page *zero = pfn_to_page(p2psim_zero_pfn());

	get_page(zero);
	put_page(zero);
	assert_null(p2psim_world_violation(b->world));
	put_page(zero);
	assert_violation(b->world, P2PSIM_BALANCE, "reference too many");
	assert_int_equal(page_count(zero), 1);
}

static void test_a_mapped_page_is_not_to_be_freed(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	put_page(pages_page(b, 0));
	assert_violation(b->world, P2PSIM_UAF, "while 1 entries map it");
}

static void test_an_access_stays_within_its_page(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	uint16_t two = 0;

	assert_int_equal(p2psim_ram_write(page_to_phys(page) + PAGE_SIZE - 1, &two, 2), -EFAULT);
	assert_violation(b->world, P2PSIM_RANGE, "reaches out of page");
	put_page(page);
}

static void test_the_zero_page_is_not_to_be_written(void **state)
{
	struct vma_bench *b = *state;
	uint8_t byte = 1;

	bench_anon(b, 0, 1, RW);
	pages_load(b, 0);
	p2psim_ram_write((uint64_t)p2psim_zero_pfn() << PAGE_SHIFT, &byte, 1);
	assert_violation(b->world, P2PSIM_DATA, "the zero page");
	assert_int_equal(pages_load(b, 0), 0);
}

static void test_somebody_elses_bytes_are_not_to_be_seen(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	assert_int_equal(p2psim_page_owner(pages_page(b, 0)), b->mm->obj.id);
	assert_int_equal(pages_load(b, 0), 1);
	p2psim_page_set_owner(pages_page(b, 0), p2psim_process_mm(other)->obj.id);
	pages_load(b, 0);
	assert_violation(b->world, P2PSIM_DATA, "somebody else's");
	p2psim_process_exit(other);
}

/* The owner goes to swap with the bytes, and is forgotten with the page. */
static void test_the_owner_follows_the_bytes(void **state)
{
	struct vma_bench *b = *state;
	struct page *page;

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	p2psim_reclaim_address(b->app, AT(0));
	page = alloc_page(GFP_KERNEL);
	assert_int_equal(p2psim_page_owner(page), 0);
	pages_load(b, 0);
	assert_int_equal(p2psim_page_owner(pages_page(b, 0)), b->mm->obj.id);
	put_page(page);
}

/* ---- the page lock ---- */

static void takes_the_page(void *arg)
{
	lock_page(arg);
	unlock_page(arg);
}

static void test_the_page_lock_excludes(void **state)
{
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);
	struct task_struct *task;

	lock_page(page);
	assert_int_equal(trylock_page(page), 0);
	task = p2psim_task_spawn("other", takes_the_page, page);
	assert_int_equal(p2psim_run_alone(task), -EAGAIN);
	unlock_page(page);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(trylock_page(page), 1);
	put_page(page);
	assert_violation(b->world, P2PSIM_BALANCE, "while it is locked");
	page = alloc_page(GFP_KERNEL);
	unlock_page(page);
	assert_violation(b->world, P2PSIM_BALANCE, "not locked");
	put_page(page);
}

/* ---- MMIO ---- */

#define BAR ((uint64_t)DEVICE_PFN << PAGE_SHIFT)

struct registers {
	uint8_t byte[2 * PAGE_SIZE];
	int error;
};

static int reads(void *arg, uint64_t phys, void *buf, size_t len)
{
	struct registers *r = arg;

	memcpy(buf, r->byte + (phys - BAR), len);
	return r->error;
}

static int writes(void *arg, uint64_t phys, const void *buf, size_t len)
{
	struct registers *r = arg;

	memcpy(r->byte + (phys - BAR), buf, len);
	return r->error;
}

static const struct p2psim_mmio registers_mmio = { reads, writes };

static void test_mmio_windows_are_registered_once(void **state)
{
	struct registers *r = calloc(1, sizeof(*r));
	struct vma_bench *b = *state;
	struct page *page = alloc_page(GFP_KERNEL);

	(void)b;
	assert_int_equal(p2psim_mmio_register(BAR, BAR, &registers_mmio, r), -EINVAL);
	assert_int_equal(p2psim_mmio_register(page_to_phys(page), BAR, &registers_mmio, r), -EINVAL);
	assert_int_equal(p2psim_mmio_register(BAR, BAR + PAGES(2), &registers_mmio, r), 0);
	assert_int_equal(p2psim_mmio_register(BAR + PAGES(1), BAR + PAGES(3), &registers_mmio, r), -EBUSY);
	assert_int_equal(p2psim_mmio_register(BAR - PAGES(1), BAR + 1, &registers_mmio, r), -EBUSY);
	assert_int_equal(p2psim_mmio_register(BAR + PAGES(2), BAR + PAGES(3), &registers_mmio, r), 0);
	p2psim_mmio_unregister(BAR);
	assert_int_equal(p2psim_mmio_register(BAR, BAR + PAGES(1), &registers_mmio, r), 0);
	put_page(page);
	free(r);
}

static void test_the_CPU_reaches_a_BAR_through_its_entries(void **state)
{
	struct registers *r = calloc(1, sizeof(*r));
	struct vma_bench *b = *state;

	p2psim_mmio_register(BAR, BAR + PAGES(2), &registers_mmio, r);
	b->fills = true;
	bench_device(b, 0, 3);
	assert_int_equal(pages_store(b, 1, 5), 0);
	assert_int_equal(r->byte[PAGE_SIZE], 5);
	assert_int_equal(pages_load(b, 1), 5);
	assert_int_equal(pages_load(b, 2), 0xff); /* nobody there: all ones */
	assert_int_equal(pages_store(b, 2, 1), 0); /* vanishes */
	r->error = -EIO;
	assert_int_equal(pages_load(b, 1), 0xff); /* there, and does not answer */
	p2psim_mmio_unregister(BAR);
	assert_int_equal(pages_load(b, 1), 0xff);
	free(r);
}

/* ---- dependencies: a CPU access and whatever else reaches the same page ---- */

struct race {
	struct p2psim_process *app;
	unsigned long pfn;
	int seen;
};

static int mapped_page(void *state)
{
	struct race *r = state;

	r->app = p2psim_process_create("app");
	if (!r->app || p2psim_mmap(r->app, AT(0), PAGE_SIZE, RW, FIXED_ANON, NULL, 0) < 0 ||
	    p2psim_store_byte(r->app, AT(0), 1))
		return -ENOMEM;
	r->pfn = pte_pfn(*p2psim_pte_lookup(p2psim_process_mm(r->app), AT(0)));
	return 0;
}

static void cpu_loads(void *state)
{
	struct race *r = state;

	r->seen = p2psim_load_byte(r->app, AT(0));
}

/* As a DMA beat does it: the step names the page of RAM, and knows nothing of the mm. */
static void device_writes(void *state)
{
	struct race *r = state;
	uint8_t byte = 2;

	p2psim_step_range(P2PSIM_STEP_DMA_WRITE, P2PSIM_OBJ_RAM, true, r->pfn, r->pfn, NULL);
	p2psim_ram_write((uint64_t)r->pfn << PAGE_SHIFT, &byte, 1);
}

static bool saw_the_old_byte(void *state)
{
	return ((struct race *)state)->seen == 1;
}

static void ends(void *state)
{
	p2psim_process_exit(((struct race *)state)->app);
}

static const struct p2psim_scenario load_and_dma = {
	.name = "vma/load+dma", .question = "Does the load see the byte from before the DMA write?", .source = "invented",
	.state_size = sizeof(struct race), .setup = mapped_page,
	.tasks = { { "cpu", cpu_loads }, { "nic0", device_writes } },
	.exists = saw_the_old_byte, .teardown = ends, .expect = P2PSIM_SOMETIMES,
};

static void test_a_load_depends_on_a_DMA_write_to_the_same_page(void **state)
{
	struct p2psim_explore_result result;

	explore_traces(&load_and_dma, &result);
	assert_int_equal(result.traces, 2);
	assert_int_equal(result.exists, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_a_freed_page_rests_while_there_are_fresh_ones),
		cmocka_unit_test_setup_teardown(test_the_last_page_freed_is_the_first_taken_when_none_is_fresh,
						setup_8_pages, pages_teardown),
		pages_test(test_bytes_exist_only_where_something_was_stored),
		cmocka_unit_test_setup_teardown(test_the_machine_has_as_many_pages_as_configured, setup_8_pages, pages_teardown),
		pages_test(test_a_free_page_is_not_to_be_read_or_written),
		pages_test(test_references_are_balanced),
		pages_test(test_references_of_the_zero_page_are_balanced),
		pages_test_rubble(test_a_mapped_page_is_not_to_be_freed),
		pages_test(test_an_access_stays_within_its_page),
		pages_test(test_the_zero_page_is_not_to_be_written),
		pages_test(test_somebody_elses_bytes_are_not_to_be_seen),
		pages_test(test_the_owner_follows_the_bytes),
		pages_test(test_the_page_lock_excludes),
		pages_test(test_mmio_windows_are_registered_once),
		pages_test(test_the_CPU_reaches_a_BAR_through_its_entries),
		cmocka_unit_test(test_a_load_depends_on_a_DMA_write_to_the_same_page),
	};

	return cmocka_run_group_tests_name("ram", tests, NULL, NULL);
}
