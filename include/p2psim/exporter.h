/* SPDX-License-Identifier: MIT */
/*
 * exporter: the helper that the thread asked for (Gunthorpe, 2019-01-29), for drivers that just expose a BAR.
 *
 * A doorbell page, a VFIO BAR, a framebuffer: nothing moves, page i of the file is page i of the BAR for ever.  Such a
 * driver needs no p2p_map() of its own:
 *
 *	exporter = p2psim_exporter_create(&(struct p2psim_exporter_config) { .name = "nic1", .bar = bar, .pages = 4 });
 *	... p2psim_mmap(app, ..., p2psim_exporter_file(exporter), 0) ...
 *	p2psim_exporter_unplug(exporter);
 *
 * p2p_map() of its VMAs: pa[i] = bus address of the BAR + offset + i * 4096, after asking device_test_p2p(); no struct
 * page anywhere, CPU page-table entries if the driver wants them.  Nothing is pinned (C7): the map count only tells
 * unplug() how long to wait.
 *
 *	           create()            revoke(): door closed, zap, wait for 0        unplug()
 *	  (none) ----------> open <------------------------------------------> open ----------> gone
 *	                       p2p_map(): 0         p2p_map(): -EBUSY                p2p_map(): -ENODEV
 *
 * Rules (E = cited by the tests)
 *	E1  p2p_map() succeeds only while the door is open; it counts each page, p2p_unmap() uncounts it.
 *	E2  revoke() closes the door first, zaps second, waits for a count of 0 third: nobody maps behind its back.
 *	E3  revoke() holds no lock while it zaps: p2p_unmap() is called from the notifiers that it provokes.
 *	E4  after unplug() nothing reaches the BAR any more, and p2p_map() is -ENODEV for ever.
 */
#ifndef P2PSIM_EXPORTER_H
#define P2PSIM_EXPORTER_H

#include <p2psim/base.h>

P2PSIM_BEGIN_DECLS

struct device;
struct file;
struct p2psim_bar;
struct p2psim_exporter;
struct vm_area_struct;

enum p2psim_exporter_flags {
	P2PSIM_EXPORTER_NO_FLAGS = 0,
	P2PSIM_EXPORTER_CPU = 1 << 0,	/* the CPU may use it, too; else a load or store is SIGBUS */
	P2PSIM_EXPORTER_NO_ZAP = 1 << 1, /* deliberate fault: waits for unmaps that nobody was asked for: DEADLOCK */
	P2PSIM_EXPORTER_NO_WAIT = 1 << 2, /* deliberate fault: takes the BAR away under the importers: STALE */
};

struct p2psim_exporter_config {
	const char *name;		/* of the file; static */
	struct p2psim_bar *bar;		/* with windows over the pages below; the exporter does not own it */
	unsigned long first;		/* first page of the BAR that the file shows */
	unsigned long pages;		/* how many; 0: to its end */
	unsigned int flags;		/* mask of enum p2psim_exporter_flags */
	/* May `importer` have it, for writing as well if `write`?  Asked at each p2p_map() (C8).  NULL: all may. */
	bool (*policy)(struct device *importer, bool write, void *arg);
	void *policy_arg;
};

/* NULL when out of memory or the pages lie outside the BAR.  May sleep. */
P2PSIM_EXPORT struct p2psim_exporter *p2psim_exporter_create(const struct p2psim_exporter_config *config);
/* Unplugs it first, if need be.  Context: may sleep; no VMA of it is left, else CONTRACT and the struct stays. */
P2PSIM_EXPORT void p2psim_exporter_destroy(struct p2psim_exporter *exporter);
/* Its device file, for p2psim_mmap(). */
P2PSIM_EXPORT struct file *p2psim_exporter_file(const struct p2psim_exporter *exporter);

/*
 * For drivers with a file of their own: what their ->mmap() calls.  Sets vm_ops, vm_private_data and the flags of
 * `vma`; vm_pgoff is the first page.
 * Return: 0, -EINVAL beyond the end, -ENODEV after unplug, what io_remap_pfn_range() says.
 * Context: mmap_lock held for writing.
 */
P2PSIM_EXPORT int p2psim_exporter_mmap(struct p2psim_exporter *exporter, struct vm_area_struct *vma);

/* Pages mapped by peers now, one page counted once for each map; VMAs alive. */
P2PSIM_EXPORT unsigned long p2psim_exporter_mapped(const struct p2psim_exporter *exporter);
P2PSIM_EXPORT unsigned long p2psim_exporter_vmas(const struct p2psim_exporter *exporter);
/* fault() calls so far: p2p_map() never makes one (S2). */
P2PSIM_EXPORT unsigned long p2psim_exporter_faults(const struct p2psim_exporter *exporter);

/*
 * Ends every mapping, the CPU's and the peers'; returns when the count is 0.  They may map again afterwards.
 * Context: may sleep; without mmap_lock and without any lock that an importer's notifier takes.
 * Return: 0; -ENODEV when it was unplugged; -EBUSY when somebody else is revoking it.
 */
P2PSIM_EXPORT int p2psim_exporter_revoke(struct p2psim_exporter *exporter);
/* Hot unplug (S10): revokes, waits, removes the PCI device.  Maps are -ENODEV ever after (S11).  Idempotent; 0. */
P2PSIM_EXPORT int p2psim_exporter_unplug(struct p2psim_exporter *exporter);

P2PSIM_END_DECLS

#endif
