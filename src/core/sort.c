/* SPDX-License-Identifier: MIT */
/*
 * sort(): a heap, grown and taken down in place.
 */
#include <p2psim/linux/kernel.h>
#include <p2psim/linux/sort.h>

struct sort {
	char *base;
	size_t size;
	int (*cmp)(const void *a, const void *b);
	void (*swap_func)(void *a, void *b, int size);
};

static void swap_bytes(void *a, void *b, int size)
{
	char *x = a, *y = b;

	for (; size--; x++, y++)
		swap(*x, *y);
}

static void *at(const struct sort *s, size_t i)
{
	return s->base + i * s->size;
}

/* Of the heap of the first `count`: element i goes down to where both of its children are smaller. */
static void sink(const struct sort *s, size_t i, size_t count)
{
	size_t child;

	while ((child = 2 * i + 1) < count) {
		if (child + 1 < count && s->cmp(at(s, child), at(s, child + 1)) < 0)
			child++;
		if (s->cmp(at(s, i), at(s, child)) >= 0)
			return;
		s->swap_func(at(s, i), at(s, child), (int)s->size);
		i = child;
	}
}

void p2psim_k_sort(void *base, size_t count, size_t size, int (*cmp)(const void *a, const void *b),
		   void (*swap_func)(void *a, void *b, int size))
{
	struct sort s = { base, size, cmp, swap_func ? swap_func : swap_bytes };
	size_t i;

	for (i = count / 2; i--;)
		sink(&s, i, count);
	for (i = count; i-- > 1;) {
		s.swap_func(at(&s, 0), at(&s, i), (int)size);
		sink(&s, 0, i);
	}
}
