/* SPDX-License-Identifier: MIT */
/*
 * Page faults: who may (2.2), the decision tree (2.3), what ->fault(), ->page_mkwrite() and ->pfn_mkwrite() may answer, and
 * what happens when the entry changes meanwhile.
 */
#include "explored.h"
#include "vma_pages.h"

/* ---- 2.2 ---- */

static void test_accesses_are_refused_by_the_rules_of_2_2(void **state)
{
	static const struct {
		int prot;		/* -1: no VMA */
		bool write;
		const char *signal;	/* NULL: the access succeeds */
	} rows[] = {
		{ -1, false, "SEGV MAPERR 0" },
		{ -1, true, "SEGV MAPERR 0" },
		{ PROT_NONE, false, "SEGV ACCERR 0" },
		{ PROT_NONE, true, "SEGV ACCERR 0" },
		{ PROT_READ, false, NULL },
		{ PROT_READ, true, "SEGV ACCERR 0" },
		{ PROT_WRITE, false, NULL },	/* a write-only VMA is readable */
		{ PROT_WRITE, true, NULL },
		{ PROT_EXEC, false, NULL },	/* and so is one that may only be executed */
		{ PROT_EXEC, true, "SEGV ACCERR 0" },
		{ RW, true, NULL },
	};
	struct vma_bench *b = *state;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bench_unmap(b, 0, 1);
		if (rows[i].prot >= 0)
			bench_anon(b, 0, 1, rows[i].prot);
		ret = rows[i].write ? pages_store(b, 0, 1) : pages_load(b, 0);
		assert_int_equal(ret, rows[i].signal ? -EFAULT : 0);
		if (rows[i].signal)
			assert_string_equal(pages_signal(b), rows[i].signal);
	}
}

static void test_what_was_touched_is_refused_as_well(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	bench_touch(b, 0);
	bench_protect(b, 0, 1, PROT_NONE);
	assert_string_equal(pages_state(b, 0), "prot-none");
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_string_equal(pages_signal(b), "SEGV ACCERR 0");
	bench_protect(b, 0, 1, RW);
	assert_int_equal(pages_load(b, 0), 1);
}

/* Bytes before the one that fails are moved; the signal names the page. */
static void test_an_access_over_two_pages_stops_at_the_second(void **state)
{
	struct vma_bench *b = *state;
	uint16_t two = 0x0202;

	bench_anon(b, 0, 1, RW);
	assert_int_equal(p2psim_store(b->app, AT(1) - 1, &two, 2), -EFAULT);
	assert_string_equal(pages_signal(b), "SEGV MAPERR 1");
	assert_int_equal(p2psim_load_byte(b->app, AT(1) - 1), 2);
}

/* ---- 2.3, anonymous ---- */

static void test_a_read_maps_the_zero_page_and_allocates_nothing(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	pages_listen(b);
	assert_int_equal(pages_load(b, 0), 0);
	assert_string_equal(pages_state(b, 0), "zero");
	assert_int_equal(p2psim_ram_used(), 0);
	assert_int_equal(b->mm->rss_anon, 0);
	assert_null(bench_vma(b, 0)->anon_vma);
	assert_string_equal(bench_log(b), "");
}

static void test_a_write_first_maps_a_writable_page_without_an_event(void **state)
{
	struct vma_bench *b = *state;

	bench_anon(b, 0, 1, RW);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 5), 0);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(b->mm->rss_anon, 1);
	assert_int_equal(page_mapcount(pages_page(b, 0)), 1);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(pages_load(b, 0), 5);
}

/* ---- ->fault() ---- */

static void test_a_handler_answers_with_every_code(void **state)
{
	static const struct {
		vm_fault_t answer;
		int ret;
		const char *signal, *entry;
	} rows[] = {
		{ VM_FAULT_SIGBUS, -EFAULT, "BUS ADRERR 0", "none" },
		{ VM_FAULT_SIGSEGV, -EFAULT, "SEGV MAPERR 0", "none" },
		{ VM_FAULT_HWPOISON, -EFAULT, "BUS ADRERR 0", "none" },
		{ VM_FAULT_OOM, -ENOMEM, NULL, "none" },
	};
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	unsigned int i;

	bench_device(b, 0, 1);
	t->gives = false;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		t->answer = rows[i].answer;
		assert_int_equal(pages_load(b, 0), rows[i].ret);
		if (rows[i].signal)
			assert_string_equal(pages_signal(b), rows[i].signal);
		assert_string_equal(pages_state(b, 0), rows[i].entry);
	}
	assert_false(p2psim_pmd_present(b->mm, AT(0)));
}

static void test_a_page_is_mapped_with_the_reference_it_came_with(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	bench_device(b, 0, 1);
	pages_listen(b);
	assert_int_equal(pages_load(b, 0), 7);
	assert_string_equal(pages_state(b, 0), "rw"); /* nobody wants to hear of the first write */
	assert_int_equal(page_count(t->page), 1);
	assert_int_equal(b->mm->rss_file, 1);
	assert_string_equal(bench_log(b), "");
	assert_int_equal(t->flags & (FAULT_FLAG_WRITE | FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_TRIED), FAULT_FLAG_ALLOW_RETRY);
}

static void test_a_locked_page_comes_back_unlocked(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	t->locks = true;
	t->answer = VM_FAULT_LOCKED;
	bench_device(b, 0, 2);
	pages_private(b, 2, 1, RW);
	assert_int_equal(pages_load(b, 0), 7);
	assert_false(PageLocked(t->page));
	assert_int_equal(pages_store(b, 1, 3), 0);
	assert_false(PageLocked(t->page));
	assert_int_equal(pages_store(b, 2, 3), 0); /* copied; the page itself is dropped */
}

static void test_NOPAGE_means_that_the_handler_has_mapped_it(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	t->inserts = true;
	b->set_flags = VM_PFNMAP | VM_IO;
	bench_device(b, 0, 1);
	assert_int_equal(pages_load(b, 0), 0xff); /* nobody answers there */
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	assert_int_equal(pte_pfn(pages_entry(b, 0)), DEVICE_PFN);
	assert_int_equal(t->faults, 1);
}

static void test_NOPAGE_without_an_entry_is_noticed(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	t->gives = false;
	t->answer = VM_FAULT_NOPAGE;
	bench_device(b, 0, 1);
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_violation(b->world, P2PSIM_PROGRESS, "faults at");
}

/* The lock is dropped: the VMA is looked up again, and the handler is told that it was TRIED. */
static void test_RETRY_takes_the_lock_and_tries_again(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	t->retries = 3;
	bench_device(b, 0, 1);
	assert_int_equal(pages_load(b, 0), 7);
	assert_int_equal(t->faults, 4);
	assert_true(t->flags & FAULT_FLAG_TRIED);
	assert_int_equal(bench_lock(b), '-');
}

static vm_fault_t unmap_and_retry(struct vm_fault *vmf)
{
	struct vma_bench *b = bench_of(vmf->vma);

	mmap_read_unlock(b->mm);
	bench_unmap(b, 0, 1);
	return VM_FAULT_RETRY;
}

static void test_RETRY_finds_that_the_VMA_has_gone(void **state)
{
	static const struct vm_operations_struct ops = { .fault = unmap_and_retry };
	struct vma_bench *b = *state;

	b->ops = &ops;
	bench_device(b, 0, 1);
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_string_equal(pages_signal(b), "SEGV MAPERR 0");
}

static void test_RETRY_for_ever_is_noticed(void **state)
{
	struct pages *t = *state;

	t->retries = 1000000;
	bench_device(&t->b, 0, 1);
	assert_int_equal(pages_load(&t->b, 0), -EFAULT);
	assert_violation(t->b.world, P2PSIM_PROGRESS, "for ever");
}

static void test_RETRY_with_the_lock_held_is_a_violation(void **state)
{
	struct pages *t = *state;

	t->gives = false;
	t->answer = VM_FAULT_RETRY;
	bench_device(&t->b, 0, 1);
	mmap_read_lock(t->b.mm);
	handle_mm_fault(vma_lookup(t->b.mm, AT(0)), AT(0), FAULT_FLAG_ALLOW_RETRY, NULL);
	assert_violation(t->b.world, P2PSIM_CONTRACT, "with mmap_lock held");
	t->answer = VM_FAULT_RETRY;
	handle_mm_fault(vma_lookup(t->b.mm, AT(0)), AT(0), 0, NULL);
	assert_violation(t->b.world, P2PSIM_CONTRACT, "which this caller does not allow");
	assert_int_equal(handle_mm_fault(vma_lookup(t->b.mm, AT(0)), AT(0),
					 FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_RETRY_NOWAIT, NULL), VM_FAULT_RETRY);
	assert_null(p2psim_world_violation(t->b.world));
	mmap_read_unlock(t->b.mm);
}

static void test_a_handler_that_drops_the_lock_and_says_nothing_is_a_violation(void **state)
{
	struct pages *t = *state;

	t->drops = true;
	t->gives = false;
	t->answer = VM_FAULT_SIGBUS;
	bench_device(&t->b, 0, 1);
	pages_load(&t->b, 0);
	assert_violation(t->b.world, P2PSIM_CONTRACT, "drops mmap_lock without VM_FAULT_RETRY");
}

static void test_a_handler_that_gives_nothing_is_a_violation(void **state)
{
	struct pages *t = *state;

	t->gives = false;
	bench_device(&t->b, 0, 1);
	assert_int_equal(pages_load(&t->b, 0), -EFAULT);
	assert_violation(t->b.world, P2PSIM_CONTRACT, "neither a page nor why not");
	assert_string_equal(pages_signal(&t->b), "BUS ADRERR 0");
}

static void test_LOCKED_with_a_page_that_is_not_is_a_violation(void **state)
{
	struct pages *t = *state;

	t->answer = VM_FAULT_LOCKED;
	bench_device(&t->b, 0, 1);
	pages_load(&t->b, 0);
	assert_violation(t->b.world, P2PSIM_CONTRACT, "not locked");
}

static void test_without_a_handler_there_is_SIGBUS(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 1);
	assert_int_equal(pages_load(b, 0), -EFAULT);
	assert_string_equal(pages_signal(b), "BUS ADRERR 0");
	assert_int_equal(pages_store(b, 0, 1), -EFAULT);
}

static void test_a_private_write_copies_what_the_handler_gives(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	uint8_t byte = 0;

	t->keeps = true;
	pages_private(b, 0, 1, RW);
	pages_listen(b);
	assert_int_equal(pages_store(b, 0, 9), 0);
	assert_ptr_not_equal(pages_page(b, 0), t->page);
	p2psim_ram_read(page_to_phys(t->page), &byte, 1);
	assert_int_equal(byte, 7);
	assert_int_equal(page_count(t->page), 1);
	assert_int_equal(b->mm->rss_anon, 1);
	assert_string_equal(bench_log(b), "");
	put_page(t->page);
}

/* ---- ->page_mkwrite(), ->pfn_mkwrite() ---- */

static void test_page_mkwrite_hears_of_the_first_write(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	b->ops = &pages_notified_ops;
	t->mkwrite_locks = true;
	t->mkwrite_answer = VM_FAULT_LOCKED;
	bench_device(b, 0, 2);
	pages_listen(b);
	assert_int_equal(pages_load(b, 0), 7);
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(pages_store(b, 0, 1), 0);
	assert_int_equal(pages_store(b, 0, 2), 0);
	assert_int_equal(pages_store(b, 1, 2), 0);
	assert_string_equal(pages_state(b, 1), "rw");
	assert_int_equal(t->mkwrites, 2);
	assert_true(PageDirty(pages_page(b, 0)) && !PageLocked(pages_page(b, 0)));
	assert_string_equal(bench_log(b), "");
}

static void test_page_mkwrite_may_refuse(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	b->ops = &pages_notified_ops;
	t->mkwrite_answer = VM_FAULT_SIGBUS;
	bench_device(b, 0, 2);
	pages_load(b, 0);
	assert_int_equal(pages_store(b, 0, 1), -EFAULT);
	assert_string_equal(pages_signal(b), "BUS ADRERR 0");
	assert_string_equal(pages_state(b, 0), "ro");
	assert_int_equal(pages_store(b, 1, 1), -EFAULT);
	assert_string_equal(pages_state(b, 1), "none");
	assert_int_equal(p2psim_ram_used(), 1);
}

/* 0 and no lock: the page has to be in a mapping, or counts as truncated. */
static void test_page_mkwrite_without_lock_and_mapping_is_tried_again(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	b->ops = &pages_notified_ops;
	bench_device(b, 0, 1);
	pages_load(b, 0);
	assert_int_equal(pages_store(b, 0, 1), -EFAULT);
	assert_violation(b->world, P2PSIM_PROGRESS, "for ever");
	t->page->mapping = b->file->f_mapping;
	assert_int_equal(pages_store(b, 0, 1), 0);
}

static void test_pfn_mkwrite_hears_of_the_first_write_and_may_refuse(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;

	b->ops = &pages_pfn_ops;
	b->set_flags = VM_PFNMAP | VM_IO;
	t->inserts = true;
	t->mkwrite_answer = VM_FAULT_SIGBUS;
	bench_device(b, 0, 1);
	pages_listen(b);
	assert_int_equal(pages_load(b, 0), 0xff);
	assert_string_equal(pages_state(b, 0), "pfn-ro");
	assert_int_equal(pages_store(b, 0, 1), -EFAULT);
	t->mkwrite_answer = 0;
	assert_int_equal(pages_store(b, 0, 1), 0);
	assert_string_equal(pages_state(b, 0), "pfn-rw");
	assert_int_equal(t->mkwrites, 2);
	assert_string_equal(bench_log(b), "");
}

/* ---- somebody else is faster ---- */

static void loads_page_0(void *arg)
{
	P2PSIM_CHECK(pages_load(arg, 0) == 7);
}

/*
 *	a					b
 *	->fault() gives page A
 *						->fault() gives page B; B is mapped
 *	the entry is not none: A is dropped
 */
static void test_an_entry_that_came_meanwhile_is_kept(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct task_struct *first;
	struct page *given;

	bench_device(b, 0, 1);
	first = p2psim_task_spawn("a", loads_page_0, b);
	assert_int_equal(p2psim_run_until(first, "vma:fault-done"), 0);
	given = t->page;
	assert_int_equal(pages_load(b, 0), 7);
	assert_ptr_not_equal(t->page, given);
	assert_int_equal(p2psim_run(), 0);
	assert_ptr_equal(pages_page(b, 0), t->page);
	assert_int_equal(p2psim_ram_used(), 1);
	assert_int_equal(b->mm->rss_file, 1);
}

static void stores_page_0(void *arg)
{
	P2PSIM_CHECK(!pages_store(arg, 0, 1));
}

/* The driver revokes the page while page_mkwrite() runs: the page stays what it is, and the write faults again. */
static void test_a_page_revoked_during_page_mkwrite_is_faulted_again(void **state)
{
	struct pages *t = *state;
	struct vma_bench *b = &t->b;
	struct task_struct *writer;

	b->ops = &pages_notified_ops;
	t->mkwrite_locks = true;
	t->mkwrite_answer = VM_FAULT_LOCKED;
	bench_device(b, 0, 1);
	pages_load(b, 0);
	writer = p2psim_task_spawn("writer", stores_page_0, b);
	assert_int_equal(p2psim_run_until(writer, "driver:mkwrite"), 0);
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_string_equal(pages_state(b, 0), "none");
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(t->faults, 2);
	assert_string_equal(pages_state(b, 0), "rw");
	assert_int_equal(p2psim_ram_used(), 1);
}

/* ---- every interleaving ---- */

struct race {
	struct p2psim_process *app;
	struct mm_struct *mm;
};

static int one_untouched_page(void *state)
{
	struct race *r = state;

	r->app = p2psim_process_create("app");
	r->mm = r->app ? p2psim_process_mm(r->app) : NULL;
	return r->app && p2psim_mmap(r->app, AT(0), PAGE_SIZE, RW, FIXED_ANON, NULL, 0) > 0 ? 0 : -ENOMEM;
}

static int one_zero_page(void *state)
{
	int error = one_untouched_page(state);

	return error ? error : p2psim_load_byte(((struct race *)state)->app, AT(0));
}

static void stores_first_byte(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->app, AT(0), 1));
}

static void stores_second_byte(void *state)
{
	P2PSIM_CHECK(!p2psim_store_byte(((struct race *)state)->app, AT(0) + 1, 2));
}

static void loads_first_byte(void *state)
{
	int byte = p2psim_load_byte(((struct race *)state)->app, AT(0));

	P2PSIM_CHECK(byte == 0 || byte == 1);
}

static bool lost_a_store(void *state)
{
	struct race *r = state;

	return !p2psim_pgtable_is_valid(r->mm) || p2psim_ram_used() != 1 || p2psim_load_byte(r->app, AT(0)) != 1 ||
	       p2psim_load_byte(r->app, AT(0) + 1) != 2;
}

static bool lost_the_page(void *state)
{
	struct race *r = state;

	return !p2psim_pgtable_is_valid(r->mm) || p2psim_ram_used() != 1 || p2psim_load_byte(r->app, AT(0)) != 1;
}

static void ends(void *state)
{
	p2psim_process_exit(((struct race *)state)->app);
}

static void never(const struct p2psim_scenario *scenario)
{
	struct p2psim_explore_result result;

	explore_traces(scenario, &result);
	assert_true(result.traces > 2);
}

static const struct p2psim_scenario two_first_stores = {
	.name = "vma/store+store", .question = "Does one of two first stores get lost?", .source = "mm/memory.c, 6.1",
	.state_size = sizeof(struct race), .setup = one_untouched_page,
	.tasks = { { "a", stores_first_byte }, { "b", stores_second_byte } },
	.exists = lost_a_store, .teardown = ends, .expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario load_and_store = {
	.name = "vma/load+store", .question = "Does the zero page replace what was stored?", .source = "mm/memory.c, 6.1",
	.state_size = sizeof(struct race), .setup = one_untouched_page,
	.tasks = { { "a", loads_first_byte }, { "b", stores_first_byte } },
	.exists = lost_the_page, .teardown = ends, .expect = P2PSIM_NEVER,
};

static const struct p2psim_scenario two_copies = {
	.name = "vma/cow+cow", .question = "Does one of two copies of the zero page get lost?", .source = "mm/memory.c, 6.1",
	.state_size = sizeof(struct race), .setup = one_zero_page,
	.tasks = { { "a", stores_first_byte }, { "b", stores_second_byte } },
	.exists = lost_a_store, .teardown = ends, .expect = P2PSIM_NEVER,
};

static void test_two_first_stores_share_one_page(void **state)
{
	never(&two_first_stores);
}

static void test_a_load_never_replaces_what_was_stored(void **state)
{
	never(&load_and_store);
}

static void test_two_stores_to_the_zero_page_share_one_copy(void **state)
{
	never(&two_copies);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		pages_test(test_accesses_are_refused_by_the_rules_of_2_2),
		pages_test(test_what_was_touched_is_refused_as_well),
		pages_test(test_an_access_over_two_pages_stops_at_the_second),
		pages_test(test_a_read_maps_the_zero_page_and_allocates_nothing),
		pages_test(test_a_write_first_maps_a_writable_page_without_an_event),
		pages_test(test_a_handler_answers_with_every_code),
		pages_test(test_a_page_is_mapped_with_the_reference_it_came_with),
		pages_test(test_a_locked_page_comes_back_unlocked),
		pages_test(test_NOPAGE_means_that_the_handler_has_mapped_it),
		pages_test(test_NOPAGE_without_an_entry_is_noticed),
		pages_test(test_RETRY_takes_the_lock_and_tries_again),
		pages_test(test_RETRY_finds_that_the_VMA_has_gone),
		pages_test(test_RETRY_for_ever_is_noticed),
		pages_test(test_RETRY_with_the_lock_held_is_a_violation),
		pages_test_rubble(test_a_handler_that_drops_the_lock_and_says_nothing_is_a_violation),
		pages_test(test_a_handler_that_gives_nothing_is_a_violation),
		pages_test_rubble(test_LOCKED_with_a_page_that_is_not_is_a_violation),
		pages_test(test_without_a_handler_there_is_SIGBUS),
		pages_test(test_a_private_write_copies_what_the_handler_gives),
		pages_test(test_page_mkwrite_hears_of_the_first_write),
		pages_test(test_page_mkwrite_may_refuse),
		pages_test(test_page_mkwrite_without_lock_and_mapping_is_tried_again),
		pages_test(test_pfn_mkwrite_hears_of_the_first_write_and_may_refuse),
		pages_test(test_an_entry_that_came_meanwhile_is_kept),
		pages_test(test_a_page_revoked_during_page_mkwrite_is_faulted_again),
		cmocka_unit_test(test_two_first_stores_share_one_page),
		cmocka_unit_test(test_a_load_never_replaces_what_was_stored),
		cmocka_unit_test(test_two_stores_to_the_zero_page_share_one_copy),
	};

	return cmocka_run_group_tests_name("fault", tests, NULL, NULL);
}
