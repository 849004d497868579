/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/seq_file.h, 6.1 (declared: no file is read through it; linking names what is asked for). */
#ifndef P2PSIM_LINUX_SEQ_FILE_H
#define P2PSIM_LINUX_SEQ_FILE_H

#include <p2psim/linux/string.h>

struct file;
struct inode;

struct seq_file {
	char *buf;
	size_t size, from, count;
	void *private;
};

void seq_printf(struct seq_file *m, const char *fmt, ...) __printf(2, 3);
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);
int seq_write(struct seq_file *m, const void *data, size_t len);
int single_open(struct file *file, int (*show)(struct seq_file *m, void *data), void *data);
int single_release(struct inode *inode, struct file *file);

#endif
