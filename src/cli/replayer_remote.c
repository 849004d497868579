/* SPDX-License-Identifier: MIT */
/*
 * Verbs: memory reached through its pages: GUP, /proc/self/mem, and another process.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/linux/mm.h>

#include "cli/replayer_verbs.h"

#define GUP_MAX 4096	/* pages of a window */

/* A byte through /proc/self/mem: FOLL_FORCE, whatever the VMA allows. */
static void do_forcew(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	uint8_t value = (uint8_t)atoi(op->words[2]);
	int done = access_remote_vm(r->mm, replayer_address(op->words[1]), &value, 1, FOLL_FORCE | FOLL_WRITE);

	say_status(done ? done : -EIO, ret, size);
}

static void do_pvr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	uint8_t value = 0;
	long done = p2psim_process_vm_read(r->process, replayer_address(op->words[1]), &value, 1);

	say_status(done < 0 ? done : value, ret, size);
}

static void do_pvw(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	uint8_t value = (uint8_t)atoi(op->words[2]);
	long done = p2psim_process_vm_write(r->process, replayer_address(op->words[1]), &value, 1);

	say_status(done < 0 ? done : 0, ret, size);
}

/* One page in the way that the letter says: g get, f get fast, p pin, q pin fast, l pin for long. */
static long get_page_by(struct mm_struct *mm, char how, unsigned long addr, unsigned int flags, struct page **page)
{
	long got;

	if (how == 'f')
		return get_user_pages_fast(addr, 1, flags, page);
	if (how == 'q')
		return pin_user_pages_fast(addr, 1, flags, page);
	mmap_read_lock(mm);
	if (how == 'g')
		got = get_user_pages(addr, 1, flags, page, NULL);
	else
		got = pin_user_pages(addr, 1, flags | (how == 'l' ? FOLL_LONGTERM : 0), page, NULL);
	mmap_read_unlock(mm);
	return got;
}

static void give_back_by(char how, struct page *page)
{
	if (how == 'g' || how == 'f')
		put_page(page);
	else
		unpin_user_page(page);
}

static bool is_gup(const struct recorded_op *op)
{
	const char *how = op->words[3];

	return how[0] && strchr("gfpql", how[0]) && (how[1] == 'r' || how[1] == 'w') && !how[2];
}

/* All are held until the last is there, or one fails. */
static void do_gup(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long addr = replayer_address(op->words[1]);
	unsigned int flags = op->words[3][1] == 'w' ? FOLL_WRITE : 0;
	struct page *pages[GUP_MAX];
	long count = atol(op->words[2]), got, i;
	char how = op->words[3][0];

	p2psim_process_attach(r->process);
	for (got = 0; got < count && got < GUP_MAX; got++, addr += PAGE_SIZE)
		if (get_page_by(r->mm, how, addr, flags, &pages[got]) != 1)
			break;
	for (i = 0; i < got; i++)
		give_back_by(how, pages[i]);
	p2psim_process_detach();
	snprintf(ret, size, "%ld", got);
}

const struct verb replayer_remote_verbs[] = {
	{ "forcew", 2, NULL, do_forcew },
	{ "pvr", 1, NULL, do_pvr },
	{ "pvw", 2, NULL, do_pvw },
	{ "gup", 3, is_gup, do_gup },
	{ NULL, 0, NULL, NULL },
};
