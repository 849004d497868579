/* SPDX-License-Identifier: MIT */
/*
 * Verbs: files, and what is asked of mappings of files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <p2psim/linux/fs.h>
#include <p2psim/linux/mm.h>
#include <p2psim/linux/mman.h>
#include <p2psim/tmpfs.h>

#include "cli/replayer_verbs.h"

#define TMPFS_FILES 4	/* f0 to f3; those that the header does not name are empty */

int replayer_open_files(struct replayer *r, const struct recording *recording)
{
	char name[8];
	int i;

	for (i = 0; i < TMPFS_FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		r->files[i] = p2psim_tmpfs_create(name, recording->file_sizes[i]);
		if (!r->files[i])
			return -ENOMEM;
		r->file_count++;
	}
	if (r->file_count)
		r->read_only = p2psim_tmpfs_open(r->files[0], FMODE_READ);
	return r->file_count && !r->read_only ? -ENOMEM : 0;
}

void replayer_close_files(struct replayer *r)
{
	if (r->read_only)
		fput(r->read_only);
	while (r->file_count)
		fput(r->files[--r->file_count]);
}

struct file *replayer_file(const struct replayer *r, const char *word)
{
	int i = word[1] - '0';

	if (!strcmp(word, "r0"))
		return r->read_only;
	return word[0] == 'f' && i >= 0 && i < r->file_count ? r->files[i] : NULL;
}

/* By number: "0". */
static struct file *file_of(const struct replayer *r, const char *word)
{
	int i = atoi(word);

	return i < r->file_count ? r->files[i] : NULL;
}

static long write_all(struct file *file, unsigned long at, unsigned long len, int value)
{
	char buf[PAGE_SIZE];
	unsigned long done = 0, part;
	long ret;

	memset(buf, value, sizeof(buf));
	for (; done < len; done += (unsigned long)ret) {
		part = len - done < sizeof(buf) ? len - done : sizeof(buf);
		ret = p2psim_file_write(file, at + done, buf, part);
		if (ret <= 0)
			return done ? (long)done : ret;
	}
	return (long)done;
}

static void do_fwrite(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct file *file = file_of(r, op->words[1]);

	say_status(file ? write_all(file, replayer_hex(op->words[2]), replayer_hex(op->words[3]), atoi(op->words[4])) : -EBADF,
		   ret, size);
}

static void do_fread(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct file *file = file_of(r, op->words[1]);
	unsigned char byte = 0;
	long got = file ? p2psim_file_read(file, replayer_hex(op->words[2]), &byte, 1) : -EBADF;

	if (got == 1)
		snprintf(ret, size, "%d", byte);
	else if (!got)
		snprintf(ret, size, "EOF");
	else
		say_status(got, ret, size);
}

static void do_ftrunc(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct file *file = file_of(r, op->words[1]);

	say_status(file ? p2psim_file_truncate(file, replayer_hex(op->words[2])) : -EBADF, ret, size);
}

static void do_fpunch(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct file *file = file_of(r, op->words[1]);

	say_status(file ? p2psim_file_punch_hole(file, replayer_hex(op->words[2]), replayer_hex(op->words[3])) : -EBADF, ret,
		   size);
}

static void do_falloc(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	struct file *file = file_of(r, op->words[1]);

	say_status(file ? p2psim_file_allocate(file, replayer_hex(op->words[2]), replayer_hex(op->words[3])) : -EBADF, ret,
		   size);
}

/* "my4n2" */
static void do_mincore(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	unsigned long len = replayer_hex(op->words[2]), pages = (len + PAGE_SIZE - 1) / PAGE_SIZE, i, run;
	unsigned char *vec = calloc(pages + 1, 1);
	size_t used = 1;
	int error = vec ? p2psim_mincore(r->process, replayer_address(op->words[1]), len, vec) : -ENOMEM;

	if (error)
		say_error(error, ret, size);
	else
		snprintf(ret, size, "m");
	for (i = 0; !error && i < pages && used < size; i += run) {
		for (run = 1; i + run < pages && vec[i + run] == vec[i]; run++)
			;
		used += (size_t)snprintf(ret + used, size - used, "%c%lu", vec[i] ? 'y' : 'n', run);
	}
	free(vec);
}

static void do_msync(struct replayer *r, const struct recorded_op *op, char *ret, size_t size)
{
	int flags = op->words[3][0] == 's' ? MS_SYNC : op->words[3][0] == 'i' ? MS_INVALIDATE : MS_ASYNC;

	say_status(p2psim_msync(r->process, replayer_address(op->words[1]), replayer_hex(op->words[2]), flags), ret, size);
}

const struct verb replayer_file_verbs[] = {
	{ "fwrite", 4, NULL, do_fwrite },
	{ "fread", 2, NULL, do_fread },
	{ "ftrunc", 2, NULL, do_ftrunc },
	{ "fpunch", 3, NULL, do_fpunch },
	{ "falloc", 3, NULL, do_falloc },
	{ "mincore", 2, NULL, do_mincore },
	{ "msync", 3, NULL, do_msync },
	{ NULL, 0, NULL, NULL },
};
