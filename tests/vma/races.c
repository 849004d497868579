/* SPDX-License-Identifier: MIT */
/*
 * A driver revokes its pages with unmap_mapping_range(), which holds no mmap_lock, while the process changes its VMAs: when
 * it returns, no page table has an entry of the file, whatever the interleaving.
 *
 * There is no fault handler, so that nothing comes back.
 */
#include "vma_race.h"

#define PAGES_WATCHED 8

struct revocation {
	struct p2psim_process *app;
	struct file *file;
	bool survived;		/* an entry was there after unmap_mapping_range() had returned */
};

static void nothing(struct vm_area_struct *vma)
{
}

/* Fills its pages; merges only if nothing special is set, so the driver enters them one by one. */
static int fill(struct file *file, struct vm_area_struct *vma)
{
	static const struct vm_operations_struct ops = { .open = nothing };

	vma->vm_ops = &ops;
	return remap_pfn_range(vma, vma->vm_start, 0x800000 + vma->vm_pgoff, vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static const struct file_operations fops = { .mmap = fill };

/* Two pages, at 2 and 3, filled. */
static int setup(void *state)
{
	struct revocation *r = state;

	r->app = p2psim_process_create("app");
	r->file = p2psim_file_create("gpu0", &fops, NULL, FMODE_READ | FMODE_WRITE);
	if (!r->app || !r->file)
		return -ENOMEM;
	return p2psim_mmap(r->app, AT(2), 2 * PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, r->file, 2 * PAGE_SIZE) < 0 ? -ENOMEM : 0;
}

static void teardown(void *state)
{
	struct revocation *r = state;

	p2psim_process_exit(r->app);
	fput(r->file);
}

static bool survived(void *state)
{
	return ((struct revocation *)state)->survived;
}

static void revoke(void *state)
{
	struct revocation *r = state;
	unsigned int page;
	pte_t *pte;

	unmap_mapping_range(r->file->f_mapping, 0, 0, 1);
	for (page = 0; page < PAGES_WATCHED; page++) {
		pte = p2psim_pte_lookup(p2psim_process_mm(r->app), AT(page));
		if (pte && !pte_none(*pte))
			r->survived = true;
	}
}

static void unmaps(void *state)
{
	P2PSIM_CHECK(!p2psim_munmap(((struct revocation *)state)->app, AT(2), 2 * PAGE_SIZE));
}

static void cuts(void *state)
{
	P2PSIM_CHECK(!p2psim_munmap(((struct revocation *)state)->app, AT(2), PAGE_SIZE));
}

static void protects(void *state)
{
	P2PSIM_CHECK(!p2psim_mprotect(((struct revocation *)state)->app, AT(3), PAGE_SIZE, PROT_READ));
}

#define SCENARIO(what, fn)                                                                                             \
	{                                                                                                              \
		.name = "vma/revoke+" what, .question = "Does an entry survive unmap_mapping_range()?",                \
		.source = "mm/memory.c, 6.1", .state_size = sizeof(struct revocation), .setup = setup,                 \
		.tasks = { { "gpu0", revoke }, { "app", fn } }, .exists = survived, .teardown = teardown,              \
		.expect = P2PSIM_NEVER,                                                                                \
	}

static const struct p2psim_scenario scenarios[] = {
	SCENARIO("munmap", unmaps),
	SCENARIO("cut", cuts),
	SCENARIO("mprotect", protects),
};

static void test_no_entry_survives_a_revocation_during_munmap(void **state)
{
	explore_twice(&scenarios[0], 1);
}

static void test_no_entry_survives_a_revocation_while_the_vma_is_cut(void **state)
{
	explore_twice(&scenarios[1], 1);
}

static void test_no_entry_survives_a_revocation_during_mprotect(void **state)
{
	explore_twice(&scenarios[2], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_entry_survives_a_revocation_during_munmap),
		cmocka_unit_test(test_no_entry_survives_a_revocation_while_the_vma_is_cut),
		cmocka_unit_test(test_no_entry_survives_a_revocation_during_mprotect),
	};

	return cmocka_run_group_tests_name("races", tests, NULL, NULL);
}
