/* SPDX-License-Identifier: MIT */
/*
 * The API of Linux 5.2: what each call answers, page by page.  (Its defects: tests/scenarios/eras.c.)
 *
 *	0  "rw", written to		4  hole
 *	1  "rw", never touched		5  read-only, never touched
 *	2  PROT_NONE			6  a device's VMA, without p2p_map()
 *	3  "rw", swapped out
 */
#include "core_world.h"

#include <errno.h>
#include <stdlib.h>

#include <p2psim/linux-5.2/hmm.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/fs.h>
#include <p2psim/linux/mman.h>
#include <p2psim/linux/pci.h>
#include <p2psim/pci.h>
#include <p2psim/process.h>
#include <p2psim/reclaim.h>

#define START 0x10000UL
#define AT(page) (START + (unsigned long)(page) * PAGE_SIZE)
#define PAGES 8

static const uint64_t flags[HMM_PFN_FLAG_MAX] = { [HMM_PFN_VALID] = 1, [HMM_PFN_WRITE] = 2, [HMM_PFN_DEVICE_PRIVATE] = 4 };
static const uint64_t values[HMM_PFN_VALUE_MAX] = { [HMM_PFN_ERROR] = 8, [HMM_PFN_NONE] = 32, [HMM_PFN_SPECIAL] = 16 };

struct legacy {
	struct p2psim_world *world;
	struct p2psim_process *app;
	struct mm_struct *mm;
	struct file *device;
	struct hmm_mirror mirror;
	struct hmm_range range;
	uint64_t pfns[PAGES];
	dma_addr_t daddrs[PAGES];
	unsigned int updates;
	struct hmm_update last;
};

static int on_update(struct hmm_mirror *mirror, const struct hmm_update *update)
{
	struct legacy *t = container_of(mirror, struct legacy, mirror);

	t->updates++;
	t->last = *update;
	return 0;
}

static const struct hmm_mirror_ops mirror_ops = { .sync_cpu_device_pagetables = on_update };

static int device_mmap(struct file *file, struct vm_area_struct *vma)
{
	vma->vm_flags |= VM_IO | VM_PFNMAP;
	return 0;
}

static const struct file_operations device_fops = { .mmap = device_mmap };

static void map(struct legacy *t, unsigned long page, unsigned long count, int prot)
{
	assert_true(p2psim_mmap(t->app, AT(page), count * PAGE_SIZE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL,
				0) > 0);
}

static int setup(void **state)
{
	struct legacy *t = calloc(1, sizeof(*t));

	t->world = p2psim_world_create(NULL);
	p2psim_world_on_violation(t->world, core_quiet, NULL);
	t->app = p2psim_process_create("app");
	t->mm = p2psim_process_mm(t->app);
	t->device = p2psim_file_create("dev", &device_fops, NULL, FMODE_READ | FMODE_WRITE);
	map(t, 0, 4, PROT_READ | PROT_WRITE);
	assert_int_equal(p2psim_mprotect(t->app, AT(2), PAGE_SIZE, PROT_NONE), 0);
	map(t, 5, 1, PROT_READ);
	assert_true(p2psim_mmap(t->app, AT(6), PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED, t->device, 0) > 0);
	assert_int_equal(p2psim_store_byte(t->app, AT(0), 'a'), 0);
	assert_int_equal(p2psim_store_byte(t->app, AT(3), 'd'), 0);
	assert_int_equal(p2psim_reclaim_address(t->app, AT(3)), 0);
	t->mirror.ops = &mirror_ops;
	down_write(&t->mm->mmap_sem);
	assert_int_equal(hmm_mirror_register(&t->mirror, t->mm), 0);
	up_write(&t->mm->mmap_sem);
	*state = t;
	return 0;
}

static int teardown(void **state)
{
	struct legacy *t = *state;
	int dirty;

	if (t->range.hmm)
		hmm_range_unregister(&t->range);
	hmm_mirror_unregister(&t->mirror);
	mmu_notifier_synchronize();
	p2psim_process_exit(t->app);
	fput(t->device);
	dirty = p2psim_world_violation(t->world) || p2psim_world_check_quiescent(t->world);
	p2psim_world_destroy(t->world);
	free(t);
	return dirty ? -1 : 0;
}

/* A range over `count` pages that asks for reading, or for writing as well. */
static void watch(struct legacy *t, unsigned long page, unsigned long count, bool write)
{
	if (t->range.hmm)
		hmm_range_unregister(&t->range);
	t->range.pfns = t->pfns;
	t->range.flags = flags;
	t->range.values = values;
	t->range.pfn_shift = 8;
	t->range.default_flags = write ? 3 : 1;
	memset(t->pfns, 0, sizeof(t->pfns));
	assert_int_equal(hmm_range_register(&t->range, &t->mirror, AT(page), AT(page + count), PAGE_SHIFT), 0);
}

static long fault(struct legacy *t, unsigned long page, unsigned long count, bool write)
{
	long ret;

	watch(t, page, count, write);
	down_read(&t->mm->mmap_sem);
	ret = hmm_range_fault(&t->range, true);
	up_read(&t->mm->mmap_sem);
	return ret;
}

static long snapshot(struct legacy *t, unsigned long page, unsigned long count)
{
	long ret;

	watch(t, page, count, false);
	down_read(&t->mm->mmap_sem);
	ret = hmm_range_snapshot(&t->range);
	up_read(&t->mm->mmap_sem);
	return ret;
}

static void test_a_snapshot_says_what_is_there_and_faults_nothing_in(void **state)
{
	struct legacy *t = *state;

	assert_int_equal(snapshot(t, 0, 2), 2);
	assert_int_equal(t->pfns[0] & 0xff, 3);
	assert_non_null(hmm_device_entry_to_page(&t->range, t->pfns[0]));
	assert_int_equal(t->pfns[1], values[HMM_PFN_NONE]);
	assert_null(hmm_device_entry_to_page(&t->range, t->pfns[1]));
	assert_int_equal(snapshot(t, 3, 1), 1);
	assert_int_equal(t->pfns[0], values[HMM_PFN_NONE]);
}

static void test_a_fault_brings_in_what_was_asked_for_and_counts_pages(void **state)
{
	struct legacy *t = *state;

	assert_int_equal(fault(t, 0, 2, false), 2);
	assert_int_equal(t->pfns[1] & 1, 1);
	assert_int_equal(fault(t, 3, 1, true), 1);
	assert_int_equal(t->pfns[0] & 3, 3);
	assert_int_equal(p2psim_load_byte(t->app, AT(3)), 'd');
}

static void test_each_refusal_has_its_errno_and_leaves_the_rest_none(void **state)
{
	static const struct {
		unsigned long page;
		bool write;
		long error;
	} refused[] = {
		{ 2, false, -EPERM },	/* not readable */
		{ 4, false, -EFAULT },	/* a hole (D12) */
		{ 5, true, -EPERM },	/* not writable (B09) */
		{ 6, false, -EFAULT },	/* a device's */
		{ 7, false, -EFAULT },	/* behind everything */
	};
	struct legacy *t = *state;
	size_t i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(fault(t, refused[i].page, 1, refused[i].write), refused[i].error);
		assert_int_equal(t->pfns[0], values[HMM_PFN_NONE]);
	}
	assert_int_equal(fault(t, 1, 2, false), -EPERM);
	assert_int_equal(t->pfns[1], values[HMM_PFN_NONE]);
}

static void test_a_range_is_pages_in_order(void **state)
{
	struct legacy *t = *state;
	struct hmm_range range = {};

	assert_int_equal(hmm_range_register(&range, &t->mirror, AT(1), AT(1), PAGE_SHIFT), -EINVAL);
	assert_int_equal(hmm_range_register(&range, &t->mirror, AT(1), AT(0), PAGE_SHIFT), -EINVAL);
	assert_int_equal(hmm_range_register(&range, &t->mirror, AT(0) + 1, AT(1), PAGE_SHIFT), -EINVAL);
	assert_int_equal(hmm_range_register(&range, &t->mirror, AT(1), AT(2), PAGE_SHIFT + 1), -EINVAL);
	assert_null(range.hmm);
}

/* What was read before it is not true any more, although the range is valid again. */
static void test_an_invalidation_between_reading_and_looking_is_seen(void **state)
{
	struct legacy *t = *state;

	assert_int_equal(fault(t, 0, 1, false), 1);
	assert_true(hmm_range_valid(&t->range));
	assert_int_equal(p2psim_madvise(t->app, AT(0), PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(t->updates, 1);
	assert_true(t->last.start == AT(0) && t->last.end == AT(1) && t->last.blockable);
	assert_true(hmm_range_wait_until_valid(&t->range, 1));
	assert_false(hmm_range_valid(&t->range));
	assert_int_equal(fault(t, 0, 1, false), 1);
	assert_true(hmm_range_valid(&t->range));
}

static void test_pages_get_bus_addresses_and_give_them_back(void **state)
{
	struct legacy *t = *state;
	struct pci_dev *nic = p2psim_pci_endpoint(p2psim_pci_root_port(p2psim_pci_root(NULL), NULL),
						  &(struct p2psim_pci_config){ .name = "nic0" });

	watch(t, 0, 2, true);
	down_read(&t->mm->mmap_sem);
	assert_int_equal(hmm_range_dma_map(&t->range, &nic->dev, t->daddrs, true), 2);
	up_read(&t->mm->mmap_sem);
	assert_true(t->daddrs[0] && t->daddrs[1] && t->daddrs[0] != t->daddrs[1]);
	assert_int_equal(hmm_range_dma_unmap(&t->range, NULL, &nic->dev, t->daddrs, true), 2);
	assert_int_equal(hmm_range_dma_unmap(&t->range, NULL, &nic->dev, t->daddrs, true), 0);
	watch(t, 1, 2, false);
	down_read(&t->mm->mmap_sem);
	assert_int_equal(hmm_range_dma_map(&t->range, &nic->dev, t->daddrs, true), -EPERM);
	up_read(&t->mm->mmap_sem);
	assert_int_equal(hmm_range_dma_unmap(&t->range, NULL, &nic->dev, NULL, false), -EINVAL);
	p2psim_pci_remove(nic);
}

static void assert_contract(struct legacy *t)
{
	assert_non_null(p2psim_world_violation(t->world));
	assert_int_equal(p2psim_world_violation(t->world)->oracle, P2PSIM_CONTRACT);
	p2psim_world_forgive(t->world);
}

static void test_calls_in_a_forbidden_state_are_contract_violations(void **state)
{
	struct legacy *t = *state;
	struct hmm_mirror other = { .ops = &mirror_ops };

	watch(t, 0, 1, false);
	hmm_range_snapshot(&t->range);
	assert_contract(t); /* without mmap_sem */
	hmm_range_unregister(&t->range);
	hmm_range_unregister(&t->range);
	assert_contract(t); /* twice (D9) */
	assert_false(hmm_range_valid(&t->range));
	assert_contract(t); /* afterwards */
	assert_int_equal(hmm_mirror_register(&other, t->mm), 0);
	assert_contract(t); /* without mmap_sem for writing */
	hmm_mirror_unregister(&other);
	hmm_mirror_unregister(&other);
	assert_contract(t); /* twice */
	assert_int_equal(hmm_mirror_register(&other, (struct mm_struct *)NULL), -EINVAL);
}

#define legacy_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		legacy_test(test_a_snapshot_says_what_is_there_and_faults_nothing_in),
		legacy_test(test_a_fault_brings_in_what_was_asked_for_and_counts_pages),
		legacy_test(test_each_refusal_has_its_errno_and_leaves_the_rest_none),
		legacy_test(test_a_range_is_pages_in_order),
		legacy_test(test_an_invalidation_between_reading_and_looking_is_seen),
		legacy_test(test_pages_get_bus_addresses_and_give_them_back),
		legacy_test(test_calls_in_a_forbidden_state_are_contract_violations),
	};

	return cmocka_run_group_tests_name("the API of Linux 5.2", tests, NULL, NULL);
}
