/* SPDX-License-Identifier: MIT */
/*
 * The arena: one reservation of address space, handed out in spans of 64 KiB.
 *
 *	span classes	1..32		chunks of one size (slab.c)
 *			LARGE, MORE	one big chunk, and its further spans
 *			BLOCKS		16 blocks of 4096 bytes: page tables, page contents
 *			BOOK		bookkeeping of the layers, bump-allocated
 *			TEXT		strings that a trace keeps, the same
 *
 * A reset forgets everything in a few stores: spans are handed out again from the start, and memory that an earlier
 * execution wrote (below `dirty`) is cleared when it is handed out, not before.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <stdlib.h>

#include "core/internal.h"

#ifdef P2PSIM_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* Reserving 8 GiB is free on Linux, but not under qemu-user, which keeps tables for every page and each address it saw. */
#ifndef P2PSIM_ARENA_DEFAULT
#define P2PSIM_ARENA_DEFAULT ((size_t)8 << 30)
#endif
#ifndef P2PSIM_ARENA_HINT
#define P2PSIM_ARENA_HINT NULL
#endif
#define ARENA_SMALLEST ((size_t)16 << 20)
#define BLOCK 4096u

int p2psim_arena_create(struct p2psim_arena *arena, size_t bytes)
{
	size_t want = bytes ? (bytes + P2PSIM_SPAN - 1) / P2PSIM_SPAN * P2PSIM_SPAN : P2PSIM_ARENA_DEFAULT;
	void *map;

	for (;; want /= 2) {
		map = mmap(P2PSIM_ARENA_HINT, want, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (map != MAP_FAILED)
			break;
		if (bytes || want / 2 < ARENA_SMALLEST)
			return -ENOMEM;
	}
	arena->span_class = calloc(want / P2PSIM_SPAN + 1, 1);
	if (!arena->span_class) {
		munmap(map, want);
		return -ENOMEM;
	}
	arena->base = map;
	arena->bytes = want;
	return 0;
}

void p2psim_arena_destroy(struct p2psim_arena *arena)
{
	if (!arena->base)
		return;
#ifdef P2PSIM_ASAN
	__asan_unpoison_memory_region(arena->base, arena->used);
#endif
	munmap(arena->base, arena->bytes);
	free(arena->span_class);
	arena->base = NULL;
}

void p2psim_arena_reset(struct p2psim_arena *arena)
{
	struct p2psim_arena old = *arena;

#ifdef P2PSIM_ASAN
	__asan_unpoison_memory_region(arena->base, arena->used);
#endif
	memset(old.span_class, 0, old.used / P2PSIM_SPAN);
	memset(arena, 0, sizeof(*arena));
	arena->base = old.base;
	arena->bytes = old.bytes;
	arena->span_class = old.span_class;
	arena->dirty = old.used > old.dirty ? old.used : old.dirty;
	arena->fail_nth = old.fail_nth;
	arena->fail_at = old.fail_nth;
}

/* `count` spans in a row, or NULL when the reservation is used up.  Their contents are not cleared. */
char *p2psim_arena_spans(struct p2psim_arena *arena, size_t count, uint8_t span_class)
{
	size_t span = arena->used / P2PSIM_SPAN;
	char *start = arena->base + arena->used;

	if (count > (arena->bytes - arena->used) / P2PSIM_SPAN)
		return NULL;
	arena->span_class[span] = span_class;
	memset(arena->span_class + span + 1, P2PSIM_SPAN_MORE, count - 1);
	arena->used += count * P2PSIM_SPAN;
	return start;
}

/* Clears what an earlier execution may have left; untouched memory of the OS is zero already. */
static void *cleared(struct p2psim_arena *arena, void *ptr, size_t size)
{
	if ((size_t)((char *)ptr - arena->base) < arena->dirty)
		memset(ptr, 0, size);
	return ptr;
}

/* The next `size` bytes of a span, or of spans of their own. */
static void *bump(struct p2psim_arena *arena, size_t size, char **at, char **end, uint8_t span_class)
{
	char *ptr;

	size = (size + 15) & ~(size_t)15;
	if (size > P2PSIM_SPAN / 4) {
		ptr = p2psim_arena_spans(arena, (size + P2PSIM_SPAN - 1) / P2PSIM_SPAN, span_class);
		return ptr ? cleared(arena, ptr, size) : NULL;
	}
	if (size > (size_t)(*end - *at)) {
		*at = p2psim_arena_spans(arena, 1, span_class);
		*end = *at ? *at + P2PSIM_SPAN : NULL;
		if (!*at)
			return NULL;
	}
	ptr = *at;
	*at += size;
	return cleared(arena, ptr, size);
}

void *p2psim_arena_alloc(size_t size)
{
	struct p2psim_arena *arena = &p2psim_world_here()->arena;

	return bump(arena, size, &arena->book_carve, &arena->book_end, P2PSIM_SPAN_BOOK);
}

char *p2psim_arena_text(struct p2psim_arena *arena, size_t size)
{
	return bump(arena, size, &arena->text_carve, &arena->text_end, P2PSIM_SPAN_TEXT);
}

void *p2psim_block_alloc(const char *what)
{
	return p2psim_inject_here(p2psim_world_here()) ? NULL : p2psim_block_alloc_sure(what);
}

void *p2psim_block_alloc_sure(const char *what)
{
	struct p2psim_arena *arena = &p2psim_world_here()->arena;
	void *block = arena->free_blocks;

	(void)what;
	if (block) {
		arena->free_blocks = *(void **)block;
		arena->live_blocks++;
		return memset(block, 0, BLOCK);
	}
	if (arena->block_carve == arena->block_end) {
		arena->block_carve = p2psim_arena_spans(arena, 1, P2PSIM_SPAN_BLOCKS);
		arena->block_end = arena->block_carve ? arena->block_carve + P2PSIM_SPAN : NULL;
		if (!arena->block_carve)
			return NULL;
	}
	block = arena->block_carve;
	arena->block_carve += BLOCK;
	arena->live_blocks++;
	return cleared(arena, block, BLOCK);
}

void p2psim_block_free(void *block, const char *what)
{
	struct p2psim_arena *arena = &p2psim_world_here()->arena;

	(void)what;
	if (!block)
		return;
	p2psim_race_forget(p2psim_world_here(), block, BLOCK);
	*(void **)block = arena->free_blocks;
	arena->free_blocks = block;
	arena->live_blocks--;
}

/* A big chunk's spans are contiguous with its first; all others stand alone. */
static size_t spans_together(const struct p2psim_arena *arena, size_t *span)
{
	size_t end;

	while (arena->span_class[*span] == P2PSIM_SPAN_MORE && *span)
		--*span;
	for (end = *span + 1; end < arena->used / P2PSIM_SPAN && arena->span_class[end] == P2PSIM_SPAN_MORE; end++)
		;
	return end - *span;
}

enum p2psim_memory p2psim_memory_at(const void *ptr, char **start, size_t *bytes)
{
	const struct p2psim_arena *arena = &p2psim_world_here()->arena;
	size_t offset = (size_t)((const char *)ptr - arena->base), span = offset / P2PSIM_SPAN, count;
	unsigned int class;

	if ((const char *)ptr < arena->base || offset >= arena->used)
		return P2PSIM_MEMORY_NONE;
	count = spans_together(arena, &span);
	class = arena->span_class[span];
	if (class == P2PSIM_SPAN_BLOCKS) {
		*start = arena->base + offset / BLOCK * BLOCK;
		*bytes = BLOCK;
		return P2PSIM_MEMORY_BLOCK;
	}
	if (class > P2PSIM_SPAN_LARGE || !class)
		return P2PSIM_MEMORY_NONE;
	*start = arena->base + span * P2PSIM_SPAN;
	*bytes = count * P2PSIM_SPAN;
	return P2PSIM_MEMORY_KMALLOC;
}

bool p2psim_inject_here(struct p2psim_world *world)
{
	struct p2psim_arena *arena = &world->arena;

	arena->points++;
	if (__builtin_expect(arena->fail_at != arena->points, 1))
		return world->config.adversary[P2PSIM_ADVERSE_ALLOCATION] &&
		       p2psim_adverse(P2PSIM_ADVERSE_ALLOCATION, "an allocation fails");
	arena->failed = true;
	arena->failed_site = world->hot.site;
	return true;
}

bool p2psim_inject_point(void)
{
	return p2psim_inject_here(p2psim_world_here());
}

void p2psim_inject_fail_nth(struct p2psim_world *world, uint64_t n)
{
	world->arena.fail_nth = n;
	world->arena.fail_at = n ? world->arena.points + n : 0;
	world->arena.failed = false;
}

uint64_t p2psim_inject_points(const struct p2psim_world *world)
{
	return world->arena.points;
}

bool p2psim_inject_fired(const struct p2psim_world *world, const struct p2psim_site **site)
{
	if (site)
		*site = world->arena.failed_site;
	return world->arena.failed;
}
