/* SPDX-License-Identifier: MIT */
/* Loops of plain accesses, compiled as a driver whose plain accesses are all race-checked. */
#ifndef RACE_LOOPS_H
#define RACE_LOOPS_H

#include <stdint.h>

#define RACE_WORDS 512

void race_one_word(void *words, uint64_t count);
void race_many_words(void *words, uint64_t count);
void race_cleared(void *words, uint64_t count);

#endif
