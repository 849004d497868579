/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/llist.h, 6.1 (reduced): lists without a lock, last in, first out.  Adding and taking everything off are
 * one step each, on the head.
 */
#ifndef P2PSIM_LINUX_LLIST_H
#define P2PSIM_LINUX_LLIST_H

#include <p2psim/linux/atomic.h>

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD_INIT(name) { NULL }
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT(name)

static inline void init_llist_head(struct llist_head *list)
{
	list->first = NULL;
}

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

/* True when the list was empty. */
static inline P2PSIM_MARKED bool llist_add(struct llist_node *node, struct llist_head *head)
{
	P2PSIM_HERE();
	p2psim_atomic(&head->first, sizeof(head->first));
	node->next = head->first;
	head->first = node;
	return !node->next;
}

static inline P2PSIM_MARKED struct llist_node *llist_del_all(struct llist_head *head)
{
	struct llist_node *first;

	P2PSIM_HERE();
	p2psim_atomic(&head->first, sizeof(head->first));
	first = head->first;
	head->first = NULL;
	return first;
}

static inline struct llist_node *llist_next(struct llist_node *node)
{
	return node->next;
}

static inline struct llist_node *llist_reverse_order(struct llist_node *head)
{
	struct llist_node *reversed = NULL, *next;

	for (; head; head = next) {
		next = head->next;
		head->next = reversed;
		reversed = head;
	}
	return reversed;
}

#define llist_entry(ptr, type, member) container_of(ptr, type, member)
#define llist_for_each(pos, node) for (pos = (node); pos; pos = pos->next)
#define llist_for_each_safe(pos, n, node) for (pos = (node); pos && ((n = pos->next), true); pos = n)
#define llist_for_each_entry(pos, node, member)                                                                        \
	for (struct llist_node *llist_at_ = (node);                                                                    \
	     llist_at_ && ((pos = llist_entry(llist_at_, __typeof__(*(pos)), member)), true);                          \
	     llist_at_ = llist_at_->next)
#define llist_for_each_entry_safe(pos, n, node, member)                                                                \
	for (struct llist_node *llist_at_ = (node), *llist_next_;                                                      \
	     llist_at_ && ((pos = llist_entry(llist_at_, __typeof__(*(pos)), member)),                                 \
			   (llist_next_ = llist_at_->next), true);                                                     \
	     llist_at_ = llist_next_)

#endif
