/* SPDX-License-Identifier: MIT */
/*
 * What differs, and what is known to differ.
 *
 * The simulation has the merge rules of 6.1.  A newer kernel may merge where 6.1 does not; each such boundary must be
 * explained by what the maps file hides and the simulation knows, or it is a difference:
 *
 *	account		flags equal but for VM_ACCOUNT, here or there: since 6.12 it goes when a VMA that was never written loses
 *			VM_WRITE
 *	anon-vma	flags equal, anon_vmas that 6.1 does not join
 *	gap-side	a VMA filled a gap between two, and joined the other side of it (6.12: the one before)
 *
 *	mremap-errno	both refuse, with another errno: 6.17 checks in another order
 *	mremap-unmaps	both refuse a move, 6.1 after it has unmapped the target: 6.17 looks first
 *	dontunmap-locked not done: 6.1.192 unlocks the moved part alone, others the VMA
 *	dontunmap-beside not done: 6.1.192 keeps an untouched VMA and its destination apart, others merge them
 *	mremap-many	not done: 6.17 moves several VMAs at once
 *
 * The two of MREMAP_DONTUNMAP came with a late 6.1 that a version number does not tell from an early one: they are left out
 * everywhere.
 *
 * Of a kernel that nobody has looked at, results and values must agree, and VMAs after joining equal neighbours; which of its
 * reasons mremap() gives first is not known.
 */
#include "fuzz.h"

#include <string.h>

#define VM_LOCKED 0x2000UL
#define VM_ACCOUNT 0x100000UL

static const struct {
	const char *name;
	int major, minor;	/* since */
} exceptions[FUZZ_EXCEPTIONS] = {
	[FUZZ_ACCOUNT] = { "account", 6, 12 },
	[FUZZ_ANON_VMA] = { "anon-vma", 6, 12 },
	[FUZZ_GAP_SIDE] = { "gap-side", 6, 12 },
	[FUZZ_MREMAP_SKIPPED] = { "mremap-after-a-difference", 6, 12 },
	[FUZZ_MREMAP_ERRNO] = { "mremap-errno", 6, 17 },
	[FUZZ_MREMAP_UNMAPS] = { "mremap-unmaps", 6, 17 },
	[FUZZ_DONTUNMAP_LOCKED] = { "dontunmap-locked", 6, 12 },
	[FUZZ_DONTUNMAP_BESIDE] = { "dontunmap-beside", 6, 12 },
	[FUZZ_MREMAP_MANY] = { "mremap-many", 6, 17 },
};

const char *fuzz_exception_name(enum fuzz_exception exception)
{
	return exceptions[exception].name;
}

enum fuzz_kernel fuzz_kernel_of(int major, int minor)
{
	if (major == 6 && minor == 1)
		return FUZZ_KERNEL_SAME;
	return major == 6 && minor >= 12 && minor <= 18 ? FUZZ_KERNEL_KNOWN : FUZZ_KERNEL_UNKNOWN;
}

static bool applies(const struct fuzz_report *report, enum fuzz_exception exception)
{
	if (report->kernel == FUZZ_KERNEL_UNKNOWN)
		return exception == FUZZ_MREMAP_ERRNO || exception == FUZZ_MREMAP_UNMAPS; /* VMAs are not asked there */
	return report->kernel == FUZZ_KERNEL_KNOWN && (report->major > exceptions[exception].major ||
						       report->minor >= exceptions[exception].minor);
}

static bool look_alike(const struct fuzz_vma *a, const struct fuzz_vma *b)
{
	return a->end == b->start && !strcmp(a->perm, b->perm) && !strcmp(a->object, b->object) &&
	       (!strcmp(a->object, "anon") || a->offset + (a->end - a->start) == b->offset);
}

static int join(const struct fuzz_answer *answer, struct fuzz_vma *joined)
{
	int i, count = 0;

	for (i = 0; i < answer->vma_count; i++)
		if (count && look_alike(&joined[count - 1], &answer->vmas[i]))
			joined[count - 1].end = answer->vmas[i].end;
		else
			joined[count++] = answer->vmas[i];
	return count;
}

static bool same_vma(const struct fuzz_vma *a, const struct fuzz_vma *b)
{
	return a->start == b->start && a->end == b->end && a->offset == b->offset && !strcmp(a->perm, b->perm) &&
	       !strcmp(a->object, b->object);
}

static bool same_list(const struct fuzz_vma *a, int count, const struct fuzz_vma *b, int b_count)
{
	int i;

	for (i = 0; i < count && i < b_count && same_vma(&a[i], &b[i]); i++)
		;
	return i == count && i == b_count;
}

static bool joined_agree(const struct fuzz_answer *real, const struct fuzz_answer *sim)
{
	struct fuzz_vma a[FUZZ_VMAS_MAX], b[FUZZ_VMAS_MAX];
	int a_count = join(real, a), b_count = join(sim, b);

	return same_list(a, a_count, b, b_count);
}

/* Does a VMA of the list begin there? */
static const struct fuzz_vma *beginning_at(const struct fuzz_answer *answer, unsigned long at)
{
	int i;

	for (i = 0; i < answer->vma_count; i++)
		if (answer->vmas[i].start == at)
			return &answer->vmas[i];
	return NULL;
}

/* A boundary that only the simulation has.  FUZZ_EXCEPTIONS: nothing explains it. */
static enum fuzz_exception why_not_merged(const struct fuzz_op *op, const struct fuzz_vma *a, const struct fuzz_vma *b)
{
	if ((a->vm_flags ^ b->vm_flags) == VM_ACCOUNT)
		return FUZZ_ACCOUNT;
	/* mlock() faults pages in when it is done: the two have one anon_vma now, and had not when it mattered. */
	if (a->vm_flags == b->vm_flags && (a->anon_vma != b->anon_vma || (op->verb == FUZZ_MLOCK && a->anon_vma)))
		return FUZZ_ANON_VMA;
	return FUZZ_EXCEPTIONS;
}

static bool excuse(struct fuzz_report *report, enum fuzz_exception exception)
{
	if (exception == FUZZ_EXCEPTIONS || !applies(report, exception))
		return false;
	report->exceptions[exception]++;
	return true;
}

/* Boundaries of one side alone; how many of the simulation's are explained, in *explained. */
static const char *explain_sim(struct fuzz_report *report, const struct fuzz_op *op, const struct fuzz_answer *real,
			       const struct fuzz_answer *sim, int *explained)
{
	bool before[FUZZ_PAGES];
	unsigned long page;
	int i;

	memcpy(before, report->excused, sizeof(before));
	memset(report->excused, 0, sizeof(before));
	for (i = 1; i < sim->vma_count; i++) {
		if (!look_alike(&sim->vmas[i - 1], &sim->vmas[i]) || beginning_at(real, sim->vmas[i].start))
			continue;
		page = sim->vmas[i].start / FUZZ_PAGE;
		if (!before[page] && !excuse(report, why_not_merged(op, &sim->vmas[i - 1], &sim->vmas[i])))
			return "the kernel has merged what the simulation has not";
		report->excused[page] = true;
		++*explained;
	}
	return NULL;
}

/* Has one of them VM_ACCOUNT, and the other not, in the kernel's own words? */
static bool differ_by_account(const struct fuzz_vma *a, const struct fuzz_vma *b)
{
	return !strstr(a->flags, "ac") != !strstr(b->flags, "ac");
}

/* What the maps file hides is asked for only here. */
static const char *explain_real(struct fuzz_report *report, struct fuzz_answer *real, const struct fuzz_answer *sim,
				int explained)
{
	int i;

	for (i = 1; i < real->vma_count; i++) {
		if (!look_alike(&real->vmas[i - 1], &real->vmas[i]) || beginning_at(sim, real->vmas[i].start))
			continue;
		fuzz_real_flags(real);
		if (differ_by_account(&real->vmas[i - 1], &real->vmas[i]) && excuse(report, FUZZ_ACCOUNT))
			continue;
		if (!explained || !excuse(report, FUZZ_GAP_SIDE))
			return "the simulation has merged what the kernel has not";
	}
	return NULL;
}

static bool is_errno(const char *ret)
{
	return ret[0] == 'E';
}

static bool results_agree(struct fuzz_report *report, const struct fuzz_op *op, const char *real, const char *sim)
{
	if (!strcmp(real, sim))
		return true;
	return op->verb == FUZZ_MREMAP && is_errno(real) && is_errno(sim) && excuse(report, FUZZ_MREMAP_ERRNO);
}

const char *fuzz_compare(struct fuzz_report *report, const struct fuzz_op *op, struct fuzz_answer *real,
			 const struct fuzz_answer *sim)
{
	const char *difference;
	int explained = 0;

	if (!results_agree(report, op, real->ret, sim->ret))
		return "the results differ";
	if (same_list(real->vmas, real->vma_count, sim->vmas, sim->vma_count))
		return NULL;
	if (!joined_agree(real, sim))
		return "the VMAs differ";
	if (report->kernel == FUZZ_KERNEL_UNKNOWN)
		return NULL;
	difference = explain_sim(report, op, real, sim, &explained);
	return difference ? difference : explain_real(report, real, sim, explained);
}

/* The VMA in which the old range begins, or NULL. */
static const struct fuzz_vma *source_of(const struct fuzz_answer *sim, const struct fuzz_op *op)
{
	int i;

	for (i = 0; i < sim->vma_count; i++)
		if (sim->vmas[i].start <= op->addr && op->addr < sim->vmas[i].end)
			return &sim->vmas[i];
	return NULL;
}

/* Once the destination is unmapped. */
static bool is_beside(const struct fuzz_op *op, const struct fuzz_vma *source)
{
	const unsigned long end = op->new_addr + op->len;

	return (op->new_addr >= op->addr + op->len && op->new_addr <= source->end) || (end <= op->addr && end >= source->start);
}

/* FUZZ_EXCEPTIONS: the kernels agree on it. */
static enum fuzz_exception why_not_dontunmap(const struct fuzz_op *op, const struct fuzz_vma *source)
{
	if (!(op->flags & FUZZ_DONTUNMAP) || !source)
		return FUZZ_EXCEPTIONS;
	if (source->vm_flags & VM_LOCKED)
		return FUZZ_DONTUNMAP_LOCKED;
	return !source->anon_vma && is_beside(op, source) ? FUZZ_DONTUNMAP_BESIDE : FUZZ_EXCEPTIONS;
}

bool fuzz_may_mremap(struct fuzz_report *report, const struct fuzz_op *op, const struct fuzz_answer *real,
		     const struct fuzz_answer *sim)
{
	const struct fuzz_vma *source = source_of(sim, op);
	enum fuzz_exception dontunmap = why_not_dontunmap(op, source);

	if (dontunmap != FUZZ_EXCEPTIONS) {
		report->exceptions[dontunmap]++;
		return false;
	}
	if (report->kernel == FUZZ_KERNEL_SAME)
		return true;
	if (!same_list(real->vmas, real->vma_count, sim->vmas, sim->vma_count)) {
		report->exceptions[FUZZ_MREMAP_SKIPPED]++;
		return false;
	}
	if (op->flags & FUZZ_MREMAP_FIXED && source && op->addr + op->len > source->end) {
		report->exceptions[FUZZ_MREMAP_MANY]++;
		return false;
	}
	return true;
}

bool fuzz_is_to_be_levelled(struct fuzz_report *report, const struct fuzz_op *op, const struct fuzz_answer *real,
			    const struct fuzz_answer *sim)
{
	if (op->verb != FUZZ_MREMAP || !(op->flags & FUZZ_MREMAP_FIXED) || !is_errno(real->ret) || !is_errno(sim->ret))
		return false;
	return !joined_agree(real, sim) && excuse(report, FUZZ_MREMAP_UNMAPS);
}
