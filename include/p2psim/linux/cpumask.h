/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/cpumask.h, 6.1 (reduced: masks as values.  Which CPUs there are is not modelled: each task has one of
 * its own; what asks for that is declared and linking says what is missing).
 */
#ifndef P2PSIM_LINUX_CPUMASK_H
#define P2PSIM_LINUX_CPUMASK_H

#include <p2psim/linux/bitmap.h>

#define NR_CPUS 64
extern const unsigned int nr_cpu_ids;

typedef struct cpumask {
	DECLARE_BITMAP(bits, NR_CPUS);
} cpumask_t;
typedef struct cpumask cpumask_var_t[1];

extern const struct cpumask *const cpu_possible_mask, *const cpu_online_mask, *const cpu_present_mask;
unsigned int num_online_cpus(void);
unsigned int num_possible_cpus(void);
bool cpu_online(unsigned int cpu);

#define cpumask_bits(mask) ((mask)->bits)
#define cpumask_set_cpu(cpu, mask) set_bit((cpu), cpumask_bits(mask))
#define __cpumask_set_cpu(cpu, mask) __set_bit((cpu), cpumask_bits(mask))
#define cpumask_clear_cpu(cpu, mask) clear_bit((int)(cpu), cpumask_bits(mask))
#define cpumask_test_cpu(cpu, mask) test_bit((cpu), cpumask_bits(mask))
#define cpumask_clear(mask) bitmap_zero(cpumask_bits(mask), NR_CPUS)
#define cpumask_copy(to, from) bitmap_copy(cpumask_bits(to), cpumask_bits(from), NR_CPUS)
#define cpumask_and(to, a, b) bitmap_and(cpumask_bits(to), cpumask_bits(a), cpumask_bits(b), NR_CPUS)
#define cpumask_andnot(to, a, b) bitmap_andnot(cpumask_bits(to), cpumask_bits(a), cpumask_bits(b), NR_CPUS)
#define cpumask_or(to, a, b) bitmap_or(cpumask_bits(to), cpumask_bits(a), cpumask_bits(b), NR_CPUS)
#define cpumask_empty(mask) bitmap_empty(cpumask_bits(mask), NR_CPUS)
#define cpumask_weight(mask) bitmap_weight(cpumask_bits(mask), NR_CPUS)
#define cpumask_first(mask) ((unsigned int)find_first_bit(cpumask_bits(mask), NR_CPUS))
#define cpumask_next(cpu, mask) ((unsigned int)find_next_bit(cpumask_bits(mask), NR_CPUS, (unsigned int)(cpu) + 1))
#define for_each_cpu(cpu, mask) for_each_set_bit(cpu, cpumask_bits(mask), NR_CPUS)

/* A cpumask_var_t is the mask itself, as in a kernel without CONFIG_CPUMASK_OFFSTACK. */
static inline bool zalloc_cpumask_var(cpumask_var_t *mask, gfp_t flags)
{
	(void)flags;
	cpumask_clear(*mask);
	return true;
}

static inline bool alloc_cpumask_var(cpumask_var_t *mask, gfp_t flags)
{
	return zalloc_cpumask_var(mask, flags);
}

static inline void free_cpumask_var(cpumask_var_t mask)
{
	(void)mask;
}

#endif
