/* SPDX-License-Identifier: MIT */
/*
 * hmm_range_fault_unlocked_timeout(): a driver that invalidates what it has just given, 300 ms each time, for so many times.
 */
#include "vma_bench.h"

#include <p2psim/linux/hmm.h>
#include <p2psim/linux/jiffies.h>
#include <p2psim/linux/mutex.h>
#include <p2psim/task.h>

#define EACH 300
#define TIMEOUT HMM_RANGE_DEFAULT_TIMEOUT

struct restless {
	struct vma_bench b;
	struct mmu_interval_notifier notifier;
	struct mutex lock;
	unsigned int times, done;
	unsigned long pfn;
	int ret;
};

static vm_fault_t restless_fault(struct vm_fault *vmf)
{
	struct restless *r = container_of(bench_of(vmf->vma), struct restless, b);
	struct mmu_notifier_range range;

	if (r->done == r->times) {
		vmf->page = alloc_page(GFP_KERNEL);
		return vmf->page ? 0 : VM_FAULT_OOM;
	}
	r->done++;
	msleep(EACH);
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vmf->vma, vmf->vma->vm_mm, vmf->address, vmf->address + PAGE_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	mmu_notifier_invalidate_range_end(&range);
	return VM_FAULT_NOPAGE;
}

static const struct vm_operations_struct restless_ops = { .fault = restless_fault };

static bool on_invalidate(struct mmu_interval_notifier *notifier, const struct mmu_notifier_range *range, unsigned long seq)
{
	struct restless *r = container_of(notifier, struct restless, notifier);

	(void)range;
	mutex_lock(&r->lock);
	mmu_interval_set_seq(notifier, seq);
	mutex_unlock(&r->lock);
	return true;
}

static const struct mmu_interval_notifier_ops ops = { .invalidate = on_invalidate };

static int fault(struct restless *r, unsigned int times, unsigned long timeout)
{
	struct hmm_range range = { .notifier = &r->notifier, .start = AT(0), .end = AT(1), .hmm_pfns = &r->pfn,
				   .default_flags = HMM_PFN_REQ_FAULT };

	r->times = times;
	r->done = 0;
	return hmm_range_fault_unlocked_timeout(&range, timeout);
}

static int setup(void **state)
{
	struct restless *r = calloc(1, sizeof(*r));

	if (!r)
		return -1;
	*state = &r->b;
	r->b.world = p2psim_world_create(NULL);
	p2psim_world_on_violation(r->b.world, core_quiet, NULL);
	r->b.app = p2psim_process_create("app");
	r->b.mm = p2psim_process_mm(r->b.app);
	r->b.ops = &restless_ops;
	r->b.file = p2psim_file_create("restless", &bench_fops, &r->b, FMODE_READ | FMODE_WRITE);
	mutex_init(&r->lock);
	p2psim_mmap(r->b.app, AT(0), PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED, r->b.file, 0);
	return mmu_interval_notifier_insert(&r->notifier, r->b.mm, AT(0), PAGE_SIZE, &ops);
}

static int teardown(void **state)
{
	struct restless *r = container_of((struct vma_bench *)*state, struct restless, b);
	bool left;

	mmu_interval_notifier_remove(&r->notifier);
	p2psim_process_exit(r->b.app);
	fput(r->b.file);
	left = p2psim_world_violation(r->b.world) || p2psim_world_check_quiescent(r->b.world);
	p2psim_world_destroy(r->b.world);
	free(r);
	return left ? -1 : 0;
}

static struct restless *restless(void **state)
{
	return container_of((struct vma_bench *)*state, struct restless, b);
}

static void test_who_is_left_alone_gets_his_page_at_once(void **state)
{
	struct restless *r = restless(state);

	assert_int_equal(fault(r, 0, TIMEOUT), 0);
	assert_true(r->pfn & HMM_PFN_VALID);
	assert_int_equal(jiffies, 0);
	assert_false(p2psim_lock_is_held(&r->b.mm->mmap_lock.lock));
}

static void test_interference_that_ends_in_time_is_waited_for(void **state)
{
	struct restless *r = restless(state);

	assert_int_equal(fault(r, 3, TIMEOUT), 0);
	assert_true(r->pfn & HMM_PFN_VALID);
	assert_int_equal(jiffies, 3 * EACH);
}

/* The round that is under way when the time is over is the last. */
static void test_interference_that_does_not_end_is_busy_when_the_time_is_over(void **state)
{
	struct restless *r = restless(state);

	assert_int_equal(fault(r, 1000, TIMEOUT), -EBUSY);
	assert_int_equal(r->done, 4);
	assert_int_equal(jiffies, 4 * EACH);
}

static void test_without_a_timeout_it_goes_on(void **state)
{
	struct restless *r = restless(state);

	assert_int_equal(fault(r, 50, 0), 0);
	assert_int_equal(r->done, 50);
}

static void faults_for_ever(void *arg)
{
	struct restless *r = arg;

	r->ret = fault(r, 1000, 0);
}

static void test_who_is_killed_does_not_go_on(void **state)
{
	struct restless *r = restless(state);
	struct task_struct *task = p2psim_task_spawn("device", faults_for_ever, r);

	assert_int_equal(p2psim_run_until(task, "hmm:table"), 0);
	p2psim_task_kill(task);
	assert_int_equal(p2psim_run(), 0);
	assert_int_equal(r->ret, -EINTR);
}

#define restless_test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		restless_test(test_who_is_left_alone_gets_his_page_at_once),
		restless_test(test_interference_that_ends_in_time_is_waited_for),
		restless_test(test_interference_that_does_not_end_is_busy_when_the_time_is_over),
		restless_test(test_without_a_timeout_it_goes_on),
		restless_test(test_who_is_killed_does_not_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
