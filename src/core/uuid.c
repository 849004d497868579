/* SPDX-License-Identifier: MIT */
/*
 * Name-based ids.  The only file that sees <uuid/uuid.h>: its uuid_t and the kernel's do not mix.
 */
#include <stdio.h>
#include <string.h>

#include <uuid/uuid.h>

#include <p2psim/world.h>

void p2psim_world_uuid(const struct p2psim_world *world, const char *path, char text[37])
{
	/* The namespace of all worlds, then that of this seed in it. */
	static const unsigned char p2psim_space[16] = { 0x70, 0x32, 0x70, 0x73, 0x69, 0x6d, 0x40, 0x19,
							0x80, 0x29, 0x00, 0x00, 0x20, 0x19, 0x01, 0x29 };
	char seed[32];
	uuid_t space, id;

	snprintf(seed, sizeof(seed), "seed %llu", (unsigned long long)p2psim_world_config(world)->seed);
	uuid_generate_sha1(space, p2psim_space, seed, strlen(seed));
	uuid_generate_sha1(id, space, path, strlen(path));
	uuid_unparse_lower(id, text);
}
