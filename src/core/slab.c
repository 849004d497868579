/* SPDX-License-Identifier: MIT */
/*
 * The kmalloc family.
 *
 *	chunk:	[ header 32 bytes | payload ... ]	all chunks of a span have one size
 *
 * live -> kfree(): poisoned 0x6b, into the quarantine ring -> pushed out of it: the poison is checked (somebody wrote
 * after the free? UAF), then the chunk may be handed out again.  Left out compared with the kernel: caches of one's own,
 * constructors, per-CPU lists, reclaim itself.
 */
#include <errno.h>
#include <string.h>

#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/slab.h>

#include "core/internal.h"

#ifdef P2PSIM_ASAN
#include <sanitizer/asan_interface.h>
#define hide(ptr, size) __asan_poison_memory_region((ptr), (size))
#define show(ptr, size) __asan_unpoison_memory_region((ptr), (size))
#else
#define hide(ptr, size) ((void)(ptr), (void)(size))
#define show(ptr, size) ((void)(ptr), (void)(size))
#endif

#define POISON_FREE 0x6b
#define POISON_NEW 0x5a

enum chunk_state { CHUNK_LIVE = 0x11fe11fe, CHUNK_FREED = 0x0f4eed00, CHUNK_EMPTY = 0x00e3b700 };

struct p2psim_chunk {
	const struct p2psim_site *site;	/* who allocated it, or who freed it */
	uint32_t state;
	uint32_t id;
	uint32_t size;			/* asked for */
	uint32_t order;			/* index of its size class; LARGE: spans << 8 | P2PSIM_SPAN_LARGE */
	struct p2psim_chunk *next_free;
};

_Static_assert(sizeof(struct p2psim_chunk) == 32, "payloads are aligned to 16 bytes");

static const uint16_t class_bytes[] = { 0,   48,  64,  80,	96,  112,  128,	 160,  192,  256,  320,
					384, 512, 640, 768, 1024, 1536, 2080, 3072, 4128, 6144, 8224 };
#define CLASS_COUNT ((int)(sizeof(class_bytes) / sizeof(class_bytes[0])))

const struct p2psim_lock_map p2psim_fs_reclaim_map = P2PSIM_LOCK_MAP_INIT("fs_reclaim");

static inline void *payload(struct p2psim_chunk *chunk)
{
	return chunk + 1;
}

static int class_of(size_t bytes)
{
	int i = bytes <= 128 ? 1 : 7;

	for (; i < CLASS_COUNT; i++)
		if (bytes <= class_bytes[i])
			return i;
	return 0;
}

static struct p2psim_chunk *carve(struct p2psim_arena *arena, int class)
{
	struct p2psim_chunk *chunk = arena->free[class];
	size_t bytes = class_bytes[class];

	if (chunk) {
		arena->free[class] = chunk->next_free;
		return chunk;
	}
	if ((size_t)(arena->carve_end[class] - arena->carve[class]) < bytes) {
		char *span = p2psim_arena_spans(arena, 1, (uint8_t)class);

		if (!span)
			return NULL;
		arena->carve[class] = span;
		arena->carve_end[class] = span + P2PSIM_SPAN;
		if ((size_t)(span - arena->base) < arena->dirty)
			memset(span, 0, P2PSIM_SPAN);
	}
	chunk = (struct p2psim_chunk *)arena->carve[class];
	arena->carve[class] += bytes;
	chunk->order = (uint32_t)class;
	return chunk;
}

static struct p2psim_chunk *carve_large(struct p2psim_arena *arena, size_t bytes)
{
	size_t spans = (bytes + P2PSIM_SPAN - 1) / P2PSIM_SPAN;
	struct p2psim_chunk *chunk, **link = &arena->free[0];

	for (; *link; link = &(*link)->next_free) {
		if ((*link)->order >> 8 == spans) {
			chunk = *link;
			*link = chunk->next_free;
			return chunk;
		}
	}
	chunk = (struct p2psim_chunk *)p2psim_arena_spans(arena, spans, P2PSIM_SPAN_LARGE);
	if (chunk)
		chunk->order = (uint32_t)(spans << 8) | P2PSIM_SPAN_LARGE;
	return chunk;
}

/* The chunk around an address of the arena, or NULL. */
static struct p2psim_chunk *chunk_around(struct p2psim_arena *arena, const void *addr)
{
	size_t offset = (size_t)((const char *)addr - arena->base), span = offset / P2PSIM_SPAN;

	if ((const char *)addr < arena->base || offset >= arena->used)
		return NULL;
	while (arena->span_class[span] == P2PSIM_SPAN_MORE && span)
		span--;
	if (arena->span_class[span] == P2PSIM_SPAN_LARGE)
		return (struct p2psim_chunk *)(arena->base + span * P2PSIM_SPAN);
	if (!arena->span_class[span] || arena->span_class[span] >= CLASS_COUNT)
		return NULL;
	offset = (offset % P2PSIM_SPAN) / class_bytes[arena->span_class[span]] * class_bytes[arena->span_class[span]];
	return (struct p2psim_chunk *)(arena->base + span * P2PSIM_SPAN + offset);
}

bool p2psim_ptr_is_freed(const void *ptr)
{
	struct p2psim_chunk *chunk;

	if (!p2psim_hot)
		return false;
	chunk = chunk_around(&p2psim_world_here()->arena, ptr);
	return chunk && chunk->state != CHUNK_LIVE;
}

bool p2psim_slab_find(struct p2psim_world *world, const void *addr, uint32_t *id, uint64_t *offset)
{
	struct p2psim_chunk *chunk = chunk_around(&world->arena, addr);
	const char *base = chunk ? payload(chunk) : world->arena.base;

	if (!chunk && ((const char *)addr < base || (size_t)((const char *)addr - base) >= world->arena.used))
		return false;
	*id = chunk ? chunk->id : P2PSIM_OBJ_ARENA;
	*offset = (uint64_t)((const char *)addr - base);
	return true;
}

bool p2psim_slab_origin(struct p2psim_world *world, const void *addr, const struct p2psim_site **site, uint32_t *size)
{
	struct p2psim_chunk *chunk = chunk_around(&world->arena, addr);

	if (!chunk)
		return false;
	*site = chunk->site;
	*size = chunk->size;
	return true;
}

bool p2psim_kmalloc_around(const void *ptr, struct p2psim_kmalloc *found)
{
	struct p2psim_chunk *chunk = p2psim_hot ? chunk_around(&p2psim_world_here()->arena, ptr) : NULL;

	if (!chunk || (const char *)ptr < (const char *)payload(chunk))
		return false;
	found->id = chunk->id;
	found->size = chunk->size;
	found->offset = (uint64_t)((const char *)ptr - (const char *)payload(chunk));
	found->freed = chunk->state != CHUNK_LIVE;
	found->site = chunk->site;
	return true;
}

void might_alloc(gfp_t flags)
{
	if (!(flags & __GFP_DIRECT_RECLAIM))
		return;
	(might_sleep)();
	if (flags & __GFP_FS) {
		p2psim_lock_map_acquire(&p2psim_fs_reclaim_map, P2PSIM_LOCK_EXCLUSIVE);
		p2psim_lock_map_release(&p2psim_fs_reclaim_map);
	}
}

static void *slab_alloc(size_t size, gfp_t flags, int fill)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_chunk *chunk;
	int class;

	if (p2psim_world_missing("kmalloc"))
		return NULL;
	might_alloc(flags);
	if (!(flags & __GFP_NOFAIL) && p2psim_inject_here(world))
		return NULL;
	if (size > UINT32_MAX - P2PSIM_SPAN)
		return NULL;
	class = class_of(size + sizeof(*chunk));
	chunk = class ? carve(&world->arena, class) : carve_large(&world->arena, size + sizeof(*chunk));
	if (!chunk)
		return NULL;
	chunk->site = world->hot.site;
	chunk->state = CHUNK_LIVE;
	chunk->id = p2psim_next_id(world);
	chunk->size = (uint32_t)size;
	world->arena.live_chunks++;
	show(payload(chunk), size);
	return memset(payload(chunk), fill, size);
}

void *(kmalloc)(size_t size, gfp_t flags)
{
	return slab_alloc(size, flags, flags & __GFP_ZERO ? 0 : POISON_NEW);
}

void *(kzalloc)(size_t size, gfp_t flags)
{
	return slab_alloc(size, flags, 0);
}

void *(kmalloc_array)(size_t n, size_t size, gfp_t flags)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return (kmalloc)(bytes, flags);
}

void *(kcalloc)(size_t n, size_t size, gfp_t flags)
{
	return (kmalloc_array)(n, size, flags | __GFP_ZERO);
}

char *(kstrdup)(const char *s, gfp_t flags)
{
	size_t bytes = s ? strlen(s) + 1 : 0;
	char *copy = s ? (kmalloc)(bytes, flags) : NULL;

	return copy ? memcpy(copy, s, bytes) : NULL;
}

size_t ksize(const void *ptr)
{
	return ptr ? ((const struct p2psim_chunk *)ptr - 1)->size : 0;
}

void *(krealloc)(const void *ptr, size_t size, gfp_t flags)
{
	size_t old = ksize(ptr);
	void *copy;

	if (!size) {
		(kfree)(ptr);
		return NULL;
	}
	copy = (kmalloc)(size, flags);
	if (!copy)
		return NULL;
	if (ptr)
		memcpy(copy, ptr, old < size ? old : size);
	(kfree)(ptr);
	return copy;
}

/* All bytes are equal when each equals the next: the C library compares many at a time. */
static bool is_poisoned(const struct p2psim_chunk *chunk)
{
	const unsigned char *byte = (const unsigned char *)(chunk + 1);
	size_t size = chunk->size < 256 ? chunk->size : 256;

	return !size || (byte[0] == POISON_FREE && !memcmp(byte, byte + 1, size - 1));
}

static void check_poison(struct p2psim_chunk *chunk)
{
	show(payload(chunk), chunk->size);
	if (!is_poisoned(chunk))
		p2psim_violate(P2PSIM_UAF, 0, chunk->id, 0, "memory was written after it was freed in %s() line %d",
			       chunk->site ? chunk->site->func : "?", chunk->site ? chunk->site->line : 0);
}

/* The oldest freed chunk leaves the quarantine and may be handed out again. */
static void release(struct p2psim_arena *arena, struct p2psim_chunk *chunk)
{
	unsigned int class = (chunk->order & 0xff) == P2PSIM_SPAN_LARGE ? 0 : chunk->order;

	check_poison(chunk);
	chunk->state = CHUNK_EMPTY;
	chunk->next_free = arena->free[class];
	arena->free[class] = chunk;
}

/* The task that stands before a lock, or another guarded step, that lies in the chunk; NULL = none. */
static const struct p2psim_task *waiter_in(const struct p2psim_world *world, struct p2psim_chunk *chunk)
{
	const char *start = payload(chunk);
	unsigned int i;

	for (i = 0; i < world->task_count; i++) {
		const struct p2psim_task *task = world->tasks[i];
		const char *guard = task->pending.arg;

		if (task->state == P2PSIM_TASK_LIVE && &task->ts != world->hot.task && task->pending.enabled &&
		    guard >= start && guard < start + chunk->size)
			return task;
	}
	return NULL;
}

static bool may_free(struct p2psim_arena *arena, const void *ptr)
{
	const struct p2psim_task *waiter;
	struct p2psim_chunk *chunk = chunk_around(arena, ptr);

	if (!chunk || payload(chunk) != ptr) {
		p2psim_violate(P2PSIM_UAF, 0, 0, 0, "kfree() of what kmalloc() did not give");
		return false;
	}
	if (chunk->state != CHUNK_LIVE) {
		p2psim_violate(P2PSIM_UAF, 0, chunk->id, 0, "freed twice: first in %s() line %d",
			       chunk->site ? chunk->site->func : "?", chunk->site ? chunk->site->line : 0);
		return false;
	}
	waiter = waiter_in(p2psim_world_here(), chunk);
	if (waiter)
		p2psim_violate(P2PSIM_UAF, 0, chunk->id, 0, "kfree() while %s waits for a lock or an event in that memory",
			       waiter->ts.comm);
	return !waiter;
}

void(kfree)(const void *ptr)
{
	struct p2psim_world *world = p2psim_world_here();
	struct p2psim_arena *arena;
	struct p2psim_chunk *chunk, **slot;

	if (!ptr || p2psim_world_missing("kfree"))
		return;
	arena = &world->arena;
	if (!may_free(arena, ptr))
		return;
	chunk = (struct p2psim_chunk *)ptr - 1;
	p2psim_race_forget(world, payload(chunk), chunk->size);
	memset(payload(chunk), POISON_FREE, chunk->size);
	hide(payload(chunk), chunk->size);
	chunk->state = CHUNK_FREED;
	chunk->site = world->hot.site;
	arena->live_chunks--;
	slot = &arena->quarantine[arena->quarantine_next++ % 64];
	if (*slot)
		release(arena, *slot);
	*slot = chunk;
}

/* As in the kernel, a "function" below one page is the offset of the head in the object to free (run_callback()). */
void p2psim_kfree_rcu(struct callback_head *head, size_t offset)
{
	call_rcu(head, (void (*)(struct callback_head *))(uintptr_t)offset);
}

static void report_leak(struct p2psim_chunk *chunk)
{
	const struct p2psim_site *site = chunk->site;

	p2psim_violate(P2PSIM_LEAK, 0, chunk->id, 0, "%u bytes of %s() (%s:%d) were never freed", chunk->size,
		       site ? site->func : "?", site ? site->file : "?", site ? site->line : 0);
}

static void check_span(struct p2psim_arena *arena, size_t span)
{
	unsigned int class = arena->span_class[span];
	size_t bytes = class < CLASS_COUNT ? class_bytes[class] : 0, offset;
	char *base = arena->base + span * P2PSIM_SPAN;

	if (class == P2PSIM_SPAN_LARGE && ((struct p2psim_chunk *)base)->state == CHUNK_LIVE)
		report_leak((struct p2psim_chunk *)base);
	if (!bytes)
		return;
	for (offset = 0; offset + bytes <= P2PSIM_SPAN; offset += bytes) {
		struct p2psim_chunk *chunk = (struct p2psim_chunk *)(base + offset);

		if (base + offset == arena->carve[class])
			break;
		if (chunk->state == CHUNK_LIVE)
			report_leak(chunk);
	}
}

/* At the end of an execution: what lives leaks, what is in quarantine must still be poison. */
void p2psim_slab_check(struct p2psim_world *world)
{
	struct p2psim_arena *arena = &world->arena;
	size_t span, i;

	for (i = 0; i < 64; i++)
		if (arena->quarantine[i]) {
			check_poison(arena->quarantine[i]);
			hide(payload(arena->quarantine[i]), arena->quarantine[i]->size);
		}
	if (arena->live_chunks)
		for (span = 0; span < arena->used / P2PSIM_SPAN; span++)
			check_span(arena, span);
	if (arena->live_blocks)
		p2psim_violate(P2PSIM_LEAK, 0, 0, 0, "%llu pages of page tables or page contents were never freed",
			       (unsigned long long)arena->live_blocks);
}
