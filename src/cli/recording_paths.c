/* SPDX-License-Identifier: MIT */
/*
 * Recordings by file and by folder.  Folders are walked in the order of names, so that two machines replay the same
 * files in the same order.
 */
#define _GNU_SOURCE
#include "cli/recording_paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/internal.h"
#include "cli/recording_check.h"

#define DEPTH_MAX 16

static bool is_wanted(const struct recording_paths *paths, const char *path)
{
	size_t length = strlen(path), wanted = paths->only ? strlen(paths->only) : 0;

	return !wanted || (length >= wanted && !strcmp(path + length - wanted, paths->only) &&
			   (length == wanted || path[length - wanted - 1] == '/'));
}

static int add_file(struct recording_paths *paths, const char *path)
{
	char **grown;

	if (paths->count == paths->space) {
		paths->space = paths->space ? 2 * paths->space : 64;
		grown = realloc(paths->files, paths->space * sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		paths->files = grown;
	}
	paths->files[paths->count] = strdup(path);
	return paths->files[paths->count++] ? 0 : -ENOMEM;
}

/*
 * Something stands in it, and that is another kind of text: told by its first record, for the comments of a recording are
 * anybody's.
 */
static bool is_of_another_kind(const char *path)
{
	bool other = false, found = false, at_start = true;
	FILE *file = fopen(path, "r");
	char line[128];

	while (file && !found && fgets(line, sizeof(line), file)) {
		if (at_start && *line != '\n' && *line != '\r') {
			found = *line != '#';
			other = found ? !recording_begins_with(line) : strncmp(line, "# mmtruth", 9) != 0;
		}
		at_start = strchr(line, '\n');
	}
	if (file)
		fclose(file);
	return other;
}

static int add_or_leave_out(struct recording_paths *paths, const char *path)
{
	if (!is_of_another_kind(path))
		return add_file(paths, path);
	paths->left_out++;
	return 0;
}

/* What describes the format begins as a recording does. */
static bool may_be_one(const char *name)
{
	return strncmp(name, "FORMAT", 6);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int refuse(struct recording_paths *paths, const char *path, const char *why)
{
	paths->refused = true;
	cli_say(CLI_USAGE, "%s: %s", path, why);
	return 0;
}

static int add_folder(struct recording_paths *paths, const char *path, int depth);

static int add_entry(struct recording_paths *paths, const char *folder, const char *name, int depth)
{
	struct stat stat_buf;
	char *path;
	int error = 0;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		return -ENOMEM;
	if (stat(path, &stat_buf))
		error = may_be_one(name) ? refuse(paths, path, strerror(errno)) : 0;
	else if (S_ISDIR(stat_buf.st_mode))
		error = add_folder(paths, path, depth + 1);
	else if (S_ISREG(stat_buf.st_mode) && may_be_one(name) && is_wanted(paths, path))
		error = add_or_leave_out(paths, path);
	free(path);
	return error;
}

static int add_folder(struct recording_paths *paths, const char *path, int depth)
{
	struct dirent **entries;
	int i, count, error = 0;

	if (depth > DEPTH_MAX)
		return refuse(paths, path, "folders in folders without end");
	count = scandir(path, &entries, is_visible, alphasort);
	if (count < 0)
		return errno == ENOMEM ? -ENOMEM : refuse(paths, path, strerror(errno));
	for (i = 0; i < count; i++) {
		if (!error)
			error = add_entry(paths, path, entries[i]->d_name, depth);
		free(entries[i]);
	}
	free(entries);
	return error;
}

int recording_paths_add(struct recording_paths *paths, const char *path)
{
	size_t before = paths->count;
	struct stat stat_buf;
	int error;

	if (stat(path, &stat_buf))
		return refuse(paths, path, strerror(errno));
	if (!S_ISDIR(stat_buf.st_mode))
		return is_wanted(paths, path) ? add_file(paths, path) : 0;
	error = add_folder(paths, path, 0);
	if (!error && paths->count == before && !paths->only)
		return refuse(paths, path, "a folder without recordings");
	return error;
}

void recording_paths_free(struct recording_paths *paths)
{
	size_t i;

	for (i = 0; i < paths->count; i++)
		free(paths->files[i]);
	free(paths->files);
}
