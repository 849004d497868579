/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/printk.h, 6.1 (reduced: formats are checked and nothing is said, because a scenario is run many
 * thousand times.  With P2PSIM_PRINTK defined before the first include, stderr hears it.)
 */
#ifndef P2PSIM_LINUX_PRINTK_H
#define P2PSIM_LINUX_PRINTK_H

#include <stdarg.h>
#include <stdio.h>

#include <p2psim/linux/kernel.h>

struct va_format;	/* for %pV, which is not printed */

static inline P2PSIM_PRINTF(1, 2) int no_printk(const char *fmt, ...)
{
	(void)fmt;
	return 0;
}

/* What "%pV" points to. */
struct va_format {
	const char *fmt;
	va_list *va;
};

#ifdef P2PSIM_PRINTK
#define printk(fmt, ...) fprintf(stderr, fmt, ##__VA_ARGS__)
#else
#define printk(fmt, ...) no_printk(fmt, ##__VA_ARGS__)
#endif
#ifndef pr_fmt
#define pr_fmt(fmt) fmt
#endif
#define pr_err(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_warn(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_notice(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
#define pr_info(fmt, ...) printk(pr_fmt(fmt), ##__VA_ARGS__)
/* Checked and, as in a kernel without debugging, not evaluated. */
#define pr_debug(fmt, ...) (0 ? no_printk(pr_fmt(fmt), ##__VA_ARGS__) : 0)
#define pr_debug_ratelimited(fmt, ...) pr_debug(fmt, ##__VA_ARGS__)
#define pr_info_once(fmt, ...) pr_info(fmt, ##__VA_ARGS__)
#define pr_err_once(fmt, ...) pr_err(fmt, ##__VA_ARGS__)
#define pr_warn_once(fmt, ...) pr_warn(fmt, ##__VA_ARGS__)

#endif
