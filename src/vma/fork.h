/* SPDX-License-Identifier: MIT */
/*
 * fork from inside.
 */
#ifndef P2PSIM_VMA_FORK_H
#define P2PSIM_VMA_FORK_H

#include <p2psim/linux/mm_types.h>

/* Copies the parent's address space into a new mm.  0, -EINTR, -ENOMEM: what is there then goes with the last mmput(). */
int dup_mmap(struct mm_struct *mm, struct mm_struct *parent);

#endif
