/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/string.h, 6.1 (reduced): what libc does not have.  Its own functions are libc's.
 */
#ifndef P2PSIM_LINUX_STRING_H
#define P2PSIM_LINUX_STRING_H

#include <string.h>

#include <p2psim/linux/err.h>
#include <p2psim/linux/slab.h>

/* Bytes copied, or -E2BIG; to[] ends in any case. */
static inline ssize_t strscpy(char *to, const char *from, size_t size)
{
	size_t length = strnlen(from, size);

	if (!size)
		return -E2BIG;
	memcpy(to, from, length < size ? length : size - 1);
	to[length < size ? length : size - 1] = 0;
	return length < size ? (ssize_t)length : -E2BIG;
}

static inline void *memchr_inv(const void *start, int c, size_t bytes)
{
	const unsigned char *at = start;

	for (; bytes; bytes--, at++)
		if (*at != (unsigned char)c)
			return (void *)at;
	return NULL;
}

static inline bool sysfs_streq(const char *a, const char *b)
{
	size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");

	return n == m && !memcmp(a, b, n);
}

static inline bool strstarts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

#define memzero_explicit(ptr, bytes) memset((ptr), 0, (bytes))
#define kfree_const(ptr) kfree(ptr)
#define kstrdup_const(text, flags) kstrdup((text), (flags))

/* A copy; NULL: out of memory. */
static inline void *p2psim_kmemdup(const void *from, size_t bytes, void *to)
{
	return to ? memcpy(to, from, bytes) : NULL;
}
#define kmemdup(from, bytes, flags) p2psim_kmemdup((from), (bytes), kmalloc((bytes), (flags)))

#endif
