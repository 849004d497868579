/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/kconfig.h, 6.1, with the options that this model is.  A driver that is compiled with __KERNEL__ gets
 * it with kernel.h; with -include linux/kconfig.h, as the kernel's own build does, before everything else.
 */
#ifndef P2PSIM_LINUX_KCONFIG_H
#define P2PSIM_LINUX_KCONFIG_H

/* 64 bits, little endian, page tables as on x86-64; many CPUs. */
#define CONFIG_64BIT 1
#define CONFIG_X86_64 1
#define CONFIG_SMP 1
#define CONFIG_MMU 1
#define CONFIG_PCI 1
#define CONFIG_HAS_DMA 1
/* What is modelled of the mm. */
#define CONFIG_MMU_NOTIFIER 1
#define CONFIG_HMM_MIRROR 1
#define CONFIG_ZONE_DEVICE 1
#define CONFIG_DEVICE_PRIVATE 1
#define CONFIG_PCI_P2PDMA 1
#define CONFIG_MIGRATION 1
#define CONFIG_SWAP 1
#define CONFIG_SHMEM 1
#define CONFIG_TRANSPARENT_HUGEPAGE 1
#define CONFIG_HUGETLB_PAGE 1
#define CONFIG_NUMA_BALANCING 1

/* 1 for an option that is y (or m), 0 for one that is not. */
#define p2psim_option_1 0,
#define p2psim_second(ignored, value, ...) value
#define p2psim_option_is(comma) p2psim_second(comma 1, 0, 0)
#define p2psim_option_of(value) p2psim_option_is(p2psim_option_##value)
#define __is_defined(option) p2psim_option_of(option)
#define IS_BUILTIN(option) __is_defined(option)
#define IS_MODULE(option) __is_defined(option##_MODULE)
#define IS_ENABLED(option) (IS_BUILTIN(option) || IS_MODULE(option))
#define IS_REACHABLE(option) IS_BUILTIN(option)

#endif
