/* SPDX-License-Identifier: MIT */
/* Mirrors: include/linux/semaphore.h, 6.1 (declared: the tasks of the model have mutexes; linking names what is asked for). */
#ifndef P2PSIM_LINUX_SEMAPHORE_H
#define P2PSIM_LINUX_SEMAPHORE_H

#include <p2psim/linux/list.h>
#include <p2psim/linux/spinlock.h>

struct semaphore {
	spinlock_t lock;
	unsigned int count;
	struct list_head wait_list;
};

void sema_init(struct semaphore *sem, int value);
void down(struct semaphore *sem);
int __must_check down_interruptible(struct semaphore *sem);
int __must_check down_trylock(struct semaphore *sem);
void up(struct semaphore *sem);

#endif
