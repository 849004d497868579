/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/list.h, rculist.h, 6.1 (reduced: no poison, nothing for seq_file).  No steps: the lock around a
 * list has them.  Only in a driver whose plain accesses are race-checked (P2PSIM_TSAN) are those accesses steps that the
 * kernel marks, since a reader without the lock may meet them: ->next when it is written, asked for emptiness or followed
 * under RCU.
 */
#ifndef P2PSIM_LINUX_LIST_H
#define P2PSIM_LINUX_LIST_H

#include <p2psim/linux/kernel.h>

#ifdef P2PSIM_TSAN
#define P2PSIM_LINK(at, to) smp_store_release(&(at), to)
#define P2PSIM_PEEK(at) READ_ONCE(at)
#define P2PSIM_FOLLOW(at) smp_load_acquire(&(at))
#else
#define P2PSIM_LINK(at, to) ((at) = (to))
#define P2PSIM_PEEK(at) (at)
#define P2PSIM_FOLLOW(at) (at)
#endif

#undef LIST_HEAD /* of <sys/queue.h> */
#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

static inline void INIT_LIST_HEAD(struct list_head *head)
{
	head->prev = head;
	P2PSIM_LINK(head->next, head);
}

static inline void p2psim_list_link(struct list_head *prev, struct list_head *entry, struct list_head *next)
{
	next->prev = entry;
	entry->next = next;
	entry->prev = prev;
	P2PSIM_LINK(prev->next, entry);
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	p2psim_list_link(head, entry, head->next);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	p2psim_list_link(head->prev, entry, head);
}

static inline void list_del_init(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	P2PSIM_LINK(entry->prev->next, entry->next);
	INIT_LIST_HEAD(entry);
}

/* As the kernel's: the entry must not be used afterwards, and a second list_del() of it faults loudly. */
static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	P2PSIM_LINK(entry->prev->next, entry->next);
	entry->next = entry->prev = NULL;
}

static inline bool list_empty(const struct list_head *head)
{
	return P2PSIM_PEEK(head->next) == head;
}

/* In a list: does `entry` come first, last, or is it the head itself? */
static inline bool list_is_first(const struct list_head *entry, const struct list_head *head)
{
	return entry->prev == head;
}

static inline bool list_is_last(const struct list_head *entry, const struct list_head *head)
{
	return entry->next == head;
}

static inline bool list_is_head(const struct list_head *entry, const struct list_head *head)
{
	return entry == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

/* As list_empty(): nobody changes a list between two steps. */
static inline bool list_empty_careful(const struct list_head *head)
{
	return list_empty(head);
}

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add_tail(entry, head);
}

/* `entry` takes the place of `old`, which must not be used afterwards (_init: is empty). */
static inline void list_replace(struct list_head *old, struct list_head *entry)
{
	p2psim_list_link(old->prev, entry, old->next);
}

static inline void list_replace_init(struct list_head *old, struct list_head *entry)
{
	list_replace(old, entry);
	INIT_LIST_HEAD(old);
}

static inline void list_swap(struct list_head *a, struct list_head *b)
{
	struct list_head *before = b->prev;

	list_del(b);
	list_replace(a, b);
	list_add(a, before == a ? b : before);
}

/* Entries [first, last] of one list move to the end of another. */
static inline void list_bulk_move_tail(struct list_head *head, struct list_head *first, struct list_head *last)
{
	first->prev->next = last->next;
	last->next->prev = first->prev;
	head->prev->next = first;
	first->prev = head->prev;
	last->next = head;
	head->prev = last;
}

/* The first entry becomes the last. */
static inline void list_rotate_left(struct list_head *head)
{
	if (!list_empty(head))
		list_move_tail(head->next, head);
}

/* All entries of `from` between `prev` and `next`, which are neighbours; `from` is not changed. */
static inline void p2psim_list_splice(struct list_head *from, struct list_head *prev, struct list_head *next)
{
	if (list_empty(from))
		return;
	from->next->prev = prev;
	prev->next = from->next;
	from->prev->next = next;
	next->prev = from->prev;
}

static inline void list_splice(struct list_head *from, struct list_head *to)
{
	p2psim_list_splice(from, to, to->next);
}

static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	p2psim_list_splice(from, to->prev, to);
}

static inline void list_splice_init(struct list_head *from, struct list_head *to)
{
	list_splice(from, to);
	INIT_LIST_HEAD(from);
}

static inline void list_splice_tail_init(struct list_head *from, struct list_head *to)
{
	list_splice_tail(from, to);
	INIT_LIST_HEAD(from);
}

/* The entries up to and with `entry` (the head: none) become the list `to`. */
static inline void list_cut_position(struct list_head *to, struct list_head *head, struct list_head *entry)
{
	INIT_LIST_HEAD(to);
	if (entry != head)
		list_bulk_move_tail(to, head->next, entry);
}

static inline size_t list_count_nodes(const struct list_head *head)
{
	const struct list_head *at;
	size_t count = 0;

	for (at = head->next; at != head; at = at->next)
		count++;
	return count;
}

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member)                                                                   \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_for_each_entry(pos, head, member)                                                                         \
	for (pos = list_first_entry(head, __typeof__(*pos), member); &pos->member != (head);                           \
	     pos = list_next_entry(pos, member))
#define list_for_each_entry_continue(pos, head, member)                                                                \
	for (pos = list_next_entry(pos, member); &pos->member != (head); pos = list_next_entry(pos, member))
#define list_for_each_entry_safe(pos, n, head, member)                                                                 \
	for (pos = list_first_entry(head, __typeof__(*pos), member), n = list_next_entry(pos, member);                 \
	     &pos->member != (head); pos = n, n = list_next_entry(n, member))
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)
#define list_entry_is_head(pos, head, member) (&(pos)->member == (head))
#define list_prepare_entry(pos, head, member) ((pos) ? (pos) : list_entry(head, __typeof__(*(pos)), member))
#define list_for_each(pos, head) for (pos = (head)->next; pos != (head); pos = pos->next)
#define list_for_each_prev(pos, head) for (pos = (head)->prev; pos != (head); pos = pos->prev)
#define list_for_each_safe(pos, n, head) for (pos = (head)->next, n = pos->next; pos != (head); pos = n, n = pos->next)
#define list_for_each_entry_reverse(pos, head, member)                                                                 \
	for (pos = list_last_entry(head, __typeof__(*pos), member); &pos->member != (head);                            \
	     pos = list_prev_entry(pos, member))
#define list_for_each_entry_safe_reverse(pos, n, head, member)                                                         \
	for (pos = list_last_entry(head, __typeof__(*pos), member), n = list_prev_entry(pos, member);                  \
	     &pos->member != (head); pos = n, n = list_prev_entry(n, member))
#define list_for_each_entry_continue(pos, head, member)                                                                \
	for (pos = list_next_entry(pos, member); &pos->member != (head); pos = list_next_entry(pos, member))
#define list_for_each_entry_continue_reverse(pos, head, member)                                                        \
	for (pos = list_prev_entry(pos, member); &pos->member != (head); pos = list_prev_entry(pos, member))
#define list_for_each_entry_from(pos, head, member)                                                                    \
	for (; &pos->member != (head); pos = list_next_entry(pos, member))
#define list_for_each_entry_from_reverse(pos, head, member)                                                            \
	for (; &pos->member != (head); pos = list_prev_entry(pos, member))
#define list_for_each_entry_safe_from(pos, n, head, member)                                                            \
	for (n = list_next_entry(pos, member); &pos->member != (head); pos = n, n = list_next_entry(n, member))
#define list_for_each_entry_safe_continue(pos, n, head, member)                                                        \
	for (pos = list_next_entry(pos, member), n = list_next_entry(pos, member); &pos->member != (head);             \
	     pos = n, n = list_next_entry(n, member))

/* Under RCU a reader may meet what list_del_rcu() has taken off: the entry keeps its way on, until a grace period is over. */
#define list_add_rcu(entry, head) list_add((entry), (head))
#define list_add_tail_rcu(entry, head) list_add_tail((entry), (head))
#define list_replace_rcu(old, entry) list_replace((old), (entry))
static inline void list_del_rcu(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	P2PSIM_LINK(entry->prev->next, entry->next);
	entry->prev = NULL;
}
#define list_entry_rcu(ptr, type, member) list_entry(ptr, type, member)
#define list_first_or_null_rcu(head, type, member)                                                                     \
	__extension__({                                                                                                \
		struct list_head *list_first_ = P2PSIM_FOLLOW((head)->next);                                           \
		list_first_ == (head) ? NULL : list_entry(list_first_, type, member);                                  \
	})
#define list_for_each_entry_rcu(pos, head, member, ...)                                                                \
	for (pos = list_entry(P2PSIM_FOLLOW((head)->next), __typeof__(*pos), member); &pos->member != (head);          \
	     pos = list_entry(P2PSIM_FOLLOW(pos->member.next), __typeof__(*pos), member))

#define HLIST_HEAD_INIT { NULL }
#define INIT_HLIST_HEAD(ptr) ((ptr)->first = NULL)
#define HLIST_HEAD(name) struct hlist_head name = HLIST_HEAD_INIT

static inline void INIT_HLIST_NODE(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !node->pprev;
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !P2PSIM_PEEK(head->first);
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	if (node->next)
		node->next->pprev = &node->next;
	node->pprev = &head->first;
	P2PSIM_LINK(head->first, node);
}

static inline void hlist_add_before(struct hlist_node *node, struct hlist_node *next)
{
	node->pprev = next->pprev;
	node->next = next;
	next->pprev = &node->next;
	P2PSIM_LINK(*node->pprev, node);
}

static inline void hlist_add_behind(struct hlist_node *node, struct hlist_node *prev)
{
	node->next = prev->next;
	node->pprev = &prev->next;
	P2PSIM_LINK(prev->next, node);
	if (node->next)
		node->next->pprev = &node->next;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (hlist_unhashed(node))
		return;
	P2PSIM_LINK(*node->pprev, node->next);
	if (node->next)
		node->next->pprev = node->pprev;
	INIT_HLIST_NODE(node);
}

/* The node keeps its way on, for readers under RCU. */
static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	struct hlist_node *next = node->next;

	hlist_del_init(node);
	node->next = next;
}

static inline void hlist_del(struct hlist_node *node)
{
	hlist_del_init(node);
}

static inline void hlist_move_list(struct hlist_head *from, struct hlist_head *to)
{
	to->first = from->first;
	if (to->first)
		to->first->pprev = &to->first;
	from->first = NULL;
}

#define hlist_add_head_rcu(node, head) hlist_add_head((node), (head))
#define hlist_add_before_rcu(node, next) hlist_add_before((node), (next))
#define hlist_add_behind_rcu(node, prev) hlist_add_behind((node), (prev))
#define hlist_del_rcu(node) hlist_del_init_rcu(node)
#define hlist_for_each(pos, head) for (pos = (head)->first; pos; pos = pos->next)
#define hlist_for_each_safe(pos, n, head) for (pos = (head)->first; pos && ((n = pos->next), true); pos = n)
#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_safe(ptr, type, member)                                                                            \
	__extension__({                                                                                                \
		__typeof__(ptr) hlist_ptr_ = (ptr);                                                                    \
		hlist_ptr_ ? hlist_entry(hlist_ptr_, type, member) : NULL;                                             \
	})
#define hlist_for_each_entry(pos, head, member)                                                                        \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*(pos)), member); pos;                                   \
	     pos = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))
#define hlist_for_each_entry_safe(pos, n, head, member)                                                                \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member);                                          \
	     pos && ((n = pos->member.next), true); pos = hlist_entry_safe(n, __typeof__(*pos), member))
#define hlist_for_each_entry_continue(pos, member)                                                                     \
	for (pos = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member); pos;                              \
	     pos = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))
#define hlist_for_each_entry_from(pos, member)                                                                         \
	for (; pos; pos = hlist_entry_safe((pos)->member.next, __typeof__(*(pos)), member))
#define hlist_for_each_entry_rcu(pos, head, member, ...)                                                               \
	for (pos = hlist_entry_safe(P2PSIM_FOLLOW((head)->first), __typeof__(*(pos)), member); pos;                    \
	     pos = hlist_entry_safe(P2PSIM_FOLLOW((pos)->member.next), __typeof__(*(pos)), member))

#endif
