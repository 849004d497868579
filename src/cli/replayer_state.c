/* SPDX-License-Identifier: MIT */
/*
 * What the window looks like: VMAs as /proc shows them, page-table entries as one letter each.
 */
#include "cli/replayer.h"

#include <stdio.h>
#include <string.h>

#include <p2psim/dmirror.h>
#include <p2psim/linux/memremap.h>
#include <p2psim/linux/mm.h>

static const struct {
	unsigned long flag;
	const char *name;
} flag_names[] = {
	/* in the order of the kernel's smaps */
	{VM_GROWSDOWN, "gd"}, {VM_LOCKED, "lo"},   {VM_SEQ_READ, "sr"},	  {VM_RAND_READ, "rr"},
	{VM_DONTCOPY, "dc"},  {VM_ACCOUNT, "ac"},  {VM_NORESERVE, "nr"},  {VM_WIPEONFORK, "wf"},
	{VM_DONTDUMP, "dd"},  {VM_HUGEPAGE, "hg"}, {VM_NOHUGEPAGE, "nh"}, {VM_MERGEABLE, "mg"},
};

static void say_flags(unsigned long flags, char *text, size_t size)
{
	size_t i, used = 0;

	text[0] = '\0';
	for (i = 0; i < sizeof(flag_names) / sizeof(flag_names[0]); i++)
		if (flags & flag_names[i].flag)
			used += (size_t)snprintf(text + used, size - used, "%s%s", used ? "," : "", flag_names[i].name);
	if (!used)
		snprintf(text, size, "-");
}

/* z1, z2.. in the order in which shared anonymous objects are first seen. */
static int number_of(struct replayer *r, const struct address_space *object)
{
	int i;

	for (i = 0; i < r->seen_count && r->seen[i] != object; i++)
		;
	if (i == r->seen_count && i < ANSWER_LINES)
		r->seen[r->seen_count++] = object;
	return i + 1;
}

static void say_object(struct replayer *r, const struct vm_area_struct *vma, char *text, size_t size)
{
	int i;

	if (!vma->vm_file) {
		snprintf(text, size, "anon 0");
		return;
	}
	for (i = 0; i < r->file_count && r->files[i]->f_mapping != vma->vm_file->f_mapping; i++)
		;
	if (i < r->file_count)
		snprintf(text, size, "f%d %lx", i, vma->vm_pgoff << PAGE_SHIFT);
	else
		snprintf(text, size, "z%d %lx", number_of(r, vma->vm_file->f_mapping), vma->vm_pgoff << PAGE_SHIFT);
}

static void say_vma(struct replayer *r, const struct vm_area_struct *vma, char *text)
{
	char flags[64], object[32];

	say_flags(vma->vm_flags, flags, sizeof(flags));
	say_object(r, vma, object, sizeof(object));
	snprintf(text, ANSWER_LINE, "%lx %lx %c%c%c%c %s %s", vma->vm_start - WINDOW_BASE, vma->vm_end - WINDOW_BASE,
		 vma->vm_flags & VM_READ ? 'r' : '-', vma->vm_flags & VM_WRITE ? 'w' : '-',
		 vma->vm_flags & VM_EXEC ? 'x' : '-', vma->vm_flags & VM_MAYSHARE ? 's' : 'p', object, flags);
}

/* Those of the window; how many. */
static int say_vmas(struct replayer *r, struct p2psim_process *process, char lines[][ANSWER_LINE])
{
	const struct vm_area_struct *vma;
	int count = 0;

	for (vma = p2psim_vma_first(p2psim_process_mm(process)); vma && count < ANSWER_LINES; vma = p2psim_vma_next(vma))
		if (vma->vm_end > WINDOW_BASE && vma->vm_start < WINDOW_BASE + r->window)
			say_vma(r, vma, lines[count++]);
	return count;
}

void replayer_vmas(struct replayer *r, struct answer *answer)
{
	answer->vma_count = say_vmas(r, r->process, answer->vmas);
}

void replayer_child_vmas(struct replayer *r, struct answer *answer)
{
	answer->child_vma_count = say_vmas(r, r->child, answer->child_vmas);
}

static char huge_letter(pte_t pte)
{
	struct page *page;

	if (pte_special(pte))
		return 'o';
	if (pte_protnone(pte))
		return 'k';
	page = pfn_to_page(pte_pfn(pte));
	if (!PageAnon(page))
		return 'y';
	if (p2psim_page_huge_mapcount(page) > 1)
		return 'g';
	return pte_write(pte) ? 'H' : 'h';
}

/* letters: read-only, writable; then the same for one that is mapped elsewhere, too. */
static char device_letter(pte_t pte, const char *letters)
{
	return letters[(page_mapcount(pfn_to_page(pte_pfn(pte))) > 1 ? 2 : 0) + (pte_write(pte) ? 1 : 0)];
}

static char letter_of(const struct replayer *r, unsigned long addr)
{
	const pte_t *pte = p2psim_pte_lookup(r->mm, addr);
	const struct page *page;

	if (!pte || pte_none(*pte))
		return '.';
	if (is_swap_pte(*pte))
		return pte_swp_exclusive(*pte) ? 'W' : 'w';
	if (is_device_exclusive_pte(*pte)) /* older recordings write e for both */
		return r->modern && pte_write(*pte) ? 'E' : 'e';
	if (is_device_private_pte(*pte))
		return device_letter(*pte, "pPuU");
	if (!pte_present(*pte))
		return 'x';
	if (pte_special(*pte) && !p2psim_pmd_is_huge(r->mm, addr))
		return is_zero_pfn(pte_pfn(*pte)) ? 'z' : pte_protnone(*pte) ? 'n' : 'f';
	if (p2psim_pmd_is_huge(r->mm, addr))
		return huge_letter(*pte);
	page = pfn_to_page(pte_pfn(*pte));
	if (!PageAnon(page))
		return pte_protnone(*pte) ? 'm' : pte_write(*pte) ? 'F' : 'f';
	if (is_device_coherent_page(page))
		return pte_protnone(*pte) ? 'N' : device_letter(*pte, "qQvV");
	if (pte_protnone(*pte))
		return 'n';
	if (page->flags & (1UL << PG_head | 1UL << PG_tail))
		return pte_write(*pte) ? 'C' : 'c';
	if (page_mapcount(page) > 1)
		return pte_write(*pte) ? 'S' : 's';
	return pte_write(*pte) ? 'A' : 'a';
}

typedef char letter_fn(const struct replayer *r, const void *of, unsigned long addr);

/* ". 4 z 1 . 59": the letters of all pages of the window. */
static void say_letters(const struct replayer *r, letter_fn *letter_at, const void *of, char *text, size_t size)
{
	unsigned long at, count = r->window / PAGE_SIZE, run;
	size_t used = 0;
	char letter;

	for (at = 0; at < count && used < size; at += run) {
		letter = letter_at(r, of, WINDOW_BASE + at * PAGE_SIZE);
		for (run = 1; at + run < count && letter_at(r, of, WINDOW_BASE + (at + run) * PAGE_SIZE) == letter; run++)
			;
		used += (size_t)snprintf(text + used, size - used, "%s%c %lu", at ? " " : "", letter, run);
	}
}

static char page_letter(const struct replayer *r, const void *of, unsigned long addr)
{
	(void)of;
	return letter_of(r, addr);
}

void replayer_pages(struct replayer *r, struct answer *answer)
{
	say_letters(r, page_letter, NULL, answer->pages, sizeof(answer->pages));
}

static char mirror_letter(const struct replayer *r, const void *of, unsigned long addr)
{
	(void)r;
	return p2psim_dmirror_entry(of, addr);
}

void replayer_mirrors(struct replayer *r, struct answer *answer)
{
	int i;

	for (i = 0; i < RECORDING_MIRRORS; i++) {
		answer->mirrors[i][0] = '\0';
		if (r->mirrors[i])
			say_letters(r, mirror_letter, r->mirrors[i], answer->mirrors[i], sizeof(answer->mirrors[i]));
	}
}
