/* SPDX-License-Identifier: MIT */
/* Loops of plain accesses: a write each turn. */
#include "race_loops.h"

#include <string.h>

void race_one_word(void *words, uint64_t count)
{
	uint64_t *word = words;

	while (count--) {
		*word = count;
		__asm__ __volatile__("" : : : "memory");
	}
}

void race_many_words(void *words, uint64_t count)
{
	uint64_t *word = words;

	while (count--) {
		word[count % RACE_WORDS] = count;
		__asm__ __volatile__("" : : : "memory");
	}
}

void race_cleared(void *words, uint64_t count)
{
	while (count--)
		memset(words, 0, RACE_WORDS * sizeof(uint64_t));
}
