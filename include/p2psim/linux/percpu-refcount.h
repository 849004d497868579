/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/percpu-refcount.h, 6.1 (reduced: the counter of a pagemap is in memremap.h, and moved by what maps and
 * frees its pages.  Counters of a driver's own are declared: linking says what is missing).
 */
#ifndef P2PSIM_LINUX_PERCPU_REFCOUNT_H
#define P2PSIM_LINUX_PERCPU_REFCOUNT_H

#include <p2psim/linux/memremap.h>

typedef void (percpu_ref_func_t)(struct percpu_ref *ref);

int percpu_ref_init(struct percpu_ref *ref, percpu_ref_func_t *release, unsigned int flags, gfp_t gfp);
void percpu_ref_exit(struct percpu_ref *ref);
void percpu_ref_kill(struct percpu_ref *ref);
void percpu_ref_get(struct percpu_ref *ref);
bool percpu_ref_tryget(struct percpu_ref *ref);
bool percpu_ref_tryget_live(struct percpu_ref *ref);
void percpu_ref_put(struct percpu_ref *ref);

#endif
