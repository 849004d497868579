/* SPDX-License-Identifier: MIT */
/*
 * A GPU that works on memory of a process ("userptr") by Linux 6.1's own drivers/gpu/drm/radeon/radeon_mn.c: the parts of
 * radeon and TTM that it calls, cut down to one buffer, and an engine that writes bytes.
 *
 *	job:		mmap_lock; reserve; bind: get_user_pages(), dma_map_page(); the engine is busy; unreserve, unlock;
 *			DMA; the engine is idle
 *	invalidate:	nothing is bound: true.  Else reserve; wait until the engine is idle; unbind
 */
#ifndef TESTS_RADEON_USERPTR_H
#define TESTS_RADEON_USERPTR_H

#include <stdbool.h>

struct radeon_userptr;
struct p2psim_process;

/* A buffer of `pages` (at most 4) at addr of the process.  NULL: -errno in *error. */
struct radeon_userptr *radeon_userptr_create(struct p2psim_process *process, unsigned long addr, unsigned long pages,
					     int *error);
void radeon_userptr_destroy(struct radeon_userptr *gpu);
/* A job that writes one byte to the buffer's page.  0, or -errno: its pages cannot be had. */
int radeon_userptr_write(struct radeon_userptr *gpu, unsigned long page, unsigned char byte);
bool radeon_userptr_is_bound(const struct radeon_userptr *gpu);

#endif
