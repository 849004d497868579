/* SPDX-License-Identifier: MIT */
/*
 * Quirks: defects that code of 2019 had, each of which can be switched on in a world.
 *
 * Off, as they are unless said otherwise, the call is the repaired one.  On, it is as it was.
 *
 *	D1..D14	the HMM of Linux 5.1 to 5.3 (<p2psim/linux-5.2/hmm.h>)
 *	R1..R13	the RFC "Device peer to peer (p2p) through vma" of 2019-01-29 as it was posted; they act on
 *		hmm_range_dma_map() (R9: on that of 5.2), p2psim_vma_map() and device_test_p2p()
 *
 *	config.quirks = P2PSIM_QUIRK(D1_ABA) | P2PSIM_QUIRK(D7_MM_LIFETIME)
 *
 * The sentence and the source of each stand in src/core/quirk.c; `p2psim list --quirks` prints them.
 */
#ifndef P2PSIM_QUIRK_H
#define P2PSIM_QUIRK_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

enum p2psim_quirk {
	P2PSIM_QUIRK_D1_ABA,
	P2PSIM_QUIRK_D2_FREE_UNDER_NOTIFIER,
	P2PSIM_QUIRK_D3_COUNT_STAYS,
	P2PSIM_QUIRK_D4_REFUSAL_LOST,
	P2PSIM_QUIRK_D5_COUNT_AFTER_CALLBACKS,
	P2PSIM_QUIRK_D6_LOCK_TWICE,
	P2PSIM_QUIRK_D7_MM_LIFETIME,
	P2PSIM_QUIRK_D8_CREATE_RACE,
	P2PSIM_QUIRK_D9_RACY_UNREGISTER,
	P2PSIM_QUIRK_D10_RELEASE_UNLOCKED,
	P2PSIM_QUIRK_D11_SWAP_NOT_FAULTED,
	P2PSIM_QUIRK_D12_HOLE_BEFORE_VMA,
	P2PSIM_QUIRK_D13_NO_REASON,
	P2PSIM_QUIRK_D14_NO_RETRY,
	P2PSIM_QUIRK_R1_NEVER_PEERS,
	P2PSIM_QUIRK_R2_FIRST_SLOT,
	P2PSIM_QUIRK_R3_SKIPS_A_PAGE,
	P2PSIM_QUIRK_R4_UNWIND_FORWARD,
	P2PSIM_QUIRK_R5_RUNNING_TOTAL,
	P2PSIM_QUIRK_R6_UNWIND_SKIPS_P2P,
	P2PSIM_QUIRK_R7_NOTHING_COUNTED,
	P2PSIM_QUIRK_R8_ONE_VMA,
	P2PSIM_QUIRK_R9_TWO_PAGE_SIZES,
	P2PSIM_QUIRK_R10_TWO_CONVENTIONS,
	P2PSIM_QUIRK_R11_NO_RETRY,
	P2PSIM_QUIRK_R12_NO_PERMISSION,
	P2PSIM_QUIRK_R13_EARLIER_VMAS_STAY,
	P2PSIM_QUIRK_NR
};

#define P2PSIM_QUIRK(name) ((uint64_t)1 << P2PSIM_QUIRK_##name)

struct p2psim_quirk_info {
	const char *id;		/* "D1" */
	const char *name;	/* "aba" */
	const char *sentence;	/* what goes wrong */
	const char *source;	/* mail, or commit */
};

/* NULL behind the last. */
P2PSIM_EXPORT const struct p2psim_quirk_info *p2psim_quirk_info(enum p2psim_quirk quirk);
/* By "D1", "d1" or "D1-aba"; P2PSIM_QUIRK_NR: there is none of that name. */
P2PSIM_EXPORT enum p2psim_quirk p2psim_quirk_by_name(const char *name);
/* Is it on in the current world?  No step. */
P2PSIM_EXPORT bool p2psim_quirk_on(enum p2psim_quirk quirk);

P2PSIM_END_DECLS

#endif
