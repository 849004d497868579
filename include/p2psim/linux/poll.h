/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/poll.h, uapi/linux/eventpoll.h, 6.1 (reduced: a look at the moment; nobody sleeps in poll(2), so that
 * the table is NULL, with which poll_wait() does nothing in the kernel either).
 */
#ifndef P2PSIM_LINUX_POLL_H
#define P2PSIM_LINUX_POLL_H

#include <sys/epoll.h>

#include <p2psim/linux/fs.h>
#include <p2psim/linux/wait.h>

#define DEFAULT_POLLMASK (EPOLLIN | EPOLLOUT | EPOLLRDNORM | EPOLLWRNORM)

typedef struct poll_table_struct {
	__poll_t key;
} poll_table;

static inline void poll_wait(struct file *file, wait_queue_head_t *wq, poll_table *table)
{
	(void)file;
	(void)wq;
	(void)table;
}

#endif
