/* SPDX-License-Identifier: MIT */
/*
 * Mirrors: include/linux/hashtable.h, hash.h, 6.1 (same, with a hash of its own): lists by a hashed number.  A walk over a whole
 * table goes by the hash, so that a pointer as a key makes the order depend on addresses: use an id.
 */
#ifndef P2PSIM_LINUX_HASHTABLE_H
#define P2PSIM_LINUX_HASHTABLE_H

#include <p2psim/linux/bitops.h>
#include <p2psim/linux/hash.h>
#include <p2psim/linux/list.h>
#include <p2psim/linux/rculist.h>

#define DECLARE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)]
#define DEFINE_HASHTABLE(name, bits) struct hlist_head name[1 << (bits)] = { { NULL } }
#define HASH_SIZE(table) ARRAY_SIZE(table)
#define HASH_BITS(table) ilog2(HASH_SIZE(table))
#define hash_min(val, bits) hash_64((val), (bits))

static inline void p2psim_hash_init(struct hlist_head *table, size_t size)
{
	while (size--)
		INIT_HLIST_HEAD(&table[size]);
}
#define hash_init(table) p2psim_hash_init((table), HASH_SIZE(table))

static inline bool p2psim_hash_empty(const struct hlist_head *table, size_t size)
{
	while (size--)
		if (!hlist_empty(&table[size]))
			return false;
	return true;
}
#define hash_empty(table) p2psim_hash_empty((table), HASH_SIZE(table))

#define hash_add(table, node, key) hlist_add_head((node), &(table)[hash_min((key), HASH_BITS(table))])
#define hash_add_rcu(table, node, key) hash_add(table, node, key)
#define hash_hashed(node) (!hlist_unhashed(node))
#define hash_del(node) hlist_del_init(node)
#define hash_del_rcu(node) hlist_del_init_rcu(node)
#define hash_for_each(table, bucket, obj, member)                                                                      \
	for ((bucket) = 0, obj = NULL; obj == NULL && (size_t)(bucket) < HASH_SIZE(table); (bucket)++)                 \
		hlist_for_each_entry(obj, &(table)[bucket], member)
#define hash_for_each_safe(table, bucket, tmp, obj, member)                                                            \
	for ((bucket) = 0, obj = NULL; obj == NULL && (size_t)(bucket) < HASH_SIZE(table); (bucket)++)                 \
		hlist_for_each_entry_safe(obj, tmp, &(table)[bucket], member)
#define hash_for_each_rcu(table, bucket, obj, member) hash_for_each(table, bucket, obj, member)
#define hash_for_each_possible(table, obj, member, key)                                                                \
	hlist_for_each_entry(obj, &(table)[hash_min((key), HASH_BITS(table))], member)
#define hash_for_each_possible_rcu(table, obj, member, key) hash_for_each_possible(table, obj, member, key)
#define hash_for_each_possible_safe(table, obj, tmp, member, key)                                                      \
	hlist_for_each_entry_safe(obj, tmp, &(table)[hash_min((key), HASH_BITS(table))], member)

#endif
