/* SPDX-License-Identifier: MIT */
/*
 * Verbs: who reads and writes memory.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <p2psim/linux/mman.h>

#include "cli/replayer_verbs.h"

void replayer_read(struct p2psim_process *process, unsigned long addr, char *ret, size_t size)
{
	int byte = p2psim_load_byte(process, addr);

	if (byte < 0)
		say_signal(process, ret, size);
	else
		snprintf(ret, size, "%d", byte);
}

void replayer_write(struct p2psim_process *process, unsigned long addr, int value, char *ret, size_t size)
{
	if (p2psim_store_byte(process, addr, (uint8_t)value))
		say_signal(process, ret, size);
	else
		snprintf(ret, size, "0");
}

void replayer_read_range(struct p2psim_process *process, unsigned long addr, unsigned long len, char *ret, size_t size)
{
	unsigned long end = addr + len;
	long sum = 0;
	int byte;

	for (; addr < end; addr += PAGE_SIZE) {
		byte = p2psim_load_byte(process, addr);
		if (byte < 0) {
			say_signal(process, ret, size);
			return;
		}
		sum += byte;
	}
	snprintf(ret, size, "%ld", sum);
}

void replayer_write_range(struct p2psim_process *process, unsigned long addr, unsigned long len, int value, char *ret,
			  size_t size)
{
	unsigned long end = addr + len;

	for (; addr < end; addr += PAGE_SIZE) {
		if (p2psim_store_byte(process, addr, (uint8_t)value)) {
			say_signal(process, ret, size);
			return;
		}
	}
	snprintf(ret, size, "0");
}

static void do_rd(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	replayer_read(r->process, replayer_address(op->words[1]), ret, size);
}

static void do_wr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	replayer_write(r->process, replayer_address(op->words[1]), atoi(op->words[2]), ret, size);
}

static void do_rdr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	replayer_read_range(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]), ret, size);
}

static void do_wrr(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	replayer_write_range(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]), atoi(op->words[3]), ret,
			     size);
}

/* copy_to_user() and copy_from_user() page by page: the bytes before the first fault that failed. */
static void copy_pages(struct replayer *r, const struct recorded_op *op, int value, char *ret, size_t size)
{
	unsigned long addr = replayer_address(op->words[1]), left = replayer_hex(op->words[2]), part;
	char buf[PAGE_SIZE];
	int error = 0;
	long done = 0;

	memset(buf, value, sizeof(buf));
	for (; left && !error; left -= part, addr += part) {
		part = PAGE_SIZE - (addr & ~PAGE_MASK);
		part = part < left ? part : left;
		error = value < 0 ? p2psim_load(r->process, addr, buf, part)
				  : p2psim_store(r->process, addr, buf, part);
		done += error ? 0 : (long)part;
	}
	say_status(done ? done : error, ret, size);
}

static void do_kread(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	copy_pages(r, op, -1, ret, size);
}

static void do_kwrite(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	copy_pages(r, op, atoi(op->words[3]) & 0xff, ret, size);
}

const struct verb replayer_touch_verbs[] = {
	{"rd", 1, NULL, do_rd},		{"wr", 2, NULL, do_wr},	      {"rdr", 2, NULL, do_rdr},
	{"wrr", 3, NULL, do_wrr},	{"kread", 2, NULL, do_kread}, {"kwrite", 3, NULL, do_kwrite},
	{NULL, 0, NULL, NULL},
};
