/* SPDX-License-Identifier: MIT */
/*
 * Long-term pins keep no device's memory: a coherent page goes to RAM first.  Mirrors: mm/gup.c, 6.1 (reduced: there are no zones
 * to leave).
 *
 *	pin all		one is device-coherent: its pin becomes a reference, it is migrated (CLEAR, no MIGRATE)
 *			the others are unpinned
 *	again
 */
#include "vma/gup.h"
#include "vma/migrate.h"
#include "vma/zone_device.h"

static bool any_coherent(struct page *const *pages, long count)
{
	long i;

	for (i = 0; i < count; i++)
		if (unlikely(is_device_coherent_page(pages[i])))
			return true;
	return false;
}

/* A pin would keep it where it is; a reference of the migration's own does not. */
static int move_to_ram(struct page *page)
{
	get_page(page);
	unpin_user_page(page);
	return migrate_device_coherent_page(page);
}

int gup_move_for_long(struct page **pages, long count)
{
	int error = -EAGAIN;
	long i;

	if (!any_coherent(pages, count))
		return 0;
	for (i = 0; i < count; i++) {
		if (error == -EAGAIN && is_device_coherent_page(pages[i]))
			error = move_to_ram(pages[i]) ? -EBUSY : -EAGAIN;
		else
			unpin_user_page(pages[i]);
	}
	return error;
}
