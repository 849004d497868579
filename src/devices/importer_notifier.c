/* SPDX-License-Identifier: MIT */
/*
 * importer: the classic mmu_notifier, one an import.
 *
 * The list calls everybody for everything, so the first thing is to look whether it is about us, without a lock.  There is
 * no invalidate_range_end: a callback that may say -EAGAIN must not have one, and none is needed, because new maps need
 * mmap_lock (I1) or meet a closed door at the exporter.
 *
 * A pinned import obeys UNMAP, and the end of the mm, and nothing else (Glisse, 2019-01-31): its exporter has agreed.
 */
#include "devices/importer_internal.h"

#include <p2psim/trace.h>
#include <p2psim/vma_map.h>

static bool import_is_idle(void *arg)
{
	struct p2psim_import *import = arg;

	return !import->in_flight;
}

void import_drop(struct p2psim_import *import)
{
	lockdep_assert_held(&import->lock);
	if (import->kind != P2PSIM_IMPORT_P2P)
		return;
	/* Off the device, out of flight, then back to the exporter; never another order. */
	p2psim_step_on(P2PSIM_STEP_TLB, p2psim_object_id(&import->obj), true, "importer:zap");
	import->kind = P2PSIM_IMPORT_GONE;
	p2psim_step_guarded(P2PSIM_STEP_TLB, p2psim_object_id(&import->obj), false, "importer:drain", import_is_idle,
			    import);
	if (!(import->importer->flags & P2PSIM_IMPORTER_FORGET_UNMAP))
		p2psim_vma_unmap(import->mm, import_dev(import), import->start, import->end, import->dma);
}

static bool import_obeys(const struct p2psim_import *import, const struct mmu_notifier_range *range)
{
	if (import->importer->flags & P2PSIM_IMPORTER_IGNORE_INVALIDATE)
		return false;
	return !(import->flags & P2PSIM_IMPORT_PIN) || range->event == MMU_NOTIFY_UNMAP;
}

static int import_invalidate_range_start(struct mmu_notifier *notifier, const struct mmu_notifier_range *range)
{
	struct p2psim_import *import = container_of(notifier, struct p2psim_import, notifier);

	if (range->end <= import->start || range->start >= import->end)
		return 0;
	if (mmu_notifier_range_blockable(range))
		mutex_lock(&import->lock);
	else if (!mutex_trylock(&import->lock))
		return -EAGAIN;
	import->seq++;
	if (import_obeys(import, range))
		import_drop(import);
	mutex_unlock(&import->lock);
	return 0;
}

/* The address space ends, or we unregister. */
static void import_release(struct mmu_notifier *notifier, struct mm_struct *mm)
{
	struct p2psim_import *import = container_of(notifier, struct p2psim_import, notifier);

	mutex_lock(&import->lock);
	import->seq++;
	import_drop(import);
	mutex_unlock(&import->lock);
}

const struct mmu_notifier_ops import_notifier_ops = {
	.release = import_release,
	.invalidate_range_start = import_invalidate_range_start,
};
