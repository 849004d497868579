/* SPDX-License-Identifier: MIT */
/*
 * A family of processes against a naive model: a table of one byte a page and process.  fork() copies a row; everything else
 * changes one element.  Devices that have pinned a page write and read it through the pin for as long as the process keeps
 * the mapping, whoever forks, writes, reclaims or migrates meanwhile.
 */
#include "vma_family.h"

#include <p2psim/actors.h>

#define MEMBERS 5
#define WIDTH 6
#define PINS 4
#define HOLE (-1)

struct pin {
	struct page *page;	/* NULL: none */
	int member, index;
	bool valid;		/* the process still has it there */
	bool writes;
};

struct family {
	struct p2psim_process *member[MEMBERS];
	int value[MEMBERS][WIDTH];
	struct pin pins[PINS];
	uint64_t random;
};

static unsigned int draw(struct family *f, unsigned int below)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return (unsigned int)(f->random >> 32) % below;
}

/* The mapping of a page is new: who had it pinned has something else. */
static void forget(struct family *f, int member, int index)
{
	int i;

	for (i = 0; i < PINS; i++)
		if (f->pins[i].member == member && f->pins[i].index == index)
			f->pins[i].valid = false;
}

static void forget_all(struct family *f, int member)
{
	int index;

	for (index = 0; index < WIDTH; index++)
		forget(f, member, index);
}

static void load(struct family *f, int m, int i)
{
	int byte = p2psim_load_byte(f->member[m], AT(i));

	assert_int_equal(byte, f->value[m][i] == HOLE ? -EFAULT : f->value[m][i]);
}

static void store(struct family *f, int m, int i)
{
	uint8_t byte = (uint8_t)draw(f, 256);
	int ret = p2psim_store_byte(f->member[m], AT(i), byte);

	assert_int_equal(ret, f->value[m][i] == HOLE ? -EFAULT : 0);
	f->value[m][i] = ret ? HOLE : byte;
}

static void store_from_outside(struct family *f, int m, int i)
{
	uint8_t byte = (uint8_t)draw(f, 256);
	long ret = p2psim_process_vm_write(f->member[m], AT(i), &byte, 1);

	assert_int_equal(ret, f->value[m][i] == HOLE ? -EFAULT : 1);
	f->value[m][i] = ret < 0 ? HOLE : byte;
}

static void load_from_outside(struct family *f, int m, int i)
{
	uint8_t byte = 0;
	long ret = p2psim_process_vm_read(f->member[m], AT(i), &byte, 1);

	assert_int_equal(ret < 0 ? HOLE : byte, f->value[m][i]);
}

static void map(struct family *f, int m, int i)
{
	assert_int_equal(p2psim_mmap(f->member[m], AT(i), PAGE_SIZE, RW, FIXED_ANON, NULL, 0), (long)AT(i));
	f->value[m][i] = 0;
	forget(f, m, i);
}

static void unmap(struct family *f, int m, int i)
{
	assert_int_equal(p2psim_munmap(f->member[m], AT(i), PAGE_SIZE), 0);
	f->value[m][i] = HOLE;
	forget(f, m, i);
}

static void zero(struct family *f, int m, int i)
{
	int ret = p2psim_madvise(f->member[m], AT(i), PAGE_SIZE, MADV_DONTNEED);

	assert_int_equal(ret, f->value[m][i] == HOLE ? -ENOMEM : 0);
	f->value[m][i] = ret ? HOLE : 0;
	forget(f, m, i);
}

/* Permissions away and back: what was writable before is taken over, or copied, at the next write. */
static void protect(struct family *f, int m, int i)
{
	p2psim_mprotect(f->member[m], AT(i), PAGE_SIZE, PROT_READ);
	p2psim_mprotect(f->member[m], AT(i), PAGE_SIZE, RW);
}

static void reclaim(struct family *f, int m, int i)
{
	p2psim_reclaim_address(f->member[m], AT(i));
}

static void migrate(struct family *f, int m, int i)
{
	p2psim_migrate_address(f->member[m], AT(i));
}

static void fork_member(struct family *f, int m, int i)
{
	int child;

	for (child = 0; child < MEMBERS && f->member[child]; child++)
		;
	if (child == MEMBERS)
		return;
	assert_int_equal(p2psim_fork(f->member[m], "member", &f->member[child]), 0);
	memcpy(f->value[child], f->value[m], sizeof(f->value[m]));
}

static void exit_member(struct family *f, int m, int i)
{
	int other;

	for (other = 0; other < MEMBERS && (other == m || !f->member[other]); other++)
		;
	if (other == MEMBERS)
		return;
	p2psim_process_exit(f->member[m]);
	f->member[m] = NULL;
	forget_all(f, m);
}

/* Pins, or lets go of, or goes on with what is pinned. */
static void pin(struct family *f, int m, int i)
{
	struct pin *pin = &f->pins[draw(f, PINS)];
	unsigned int flags = draw(f, 2) ? FOLL_WRITE : 0;

	if (pin->page) {
		unpin_user_pages_dirty_lock(&pin->page, 1, pin->writes);
		pin->page = NULL;
		return;
	}
	p2psim_process_attach(f->member[m]);
	if (pin_user_pages_fast(AT(i), 1, flags, &pin->page) != 1)
		pin->page = NULL;
	p2psim_process_detach();
	assert_true((pin->page == NULL) == (f->value[m][i] == HOLE));
	pin->member = m;
	pin->index = i;
	pin->writes = flags;
	pin->valid = pin->page && !is_zero_pfn(page_to_pfn(pin->page));
}

static void use_pin(struct family *f, int m, int i)
{
	struct pin *pin = &f->pins[draw(f, PINS)];
	uint8_t byte = (uint8_t)draw(f, 256);

	if (!pin->page || !pin->valid)
		return;
	if (pin->writes) {
		p2psim_ram_write(page_to_phys(pin->page), &byte, 1);
		f->value[pin->member][pin->index] = byte;
	} else {
		p2psim_ram_read(page_to_phys(pin->page), &byte, 1);
		assert_int_equal(byte, f->value[pin->member][pin->index]);
	}
}

static void (*const operations[])(struct family *f, int m, int i) = {
	load, load, store, store, store, store_from_outside, load_from_outside, map, unmap, zero, protect,
	reclaim, reclaim, migrate, fork_member, fork_member, exit_member, pin, pin, use_pin, use_pin, use_pin,
};

static void check_members(const struct family *f)
{
	int m;

	for (m = 0; m < MEMBERS; m++) {
		if (!f->member[m])
			continue;
		assert_true(p2psim_mm_is_valid(p2psim_process_mm(f->member[m])));
		assert_true(p2psim_pgtable_is_valid(p2psim_process_mm(f->member[m])));
	}
}

static void run(struct family *f, unsigned long count)
{
	int m;

	while (count--) {
		do
			m = (int)draw(f, MEMBERS);
		while (!f->member[m]);
		operations[draw(f, ARRAY_SIZE(operations))](f, m, (int)draw(f, WIDTH));
		check_members(f);
	}
}

static void end(struct family *f)
{
	int m, i;

	for (i = 0; i < PINS; i++)
		if (f->pins[i].page)
			unpin_user_page(f->pins[i].page);
	for (m = 0; m < MEMBERS; m++) {
		for (i = 0; f->member[m] && i < WIDTH; i++)
			load(f, m, i);
		if (f->member[m])
			p2psim_process_exit(f->member[m]);
	}
}

static unsigned long seeds = 20, operations_each = 1500;

static void test_a_family_is_what_a_table_of_bytes_is(void **state)
{
	const struct p2psim_config config = { .swap = true };
	unsigned long seed;

	for (seed = 1; seed <= seeds; seed++) {
		struct p2psim_world *world = p2psim_world_create(&config);
		struct family f = { .random = seed * 0x9e3779b97f4a7c15ULL };
		int i;

		f.member[0] = p2psim_process_create("first");
		for (i = 0; i < WIDTH; i++)
			f.value[0][i] = HOLE;
		run(&f, operations_each);
		end(&f);
		assert_int_equal(p2psim_world_check_quiescent(world), 0);
		assert_null(p2psim_world_violation(world));
		p2psim_world_destroy(world);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_family_is_what_a_table_of_bytes_is),
	};

	if (argc > 1 && !strcmp(argv[1], "--many")) {
		seeds = 100;
		operations_each = 5000;
	}
	return cmocka_run_group_tests_name("model_family", tests, NULL, NULL);
}
