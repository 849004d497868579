/* SPDX-License-Identifier: MIT */
/*
 * Scatter-gather lists: what lib/scatterlist.c of Linux 6.1 makes of the same calls; and the kernel's own view of RAM.
 *
 *	G1. A list ends at its mark; a link is no entry.
 *	G2. Pages that follow each other share an entry, up to the greatest length.
 *	G3. Memory of kmalloc() is RAM: it has pages in a row.
 */
#include "core_world.h"
#include "fail_each.h"

#include <p2psim/linux/scatterlist.h>

#define PAGES 6

static struct page *pages[PAGES];

/* Fresh pages of RAM follow each other. */
static void take_pages(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		pages[i] = alloc_page(GFP_KERNEL);
		assert_non_null(pages[i]);
		if (i)
			assert_int_equal(page_to_pfn(pages[i]), page_to_pfn(pages[0]) + i);
	}
}

static void give_pages(void)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		put_page(pages[i]);
}

/* G1 */
static void test_a_list_is_walked_through_its_links(void **state)
{
	struct scatterlist first[3], second[2], *sg;
	unsigned int i, seen = 0;

	sg_init_table(first, 3);
	sg_init_table(second, 2);
	sg_chain(first, 3, second);
	assert_int_equal(sg_nents(first), 4);
	for_each_sg(first, sg, 4, i) {
		sg->length = 10 * (i + 1);
		seen += sg->length;
	}
	assert_int_equal(seen, 100);
	assert_ptr_equal(sg_last(first, 4), &second[1]);
	assert_int_equal(sg_nents_for_len(first, 31), 3);
	assert_int_equal(sg_nents_for_len(first, 101), -EINVAL);
	assert_null(sg_next(&second[1]));
	(void)state;
}

/* G1: 300 entries are 127 + 127 + 46, each part but the last with its link. */
static void test_a_long_table_is_chained(void **state)
{
	struct sg_table table;
	struct scatterlist *sg;
	unsigned int i, links = 0;

	assert_int_equal(sg_alloc_table(&table, 300, GFP_KERNEL), 0);
	assert_int_equal(table.nents, 300);
	assert_int_equal(table.orig_nents, 300);
	assert_int_equal(sg_nents(table.sgl), 300);
	for_each_sgtable_sg(&table, sg, i)
		links += !sg_is_last(sg) && sg_is_chain(sg + 1);
	assert_int_equal(links, 2);
	assert_true(sg_is_chain(&table.sgl[127]));
	sg_free_table(&table);
	assert_null(table.sgl);
	assert_int_equal(sg_alloc_table(&table, 0, GFP_KERNEL), -EINVAL);
	(void)state;
}

static void test_what_is_no_entry_has_no_page(void **state)
{
	struct scatterlist list[2], other[1];

	sg_init_table(list, 2);
	sg_init_table(other, 1);
	sg_chain(list, 2, other);
	sg_page(&list[1]);
	assert_violation(*state, P2PSIM_CONTRACT, "sg_is_chain(sg)");
	sg_last(list, 1);
	assert_violation(*state, P2PSIM_CONTRACT, "sg_is_last");
}

/* G2: 0 1 2 _ 4 5, 100 bytes into the first, 50 short of the last one's end. */
static void test_pages_that_follow_each_other_share_an_entry(void **state)
{
	struct sg_table table;

	take_pages();
	swap(pages[3], pages[5]);
	assert_int_equal(sg_alloc_table_from_pages(&table, pages, 4, 100, 4 * PAGE_SIZE - 150, GFP_KERNEL), 0);
	assert_int_equal(table.nents, 2);
	assert_int_equal(table.sgl[0].offset, 100);
	assert_int_equal(table.sgl[0].length, 3 * PAGE_SIZE - 100);
	assert_ptr_equal(sg_page(&table.sgl[1]), pages[3]);
	assert_int_equal(table.sgl[1].offset, 0);
	assert_int_equal(table.sgl[1].length, PAGE_SIZE - 50);
	sg_free_table(&table);
	swap(pages[3], pages[5]);
	give_pages();
	(void)state;
}

static void test_an_entry_is_no_longer_than_the_greatest_segment(void **state)
{
	struct sg_table table;

	take_pages();
	assert_int_equal(sg_alloc_table_from_pages_segment(&table, pages, 5, 0, 5 * PAGE_SIZE, 2 * PAGE_SIZE + 100, GFP_KERNEL),
			 0);
	assert_int_equal(table.nents, 3);
	assert_int_equal(table.sgl[1].length, 2 * PAGE_SIZE);
	assert_int_equal(table.sgl[2].length, PAGE_SIZE);
	sg_free_table(&table);
	assert_int_equal(sg_alloc_table_from_pages_segment(&table, pages, 5, 0, PAGE_SIZE, 100, GFP_KERNEL), -EINVAL);
	assert_violation(*state, P2PSIM_CONTRACT, "!most");
	give_pages();
}

/* Portions: the first ends in page 1, which the second one goes on from; then a gap. */
static void test_a_table_grows_by_portions(void **state)
{
	struct sg_append_table table = {};
	struct page *gap[2];

	take_pages();
	gap[0] = pages[5];
	gap[1] = pages[4];
	assert_int_equal(sg_alloc_append_table_from_pages(&table, pages, 2, 0, 2 * PAGE_SIZE, UINT_MAX, 4, GFP_KERNEL), 0);
	assert_int_equal(sg_alloc_append_table_from_pages(&table, pages + 2, 2, 0, 2 * PAGE_SIZE, UINT_MAX, 2, GFP_KERNEL), 0);
	assert_int_equal(table.sgt.nents, 1);
	assert_int_equal(table.sgt.sgl[0].length, 4 * PAGE_SIZE);
	assert_int_equal(sg_alloc_append_table_from_pages(&table, gap, 2, 0, 2 * PAGE_SIZE, UINT_MAX, 0, GFP_KERNEL), 0);
	assert_int_equal(table.sgt.nents, 3);
	assert_ptr_equal(sg_page(table.prv), pages[4]);
	assert_true(sg_is_last(table.prv));
	sg_free_append_table(&table);
	give_pages();
	(void)state;
}

static void test_the_pages_of_a_list_come_one_by_one(void **state)
{
	struct sg_page_iter iter;
	struct sg_table table;
	unsigned int n = 0;

	take_pages();
	swap(pages[3], pages[5]);
	assert_int_equal(sg_alloc_table_from_pages(&table, pages, 4, 0, 4 * PAGE_SIZE, GFP_KERNEL), 0);
	for_each_sgtable_page(&table, &iter, 0)
		assert_ptr_equal(sg_page_iter_page(&iter), pages[n++]);
	assert_int_equal(n, 4);
	for_each_sgtable_page(&table, &iter, 3)
		assert_ptr_equal(sg_page_iter_page(&iter), pages[3]);
	sg_free_table(&table);
	swap(pages[3], pages[5]);
	give_pages();
	(void)state;
}

/* Bytes cross pages, entries and an entry's offset. */
static void test_bytes_go_in_and_come_out(void **state)
{
	unsigned char in[9000], out[9000];
	struct scatterlist list[2];
	unsigned int i;

	take_pages();
	for (i = 0; i < sizeof(in); i++)
		in[i] = (unsigned char)(i * 7 + 1);
	sg_init_table(list, 2);
	sg_set_page(&list[0], pages[0], 5000, PAGE_SIZE + 96);
	sg_set_page(&list[1], pages[3], 5000, 10);
	assert_int_equal(sg_copy_from_buffer(list, 2, in, sizeof(in)), sizeof(in));
	assert_memory_equal((char *)page_address(pages[3]) + 10, in + 5000, 4000);
	assert_int_equal(sg_copy_to_buffer(list, 2, out, sizeof(out)), sizeof(out));
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(sg_pcopy_to_buffer(list, 2, out, sizeof(out), 4990), 5010);
	assert_memory_equal(in + 4990, out, sizeof(in) - 4990);
	assert_int_equal(sg_zero_buffer(list, 2, 10, 4995), 10);
	assert_int_equal(((unsigned char *)page_address(pages[3]))[14], 0);
	give_pages();
	(void)state;
}

/* G3 */
static void test_memory_of_kmalloc_has_pages_in_a_row(void **state)
{
	size_t size = 200000, at;
	char *buf = kmalloc(size, GFP_KERNEL);
	phys_addr_t phys = virt_to_phys(buf);
	struct scatterlist sg;

	for (at = 0; at < size; at += 1000)
		assert_int_equal(virt_to_phys(buf + at), phys + at);
	assert_ptr_equal(phys_to_virt(phys + 12345), buf + 12345);
	sg_init_one(&sg, buf + 5000, 300);
	assert_ptr_equal(sg_virt(&sg), buf + 5000);
	assert_int_equal(sg_phys(&sg), phys + 5000);
	kfree(buf);
	(void)state;
}

/* G3: as long as nobody drops a reference too many. */
static void test_memory_of_kmalloc_is_not_freed_by_its_pages(void **state)
{
	char *buf = kmalloc(100, GFP_KERNEL);

	put_page(virt_to_page(buf));
	assert_violation(*state, P2PSIM_BALANCE, "memory of kmalloc()");
	assert_ptr_equal(phys_to_virt(virt_to_phys(buf)), buf);
	kfree(buf);
}

static void test_a_page_is_found_by_its_address_while_it_lives(void **state)
{
	unsigned long addr = __get_free_page(GFP_KERNEL);
	struct page *page = virt_to_page(addr);

	assert_int_equal(page_count(page), 1);
	assert_int_equal(virt_to_phys((void *)(addr + 17)), page_to_phys(page) + 17);
	free_page(addr);
	assert_false(virt_addr_valid((void *)addr));
	(void)state;
}

/* lib/test_hmm.c keeps its mirror there, in the page that stands behind one of its device. */
static void test_what_a_driver_keeps_in_a_page_of_ram_makes_it_no_kmalloc(void **state)
{
	struct page *page = alloc_page(GFP_KERNEL);

	page->zone_device_data = state;
	put_page(page);
	assert_null(p2psim_world_violation(*state));
}

static void test_a_stack_has_no_page(void **state)
{
	char buf[16] = "";
	struct scatterlist sg;

	assert_false(virt_addr_valid(buf));
	sg_init_one(&sg, buf, sizeof(buf));
	assert_violation(*state, P2PSIM_CONTRACT, "a stack, a static variable");
}

struct tables {
	struct sg_table table;
	struct sg_append_table append;
	struct page *apart[PAGES];
};

/* 300 entries in three parts; and pages that do not follow each other, so that each needs an entry. */
static void tell(void *state)
{
	struct tables *t = state;
	unsigned int i;
	int error = sg_alloc_table(&t->table, 300, GFP_KERNEL);

	assert_true(!error || error == -ENOMEM);
	for (i = PAGES; i--;) {
		t->apart[i] = alloc_page(GFP_KERNEL);
		if (!t->apart[i])
			return;
	}
	for (i = 0; i < 2; i++) {
		error = sg_alloc_append_table_from_pages(&t->append, t->apart + 3 * i, 3, 0, 3 * PAGE_SIZE, UINT_MAX,
							 i ? 0 : 3, GFP_KERNEL);
		assert_true(!error || error == -ENOMEM);
	}
}

static void end(void *state)
{
	struct tables *t = state;
	unsigned int i;

	sg_free_table(&t->table);
	sg_free_append_table(&t->append);
	for (i = 0; i < PAGES; i++)
		if (t->apart[i])
			put_page(t->apart[i]);
}

static void test_every_allocation_may_fail(void **state)
{
	static const struct failing_story story = { .tell = tell, .end = end, .state_size = sizeof(struct tables) };

	assert_int_equal(fail_each(&story), 3 + PAGES + 1);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		core_test(test_a_list_is_walked_through_its_links),
		core_test(test_a_long_table_is_chained),
		core_test(test_what_is_no_entry_has_no_page),
		core_test(test_pages_that_follow_each_other_share_an_entry),
		core_test(test_an_entry_is_no_longer_than_the_greatest_segment),
		core_test(test_a_table_grows_by_portions),
		core_test(test_the_pages_of_a_list_come_one_by_one),
		core_test(test_bytes_go_in_and_come_out),
		core_test(test_memory_of_kmalloc_has_pages_in_a_row),
		core_test(test_memory_of_kmalloc_is_not_freed_by_its_pages),
		core_test(test_a_page_is_found_by_its_address_while_it_lives),
		core_test(test_what_a_driver_keeps_in_a_page_of_ram_makes_it_no_kmalloc),
		core_test(test_a_stack_has_no_page),
		cmocka_unit_test(test_every_allocation_may_fail),
	};

	return cmocka_run_group_tests_name("scatterlist", tests, NULL, NULL);
}
