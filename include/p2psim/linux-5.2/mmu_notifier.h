/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/mmu_notifier.h, 5.2: what that release had and 6.1 has not.
 *
 * Subscribers of that time took their ends apart: off the list at once, freed when nobody can be inside any more.
 *
 *	mmu_notifier_unregister_no_release(mn, mm);	no callback begins from now on; one may still be running
 *	mmu_notifier_call_srcu(&object->rcu, free_it);	called when none is
 *
 * The rest is <p2psim/linux/mmu_notifier.h>.
 */
#ifndef P2PSIM_LINUX_5_2_MMU_NOTIFIER_H
#define P2PSIM_LINUX_5_2_MMU_NOTIFIER_H

#include <p2psim/linux/mmu_notifier.h>
#include <p2psim/linux/srcu.h>

/*
 * Takes a subscriber off the list without calling ->release() and without waiting.  Drops its reference of the mm's struct.
 * Context: any that may sleep for a spinlock; a callback, too.
 */
P2PSIM_EXPORT void mmu_notifier_unregister_no_release(struct mmu_notifier *subscription, struct mm_struct *mm);
/* Calls func(rcu) after every callback that runs now has returned.  Does not sleep. */
P2PSIM_EXPORT void mmu_notifier_call_srcu(struct callback_head *rcu, void (*func)(struct callback_head *rcu));

#endif
