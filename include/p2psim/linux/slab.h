/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/slab.h, gfp.h, 6.1 (reduced).  All memory comes from the world's arena.  Each allocation is an
 * injection point (<p2psim/inject.h>) and, with __GFP_DIRECT_RECLAIM, may sleep and enters the pseudo-lock "fs_reclaim".
 * kmalloc() memory holds 0x5a; freed memory is poisoned with 0x6b and stays in quarantine; what lives at the end is a LEAK
 * named by the line that allocated it.  Freeing twice, or something else, is a UAF.
 */
#ifndef P2PSIM_LINUX_SLAB_H
#define P2PSIM_LINUX_SLAB_H

#include <p2psim/linux/kernel.h>
#include <p2psim/linux/numa.h>
#include <p2psim/linux/overflow.h>

#define __GFP_HIGH 0x20u
#define __GFP_IO 0x40u
#define __GFP_FS 0x80u
#define __GFP_ZERO 0x100u
#define __GFP_DIRECT_RECLAIM 0x400u
#define __GFP_KSWAPD_RECLAIM 0x800u
#define __GFP_NOWARN 0x2000u
#define __GFP_NOFAIL 0x8000u
#define GFP_ATOMIC (__GFP_HIGH | __GFP_KSWAPD_RECLAIM)
#define GFP_KERNEL (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO | __GFP_FS)
#define GFP_NOWAIT __GFP_KSWAPD_RECLAIM
#define GFP_NOIO (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM)
#define GFP_NOFS (__GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM | __GFP_IO)
#define GFP_USER GFP_KERNEL
#define GFP_HIGHUSER GFP_KERNEL
#define GFP_HIGHUSER_MOVABLE GFP_KERNEL

P2PSIM_EXPORT void *kmalloc(size_t size, gfp_t flags);
P2PSIM_EXPORT void *kzalloc(size_t size, gfp_t flags);
P2PSIM_EXPORT void *kmalloc_array(size_t n, size_t size, gfp_t flags);
P2PSIM_EXPORT void *kcalloc(size_t n, size_t size, gfp_t flags);
P2PSIM_EXPORT void *krealloc(const void *ptr, size_t size, gfp_t flags);
P2PSIM_EXPORT char *kstrdup(const char *s, gfp_t flags);
P2PSIM_EXPORT void kfree(const void *ptr);
/* Frees after an RCU grace period. */
P2PSIM_EXPORT void p2psim_kfree_rcu(struct callback_head *head, size_t offset);
P2PSIM_EXPORT size_t ksize(const void *ptr);

#define kmalloc(s, f) (P2PSIM_HERE(), kmalloc(s, f))
#define kzalloc(s, f) (P2PSIM_HERE(), kzalloc(s, f))
#define kmalloc_array(n, s, f) (P2PSIM_HERE(), kmalloc_array(n, s, f))
#define kcalloc(n, s, f) (P2PSIM_HERE(), kcalloc(n, s, f))
#define krealloc(p, s, f) (P2PSIM_HERE(), krealloc(p, s, f))
#define kstrdup(s, f) (P2PSIM_HERE(), kstrdup(s, f))
#define kfree(p) (P2PSIM_HERE(), kfree(p))
/* A machine of one node. */
#define kmalloc_node(s, f, node) ((void)(node), kmalloc(s, f))
#define kzalloc_node(s, f, node) ((void)(node), kzalloc(s, f))
#define kcalloc_node(n, s, f, node) ((void)(node), kcalloc(n, s, f))
#define kvmalloc(s, f) kmalloc(s, f)
#define kvzalloc(s, f) kzalloc(s, f)
#define kvcalloc(n, s, f) kcalloc(n, s, f)
#define kvmalloc_array(n, s, f) kmalloc_array(n, s, f)
#define kvfree(p) kfree(p)
#define kfree_rcu(ptr, member) p2psim_kfree_rcu(&(ptr)->member, offsetof(__typeof__(*(ptr)), member))

/* "The caller may allocate": the lock graph's half of an allocation, without allocating. */
P2PSIM_EXPORT void might_alloc(gfp_t flags);

#endif
