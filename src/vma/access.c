/* SPDX-License-Identifier: MIT */
/*
 * Accesses of the CPU in user mode: what the hardware's page fault handler checks, and the load or store itself.
 */
#include <signal.h>
#include <string.h>

#include <p2psim/check.h>
#include <p2psim/step.h>

#include <p2psim/notifier.h>

#include "vma/internal.h"

#define RETRIES_MAX 1000

/*
 * The x86 rules: a write needs VM_WRITE; a read of something not present needs any of the three, and nothing is present
 * that can be read in a VMA with none of them.
 */
static bool is_allowed(const struct vm_area_struct *vma, bool write)
{
	return vma->vm_flags & (write ? VM_WRITE : VM_ACCESS_FLAGS);
}

static bool entry_allows(pte_t pte, bool write)
{
	return pte.val & P2PSIM_PTE_PRESENT && (!write || pte_write(pte));
}

static int signal_of(vm_fault_t fault, struct p2psim_signal *signal, unsigned long addr)
{
	if (fault & VM_FAULT_OOM)
		return -ENOMEM;
	if (fault & VM_FAULT_SIGSEGV)
		return p2psim_raise(signal, SIGSEGV, P2PSIM_SEGV_MAPERR, addr);
	return p2psim_raise(signal, SIGBUS, P2PSIM_BUS_ADRERR, addr);
}

static int never_ends(struct mm_struct *mm, unsigned long addr)
{
	p2psim_violate(P2PSIM_PROGRESS, 0, mm->obj.id, 0, "%s faults at 0x%lx for ever", mm->comm, addr);
	return -EFAULT;
}

static bool is_below_stack(struct mm_struct *mm, unsigned long addr)
{
	const struct vm_area_struct *vma = vma_find(mm, addr);

	return vma && vma->vm_flags & VM_GROWSDOWN;
}

/* One try under mmap_lock.  0 or -errno; VM_FAULT_RETRY when the handler has dropped the lock. */
static int try_fault(struct mm_struct *mm, unsigned long addr, unsigned int flags, struct p2psim_signal *signal)
{
	struct vm_area_struct *vma;
	vm_fault_t fault;
	bool grows;

	mmap_read_lock(mm);
	vma = (vma_lookup)(mm, addr);
	if (!vma || !is_allowed(vma, flags & FAULT_FLAG_WRITE)) {
		grows = !vma && is_below_stack(mm, addr);
		mmap_read_unlock(mm);
		if (grows && expand_stack(mm, addr))
			return VM_FAULT_RETRY;
		return p2psim_raise(signal, SIGSEGV, vma ? P2PSIM_SEGV_ACCERR : P2PSIM_SEGV_MAPERR, addr);
	}
	fault = (handle_mm_fault)(vma, addr, flags, NULL);
	if (fault & VM_FAULT_RETRY)
		return VM_FAULT_RETRY;
	mmap_read_unlock(mm);
	return fault & VM_FAULT_ERROR ? signal_of(fault, signal, addr) : 0;
}

int p2psim_fault_user(struct mm_struct *mm, unsigned long addr, bool write, struct p2psim_signal *signal)
{
	unsigned int flags = FAULT_FLAG_USER | FAULT_FLAG_ALLOW_RETRY | FAULT_FLAG_KILLABLE | (write ? FAULT_FLAG_WRITE : 0);
	int tries, ret;

	for (tries = 0; tries < RETRIES_MAX; tries++) {
		ret = try_fault(mm, addr, flags, signal);
		if (ret != VM_FAULT_RETRY)
			return ret;
		flags |= FAULT_FLAG_TRIED;
	}
	return never_ends(mm, addr);
}

/* Reads who may see the bytes. */
static void check_owner(struct mm_struct *mm, unsigned long pfn)
{
	const struct page *page = p2psim_page_of_pfn(pfn);
	uint32_t owner = page ? p2psim_page_owner(page) : 0;

	if (owner && PageAnon(page) && page_mapcount(page) == 1 && owner != mm->obj.id)
		p2psim_violate(P2PSIM_DATA, 0, owner, mm->obj.id, "%s sees page %lx, whose bytes are somebody else's", mm->comm,
			       pfn);
}

/* What the access is going to reach as things stand: the entry, and the page behind it. */
static void access_step_slow(struct mm_struct *mm, unsigned long unit, pte_t pte, bool write)
{
	unsigned long pfn = pte_pfn(pte);
	struct p2psim_op op = {
		.kind = write ? P2PSIM_STEP_MEM_WRITE : P2PSIM_STEP_MEM_READ,
		.access_count = 1,
		.access[0] = { p2psim_object_id(&mm->obj), write, unit, unit },
	};

	if (entry_allows(pte, write))
		op.access[op.access_count++] =
			(struct p2psim_access){ pfn_valid(pfn) ? P2PSIM_OBJ_RAM : P2PSIM_OBJ_BAR, write, pfn, pfn };
	p2psim_step_op(&op);
}

static pte_t entry_of(struct mm_struct *mm, unsigned long addr)
{
	const pte_t *pte = p2psim_pte_lookup(mm, addr);

	return pte ? *pte : __pte(0);
}

/*
 * The step of an access.  When the entry has changed while it waited, the step has named the wrong page: the CPU's walk
 * begins again.  Returns the entry.
 */
static pte_t access_step(struct mm_struct *mm, unsigned long addr, bool write)
{
	struct p2psim_hot *hot = p2psim_hot;
	pte_t named, pte;

	if (likely(hot && !hot->busy)) {
		hot->steps++;
		return entry_of(mm, addr);
	}
	pte = entry_of(mm, addr);
	do {
		named = pte;
		access_step_slow(mm, addr >> PAGE_SHIFT, named, write);
		pte = entry_of(mm, addr);
	} while (entry_allows(pte, write) && (!entry_allows(named, write) || pte_pfn(named) != pte_pfn(pte)));
	return pte;
}

/* One access within a page: translation and bytes are one step, as they are one instruction. */
static int access_page(struct mm_struct *mm, unsigned long addr, void *buf, size_t len, bool write,
		       struct p2psim_signal *signal)
{
	int tries, error;
	pte_t pte;

	for (tries = 0; tries < RETRIES_MAX; tries++) {
		pte = access_step(mm, addr, write);
		if (entry_allows(pte, write)) {
			check_owner(mm, pte_pfn(pte));
			p2psim_pte_lookup(mm, addr)->val |= P2PSIM_PTE_YOUNG | (write ? P2PSIM_PTE_DIRTY : 0);
			return p2psim_phys_access((u64)pte_pfn(pte) << PAGE_SHIFT | (addr & ~PAGE_MASK), buf, len, write);
		}
		error = p2psim_fault_user(mm, addr, write, signal);
		if (error)
			return error;
	}
	return never_ends(mm, addr);
}

int p2psim_access_user(struct mm_struct *mm, unsigned long addr, void *buf, size_t len, bool write,
		       struct p2psim_signal *signal)
{
	while (len) {
		size_t chunk = min_t(size_t, len, PAGE_SIZE - (addr & ~PAGE_MASK));
		int error = access_page(mm, addr, buf, chunk, write, signal);

		if (error)
			return error;
		addr += chunk;
		buf = (char *)buf + chunk;
		len -= chunk;
	}
	return 0;
}

/* Through entries that the CPU has to fault on, a device still reaches its own memory and what it has exclusively. */
static bool device_may(pte_t pte, bool write)
{
	if (is_device_private_pte(pte) || is_device_exclusive_pte(pte))
		return !write || pte_write(pte);
	return entry_allows(pte, write);
}

bool p2psim_translation_check(struct mm_struct *mm, unsigned long va, uint64_t phys, bool write)
{
	const pte_t *pte = p2psim_pte_lookup(mm, va);
	uint64_t cause = 0;

	if (pte && device_may(*pte, write) && pte_pfn(*pte) == phys >> PAGE_SHIFT)
		return true;
	if (p2psim_mm_invalidating(mm, va & PAGE_MASK, (va & PAGE_MASK) + PAGE_SIZE, &cause))
		return true;
	p2psim_violate(P2PSIM_STALE, cause, mm->obj.id, P2PSIM_OBJ_RAM,
		       "a device %s page %lx through 0x%lx, which %s", write ? "writes" : "reads",
		       (unsigned long)(phys >> PAGE_SHIFT), va,
		       !pte || pte_none(*pte) ? "maps nothing any more" :
		       is_swap_pte(*pte) ? "is swapped out" :
		       pte_pfn(*pte) != phys >> PAGE_SHIFT ? "maps another page now" :
		       pte_protnone(*pte) ? "is PROT_NONE now" : "is read-only now");
	return false;
}
