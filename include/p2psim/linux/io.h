/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/io.h, asm-generic/io.h, iomap.h, 6.1 (reduced: no port I/O, no repeated accesses, big-endian ones of
 * 32 bits only).
 *
 * Registers and memory of a device, seen by the CPU: each access is one step on the page of the BAR and one call of what lies
 * behind it (<p2psim/bar.h>).
 *
 *	ioremap(phys, size) --> an address that only the calls below can use --iounmap()--> nobody can use it any more
 *
 * Reading where nobody answers (no BAR, memory decoding off, an abort) gives all ones; such a write goes nowhere.
 * A read counts as a write for who explores, because registers change by being read; in a prefetchable BAR it does not.
 *
 * Oracles: UAF (after iounmap()), RANGE (beyond what was mapped), CONTRACT (an address that ioremap() did not give; RAM),
 * BALANCE (iounmap() of what is not mapped), LEAK.
 */
#ifndef P2PSIM_LINUX_IO_H
#define P2PSIM_LINUX_IO_H

#include <p2psim/linux/vmalloc.h>
#include <p2psim/linux/err.h>
#include <p2psim/linux/ioport.h>
#include <p2psim/linux/mm.h>

/*
 * NULL: size 0, or the range wraps; RAM (CONTRACT); out of memory.  Two mappings of one range are two.
 * Context: may sleep.
 */
P2PSIM_EXPORT void __iomem *ioremap(phys_addr_t phys, size_t size);
/* NULL is CONTRACT. */
P2PSIM_EXPORT void iounmap(volatile void __iomem *addr);
#define ioremap(phys, size) (P2PSIM_HERE(), ioremap((phys), (size)))
#define iounmap(addr) (P2PSIM_HERE(), iounmap(addr))
/* Caching is not modelled. */
#define ioremap_wc(phys, size) ioremap((phys), (size))
#define ioremap_wt(phys, size) ioremap((phys), (size))
#define ioremap_uc(phys, size) ioremap((phys), (size))
#define ioremap_np(phys, size) ioremap((phys), (size))
#define ioremap_cache(phys, size) ioremap((phys), (size))

/* Undone with the driver. */
struct device;
P2PSIM_EXPORT void __iomem *devm_ioremap(struct device *dev, resource_size_t phys, resource_size_t size);
P2PSIM_EXPORT void devm_iounmap(struct device *dev, void __iomem *addr);
#define devm_ioremap(dev, phys, size) (P2PSIM_HERE(), devm_ioremap((dev), (phys), (size)))
#define devm_ioremap_wc(dev, phys, size) devm_ioremap((dev), (phys), (size))
#define devm_ioremap_uc(dev, phys, size) devm_ioremap((dev), (phys), (size))

/* `len` bytes, in one access a page.  Context: any; a step a page. */
P2PSIM_EXPORT void p2psim_io_read(const volatile void __iomem *addr, void *buf, size_t len, const char *label);
P2PSIM_EXPORT void p2psim_io_write(volatile void __iomem *addr, const void *buf, size_t len, const char *label);

#define P2PSIM_IO_(bits, letter)                                                                                       \
	static inline u##bits p2psim_read##letter(const volatile void __iomem *addr)                                   \
	{                                                                                                              \
		u##bits value;                                                                                         \
                                                                                                                       \
		p2psim_io_read(addr, &value, sizeof(value), "read" #letter);                                           \
		return value;                                                                                          \
	}                                                                                                              \
                                                                                                                       \
	static inline void p2psim_write##letter(u##bits value, volatile void __iomem *addr)                            \
	{                                                                                                              \
		p2psim_io_write(addr, &value, sizeof(value), "write" #letter);                                         \
	}
P2PSIM_IO_(8, b)
P2PSIM_IO_(16, w)
P2PSIM_IO_(32, l)
P2PSIM_IO_(64, q)
#undef P2PSIM_IO_

#define readb(addr) (P2PSIM_HERE(), p2psim_readb(addr))
#define readw(addr) (P2PSIM_HERE(), p2psim_readw(addr))
#define readl(addr) (P2PSIM_HERE(), p2psim_readl(addr))
#define readq(addr) (P2PSIM_HERE(), p2psim_readq(addr))
#define writeb(value, addr) (P2PSIM_HERE(), p2psim_writeb((value), (addr)))
#define writew(value, addr) (P2PSIM_HERE(), p2psim_writew((value), (addr)))
#define writel(value, addr) (P2PSIM_HERE(), p2psim_writel((value), (addr)))
#define writeq(value, addr) (P2PSIM_HERE(), p2psim_writeq((value), (addr)))
#define readb_relaxed(addr) readb(addr)
#define readw_relaxed(addr) readw(addr)
#define readl_relaxed(addr) readl(addr)
#define readq_relaxed(addr) readq(addr)
#define writeb_relaxed(value, addr) writeb((value), (addr))
#define writew_relaxed(value, addr) writew((value), (addr))
#define writel_relaxed(value, addr) writel((value), (addr))
#define writeq_relaxed(value, addr) writeq((value), (addr))
#define __raw_readb(addr) readb(addr)
#define __raw_readw(addr) readw(addr)
#define __raw_readl(addr) readl(addr)
#define __raw_readq(addr) readq(addr)
#define __raw_writeb(value, addr) writeb((value), (addr))
#define __raw_writew(value, addr) writew((value), (addr))
#define __raw_writel(value, addr) writel((value), (addr))
#define __raw_writeq(value, addr) writeq((value), (addr))
#define ioread8(addr) readb(addr)
#define ioread16(addr) readw(addr)
#define ioread32(addr) readl(addr)
#define ioread64(addr) readq(addr)
#define iowrite8(value, addr) writeb((value), (addr))
#define iowrite16(value, addr) writew((value), (addr))
#define iowrite32(value, addr) writel((value), (addr))
#define iowrite64(value, addr) writeq((value), (addr))
#define ioread32be(addr) __builtin_bswap32(ioread32(addr))
#define iowrite32be(value, addr) iowrite32(__builtin_bswap32(value), (addr))

#define memcpy_fromio(to, from, count) (P2PSIM_HERE(), p2psim_io_read((from), (to), (count), "memcpy_fromio"))
#define memcpy_toio(to, from, count) (P2PSIM_HERE(), p2psim_io_write((to), (from), (count), "memcpy_toio"))
P2PSIM_EXPORT void memset_io(volatile void __iomem *addr, int value, size_t count);
#define memset_io(addr, value, count) (P2PSIM_HERE(), memset_io((addr), (value), (count)))

#endif
