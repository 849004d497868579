/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/kfifo.h, 6.1 (reduced: of a fixed size that is a power of two, element by element).  The counters are
 * marked: one who puts and one who takes need no lock.
 */
#ifndef P2PSIM_LINUX_KFIFO_H
#define P2PSIM_LINUX_KFIFO_H

#include <p2psim/linux/kernel.h>

/* One whose size and elements are chosen later: no calls for it. */
struct kfifo {
	unsigned int in, out, mask, esize;
	void *data;
};

#define STRUCT_KFIFO(type, size)                                                                                       \
	struct {                                                                                                       \
		unsigned int in, out;                                                                                  \
		type buf[((size) < 2) || ((size) & ((size) - 1)) ? -1 : (size)];                                       \
	}
#define DECLARE_KFIFO(fifo, type, size) STRUCT_KFIFO(type, size) fifo
#define INIT_KFIFO(fifo) ((void)((fifo).in = (fifo).out = 0))
#define kfifo_size(fifo) ARRAY_SIZE((fifo)->buf)
#define kfifo_len(fifo) (READ_ONCE((fifo)->in) - READ_ONCE((fifo)->out))
#define kfifo_is_empty(fifo) (!kfifo_len(fifo))
#define kfifo_is_full(fifo) (kfifo_len(fifo) >= kfifo_size(fifo))
/* 1, or 0: full. */
#define kfifo_put(fifo, value)                                                                                         \
	__extension__({                                                                                                \
		unsigned int kfifo_ok_ = !kfifo_is_full(fifo);                                                         \
		if (kfifo_ok_) {                                                                                       \
			(fifo)->buf[(fifo)->in % kfifo_size(fifo)] = (value);                                          \
			smp_store_release(&(fifo)->in, (fifo)->in + 1);                                                \
		}                                                                                                      \
		kfifo_ok_;                                                                                             \
	})
/* 1, or 0: empty. */
#define kfifo_get(fifo, value)                                                                                         \
	__extension__({                                                                                                \
		unsigned int kfifo_ok_ = smp_load_acquire(&(fifo)->in) != (fifo)->out;                                 \
		if (kfifo_ok_) {                                                                                       \
			*(value) = (fifo)->buf[(fifo)->out % kfifo_size(fifo)];                                        \
			WRITE_ONCE((fifo)->out, (fifo)->out + 1);                                                      \
		}                                                                                                      \
		kfifo_ok_;                                                                                             \
	})

#endif
