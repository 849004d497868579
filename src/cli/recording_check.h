/* SPDX-License-Identifier: MIT */
/*
 * Whether the records of a recording are what the format says.  Each returns NULL, or what is wrong.
 */
#ifndef P2PSIM_CLI_RECORDING_CHECK_H
#define P2PSIM_CLI_RECORDING_CHECK_H

#include <stdbool.h>
#include <stdlib.h>

#include "cli/recording.h"

bool recording_is_decimal(const char *word);
bool recording_is_hex(const char *word);
const char *recording_check_op(const struct recorded_op *op);
const char *recording_check_event(const char *text);
const char *recording_check_vma(const char *text);
const char *recording_check_pages(const char *text, unsigned long window);
const char *recording_check_mirror(const char *text, unsigned long window);
/* Is it what a recording begins with, comments and empty lines aside? */
bool recording_begins_with(const char *line);
/* Does an event that can be read say whose it is? */
bool recording_has_owner(const char *text);

#endif
