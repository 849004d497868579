/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses of the program: "show() gadget.c:41", "show()+0x1c", "counter", "box+8".
 *
 * The object file that the address lies in is mapped and its symbol table searched, which dladdr() would not see all of:
 * static functions are in it.  Each place is looked for once a world, only when something is told about it.  Left out:
 * compressed sections, separate files of debug information; then a place is a symbol and an offset, or "?".
 */
#define _GNU_SOURCE 1
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/internal.h"
#include "core/place.h"

#define PLACES 64
#define PLACE_TEXT 96

struct p2psim_places {
	unsigned int count;
	struct {
		const void *addr;
		char text[PLACE_TEXT];
	} known[PLACES];
};

struct object_file {
	uintptr_t base;			/* where it was loaded */
	const char *path;
	const unsigned char *map;
	size_t bytes;
};

struct search {
	uintptr_t addr;
	struct object_file *file;
};

static int look_at(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *s = arg;
	unsigned int i;

	(void)size;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || s->addr - info->dlpi_addr - segment->p_vaddr >= segment->p_memsz)
			continue;
		s->file->base = info->dlpi_addr;
		s->file->path = info->dlpi_name[0] ? info->dlpi_name : "/proc/self/exe";
		return 1;
	}
	return 0;
}

static bool open_file(struct object_file *file, const void *addr)
{
	struct search s = { (uintptr_t)addr, file };
	struct stat stat;
	void *map = MAP_FAILED;
	int fd;

	if (!dl_iterate_phdr(look_at, &s))
		return false;
	fd = open(file->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (!fstat(fd, &stat) && stat.st_size >= (off_t)sizeof(ElfW(Ehdr)))
		map = mmap(NULL, (size_t)stat.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	file->map = map;
	file->bytes = (size_t)stat.st_size;
	return true;
}

static const ElfW(Shdr) *section(const struct object_file *file, unsigned int i)
{
	const ElfW(Ehdr) *head = (const void *)file->map;

	if (i >= head->e_shnum || head->e_shentsize != sizeof(ElfW(Shdr)) ||
	    head->e_shoff + (i + 1) * sizeof(ElfW(Shdr)) > file->bytes)
		return NULL;
	return (const ElfW(Shdr) *)(file->map + head->e_shoff) + i;
}

static struct p2psim_bytes contents(const struct object_file *file, const ElfW(Shdr) *s)
{
	struct p2psim_bytes none = { NULL, NULL }, bytes;

	if (!s || s->sh_type == SHT_NOBITS || s->sh_flags & SHF_COMPRESSED || s->sh_offset > file->bytes ||
	    s->sh_size > file->bytes - s->sh_offset)
		return none;
	bytes.start = file->map + s->sh_offset;
	bytes.end = bytes.start + s->sh_size;
	return bytes;
}

static const char *string_at(struct p2psim_bytes strings, size_t offset)
{
	size_t size = (size_t)(strings.end - strings.start);

	if (offset >= size || !memchr(strings.start + offset, 0, size - offset))
		return "";
	return (const char *)strings.start + offset;
}

static struct p2psim_bytes section_named(const struct object_file *file, const char *name)
{
	const ElfW(Ehdr) *head = (const void *)file->map;
	struct p2psim_bytes names = contents(file, section(file, head->e_shstrndx)), none = { NULL, NULL };
	const ElfW(Shdr) *s;
	unsigned int i;

	for (i = 0; (s = section(file, i)); i++)
		if (!strcmp(string_at(names, s->sh_name), name))
			return contents(file, s);
	return none;
}

/* The symbol around an address of the file; NULL if there is none. */
static const char *symbol_in(const struct object_file *file, const ElfW(Shdr) *table, uint64_t address, bool code,
			     uint64_t *offset)
{
	struct p2psim_bytes bytes = contents(file, table), strings = contents(file, section(file, table->sh_link));
	const ElfW(Sym) *sym = (const void *)bytes.start, *end = (const void *)bytes.end;

	for (; sym && sym < end; sym++) {
		if ((sym->st_info & 0xf) != (code ? STT_FUNC : STT_OBJECT) || !sym->st_shndx ||
		    address - sym->st_value >= sym->st_size)
			continue;
		*offset = address - sym->st_value;
		return string_at(strings, sym->st_name);
	}
	return NULL;
}

static const char *symbol(const struct object_file *file, uint64_t address, bool code, uint64_t *offset)
{
	static const unsigned int tables[] = { SHT_SYMTAB, SHT_DYNSYM };
	const ElfW(Shdr) *s;
	const char *name;
	unsigned int t, i;

	for (t = 0; t < 2; t++) {
		for (i = 0; (s = section(file, i)); i++) {
			name = s->sh_type == tables[t] ? symbol_in(file, s, address, code, offset) : NULL;
			if (name)
				return name;
		}
	}
	return NULL;
}

static void describe_code(const struct object_file *file, uint64_t address, const char *name, uint64_t offset, char *text)
{
	struct p2psim_line_info info = { section_named(file, ".debug_line"), section_named(file, ".debug_line_str"),
					 section_named(file, ".debug_str") };
	const char *path;
	unsigned int line;

	if (p2psim_line_find(&info, address, &path, &line))
		snprintf(text, PLACE_TEXT, "%s() %s:%u", name ? name : "?", strrchr(path, '/') ? strrchr(path, '/') + 1 : path,
			 line);
	else if (name)
		snprintf(text, PLACE_TEXT, "%s()+0x%llx", name, (unsigned long long)offset);
}

static void describe(const void *addr, bool code, char *text)
{
	uint64_t address, offset = 0;
	struct object_file file;
	const char *name;

	snprintf(text, PLACE_TEXT, "?");
	if (!open_file(&file, addr))
		return;
	address = (uintptr_t)addr - file.base - (code ? 1 : 0); /* it is where the call returns to */
	name = symbol(&file, address, code, &offset);
	if (code)
		describe_code(&file, address, name, offset, text);
	else if (name && offset)
		snprintf(text, PLACE_TEXT, "%s+%llu", name, (unsigned long long)offset);
	else if (name)
		snprintf(text, PLACE_TEXT, "%s", name);
	munmap((void *)(uintptr_t)file.map, file.bytes);
}

const char *p2psim_place_of(struct p2psim_world *world, const void *addr, bool code)
{
	struct p2psim_places *places = world->places;
	unsigned int i;

	if (!places)
		places = world->places = calloc(1, sizeof(*places));
	if (!places)
		return "?";
	for (i = 0; i < places->count; i++)
		if (places->known[i].addr == addr)
			return places->known[i].text;
	if (places->count == PLACES)
		places->count = 0;
	i = places->count++;
	places->known[i].addr = addr;
	describe(addr, code, places->known[i].text);
	return places->known[i].text;
}

void p2psim_places_free(struct p2psim_places *places)
{
	free(places);
}
