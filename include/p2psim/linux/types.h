/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/types.h, 6.1 (reduced).  dev_t, loff_t, off_t, size_t, ssize_t and pid_t stay glibc's.
 */
#ifndef P2PSIM_LINUX_TYPES_H
#define P2PSIM_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
#ifdef __KERNEL__
typedef unsigned long long u64;	/* the uapi's __u64 */
#else
typedef uint64_t u64;
#endif
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
#ifdef __KERNEL__
typedef long long s64;
#else
typedef int64_t s64;
#endif

typedef u64 dma_addr_t;		/* what a device puts on the bus: bus address or IOVA */
typedef u64 phys_addr_t;	/* what the CPU puts on its bus */
typedef phys_addr_t resource_size_t;
typedef unsigned long pgoff_t;	/* pages */
typedef unsigned int gfp_t;
typedef unsigned int vm_fault_t; /* mask of VM_FAULT_* */
typedef unsigned short umode_t;

#define DECLARE_BITMAP(name, bits) unsigned long name[((bits) + 63) / 64]

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	s64 counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

struct list_head {
	struct list_head *next, *prev;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct callback_head {
	struct callback_head *next;
	void (*func)(struct callback_head *head);
};
#define rcu_head callback_head

#endif
