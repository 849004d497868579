/* SPDX-License-Identifier: MIT */
/*
 * The nouns of the mm.  Mirrors: include/linux/mm_types.h, mm.h, 6.1 (reduced).
 *
 * Glossary
 *	page		4096 bytes; `struct page` exists for RAM (and for device memory that has pages), never for a plain BAR
 *	pfn		page frame number: CPU physical address >> PAGE_SHIFT.  A BAR has pfns, but no struct page
 *	bus address	what a PCI device puts on the wire to reach a BAR; may differ from the CPU's address by the window offset
 *	IOVA		what a device puts on the wire when an IOMMU translates it
 *	dma_addr_t	either of the two: whatever the importer has to program
 *	BAR page	4096 bytes of a BAR window; what lies behind it is the exporter's business and may change
 *	VMA		struct vm_area_struct: a range of one mm with one set of permissions and one backing
 *	range		[start, end), page aligned, of user virtual addresses unless said
 *	interval	[start, last], as the kernel's interval trees keep it
 */
#ifndef P2PSIM_LINUX_MM_TYPES_H
#define P2PSIM_LINUX_MM_TYPES_H

#include <p2psim/linux/list.h>
#include <p2psim/linux/refcount.h>
#include <p2psim/linux/rwsem.h>
#include <p2psim/linux/spinlock.h>
#include <p2psim/linux/types.h>

/* <sys/user.h> has the first three as well. */
#undef PAGE_SHIFT
#undef PAGE_SIZE
#undef PAGE_MASK
#define PAGE_SHIFT 12
#define PAGE_SIZE (1UL << PAGE_SHIFT)
#define PAGE_MASK (~(PAGE_SIZE - 1))
#define PAGE_ALIGN(addr) ALIGN((addr), PAGE_SIZE)
#define PAGE_ALIGNED(addr) IS_ALIGNED((unsigned long)(addr), PAGE_SIZE)
#define PMD_SHIFT 21
#define PMD_SIZE (1UL << PMD_SHIFT)
#define PMD_MASK (~(PMD_SIZE - 1))
#define PUD_SHIFT 30
#define PUD_SIZE (1UL << PUD_SHIFT)
#define PUD_MASK (~(PUD_SIZE - 1))
/* End of the user half: 47 bits less a guard page, as on x86-64. */
#define TASK_SIZE ((1UL << 47) - PAGE_SIZE)

struct address_space;
struct anon_vma;
struct dev_pagemap;
struct device;
struct file;
struct mmu_notifier_range;
struct mmu_notifier_subscriptions;
struct vm_area_struct;
struct vm_fault;

/* Facts of the API: include/linux/mm.h, 6.1. */
#define VM_NONE 0x0UL
#define VM_READ 0x1UL
#define VM_WRITE 0x2UL
#define VM_EXEC 0x4UL
#define VM_SHARED 0x8UL
#define VM_MAYREAD 0x10UL
#define VM_MAYWRITE 0x20UL
#define VM_MAYEXEC 0x40UL
#define VM_MAYSHARE 0x80UL
#define VM_GROWSDOWN 0x100UL
#define VM_PFNMAP 0x400UL
#define VM_LOCKED 0x2000UL
#define VM_IO 0x4000UL
#define VM_SEQ_READ 0x8000UL
#define VM_RAND_READ 0x10000UL
#define VM_DONTCOPY 0x20000UL
#define VM_DONTEXPAND 0x40000UL
#define VM_LOCKONFAULT 0x80000UL
#define VM_ACCOUNT 0x100000UL
#define VM_NORESERVE 0x200000UL
#define VM_HUGETLB 0x400000UL
#define VM_WIPEONFORK 0x2000000UL
#define VM_DONTDUMP 0x4000000UL
#define VM_SOFTDIRTY 0x8000000UL
#define VM_MIXEDMAP 0x10000000UL
#define VM_HUGEPAGE 0x20000000UL
#define VM_NOHUGEPAGE 0x40000000UL
#define VM_MERGEABLE 0x80000000UL
#define VM_ACCESS_FLAGS (VM_READ | VM_WRITE | VM_EXEC)
#define VM_SPECIAL (VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP)

/* Page-table entries as one 64-bit word; the bits are p2psim's own (<p2psim/linux/pgtable.h>). */
typedef struct {
	u64 val;
} pte_t;
typedef struct {
	u64 val;
} pmd_t;
typedef struct {
	u64 val;
} pud_t;
typedef struct {
	u64 val;
} pgd_t;
typedef struct {
	u64 val;
} pgprot_t;

enum pageflags {
	PG_locked,
	PG_uptodate,
	PG_dirty,
	PG_referenced,
	PG_swapbacked,
	PG_anon,		/* mapping is an anon_vma (the kernel: bit 0 of mapping) */
	PG_anon_exclusive,
	PG_reserved,
	PG_isolated,		/* a driver moves it: it holds its anon_vma, which stays */
	PG_hwpoison,
	PG_device,		/* ZONE_DEVICE: pgmap is set */
	PG_head, PG_tail,
	PG_swapcache,
	PG_ksm,
	PG_swapped,		/* of a tmpfs: its bytes are in swap; the cache keeps the page for them only */
	PG_slab,		/* memory of kmalloc() (virt_to_page()) */
};

/* Contents exist only where something was stored: data NULL reads as zeros. */
struct page {
	unsigned long flags;		/* mask of 1 << enum pageflags; upper half: owner (<p2psim/ram.h>) */
	atomic_t _refcount;
	atomic_t _mapcount;		/* number of page-table entries - 1, as in the kernel */
	union {
		struct address_space *mapping;
		struct anon_vma *anon_vma;
	};
	pgoff_t index;			/* page offset in the mapping */
	union {
		struct dev_pagemap *pgmap;
		struct page *next_free;
		unsigned long private;
	};
	void *zone_device_data;
	unsigned long pfn;
	void *data;			/* PAGE_SIZE bytes of the arena, or NULL */
};

struct vm_operations_struct {
	void (*open)(struct vm_area_struct *vma);
	void (*close)(struct vm_area_struct *vma);
	int (*may_split)(struct vm_area_struct *vma, unsigned long addr);
	int (*mremap)(struct vm_area_struct *vma);
	int (*mprotect)(struct vm_area_struct *vma, unsigned long start, unsigned long end, unsigned long newflags);
	vm_fault_t (*fault)(struct vm_fault *vmf);
	vm_fault_t (*map_pages)(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff);
	unsigned long (*pagesize)(struct vm_area_struct *vma);
	vm_fault_t (*page_mkwrite)(struct vm_fault *vmf);
	vm_fault_t (*pfn_mkwrite)(struct vm_fault *vmf);
	int (*access)(struct vm_area_struct *vma, unsigned long addr, void *buf, int len, int write);
	const char *(*name)(struct vm_area_struct *vma);

	/*
	 * The RFC of 2019-01-29 (Glisse, "[RFC PATCH 3/5] mm/vma: add support for peer to peer to device vma"), optional:
	 * NULL = this VMA is not exportable (C1).
	 *
	 * p2p_map: lets `device` (the importer) reach [start, end) of the VMA.  Fills pa[], one dma_addr_t a page of the
	 * range, with what the importer has to put on the bus, in a BAR or in RAM (C9).  Must not depend on CPU PTEs (C2),
	 * checks the exporter's policy at each call (C8), pins nothing (C7).  A success obliges (C3).
	 * Return: 0, all pages; or -errno, none (reasons: <p2psim/reason.h>).  Nothing positive.
	 * Context: mmap_lock held for reading; may sleep.
	 *
	 * p2p_unmap: gives back pa[] of a sub-range of earlier maps.  The importer calls it for whatever a notifier
	 * invalidates (C4), or when it likes (C11).
	 * Return: 0.
	 * Context: whatever the notifier holds, possibly nothing; must not take what p2p_map's caller may hold (mmap_lock).
	 */
	long (*p2p_map)(struct vm_area_struct *vma, struct device *device, unsigned long start, unsigned long end,
			dma_addr_t *pa, bool write);
	long (*p2p_unmap)(struct vm_area_struct *vma, struct device *device, unsigned long start, unsigned long end,
			  dma_addr_t *pa);
	/*
	 * p2psim's own, for C15 (Glisse, 2019-01-31): may the p2p_map() of [start, end) that follows be kept until UNMAP?
	 * 0 or -errno (P2PSIM_REASON_PIN_REFUSED).  NULL: never.  Context: as p2p_map.
	 */
	int (*p2p_pin)(struct vm_area_struct *vma, struct device *device, unsigned long start, unsigned long end);
};

/* A node of the library's balanced tree (src/core/tree.h). */
struct p2psim_tree_node {
	struct p2psim_tree_node *left, *right, *parent;
	u32 priority;
};

struct p2psim_tree {
	struct p2psim_tree_node *root;
	u32 inserted;		/* so far: where priorities come from */
};

/* Look-ups touch one cache line of each VMA that they pass: the 64 bytes from vm_start on. */
struct vm_area_struct {
	struct mm_struct *vm_mm;
	pgprot_t vm_page_prot;
	unsigned long vm_flags;		/* written with mmap_lock held for writing */
	struct file *vm_file;

	unsigned long vm_start, vm_end;
	struct p2psim_tree_node mm_node;	/* p2psim's own: in mm->mm_vmas */
	unsigned long gap_before;		/* free address space in front of this VMA */
	unsigned long subtree_max_gap;		/* the largest of them in the subtree */

	struct list_head anon_vma_chain;
	struct anon_vma *anon_vma;
	const struct vm_operations_struct *vm_ops;
	unsigned long vm_pgoff;
	void *vm_private_data;

	/* p2psim's own */
	struct p2psim_tree_node file_node;	/* in vm_file->f_mapping->i_mmap */
	unsigned long file_subtree_last;
	struct list_head p2p_mappings;		/* who imported which of its pages (<p2psim/vma_map.h>) */
	u32 p2p_unmaps;				/* calls of p2p_unmap() under way with this VMA */
	u32 serial;				/* n-th VMA of its mm: its name in reports */
	bool detached;				/* out of the tree, close() still to come */
};

struct hmm;

struct mm_struct {
	struct p2psim_object obj;
	struct p2psim_object vmas_obj;		/* the tree of VMAs, as steps name it */
	struct p2psim_tree mm_vmas;
	int map_count;
	unsigned long highest_vm_end;
	unsigned long total_vm, locked_vm;	/* pages */
	unsigned long start_brk, brk;		/* 0: no mapping is called a heap or the stack here */
	unsigned long start_stack;
	unsigned long def_flags;		/* of new VMAs: mlockall(MCL_FUTURE) */
	u64 limits[3];				/* bytes, by enum p2psim_limit (the kernel: of the thread group) */
	void *pgd;				/* top-level table, or NULL */
	spinlock_t page_table_lock;
	struct p2psim_pte_hold *pte_holds;	/* entries that a copy-on-write is replacing: others wait */
	struct rw_semaphore mmap_lock;
	atomic_t mm_users;			/* of the address space; 0: exit_mmap() has begun */
	atomic_t mm_count;			/* of the struct; all users together hold one */
	struct mmu_notifier_subscriptions *notifier_subscriptions; /* NULL until the first one */
	struct task_struct *owner;		/* the process's (<p2psim/linux/pid.h>); NULL: none, or it has exited */
	struct hmm *hmm;			/* page_table_lock; of 5.2 (<p2psim/linux-5.2/hmm.h>), NULL without mirrors */
	long rss_anon, rss_file, rss_shmem;
	u32 vma_serial;
	bool unstable;				/* the OOM reaper was here: private memory may have lost its contents */
	char comm[32];
	/* Called by the last mmput() and mmdrop(): the mm is above the core. */
	void (*exit)(struct mm_struct *mm);
	void (*free)(struct mm_struct *mm);
	/* Called at the end of every invalidation, before seq moves on: the vma layer looks for what went unanswered. */
	void (*invalidated)(struct mm_struct *mm, const struct mmu_notifier_range *range);
	struct p2psim_tree p2p_pages;	/* who imported which page, by address (<p2psim/vma_map.h>) */
	struct list_head p2p_promises;	/* what exporters have granted once (C3) */
	atomic64_t pinned_vm;			/* pages, as far as drivers count what they pin */
	void *private_data;
};

enum vm_fault_reason {
	VM_FAULT_OOM = 0x1,
	VM_FAULT_SIGBUS = 0x2,
	VM_FAULT_MAJOR = 0x4,
	VM_FAULT_WRITE = 0x8,
	VM_FAULT_HWPOISON = 0x10,
	VM_FAULT_HWPOISON_LARGE = 0x20,
	VM_FAULT_SIGSEGV = 0x40,
	VM_FAULT_NOPAGE = 0x100,
	VM_FAULT_LOCKED = 0x200,
	VM_FAULT_RETRY = 0x400,
	VM_FAULT_FALLBACK = 0x800,
	VM_FAULT_DONE_COW = 0x1000,
	VM_FAULT_NEEDDSYNC = 0x2000,
	VM_FAULT_COMPLETED = 0x4000,
};
#define VM_FAULT_ERROR                                                                                                 \
	(VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV | VM_FAULT_HWPOISON | VM_FAULT_HWPOISON_LARGE |             \
	 VM_FAULT_FALLBACK)

enum fault_flag {
	FAULT_FLAG_WRITE = 1 << 0,
	FAULT_FLAG_MKWRITE = 1 << 1,
	FAULT_FLAG_ALLOW_RETRY = 1 << 2,
	FAULT_FLAG_RETRY_NOWAIT = 1 << 3,
	FAULT_FLAG_KILLABLE = 1 << 4,
	FAULT_FLAG_TRIED = 1 << 5,
	FAULT_FLAG_USER = 1 << 6,
	FAULT_FLAG_REMOTE = 1 << 7,
	FAULT_FLAG_INSTRUCTION = 1 << 8,
	FAULT_FLAG_INTERRUPTIBLE = 1 << 9,
	FAULT_FLAG_UNSHARE = 1 << 10,
};

struct vm_fault {
	struct vm_area_struct *vma;
	gfp_t gfp_mask;
	pgoff_t pgoff;			/* in the file */
	unsigned long address;		/* page aligned */
	unsigned long real_address;
	unsigned int flags;		/* mask of enum fault_flag */
	pte_t orig_pte;
	struct page *cow_page;
	struct page *page;		/* what ->fault() returns */
	pte_t *pte;
};

#endif
