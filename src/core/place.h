/* SPDX-License-Identifier: MIT */
/* Where compiled code came from: place.c finds the object file and the symbol, place_line.c the line. */
#ifndef P2PSIM_CORE_PLACE_H
#define P2PSIM_CORE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct p2psim_bytes {
	const unsigned char *start, *end;
};

/* The sections of DWARF that know lines; any of them may be empty. */
struct p2psim_line_info {
	struct p2psim_bytes line, line_str, str;
};

/* The line of the source that the code at `address` (of the file, not of memory) was made from.  False: not known. */
bool p2psim_line_find(const struct p2psim_line_info *info, uint64_t address, const char **file, unsigned int *line);

#endif
