/* SPDX-License-Identifier: MIT */
/*
 * What people said in the thread of "[RFC PATCH 0/5] Device peer to peer (p2p) through vma", January 2019, each as a test:
 * S1..S25 are the statements of reference section 5.7 that a gpu, a nic and an importer without HMM can express.
 */
#include "devices_fixture.h"

#include <p2psim/dma.h>
#include <p2psim/linux/device.h>
#include <p2psim/linux/dma-mapping.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mmap_lock.h>
#include <p2psim/pci.h>
#include <p2psim/reason.h>
#include <p2psim/vma_map.h>

static struct p2psim_gpu_object *object(struct devices *d, unsigned long va, unsigned long pages, unsigned int flags)
{
	struct p2psim_gpu_object *bo = machine_map_object(&d->m, va, pages, flags);

	assert_non_null(bo);
	return bo;
}

static void region(struct devices *d, unsigned long va, unsigned long pages)
{
	assert_int_equal(machine_register(&d->m, va, pages * PAGE_SIZE), 0);
}

static int import(struct devices *d, unsigned long va, unsigned int flags)
{
	if (!d->m.disk)
		assert_int_equal(machine_add_disk(&d->m, 0), 0);
	return p2psim_import_create(d->m.disk, p2psim_process_mm(d->m.app), va, va + PAGE_SIZE,
				    flags | P2PSIM_IMPORT_WRITE, &d->m.import);
}

static struct vm_area_struct *lookup(struct devices *d, unsigned long va)
{
	struct mm_struct *mm = p2psim_process_mm(d->m.app);
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, va);
	mmap_read_unlock(mm);
	return vma;
}

/* Logan Gunthorpe, 01-29: only HMM calls them?  No: a driver without HMM does as well. */
static void s01_an_importer_without_hmm_calls_p2p_map(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);

	assert_int_equal(import(d, VA(0), 0), 0);
	assert_int_equal(p2psim_import_kind(d->m.import), P2PSIM_IMPORT_P2P);
	assert_int_equal(p2psim_import_write(d->m.import, VA(0), "i", 1), 0);
	assert_int_equal(engine_get(bo, 0), 'i');
	assert_int_equal(p2psim_gpu_object_mapped(bo), 1);
}

/* Logan Gunthorpe, 01-29: why not fault()?  It is never called, and CPU page tables stay empty. */
static void s02_p2p_map_makes_no_cpu_fault(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);
	unsigned long pfn;

	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_gpu_object_faults(bo), 0);
	mmap_read_lock(p2psim_process_mm(d->m.app));
	assert_int_equal(follow_pfn(vma_lookup(p2psim_process_mm(d->m.app), VA(0)), VA(0), &pfn), -EINVAL);
	mmap_read_unlock(p2psim_process_mm(d->m.app));
}

/* Hellwig, 01-30: without struct page, GUP and O_DIRECT fail. */
static void s07_gup_and_o_direct_refuse_a_bar(void **state)
{
	struct devices *d = *state;
	char byte = 'b';

	object(d, VA(0), 1, 0);
	assert_int_equal(machine_map_anonymous(&d->m, VA(1), 1), 0);
	assert_int_equal(machine_add_disk(&d->m, 0), 0);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'x'), 0);
	assert_int_equal(p2psim_direct_io(d->m.disk, p2psim_process_mm(d->m.app), VA(0), &byte, 1, true), -EFAULT);
	assert_int_equal(p2psim_direct_io(d->m.disk, p2psim_process_mm(d->m.app), VA(1), &byte, 1, true), 0);
	assert_int_equal(p2psim_load_byte(d->m.app, VA(1)), 'b');
	assert_int_equal(p2psim_direct_io(d->m.disk, p2psim_process_mm(d->m.app), VA(2), &byte, 1, true), -EFAULT);
}

/* Jason Gunthorpe, 01-29 22:40: zap, then wait until all have unmapped.  Here nobody keeps anything. */
static void s10_unplug_returns_when_the_map_count_is_zero(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 2, 0);

	region(d, VA(0), 2);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(2), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 2);
	assert_int_equal(p2psim_gpu_unplug(d->m.gpu), 0);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(p2psim_gpu_object_place(bo), P2PSIM_GPU_NOWHERE);
}

/* The same: afterwards p2p_map() fails, the region is in error there, and alive elsewhere. */
static void s11_after_unplug_the_region_completes_in_error(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, 0);
	assert_int_equal(machine_map_anonymous(&d->m, VA(1), 1), 0);
	region(d, VA(0), 2);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_gpu_unplug(d->m.gpu), 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_DEVICE_GONE);
	assert_int_equal(nic_put(d, VA(1), 'n'), 0);
	assert_int_equal(import(d, VA(0), 0), -ENODEV);
}

/* Jason Gunthorpe, mail 003:   [ A A ][ B ][ RAM ]  one region; munmap of B, mmap of something else there. */
static void s12_one_region_over_many_vmas(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *a = object(d, VA(0), 2, 0);

	object(d, VA(2), 1, 0);
	assert_int_equal(machine_map_anonymous(&d->m, VA(3), 1), 0);
	region(d, VA(0), 4);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(4), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(2), PAGE_SIZE), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 3);
	assert_int_equal(nic_put(d, VA(2), 'n'), -EFAULT);
	assert_int_equal(machine_map_anonymous(&d->m, VA(2), 1), 0);
	assert_int_equal(nic_put(d, VA(2), 'n'), 0);
	assert_int_equal(p2psim_gpu_object_mapped(a), 2);
}

/* Glisse, mail 003 and 01-30 21:56: device VMAs are split by munmap; a region over everything follows. */
static void s13_a_split_device_vma_works_on_both_sides(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 3, 0);

	region(d, 0, 0);
	assert_int_equal(p2psim_nic_prefetch(d->m.mr, VA(0), VA(3), P2PSIM_NIC_WRITE), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(1), PAGE_SIZE), 0);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 2);
	assert_int_equal(nic_put(d, VA(0), '0'), 0);
	assert_int_equal(nic_put(d, VA(1), '1'), -EFAULT);
	assert_int_equal(nic_put(d, VA(2), '2'), 0);
	assert_int_equal(engine_get(bo, 2 * PAGE_SIZE), '2');
}

static bool nobody(const struct p2psim_gpu_object *bo, const struct device *importer, bool write, void *arg)
{
	return false;
}

/* Glisse, mail 000: through HMM a refusal looks like no VMA at all; the reason is kept for who asks. */
static void s14_a_refusal_looks_like_a_hole(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, 0);
	region(d, VA(0), 2);
	p2psim_gpu_set_policy(d->m.gpu, nobody, NULL);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_POLICY);
	assert_int_equal(nic_put(d, VA(1), 'n'), -EFAULT);
	assert_int_equal(import(d, VA(0), 0), -EACCES);
	p2psim_gpu_set_policy(d->m.gpu, NULL, NULL);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
}

/* Glisse, 01-29 21:50: GPUs move things.  After eviction the nic gets RAM, the bytes are the same. */
static void s16_an_evicted_object_is_reached_in_ram(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);
	struct p2psim_tlp_result where;

	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'v'), 0);
	assert_int_equal(p2psim_gpu_evict(bo), 0);
	assert_int_equal(p2psim_nic_entries(d->m.mr), 0);
	assert_int_equal(nic_get(d, VA(0)), 'v');
	p2psim_dma_route(p2psim_nic_dev(d->m.nic), p2psim_nic_entry_dma(d->m.mr, VA(0)), &where);
	assert_int_equal(where.where, P2PSIM_TLP_RAM);
	assert_int_equal(p2psim_gpu_restore(bo), 0);
	assert_int_equal(nic_get(d, VA(0)), 'v');
}

/* Glisse: the CPU need not be able to reach it. */
static void s18_an_object_without_cpu_mapping_is_exported(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, P2PSIM_GPU_OBJECT_NO_CPU);

	region(d, VA(0), 1);
	assert_int_equal(p2psim_store_byte(d->m.app, VA(0), 'c'), -EFAULT);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(engine_get(bo, 0), 'n');
}

/* Jason Gunthorpe, 01-31: who obeys no notifier gets nothing that may move. */
static void s19_without_a_notifier_there_is_no_device_vma(void **state)
{
	struct devices *d = *state;

	object(d, VA(0), 1, P2PSIM_GPU_OBJECT_MAY_PIN);
	assert_int_equal(machine_map_anonymous(&d->m, VA(1), 1), 0);
	assert_int_equal(machine_add_disk(&d->m, P2PSIM_IMPORTER_NO_NOTIFIER), 0);
	assert_int_equal(import(d, VA(0), 0), -EOPNOTSUPP);
	assert_int_equal(import(d, VA(1), 0), 0);
	assert_int_equal(p2psim_import_kind(d->m.import), P2PSIM_IMPORT_GUP);
}

/* Glisse, 01-31: a pin obeys UNMAP alone; an exporter that moves things refuses. */
static void s20_a_pin_is_kept_until_munmap_or_refused(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, P2PSIM_GPU_OBJECT_MAY_PIN);

	object(d, VA(1), 1, 0);
	assert_int_equal(import(d, VA(1), P2PSIM_IMPORT_PIN), -EOPNOTSUPP);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_PIN_REFUSED);
	assert_int_equal(import(d, VA(0), P2PSIM_IMPORT_PIN), 0);
	assert_int_equal(p2psim_gpu_evict(bo), -EBUSY);
	assert_int_equal(p2psim_import_write(d->m.import, VA(0), "p", 1), 0);
	assert_int_equal(p2psim_munmap(d->m.app, VA(0), PAGE_SIZE), 0);
	assert_int_equal(p2psim_import_kind(d->m.import), P2PSIM_IMPORT_GONE);
	assert_int_equal(p2psim_gpu_evict(bo), 0);
}

/*
 * Glisse, 01-31: dma_map_resource() respects the mask.  By way of the root complex it counts: a nic there that cannot put
 * the BAR's address on the bus is refused cleanly.  (Below one switch it does not: recorded fact.)
 */
static void s23_a_narrow_dma_mask_fails_cleanly(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);
	struct pci_dev *port = p2psim_pci_root_port(p2psim_pci_find("0000:00:00.0"), NULL);
	struct p2psim_nic *far = p2psim_nic_create(port, &(struct p2psim_nic_config){ .name = "nic1" });
	struct p2psim_nic_region *mr;

	assert_int_equal(p2psim_nic_register(far, p2psim_process_mm(d->m.app), VA(0), PAGE_SIZE, P2PSIM_NIC_WRITE,
					     &mr), 0);
	assert_int_equal(p2psim_nic_write(mr, VA(0), "n", 1), 0);
	assert_int_equal(p2psim_gpu_revoke(bo), 0);
	p2psim_vma_map_withdraw(lookup(d, VA(0)), NULL);
	assert_int_equal(dma_set_mask(p2psim_nic_dev(far), DMA_BIT_MASK(24)), 0);
	assert_int_equal(p2psim_nic_write(mr, VA(0), "n", 1), -EFAULT);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_ROUTABLE);
	assert_int_equal(p2psim_gpu_object_mapped(bo), 0);
	assert_int_equal(p2psim_dma_live(p2psim_nic_dev(far)), 0);
	p2psim_nic_deregister(mr);
	p2psim_nic_destroy(far);
}

/* Greg Kroah-Hartman: do not pass random struct devices. */
static void s24_an_importer_that_is_no_pci_device_is_refused(void **state)
{
	struct devices *d = *state;
	struct device *platform = p2psim_platform_device("dma engine");
	struct mm_struct *mm = p2psim_process_mm(d->m.app);
	dma_addr_t pa;

	object(d, VA(0), 1, 0);
	mmap_read_lock(mm);
	assert_int_equal(p2psim_vma_map(vma_lookup(mm, VA(0)), platform, VA(0), VA(1), &pa, true), -EINVAL);
	mmap_read_unlock(mm);
	assert_int_equal(p2psim_last_refusal()->reason, P2PSIM_REASON_NOT_PCI);
}

/*
 * C3: what was granted is granted again, after defragmentation and after a round trip through RAM.
 *
 *	BAR	| x | bo |   ->   | bo |
 */
static void s25_what_was_granted_is_granted_again(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *x = object(d, VA(4), 1, 0), *bo = object(d, VA(0), 1, 0);
	u64 before;

	region(d, VA(0), 5);
	assert_int_equal(nic_put(d, VA(4), 'x'), 0);
	assert_int_equal(nic_put(d, VA(0), '1'), 0);
	before = p2psim_nic_entry_dma(d->m.mr, VA(0));
	assert_int_equal(p2psim_gpu_evict(x), 0);
	assert_int_equal(p2psim_gpu_defragment(d->m.gpu), 1);
	assert_int_equal(nic_get(d, VA(0)), '1');
	assert_int_equal(p2psim_nic_entry_dma(d->m.mr, VA(0)), before - PAGE_SIZE);
	assert_int_equal(p2psim_gpu_restore(x), 0);
	assert_int_equal(nic_get(d, VA(4)), 'x');
	assert_int_equal(p2psim_gpu_object_mapped(bo), 1);
}

/* C8: an ioctl changes the object's flags at any time; a refusal after that breaks no promise. */
static void c08_policy_is_asked_at_every_call(void **state)
{
	struct devices *d = *state;
	struct p2psim_gpu_object *bo = object(d, VA(0), 1, 0);

	region(d, VA(0), 1);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	p2psim_gpu_object_set_flags(bo, P2PSIM_GPU_OBJECT_NO_P2P);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
	assert_int_equal(p2psim_gpu_revoke(bo), 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), -EFAULT);
	p2psim_gpu_object_set_flags(bo, 0);
	assert_int_equal(nic_put(d, VA(0), 'n'), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		device_test(s01_an_importer_without_hmm_calls_p2p_map),
		device_test(s02_p2p_map_makes_no_cpu_fault),
		device_test(s07_gup_and_o_direct_refuse_a_bar),
		device_test(s10_unplug_returns_when_the_map_count_is_zero),
		device_test(s11_after_unplug_the_region_completes_in_error),
		device_test(s12_one_region_over_many_vmas),
		device_test(s13_a_split_device_vma_works_on_both_sides),
		device_test(s14_a_refusal_looks_like_a_hole),
		device_test(s16_an_evicted_object_is_reached_in_ram),
		device_test(s18_an_object_without_cpu_mapping_is_exported),
		device_test(s19_without_a_notifier_there_is_no_device_vma),
		device_test(s20_a_pin_is_kept_until_munmap_or_refused),
		device_test(s23_a_narrow_dma_mask_fails_cleanly),
		device_test(s24_an_importer_that_is_no_pci_device_is_refused),
		device_test(s25_what_was_granted_is_granted_again),
		device_test(c08_policy_is_asked_at_every_call),
	};

	return cmocka_run_group_tests_name("the thread of January 2019", tests, NULL, NULL);
}
