/* SPDX-License-Identifier: MIT */
/*
 * Patch 4/5 where it was written for: hmm_range_dma_map() of the API of 2019 meets pages in a gpu's memory.
 */
#include "devices_fixture.h"

#include <p2psim/linux-5.2/hmm.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/pci.h>
#include <p2psim/linux/pgtable.h>

#define PAGES 2

static const uint64_t flags[HMM_PFN_FLAG_MAX] = { [HMM_PFN_VALID] = 1, [HMM_PFN_WRITE] = 2, [HMM_PFN_DEVICE_PRIVATE] = 4 };
static const uint64_t values[HMM_PFN_VALUE_MAX] = { [HMM_PFN_ERROR] = 8, [HMM_PFN_NONE] = 32, [HMM_PFN_SPECIAL] = 16 };

struct mirror {
	struct hmm_mirror mirror;
	struct hmm_range range;
	uint64_t pfns[PAGES];
	dma_addr_t daddrs[PAGES];
	unsigned int updates;
};

static int on_update(struct hmm_mirror *mirror, const struct hmm_update *update)
{
	struct mirror *t = container_of(mirror, struct mirror, mirror);

	t->updates++;
	return 0;
}

static const struct hmm_mirror_ops mirror_ops = { .sync_cpu_device_pagetables = on_update };

static struct mm_struct *mm_of(struct devices *d)
{
	return p2psim_process_mm(d->m.app);
}

/* Two pages in the gpu's memory, and a range over them that wants to write. */
static void begin(struct devices *d, struct mirror *t)
{
	unsigned long i;

	assert_int_equal(machine_map_anonymous(&d->m, VA(0), PAGES), 0);
	for (i = 0; i < PAGES; i++)
		assert_int_equal(p2psim_store_byte(d->m.app, VA(i), (u8)('a' + i)), 0);
	assert_int_equal(p2psim_gpu_migrate(d->m.gpu, mm_of(d), VA(0), VA(PAGES)), PAGES);
	t->mirror.ops = &mirror_ops;
	down_write(&mm_of(d)->mmap_sem);
	assert_int_equal(hmm_mirror_register(&t->mirror, mm_of(d)), 0);
	up_write(&mm_of(d)->mmap_sem);
	t->range.pfns = t->pfns;
	t->range.flags = flags;
	t->range.values = values;
	t->range.pfn_shift = 8;
	t->range.default_flags = 3;
	assert_int_equal(hmm_range_register(&t->range, &t->mirror, VA(0), VA(PAGES), PAGE_SHIFT), 0);
}

static void end(struct devices *d, struct mirror *t)
{
	hmm_range_dma_unmap(&t->range, NULL, p2psim_nic_dev(d->m.nic), t->daddrs, false);
	hmm_range_unregister(&t->range);
	hmm_mirror_unregister(&t->mirror);
	mmu_notifier_synchronize();
}

/* One try, as a driver's loop has it. */
static long map(struct devices *d, struct mirror *t)
{
	long ret;

	hmm_range_wait_until_valid(&t->range, HMM_RANGE_DEFAULT_TIMEOUT);
	down_read(&mm_of(d)->mmap_sem);
	ret = hmm_range_dma_map(&t->range, p2psim_nic_dev(d->m.nic), t->daddrs, true);
	up_read(&mm_of(d)->mmap_sem);
	return ret;
}

static bool nobody(const struct p2psim_gpu_object *bo, const struct device *importer, bool write, void *arg)
{
	return false;
}

static void test_the_pages_stay_and_have_addresses_of_the_bar(void **state)
{
	struct devices *d = *state;
	struct mirror t = {};

	begin(d, &t);
	assert_int_equal(map(d, &t), PAGES);
	assert_true(t.pfns[0] == values[HMM_PFN_SPECIAL] && t.pfns[1] == values[HMM_PFN_SPECIAL]);
	assert_int_equal(t.daddrs[0], pci_resource_start(p2psim_gpu_pdev(d->m.gpu), 0));
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), PAGES);
	assert_int_equal(hmm_range_dma_unmap(&t.range, NULL, p2psim_nic_dev(d->m.nic), t.daddrs, false), PAGES);
	assert_int_equal(p2psim_gpu_pages_mapped(d->m.gpu), 0);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), PAGES);
	end(d, &t);
}

/* The first try brings page 0 back and is invalid by that, the second page 1. */
static void test_a_refused_page_goes_to_ram_and_the_range_is_busy_meanwhile(void **state)
{
	struct devices *d = *state;
	struct mirror t = {};

	p2psim_gpu_set_policy(d->m.gpu, nobody, NULL);
	begin(d, &t);
	assert_int_equal(map(d, &t), -EBUSY);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 1);
	assert_int_equal(map(d, &t), -EBUSY);
	assert_int_equal(map(d, &t), PAGES);
	assert_int_equal(t.daddrs[0], (uint64_t)pte_pfn(*p2psim_pte_lookup(mm_of(d), VA(0))) << PAGE_SHIFT);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 0);
	end(d, &t);
}

/* DEVICE_PRIVATE in a request: the driver does not want it there, whoever would let it in. */
static void test_who_asks_for_the_page_back_gets_it(void **state)
{
	struct devices *d = *state;
	struct mirror t = {};

	begin(d, &t);
	t.range.default_flags = 7;
	assert_int_equal(map(d, &t), -EBUSY);
	assert_int_equal(p2psim_gpu_pages(d->m.gpu), 1);
	end(d, &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(test_the_pages_stay_and_have_addresses_of_the_bar),
		device_test(test_a_refused_page_goes_to_ram_and_the_range_is_busy_meanwhile),
		device_test(test_who_asks_for_the_page_back_gets_it),
	};

	return cmocka_run_group_tests_name("pages in a gpu's memory and the API of 2019", tests, NULL, NULL);
}
