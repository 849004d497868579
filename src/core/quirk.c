/* SPDX-License-Identifier: MIT */
/*
 * The quirks' sentences and sources, and whether one is on.
 *
 * Gunthorpe's patches are those of "mm/hmm: Various revisions from a locking/code review" (2019-06-24), "RFC n/5" is
 * Glisse's "Device peer to peer (p2p) through vma" (2019-01-29).
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <p2psim/quirk.h>

#include "core/internal.h"

_Static_assert(P2PSIM_QUIRK_NR <= 64, "a configuration has one word of them");

#define REVISION(n, id) "Gunthorpe, 2019-06-24, " #n "/12 (20190624210110.5098-" #id "-jgg@ziepe.ca)"
#define D(n, text, what, from) { "D" #n, text, what, from }
#define R(n, text, what, from) { "R" #n, text, what, from }

static const struct p2psim_quirk_info quirks[] = {
	D(1, "aba", "a range's bool goes from true to false and back while page tables are read, and nobody can tell",
	  "Gunthorpe, 2019-10-15, mm/hmm: allow hmm_range to be used with a mmu_range_notifier or hmm_mirror"),
	D(2, "free-under-notifier", "struct hmm is freed at the last put, while an invalidation still runs in it",
	  REVISION(1, 2)),
	D(3, "count-stays", "an invalidation refused for want of mirrors_sem stays counted: no range is valid ever again",
	  REVISION(12, 13)),
	D(4, "refusal-lost", "a mirror says -EAGAIN, the mm hears 0 and frees the pages that the device still uses",
	  REVISION(12, 13)),
	D(5, "count-after-callbacks",
	  "an invalidation is counted after its callbacks only: the end of another makes all ranges valid too early",
	  REVISION(12, 13)),
	D(6, "lock-twice", "without blocking, a trylock that succeeds is followed by the lock itself",
	  "Dan Carpenter, 2019-02-04"),
	D(7, "mm-lifetime", "a range holds no mmget(), only a flag read without a lock says that the address space goes",
	  REVISION(7, 8)),
	D(8, "create-race", "of two first users of an address space one is told that there is no memory",
	  REVISION(4, 5)),
	D(9, "racy-unregister", "a range may be unregistered twice, says a test that two tasks can pass together",
	  REVISION(9, 10)),
	D(10, "release-unlocked", "release() runs with the mirror unlinked and no lock: unregister does not wait for it",
	  REVISION(11, 12)),
	D(11, "swap-not-faulted", "what is needed is tested before it is computed: a swapped-out page is never faulted in",
	  "Philip Yang, Linux 5.4: fix hmm_range_fault()'s handling of swapped out pages"),
	D(12, "hole-before-vma", "find_vma() is believed: a hole is walked with the VMA behind it",
	  "mm/hmm.c, 5.3: hmm_range_fault() does not compare vm_start"),
	D(13, "no-reason", "a mirror hears of a range and not why, nor of a VMA, and find_vma() is not safe in its callback",
	  "Gunthorpe, 2019-06-08, Re: [RFC] mm/hmm: pass mmu_notifier_range to sync_cpu_device_pagetables"),
	D(14, "no-retry", "mirrors become plain notifiers before these can tell a range that it has collided",
	  "Gunthorpe, 2019-06-08, Re: [RFC] mm/hmm: pass mmu_notifier_range to sync_cpu_device_pagetables"),
	R(1, "never-peers", "pci_test_p2p() is false for every pair of devices", "RFC 1/5; Logan Gunthorpe, 2019-01-29"),
	R(2, "first-slot", "each run of device pages puts its addresses where the first one has put them", "RFC 4/5"),
	R(3, "skips-a-page", "after a run of several pages one page is left out", "RFC 4/5"),
	R(4, "unwind-forward", "the way back after an error adds what it should take away: all but the first page stay",
	  "RFC 4/5"),
	R(5, "running-total", "unmapping steps on by the number of all pages so far, not by those of the run", "RFC 5/5"),
	R(6, "unwind-skips-p2p", "the way back after an error passes over device pages: p2p_unmap() is not called",
	  "RFC 5/5"),
	R(7, "nothing-counted", "the walk does not count a device VMA: a range that is one has no pages and is busy for ever",
	  "RFC 5/5"),
	R(8, "one-vma", "unmapping knows one VMA: a range over two device VMAs is a BUG", "RFC 5/5"),
	R(9, "two-page-sizes", "p2p_map() fills an address a page, the range has room for one a larger page", "RFC 5/5"),
	R(10, "two-conventions", "0 means all pages to HMM and refused to the exporter", "RFC 4/5 against 5/5"),
	R(11, "no-retry", "a collision is answered with -EBUSY, and what was mapped until then is not given back", "RFC 5/5"),
	R(12, "no-permission", "p2p_map() for writing is called on a VMA that may not be written, or read at all", "RFC 5/5"),
	R(13, "earlier-vmas-stay", "an error in a later VMA leaves the device pages of earlier ones mapped", "RFC 5/5"),
};
_Static_assert(sizeof(quirks) / sizeof(quirks[0]) == P2PSIM_QUIRK_NR, "a sentence for each");

const struct p2psim_quirk_info *p2psim_quirk_info(enum p2psim_quirk quirk)
{
	return (unsigned int)quirk < P2PSIM_QUIRK_NR ? &quirks[quirk] : NULL;
}

enum p2psim_quirk p2psim_quirk_by_name(const char *name)
{
	char whole[64];
	int i;

	for (i = 0; i < P2PSIM_QUIRK_NR; i++) {
		snprintf(whole, sizeof(whole), "%s-%s", quirks[i].id, quirks[i].name);
		if (!strcasecmp(name, quirks[i].id) || !strcasecmp(name, whole))
			break;
	}
	return (enum p2psim_quirk)i;
}

bool p2psim_quirk_on(enum p2psim_quirk quirk)
{
	return p2psim_hot && p2psim_world_here()->config.quirks >> quirk & 1;
}
