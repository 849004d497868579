/* SPDX-License-Identifier: MIT */
/*
 * The recordings that the arguments of a command name: files, and folders with everything under them.
 */
#ifndef P2PSIM_CLI_RECORDING_PATHS_H
#define P2PSIM_CLI_RECORDING_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct recording_paths {
	const char *only;	/* take no file but those of this name ("007.txt", "hand/007.txt"); NULL: all */
	char **files;		/* in the order of the arguments, a folder's by name */
	size_t count, space;
	bool refused;		/* an argument could not be read, or a folder held nothing: it was said */
	size_t left_out;	/* texts of another kind, met in a folder */
};

/*
 * Adds the file, or the *.txt files (but FORMAT*) of the folder and of the folders in it.  A file that stands in a folder
 * and does not begin as a recording does is left out; a file that was named, or that is empty, is not: whoever reads it
 * complains.  0 or -ENOMEM.
 */
int recording_paths_add(struct recording_paths *paths, const char *path);
void recording_paths_free(struct recording_paths *paths);

#endif
