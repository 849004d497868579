/* SPDX-License-Identifier: MIT */
/* The driver of driver_5_2.c, for its own file and for the test that plays the process. */
#ifndef DRIVER_5_2_H
#define DRIVER_5_2_H

#include <linux/types.h>

struct mm_struct;
struct old_driver;

struct old_driver *old_driver_create(struct mm_struct *mm, unsigned long addr);
void old_driver_destroy(struct old_driver *driver);
long old_driver_fault(struct old_driver *driver);
bool old_driver_has_page(struct old_driver *driver);

#endif
