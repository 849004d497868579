/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/kernel.h, minmax.h, align.h, math.h, container_of.h, compiler.h, bug.h, 6.1 (reduced).
 * READ_ONCE() and WRITE_ONCE() are steps (see <p2psim/step.h>): they are what a driver marks shared memory with.
 */
#ifndef P2PSIM_LINUX_KERNEL_H
#define P2PSIM_LINUX_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <p2psim/base.h>
#include <p2psim/race.h>
#include <p2psim/trace.h>
#ifdef __KERNEL__
#include <p2psim/linux/kconfig.h>
#endif
#include <p2psim/linux/types.h>

#ifndef likely
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#endif
#ifndef __must_check
#define __must_check __attribute__((warn_unused_result))
#endif
#define __maybe_unused __attribute__((unused))
#if defined(__clang__) && !defined(__KERNEL__)	/* drivers name locks that no compiler knows, such as RCU */
#define __must_hold(lock) __attribute__((exclusive_locks_required(lock)))
#else
#define __must_hold(lock)
#endif
/* For a checker that nobody runs here; the lock graph sees the locks themselves. */
#define __acquires(lock)
#define __releases(lock)
#define __acquire(lock) ((void)0)
#define __release(lock) ((void)0)
#define __user
#define __iomem
#define __rcu
#define __init
#define __exit

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member)                                                                                \
	__extension__({                                                                                                \
		const __typeof__(((type *)0)->member) *container_of_ptr_ = (ptr);                                      \
		(type *)((char *)(uintptr_t)container_of_ptr_ - offsetof(type, member));                               \
	})

#define ALIGN(x, a) (((x) + ((__typeof__(x))(a) - 1)) & ~((__typeof__(x))(a) - 1))
#define ALIGN_DOWN(x, a) ((x) & ~((__typeof__(x))(a) - 1))
#define IS_ALIGNED(x, a) (((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d) - 1) / (d))
#define min(a, b)                                                                                                      \
	__extension__({                                                                                                \
		__typeof__(a) min_a_ = (a);                                                                            \
		__typeof__(b) min_b_ = (b);                                                                            \
		min_a_ < min_b_ ? min_a_ : min_b_;                                                                     \
	})
#define max(a, b)                                                                                                      \
	__extension__({                                                                                                \
		__typeof__(a) max_a_ = (a);                                                                            \
		__typeof__(b) max_b_ = (b);                                                                            \
		max_a_ > max_b_ ? max_a_ : max_b_;                                                                     \
	})
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp(v, lo, hi) min(max(v, lo), hi)
#define swap(a, b)                                                                                                     \
	do {                                                                                                           \
		__typeof__(a) swap_ = (a);                                                                             \
		(a) = (b);                                                                                             \
		(b) = swap_;                                                                                           \
	} while (0)
#define max3(a, b, c) max((__typeof__(a))max(a, b), c)
#define min3(a, b, c) min((__typeof__(a))min(a, b), c)
#define min_not_zero(a, b)                                                                                             \
	__extension__({                                                                                                \
		__typeof__(a) min_nz_a_ = (a);                                                                         \
		__typeof__(b) min_nz_b_ = (b);                                                                         \
		min_nz_a_ == 0 ? min_nz_b_ : (min_nz_b_ == 0 ? min_nz_a_ : min(min_nz_a_, min_nz_b_));                 \
	})
#define clamp_t(type, v, lo, hi) min_t(type, max_t(type, v, lo), hi)
#define clamp_val(v, lo, hi) clamp_t(__typeof__(v), v, lo, hi)
#define round_up(x, a) ALIGN(x, a)
#define round_down(x, a) ALIGN_DOWN(x, a)
#undef roundup /* of <sys/param.h> */
#define roundup(x, n) (DIV_ROUND_UP(x, n) * (n))
#define rounddown(x, n) ((x) - (x) % (n))
#define DIV_ROUND_UP_ULL(n, d) DIV_ROUND_UP((unsigned long long)(n), (unsigned long long)(d))
#define DIV_ROUND_DOWN_ULL(n, d) ((unsigned long long)(n) / (d))
#define DIV_ROUND_CLOSEST(n, d) (((n) + (d) / 2) / (d))
#define PTR_ALIGN(p, a) ((__typeof__(p))ALIGN((unsigned long)(p), (a)))
#define upper_32_bits(n) ((u32)(((n) >> 16) >> 16))
#define lower_32_bits(n) ((u32)(n))
#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member) (offsetof(type, member) + sizeof_field(type, member))
/* A call that the compiler must find dead: the condition may be what it makes constant, not only what C calls one. */
#define BUILD_BUG_ON(cond) p2psim_build_bug(cond, #cond, __COUNTER__)
#define p2psim_build_bug(cond, text, n) p2psim_build_bug_numbered(cond, text, n)
#define p2psim_build_bug_numbered(cond, text, n)                                                                       \
	do {                                                                                                           \
		extern void p2psim_build_bug_##n(void) __attribute__((error(text)));                                   \
		if (cond)                                                                                              \
			p2psim_build_bug_##n();                                                                        \
	} while (0)
/* Compiled, not evaluated. */
#define BUILD_BUG_ON_INVALID(e) ((void)sizeof((long)(e)))
#define BUILD_BUG_ON_MSG(cond, text) _Static_assert(!(cond), text)
#define __printf(fmt, first) P2PSIM_PRINTF(fmt, first)
#define __packed __attribute__((packed))
#define __aligned(n) __attribute__((aligned(n)))
#define __always_unused __attribute__((unused))
#define __cold __attribute__((cold))
#define __malloc __attribute__((__malloc__))
#define __read_mostly
#define __ro_after_init
#define __initdata
#define __initconst
#define __exitdata
#define __force
#ifndef __bitwise
#define __bitwise
#endif
#define __percpu
/* Words of C's own headers, too: for drivers alone. */
#ifdef __KERNEL__
#define noinline __attribute__((__noinline__))
#define fallthrough __attribute__((__fallthrough__))
#endif
#define BIT(n) (1UL << (n))
#define BIT_ULL(n) (1ULL << (n))

/* A warning is a CONTRACT violation with the condition as its sentence; the value is the condition, as in the kernel. */
P2PSIM_EXPORT void p2psim_warn(const char *condition);
#define WARN_ON(cond)                                                                                                  \
	__extension__({                                                                                                \
		bool warn_on_ = !!(cond);                                                                              \
		if (unlikely(warn_on_)) {                                                                              \
			P2PSIM_HERE();                                                                                 \
			p2psim_warn(#cond);                                                                            \
		}                                                                                                      \
		unlikely(warn_on_);                                                                                    \
	})
#define WARN_ON_ONCE(cond) WARN_ON(cond)
#define WARN(cond, ...) WARN_ON(cond)
#define WARN_ONCE(cond, ...) WARN_ON(cond)
#define WARN_ON_SMP(cond) WARN_ON(cond)
/* A line of the picture; `str` has to stay where it is, and needs no newline. */
#define trace_puts(str)                                                                                                \
	do {                                                                                                           \
		const char *trace_puts_ = (str);                                                                       \
		p2psim_note("%s", P2PSIM_STR(trace_puts_));                                                            \
	} while (0)
#define BUG_ON(cond) ((void)WARN_ON(cond))
#define BUG() ((void)WARN_ON(true))

/* One step each; the object is the allocation (or static variable) and the offset in it. */
P2PSIM_EXPORT void p2psim_once(const volatile void *addr, size_t size, bool write);
#define READ_ONCE(x)                                                                                                   \
	__extension__({                                                                                                \
		P2PSIM_HERE();                                                                                         \
		p2psim_once(&(x), sizeof(x), false);                                                                   \
		*(const volatile __typeof__(x) *)&(x);                                                                 \
	})
#define WRITE_ONCE(x, v)                                                                                               \
	do {                                                                                                           \
		__typeof__(x) write_once_ = (v);                                                                       \
		P2PSIM_HERE();                                                                                         \
		p2psim_once(&(x), sizeof(x), true);                                                                    \
		*(volatile __typeof__(x) *)&(x) = write_once_;                                                         \
	} while (0)
#define smp_load_acquire(p)                                                                                            \
	__extension__({                                                                                                \
		__typeof__(*(p)) load_acquire_ = READ_ONCE(*(p));                                                      \
		if (p2psim_race_on())                                                                                  \
			p2psim_race_order((p), true, false);                                                           \
		load_acquire_;                                                                                         \
	})
#define smp_store_release(p, v)                                                                                        \
	do {                                                                                                           \
		WRITE_ONCE(*(p), v);                                                                                   \
		if (p2psim_race_on())                                                                                  \
			p2psim_race_order((p), false, true);                                                           \
	} while (0)
/* The model is sequentially consistent: barriers are compiler barriers. */
#define barrier() __asm__ __volatile__("" ::: "memory")
#define smp_mb() barrier()
#define smp_rmb() barrier()
#define smp_wmb() barrier()
#define mb() barrier()
#define rmb() barrier()
#define wmb() barrier()
#define dma_mb() barrier()
#define dma_rmb() barrier()
#define dma_wmb() barrier()

/* Reports a sleep where one must not: spinlock or RCU held, or inside a non-blockable invalidation (LOCKGRAPH). */
P2PSIM_EXPORT void might_sleep(void);
#define might_sleep() (P2PSIM_HERE(), might_sleep())

#define ENOTSUPP 524		/* never seen by a process */

#define U64_MAX UINT64_MAX
#define U32_MAX UINT32_MAX

#endif
