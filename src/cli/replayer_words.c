/* SPDX-License-Identifier: MIT */
/*
 * Arguments and results of operations in the recording's words.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/replayer_verbs.h"

unsigned long replayer_hex(const char *word)
{
	return strtoul(word, NULL, 16);
}

unsigned long replayer_address(const char *word)
{
	return WINDOW_BASE + replayer_hex(word);
}

void say_error(int error, char *ret, size_t size)
{
	const char *name = strerrorname_np(-error);

	snprintf(ret, size, "%s", name ? name : "?");
}

void say_status(long status, char *ret, size_t size)
{
	if (status < 0)
		say_error((int)status, ret, size);
	else
		snprintf(ret, size, "%ld", status);
}

void say_address(const struct replayer *r, long addr, char *ret, size_t size)
{
	unsigned long offset = (unsigned long)addr - WINDOW_BASE;

	if ((unsigned long)addr >= (unsigned long)-4095)
		say_error((int)addr, ret, size);
	else if (offset < r->window)
		snprintf(ret, size, "0x%lx", offset);
	else
		snprintf(ret, size, "OUT");
}

void say_signal(struct p2psim_process *process, char *ret, size_t size)
{
	const struct p2psim_signal *signal = p2psim_process_signal(process);

	if (signal->signo == SIGBUS)
		snprintf(ret, size, "SIGBUS/ADRERR");
	else
		snprintf(ret, size, "SIGSEGV/%s", signal->code == P2PSIM_SEGV_MAPERR ? "MAPERR" : "ACCERR");
}
