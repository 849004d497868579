/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/dma-fence.h, 6.1 (reduced: references, order and state; what signals and waits is declared, and linking
 * names it).
 */
#ifndef P2PSIM_LINUX_DMA_FENCE_H
#define P2PSIM_LINUX_DMA_FENCE_H

#include <p2psim/linux/bitops.h>
#include <p2psim/linux/kref.h>
#include <p2psim/linux/ktime.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/rcupdate.h>
#include <p2psim/linux/sched.h>
#include <p2psim/linux/spinlock.h>

struct dma_fence;
struct dma_fence_cb;
struct dma_fence_ops;
struct seq_file;

enum dma_fence_flag_bits {
	DMA_FENCE_FLAG_SIGNALED_BIT,
	DMA_FENCE_FLAG_TIMESTAMP_BIT,
	DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT,
	DMA_FENCE_FLAG_USER_BITS,	/* must be last */
};

struct dma_fence {
	spinlock_t *lock;
	const struct dma_fence_ops *ops;
	union {
		struct list_head cb_list;	/* lock; until it is signaled */
		ktime_t timestamp;		/* once it is */
		struct rcu_head rcu;		/* once it is released */
	};
	u64 context;
	u64 seqno;			/* grows within a context */
	unsigned long flags;		/* mask of 1 << enum dma_fence_flag_bits */
	struct kref refcount;
	int error;
};

typedef void (*dma_fence_func_t)(struct dma_fence *fence, struct dma_fence_cb *cb);

struct dma_fence_cb {
	struct list_head node;
	dma_fence_func_t func;
};

struct dma_fence_ops {
	bool use_64bit_seqno;
	const char *(*get_driver_name)(struct dma_fence *fence);
	const char *(*get_timeline_name)(struct dma_fence *fence);
	bool (*enable_signaling)(struct dma_fence *fence);
	bool (*signaled)(struct dma_fence *fence);
	long (*wait)(struct dma_fence *fence, bool intr, long timeout);
	void (*release)(struct dma_fence *fence);
	void (*fence_value_str)(struct dma_fence *fence, char *str, int size);
	void (*timeline_value_str)(struct dma_fence *fence, char *str, int size);
};

void dma_fence_init(struct dma_fence *fence, const struct dma_fence_ops *ops, spinlock_t *lock, u64 context, u64 seqno);
void dma_fence_release(struct kref *kref);
void dma_fence_free(struct dma_fence *fence);
int dma_fence_signal(struct dma_fence *fence);
int dma_fence_signal_locked(struct dma_fence *fence);
long dma_fence_wait_timeout(struct dma_fence *fence, bool intr, long timeout);
long dma_fence_default_wait(struct dma_fence *fence, bool intr, long timeout);
int dma_fence_add_callback(struct dma_fence *fence, struct dma_fence_cb *cb, dma_fence_func_t func);
bool dma_fence_remove_callback(struct dma_fence *fence, struct dma_fence_cb *cb);
void dma_fence_enable_sw_signaling(struct dma_fence *fence);
struct dma_fence *dma_fence_get_stub(void);
u64 dma_fence_context_alloc(unsigned int count);

/* NULL is allowed in both. */
static inline struct dma_fence *dma_fence_get(struct dma_fence *fence)
{
	if (fence)
		kref_get(&fence->refcount);
	return fence;
}

static inline void dma_fence_put(struct dma_fence *fence)
{
	if (fence)
		kref_put(&fence->refcount, dma_fence_release);
}

/* NULL: its last reference is gone. */
static inline struct dma_fence *dma_fence_get_rcu(struct dma_fence *fence)
{
	return kref_get_unless_zero(&fence->refcount) ? fence : NULL;
}

/* Asks the driver if nobody has signaled it yet. */
static inline bool dma_fence_is_signaled(struct dma_fence *fence)
{
	if (test_bit(DMA_FENCE_FLAG_SIGNALED_BIT, &fence->flags))
		return true;
	if (!fence->ops->signaled || !fence->ops->signaled(fence))
		return false;
	dma_fence_signal(fence);
	return true;
}

/* 32-bit numbers wrap. */
static inline bool __dma_fence_is_later(u64 f1, u64 f2, const struct dma_fence_ops *ops)
{
	if (ops->use_64bit_seqno)
		return f1 > f2;
	return (int)(lower_32_bits(f1) - lower_32_bits(f2)) > 0;
}

/* Of one context. */
static inline bool dma_fence_is_later(struct dma_fence *f1, struct dma_fence *f2)
{
	return !WARN_ON(f1->context != f2->context) && __dma_fence_is_later(f1->seqno, f2->seqno, f1->ops);
}

/* 0, or -errno. */
static inline long dma_fence_wait(struct dma_fence *fence, bool intr)
{
	long left = dma_fence_wait_timeout(fence, intr, MAX_SCHEDULE_TIMEOUT);

	return left < 0 ? left : 0;
}

#endif
