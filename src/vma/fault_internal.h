/* SPDX-License-Identifier: MIT */
/*
 * Page faults: what the files of their kinds share.
 */
#ifndef P2PSIM_VMA_FAULT_INTERNAL_H
#define P2PSIM_VMA_FAULT_INTERNAL_H

#include "vma/internal.h"

static inline bool fault_wants_write(const struct vm_fault *vmf)
{
	return vmf->flags & FAULT_FLAG_WRITE;
}

/* Did a handler end the matter: an error, a retry, or the entry put in by itself? */
static inline bool fault_is_final(vm_fault_t ret)
{
	return ret & (VM_FAULT_ERROR | VM_FAULT_NOPAGE | VM_FAULT_RETRY);
}

/* ---- fault.c ---- */

bool fault_make_table(struct vm_fault *vmf);	/* false: out of memory */
/*
 * The step of whoever changes the entry: true, and it may be changed, if it still is what the fault has seen.  Else somebody
 * was faster, and the access is tried again.
 */
bool fault_claim(const struct vm_fault *vmf);
vm_fault_t fault_install(struct vm_fault *vmf, pte_t value);
/* Takes over the caller's reference. */
vm_fault_t fault_map_anon_page(struct vm_fault *vmf, struct page *page, pte_t entry);
pte_t anon_pte(const struct vm_area_struct *vma, const struct page *page);

/* ---- fault_file.c ---- */

vm_fault_t do_file_fault(struct vm_fault *vmf);
/*
 * Asks the driver before vmf->page becomes writable.  0; VM_FAULT_LOCKED: it is locked now, until its entry is there; what
 * fault_is_final() says: why not.
 */
vm_fault_t fault_ask_page_mkwrite(struct vm_fault *vmf);

/* What entries of a file's pages have before they are written: P2PSIM_PTE_WRITE if nobody wants to hear of writes. */
u64 fault_file_bits(const struct vm_area_struct *vma);

/* ---- filemap.c ---- */

/* Maps cached pages around the address.  VM_FAULT_NOPAGE: also that of the address; 0: go on. */
vm_fault_t do_fault_around(struct vm_fault *vmf);

/* ---- fault_wp.c ---- */

vm_fault_t do_wp_page(struct vm_fault *vmf);
/* The contents for a copy: of a page, or of MMIO.  One step that reads it.  False: out of memory. */
bool fault_copy_contents(struct page *copy, struct page *old, unsigned long pfn);

/* ---- fault_swap.c ---- */

/* False: mmap_lock was dropped to wait, and the fault is to be tried again (VM_FAULT_RETRY). */
bool fault_lock_page(const struct vm_fault *vmf, struct page *page);

/* Entries that are neither none nor present. */
vm_fault_t do_absent_page(struct vm_fault *vmf);

#endif
