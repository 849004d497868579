/* SPDX-License-Identifier: MIT */
/* The widest line of a text that is drawn in columns, in bytes. */
#ifndef P2PSIM_TESTS_WIDEST_H
#define P2PSIM_TESTS_WIDEST_H

#include <string.h>

static inline size_t widest(const char *text)
{
	size_t most = 0, length;

	for (; *text; text += length + (text[length] == '\n')) {
		length = strcspn(text, "\n");
		most = length > most ? length : most;
	}
	return most;
}

#endif
