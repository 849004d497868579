/* SPDX-License-Identifier: MIT */
/*
 * The writable memory of a shared object: its .data and .bss, as they are now, and put back later.
 *
 * What the dynamic loader has made read-only after relocation (RELRO) cannot have changed and is left out.
 */
#define _GNU_SOURCE 1
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>

#include "core/module.h"

#define SEGMENTS_MAX 8

struct segment {
	uint64_t *start;		/* whole words: what follows in the page is the segment's, too */
	size_t words;
};

struct p2psim_module_memory {
	unsigned int count;
	struct segment segments[SEGMENTS_MAX];
	uint64_t words[];		/* of all segments, one after the other */
};

struct search {
	ElfW(Addr) base;
	bool found, too_many;
	struct segment segments[SEGMENTS_MAX];
	unsigned int count;
};

static ElfW(Addr) relro_end(const struct dl_phdr_info *info)
{
	unsigned int i;

	for (i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO)
			return (info->dlpi_phdr[i].p_vaddr + info->dlpi_phdr[i].p_memsz) & ~(ElfW(Addr))4095;
	return 0;
}

static void add_segment(struct search *s, ElfW(Addr) start, ElfW(Addr) end)
{
	if (s->count == SEGMENTS_MAX) {
		s->too_many = true;
		return;
	}
	start = (s->base + start) & ~(ElfW(Addr))7;
	s->segments[s->count].start = (uint64_t *)start;
	s->segments[s->count++].words = (s->base + end - start + 7) / 8;
}

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;
	ElfW(Addr) relro = relro_end(info);
	unsigned int i;

	if (info->dlpi_addr != s->base)
		return 0;
	s->found = true;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		ElfW(Addr) start = header->p_vaddr, end = start + header->p_memsz;

		if (header->p_type != PT_LOAD || !(header->p_flags & PF_W))
			continue;
		if (start < relro && relro <= end)
			start = relro;
		if (start < end)
			add_segment(s, start, end);
	}
	return 1;
}

/* Word by word: memcpy() would stop at the gaps that AddressSanitizer leaves between variables. */
__attribute__((no_sanitize("address"), noinline)) static void copy(volatile uint64_t *to, const volatile uint64_t *from,
								     size_t words)
{
	while (words--)
		*to++ = *from++;
}

struct p2psim_module_memory *p2psim_module_memory_save(void *handle)
{
	struct p2psim_module_memory *memory;
	struct search s = { 0 };
	struct link_map *map;
	size_t words = 0;
	unsigned int i;

	if (dlinfo(handle, RTLD_DI_LINKMAP, &map))
		return NULL;
	s.base = map->l_addr;
	dl_iterate_phdr(look_at, &s);
	if (!s.found || s.too_many)
		return NULL;
	for (i = 0; i < s.count; i++)
		words += s.segments[i].words;
	memory = malloc(sizeof(*memory) + words * sizeof(uint64_t));
	if (!memory)
		return NULL;
	memory->count = s.count;
	for (words = 0, i = 0; i < s.count; words += s.segments[i++].words) {
		memory->segments[i] = s.segments[i];
		copy(memory->words + words, s.segments[i].start, s.segments[i].words);
	}
	return memory;
}

void p2psim_module_memory_restore(const struct p2psim_module_memory *memory)
{
	const uint64_t *from = memory->words;
	unsigned int i;

	for (i = 0; i < memory->count; from += memory->segments[i++].words)
		copy(memory->segments[i].start, from, memory->segments[i].words);
}
