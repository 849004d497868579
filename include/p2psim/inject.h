/* SPDX-License-Identifier: MIT */
/*
 * Failure on purpose.  Every allocation of simulated memory is an injection point, numbered from 1 in each execution.
 */
#ifndef P2PSIM_INJECT_H
#define P2PSIM_INJECT_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct p2psim_world;

/* The n-th allocation from now fails (1 = the next); 0 switches it off.  Survives p2psim_world_reset(). */
P2PSIM_EXPORT void p2psim_inject_fail_nth(struct p2psim_world *world, uint64_t n);
/* How many injection points were passed in this execution. */
P2PSIM_EXPORT uint64_t p2psim_inject_points(const struct p2psim_world *world);
/* True when the armed failure has happened; `site` (may be NULL) tells where. */
P2PSIM_EXPORT bool p2psim_inject_fired(const struct p2psim_world *world, const struct p2psim_site **site);

P2PSIM_END_DECLS

#endif
