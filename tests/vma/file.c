/* SPDX-License-Identifier: MIT */
/*
 * Files of devices: who holds a reference, when the last one goes, and the reverse map that a driver's revoke walks.
 */
#include "vma_bench.h"

#include "core/tree.h"
#include "vma/internal.h"

static struct file *another_file(struct vma_bench *b, const char *name)
{
	return p2psim_file_create(name, &bench_fops, b, FMODE_READ | FMODE_WRITE);
}

/* "2+1 4+2": offset and length in pages of each VMA in the file's reverse map, in its order. */
static const char *i_mmap(struct vma_bench *b, const struct file *file)
{
	const struct p2psim_tree_node *node;
	size_t used = 0;

	b->list[0] = 0;
	for (node = p2psim_tree_first(&file->f_mapping->i_mmap); node; node = p2psim_tree_next(node)) {
		const struct vm_area_struct *vma = container_of(node, struct vm_area_struct, file_node);

		used += (size_t)snprintf(b->list + used, sizeof(b->list) - used, "%s%lx+%lx", used ? " " : "", vma->vm_pgoff,
					 vma_pages(vma));
	}
	return b->list;
}

static void test_a_file_starts_with_one_reference_and_ends_with_the_last(void **state)
{
	struct vma_bench *b = *state;
	struct file *file = another_file(b, "alone");

	assert_int_equal(file->f_count.counter, 1);
	assert_ptr_equal(get_file(file), file);
	fput(file);
	assert_string_equal(bench_log(b), "");
	fput(file);
	assert_string_equal(bench_log(b), "release -; ");
}

/* One reference each: who opened it, and every VMA; anonymous memory and refused mappings hold none. */
static void test_every_vma_holds_a_reference(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 4);
	assert_int_equal(b->file->f_count.counter, 2);
	bench_unmap(b, 1, 1);
	assert_int_equal(b->file->f_count.counter, 3);
	p2psim_mremap(b->app, AT(2), PAGES(2), PAGES(2), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x20));
	assert_int_equal(b->file->f_count.counter, 3);
	bench_anon(b, 0, 1, RW);
	assert_int_equal(b->file->f_count.counter, 2);
	assert_int_equal(p2psim_mmap(b->app, AT(0), 0, RW, MAP_SHARED, b->file, 0), -EINVAL);
	assert_int_equal(b->file->f_count.counter, 2);
}

/* A file that was put by who opened it lives as long as a VMA maps it, and the driver's hooks still reach it. */
static void test_a_mapped_file_outlives_its_opener(void **state)
{
	struct vma_bench *b = *state;
	struct file *file = another_file(b, "orphan");

	p2psim_mmap(b->app, AT(0), PAGES(2), RW, MAP_SHARED | MAP_FIXED, file, 0);
	fput(file);
	bench_log(b);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_string_equal(bench_log(b), "may_split 0-2 at 1; open 0-1 W; close 0-1 R; ");
	assert_int_equal(bench_unmap(b, 1, 1), 0);
	assert_string_equal(bench_log(b), "close 1-2 R; release -; ");
}

struct holder {
	struct vma_bench *b;
	struct file *other;
};

static void close_puts_another_file(struct vm_area_struct *vma)
{
	struct holder *h = vma->vm_file->private_data;

	fput(h->other);
	bench_say(h->b, "close %s; ", bench_log(h->b));
}

static int mmap_of_a_holder(struct file *file, struct vm_area_struct *vma)
{
	static const struct vm_operations_struct ops = { .close = close_puts_another_file };

	vma->vm_ops = &ops;
	return 0;
}

/* The last fput() inside of a system call: ->release() waits until its locks are dropped. */
static void test_a_release_waits_for_the_end_of_the_system_call(void **state)
{
	static const struct file_operations fops = { .mmap = mmap_of_a_holder };
	struct vma_bench *b = *state;
	struct holder h = { b, another_file(b, "held") };
	struct file *file = p2psim_file_create("holder", &fops, &h, FMODE_READ | FMODE_WRITE);

	p2psim_mmap(b->app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, file, 0);
	assert_int_equal(bench_unmap(b, 0, 1), 0);
	assert_string_equal(bench_log(b), "close ; release -; ");
	fput(file);
}

/* ->mmap() may map another file than the one it was called for: the VMA's reference is of that one. */
static int mmap_swaps_the_file(struct file *file, struct vm_area_struct *vma)
{
	struct vma_bench *b = file->private_data;

	fput(vma->vm_file);
	vma->vm_file = get_file(b->file);
	return 0;
}

static void test_a_driver_may_put_another_file_into_the_vma(void **state)
{
	static const struct file_operations fops = { .mmap = mmap_swaps_the_file };
	struct vma_bench *b = *state;
	struct file *front = p2psim_file_create("front", &fops, b, FMODE_READ | FMODE_WRITE);

	assert_int_equal(p2psim_mmap(b->app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, front, 0), AT(0));
	assert_int_equal(front->f_count.counter, 1);
	assert_int_equal(b->file->f_count.counter, 2);
	assert_string_equal(i_mmap(b, b->file), "0+1");
	fput(front);
	bench_unmap(b, 0, 1);
	assert_int_equal(b->file->f_count.counter, 1);
}

/* ---- the reverse map ---- */

/*
 *	0 1 2 3 4 5		offsets count like addresses
 *	DDDDDDDDDDD	cut	0+2 2+1 3+3
 *	DDDD   DDDDD	hole	0+2 3+3
 *	DDDD [20]DDDDD	move	the offset stays with the pages
 */
static void test_the_reverse_map_follows_cuts_holes_and_moves(void **state)
{
	struct vma_bench *b = *state;

	bench_device(b, 0, 6);
	assert_string_equal(i_mmap(b, b->file), "0+6");
	bench_protect(b, 2, 1, PROT_READ);
	assert_string_equal(i_mmap(b, b->file), "0+2 2+1 3+3");
	bench_unmap(b, 2, 1);
	assert_string_equal(i_mmap(b, b->file), "0+2 3+3");
	p2psim_mremap(b->app, AT(3), PAGES(3), PAGES(3), MREMAP_MAYMOVE | MREMAP_FIXED, AT(0x20));
	assert_string_equal(i_mmap(b, b->file), "0+2 3+3");
	assert_int_equal(bench_vma(b, 0x20)->vm_pgoff, 3);
	bench_unmap(b, 0, 0x30);
	assert_string_equal(i_mmap(b, b->file), "");
}

static void test_a_merge_leaves_one_entry_of_the_reverse_map(void **state)
{
	struct vma_bench *b = *state;

	b->ops = &bench_plain_ops;
	bench_device(b, 0, 4);
	bench_protect(b, 1, 2, PROT_READ);
	assert_string_equal(i_mmap(b, b->file), "0+1 1+2 3+1");
	bench_protect(b, 1, 2, RW);
	assert_string_equal(i_mmap(b, b->file), "0+4");
}

/* Private mappings are in it as well, and those of every process. */
static void test_all_processes_are_in_the_reverse_map(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_process *other = p2psim_process_create("other");

	b->fills = true;
	bench_device(b, 2, 1);
	p2psim_mmap(other, AT(9), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, b->file, PAGES(2));
	b->fills = false;
	p2psim_mmap(other, AT(5), PAGE_SIZE, PROT_READ, MAP_PRIVATE | MAP_FIXED, b->file, PAGES(7));
	assert_string_equal(i_mmap(b, b->file), "2+1 2+1 7+1");
	unmap_mapping_range(b->file->f_mapping, PAGES(2), PAGE_SIZE, 1);
	assert_true(pte_none(*p2psim_pte_lookup(b->mm, AT(2))));
	assert_true(pte_none(*p2psim_pte_lookup(p2psim_process_mm(other), AT(9))));
	p2psim_process_exit(other);
	assert_string_equal(i_mmap(b, b->file), "2+1");
}

/*
 * A private mapping filled with raw pfns has its pfn for an offset (so that copies are told from the original): a revoke by
 * the driver's offset does not reach it.
 */
static void test_a_private_mapping_of_pfns_has_lost_its_offset(void **state)
{
	struct vma_bench *b = *state;

	b->fills = true;
	p2psim_mmap(b->app, AT(5), PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED, b->file, PAGES(7));
	assert_string_equal(i_mmap(b, b->file), "800007+1");
	unmap_mapping_range(b->file->f_mapping, PAGES(7), PAGE_SIZE, 1);
	assert_false(pte_none(*p2psim_pte_lookup(b->mm, AT(5))));
	unmap_mapping_range(b->file->f_mapping, 0, 0, 1);
	assert_true(pte_none(*p2psim_pte_lookup(b->mm, AT(5))));
}

/* Against all VMAs, one after the other: the same, in the same order, wherever a query begins and ends. */
static void test_the_reverse_map_finds_what_a_walk_finds(void **state)
{
	struct vma_bench *b = *state;
	struct p2psim_tree *root = &b->file->f_mapping->i_mmap;
	const struct p2psim_tree_node *node;
	struct vm_area_struct *vma, *found;
	unsigned long i, first, last;

	b->ops = NULL;
	for (i = 0; i < 40; i++) /* lengths of 1 to 5 pages, offsets that meet, overlap and repeat */
		p2psim_mmap(b->app, AT(8 * i), PAGES(1 + i * 7 % 5), RW, MAP_SHARED | MAP_FIXED, b->file, PAGES(i * 11 % 23));
	for (first = 0; first < 30; first++) {
		for (last = first; last < 30; last += 3) {
			found = vma_interval_tree_iter_first(root, first, last);
			for (node = p2psim_tree_first(root); node; node = p2psim_tree_next(node)) {
				vma = container_of((struct p2psim_tree_node *)node, struct vm_area_struct, file_node);
				if (vma->vm_pgoff > last || vma->vm_pgoff + vma_pages(vma) <= first)
					continue;
				assert_ptr_equal(found, vma);
				found = vma_interval_tree_iter_next(found, first, last);
			}
			assert_null(found);
		}
	}
}

/* A mapping that the driver refused never was in it. */
static void test_a_refused_mapping_is_not_in_the_reverse_map(void **state)
{
	struct vma_bench *b = *state;

	b->mmap_error = -ENXIO;
	assert_int_equal(bench_device(b, 0, 1), -ENXIO);
	assert_string_equal(i_mmap(b, b->file), "");
	assert_int_equal(b->file->f_count.counter, 1);
}

/* ---- mistakes ---- */

static int revives_itself(struct inode *inode, struct file *file)
{
	get_file(file);
	return 0;
}

static void test_a_reference_of_a_closed_file_is_a_UAF(void **state)
{
	static const struct file_operations fops = { .release = revives_itself };
	struct vma_bench *b = *state;

	fput(p2psim_file_create("zombie", &fops, b, FMODE_READ));
	assert_violation(b->world, P2PSIM_UAF, "a reference is taken of a file that is closed");
}

/* One fput() too many: the VMA's own reference is gone, the file ends under it. */
static void test_an_fput_too_many_of_a_mapped_file_is_unbalanced(void **state)
{
	struct p2psim_world *world = *state;
	static const struct file_operations fops = { .mmap = mmap_of_a_holder };
	struct p2psim_process *app = p2psim_process_create("app");
	struct file *file = p2psim_file_create("victim", &fops, NULL, FMODE_READ | FMODE_WRITE);

	assert_int_equal(p2psim_mmap(app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, file, 0), AT(0));
	fput(file);
	assert_null(p2psim_world_violation(world));
	fput(file);
	assert_violation(world, P2PSIM_BALANCE, "victim is closed while it is mapped");
}

/* Never put: named by the one who made it. */
static void test_a_file_that_is_never_put_is_a_leak(void **state)
{
	struct p2psim_world *world = *state;

	assert_non_null(p2psim_file_create("forgotten", &bench_fops, NULL, FMODE_READ));
	assert_int_not_equal(p2psim_world_check_quiescent(world), 0);
	assert_violation(world, P2PSIM_LEAK, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bench_test(test_a_file_starts_with_one_reference_and_ends_with_the_last),
		bench_test(test_every_vma_holds_a_reference),
		bench_test(test_a_mapped_file_outlives_its_opener),
		bench_test(test_a_release_waits_for_the_end_of_the_system_call),
		bench_test(test_a_driver_may_put_another_file_into_the_vma),
		bench_test(test_the_reverse_map_follows_cuts_holes_and_moves),
		bench_test(test_a_merge_leaves_one_entry_of_the_reverse_map),
		bench_test(test_all_processes_are_in_the_reverse_map),
		bench_test(test_a_private_mapping_of_pfns_has_lost_its_offset),
		bench_test(test_the_reverse_map_finds_what_a_walk_finds),
		bench_test(test_a_refused_mapping_is_not_in_the_reverse_map),
		bench_test(test_a_reference_of_a_closed_file_is_a_UAF),
		core_test_rubble(test_an_fput_too_many_of_a_mapped_file_is_unbalanced),
		core_test_rubble(test_a_file_that_is_never_put_is_a_leak),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
