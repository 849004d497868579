/* SPDX-License-Identifier: MIT */
/*
 * The defects of 2019, each a scenario: as repaired, "era/D1-aba", and "era/D1-aba!as-it-was" in a world with the quirk.
 * Arrays end with an entry without name.
 */
#ifndef P2PSIM_EXAMPLES_ERAS_H
#define P2PSIM_EXAMPLES_ERAS_H

#include <p2psim/quirk.h>
#include <p2psim/scenario.h>

extern const struct p2psim_scenario p2psim_era_hmm[];	 /* D1..D12, D14: the HMM of 5.2 */
extern const struct p2psim_scenario p2psim_era_reason[]; /* D13: its callback without a reason */
extern const struct p2psim_scenario p2psim_era_rfc[];	 /* R1..R8, R10..R13: the RFC as it was posted */
extern const struct p2psim_scenario p2psim_era_pages[];	 /* R9: its pages in ranges of 5.2 */
extern const struct p2psim_scenario p2psim_era_memory[]; /* R2, R3, R4, R10 in a device's memory */
extern const struct p2psim_scenario p2psim_rfc_pages[];	 /* pages in a gpu's memory, and who imports them: RFC 4/5 */

/*
 * Two entries of an array: a scenario, and the same with the quirk on, which gives `found` (SOMETIMES, ALWAYS or VIOLATION,
 * then by `which`).  After that come the fields that both have.
 */
#define ERA_PAIR(title, quirk, how, found, which, ...)                                                                 \
	{ .name = "era/" title, .expect = P2PSIM_NEVER, .schedule = how, __VA_ARGS__ },                                \
	{ .name = "era/" title "!as-it-was", .expect = found, .oracle = which, .schedule = how,                        \
	  .config = { .quirks = P2PSIM_QUIRK(quirk) }, __VA_ARGS__ },

#endif
