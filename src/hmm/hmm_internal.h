/* SPDX-License-Identifier: MIT */
/* What the files of this folder share. */
#ifndef P2PSIM_HMM_INTERNAL_H
#define P2PSIM_HMM_INTERNAL_H

#include <p2psim/linux/hmm.h>

/* What the page at `addr` asks for: a mask of HMM_PFN_REQ_*. */
unsigned long hmm_request(const struct hmm_range *range, unsigned long addr);
/*
 * hmm_range_fault() for somebody who asks p2p_map(): pages of devices that are not dev_private_owner's stay where they are if
 * their owner has that, and their entries are pfn | VALID | P2P (| WRITE).
 */
int hmm_range_fault_peers(struct hmm_range *range);
/* CONTRACT: mmap_lock, alignment, the notifier's interval, the sequence.  `who` is in the sentence. */
void hmm_check_caller(const struct hmm_range *range, const char *who);

#endif
