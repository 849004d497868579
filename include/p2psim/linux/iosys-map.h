/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/iosys-map.h, 6.1 (reduced: where something lies, in memory or behind a BAR; not how it is copied). */
#ifndef P2PSIM_LINUX_IOSYS_MAP_H
#define P2PSIM_LINUX_IOSYS_MAP_H

#include <p2psim/linux/io.h>
#include <p2psim/linux/kernel.h>

struct iosys_map {
	union {
		void __iomem *vaddr_iomem;
		void *vaddr;
	};
	bool is_iomem;
};

#define IOSYS_MAP_INIT_VADDR(address) { .vaddr = (address), .is_iomem = false }
#define IOSYS_MAP_INIT_VADDR_IOMEM(address) { .vaddr_iomem = (address), .is_iomem = true }

static inline void iosys_map_set_vaddr(struct iosys_map *map, void *vaddr)
{
	map->vaddr = vaddr;
	map->is_iomem = false;
}

static inline void iosys_map_set_vaddr_iomem(struct iosys_map *map, void __iomem *vaddr_iomem)
{
	map->vaddr_iomem = vaddr_iomem;
	map->is_iomem = true;
}

static inline bool iosys_map_is_null(const struct iosys_map *map)
{
	return !map->vaddr;
}

static inline bool iosys_map_is_set(const struct iosys_map *map)
{
	return !iosys_map_is_null(map);
}

static inline bool iosys_map_is_equal(const struct iosys_map *a, const struct iosys_map *b)
{
	return a->is_iomem == b->is_iomem && a->vaddr == b->vaddr;
}

static inline void iosys_map_clear(struct iosys_map *map)
{
	iosys_map_set_vaddr(map, NULL);
}

static inline void iosys_map_incr(struct iosys_map *map, size_t bytes)
{
	map->vaddr = (char *)map->vaddr + bytes;
}

#endif
