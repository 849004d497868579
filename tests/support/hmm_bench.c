/* SPDX-License-Identifier: MIT */
#include "hmm_bench.h"

static int gpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	hmm_exporter_adopt(file->private_data, vma);
	return 0;
}

static const struct file_operations gpu_fops = { .mmap = gpu_mmap };

int hmm_bench_init(struct hmm_bench *t)
{
	t->world = p2psim_world_current();
	t->app = p2psim_process_create("app");
	t->nic0_dev = p2psim_platform_device("nic0");
	t->nic1_dev = p2psim_platform_device("nic1");
	hmm_exporter_init(&t->gpu, 0xc0000000);
	hmm_exporter_init(&t->gpu1, 0xd0000000);
	t->gpu_file = p2psim_file_create("gpu0", &gpu_fops, &t->gpu, FMODE_READ | FMODE_WRITE);
	t->gpu1_file = p2psim_file_create("gpu1", &gpu_fops, &t->gpu1, FMODE_READ | FMODE_WRITE);
	if (!t->app || !t->nic0_dev || !t->nic1_dev || !t->gpu_file || !t->gpu1_file)
		return -ENOMEM;
	t->mm = p2psim_process_mm(t->app);
	return hmm_importer_open(&t->nic0, t->nic0_dev, t->mm, HMM_A, HMM_IMPORTER_PAGES);
}

void hmm_bench_exit(struct hmm_bench *t)
{
	if (!t->nic0_gone)
		hmm_importer_close(&t->nic0);
	if (!t->app_gone)
		p2psim_process_exit(t->app);
	fput(t->gpu_file);
	fput(t->gpu1_file);
}

int hmm_bench_setup(void **state)
{
	struct hmm_bench *t;

	if (core_setup(state))
		return -1;
	t = test_calloc(1, sizeof(*t));
	*state = t;
	return hmm_bench_init(t);
}

static bool exporter_is_clean(const struct hmm_exporter *exporter, const char *name)
{
	if (!hmm_exporter_mapped(exporter) && !exporter->bad_unmaps)
		return true;
	print_error("%s counts %ld pages still mapped, %lu wrong addresses\n", name, hmm_exporter_mapped(exporter),
		    exporter->bad_unmaps);
	return false;
}

int hmm_bench_teardown(void **state)
{
	struct hmm_bench *t = *state;
	void *world = t->world;
	bool clean;

	hmm_bench_exit(t);
	clean = exporter_is_clean(&t->gpu, "gpu0") && exporter_is_clean(&t->gpu1, "gpu1");
	clean = !core_teardown(&world) && clean;
	test_free(t);
	return clean ? 0 : -1;
}

int hmm_bench_teardown_rubble(void **state)
{
	struct hmm_bench *t = *state;

	p2psim_world_destroy(t->world);
	test_free(t);
	return 0;
}

static void map_at(struct hmm_bench *t, unsigned long page, unsigned long pages, int prot, int flags, struct file *file,
		   unsigned long pgoff)
{
	long addr = p2psim_mmap(t->app, AT(page), PAGES(pages), prot, flags | MAP_FIXED, file, PAGES(pgoff));

	assert_int_equal(addr, AT(page));
}

void hmm_bench_anon(struct hmm_bench *t, unsigned long page, unsigned long pages, int prot)
{
	map_at(t, page, pages, prot, MAP_PRIVATE | MAP_ANONYMOUS, NULL, 0);
}

void hmm_bench_gpu(struct hmm_bench *t, unsigned long page, unsigned long pages, unsigned long pgoff, int prot)
{
	map_at(t, page, pages, prot, MAP_SHARED, t->gpu_file, pgoff);
}

void hmm_bench_gpu1(struct hmm_bench *t, unsigned long page, unsigned long pages, unsigned long pgoff, int prot)
{
	map_at(t, page, pages, prot, MAP_SHARED, t->gpu1_file, pgoff);
}

void hmm_bench_touch(struct hmm_bench *t, unsigned long page, unsigned long pages, u8 value)
{
	for (; pages; pages--, page++)
		assert_int_equal(p2psim_store_byte(t->app, AT(page), value), 0);
}

void hmm_bench_begin(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags)
{
	t->range = (struct hmm_range){
		.notifier = &t->nic0.sub,
		.notifier_seq = mmu_interval_read_begin(&t->nic0.sub),
		.start = AT(first),
		.end = AT(first + count),
		.hmm_pfns = t->pfns,
		.default_flags = flags,
	};
}

static int fault_locked(struct hmm_bench *t)
{
	int ret;

	mmap_read_lock(t->mm);
	ret = hmm_range_fault(&t->range);
	mmap_read_unlock(t->mm);
	return ret;
}

int hmm_bench_fault(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags)
{
	memset(t->pfns, 0, sizeof(t->pfns));
	hmm_bench_begin(t, first, count, flags);
	return fault_locked(t);
}

int hmm_bench_fault_each(struct hmm_bench *t, unsigned long first, unsigned long count)
{
	hmm_bench_begin(t, first, count, 0);
	t->range.pfn_flags_mask = HMM_PFN_REQ_FAULT | HMM_PFN_REQ_WRITE;
	return fault_locked(t);
}

int hmm_bench_dma_map(struct hmm_bench *t, unsigned long first, unsigned long count, unsigned long flags)
{
	int ret;

	memset(t->pfns, 0, sizeof(t->pfns));
	hmm_bench_begin(t, first, count, flags);
	mmap_read_lock(t->mm);
	ret = hmm_range_dma_map(&t->range, t->nic0_dev, t->daddrs);
	mmap_read_unlock(t->mm);
	return ret;
}

int hmm_bench_dma_unmap(struct hmm_bench *t, unsigned long first, unsigned long count)
{
	return hmm_range_dma_unmap(&t->range, t->nic0_dev, t->daddrs, AT(first), AT(first + count));
}
