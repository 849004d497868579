/* SPDX-License-Identifier: MIT */
/*
 * The p2psim program as a user runs it: arguments in; exit status, stdout and stderr out.  stdin is empty (or tool_input)
 * and no stream is a terminal.
 */
#ifndef TESTS_CLI_TOOL_H
#define TESTS_CLI_TOOL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TOOL_ARGS_MAX 30
#define TOOL_WRAPPER_MAX 8

struct tool_run {
	int status;	/* exit status; 128 + signal */
	char *out, *err;
};

static const char *tool_path;	/* set by main() */
static const char *tool_input = "/dev/null";	/* the file that is stdin */
extern char **environ;

static inline char *tool_slurp(FILE *file)
{
	long size;
	char *text;

	fseek(file, 0, SEEK_END);
	size = ftell(file);
	rewind(file);
	text = calloc(1, (size_t)size + 1);
	assert_non_null(text);
	assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
	fclose(file);
	return text;
}

/* Puts the words of Meson's emulator (a cross build) in front of the program; returns how many there are in all. */
static inline int tool_program(const char **argv, char *wrapper, size_t size)
{
	const char *words = getenv("MESON_EXE_WRAPPER");
	char *word, *rest = NULL;
	int count = 0;

	snprintf(wrapper, size, "%s", words ? words : "");
	for (word = strtok_r(wrapper, " ", &rest); word && count < TOOL_WRAPPER_MAX; word = strtok_r(NULL, " ", &rest))
		argv[count++] = word;
	argv[count++] = tool_path;
	return count;
}

/* What qemu says by itself of a program that dies under it. */
static inline void tool_drop_emulator(char *text)
{
	char *line, *end;

	while (getenv("MESON_EXE_WRAPPER") && (line = strstr(text, "qemu: uncaught target signal "))) {
		end = strchr(line, '\n');
		memmove(line, end ? end + 1 : line + strlen(line), strlen(end ? end + 1 : "") + 1);
	}
}

static inline struct tool_run tool_spawn(const char *const *args)
{
	const char *argv[TOOL_WRAPPER_MAX + TOOL_ARGS_MAX + 2] = {};
	char wrapper[1024];
	FILE *out = tmpfile(), *err = tmpfile();
	posix_spawn_file_actions_t actions;
	struct tool_run run;
	int i, first, status = 0;
	pid_t pid;

	assert_true(out && err);
	first = tool_program(argv, wrapper, sizeof(wrapper));
	for (i = 0; args[i]; i++)
		argv[first + i] = args[i];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, tool_input, O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, fileno(out), 1);
	posix_spawn_file_actions_adddup2(&actions, fileno(err), 2);
	assert_int_equal(posix_spawnp(&pid, argv[0], &actions, NULL, (char **)argv, environ), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	run.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	run.out = tool_slurp(out);
	run.err = tool_slurp(err);
	tool_drop_emulator(run.err);
	return run;
}

/* tool("run", "mail/000-trial-call") */
#define tool(...) tool_spawn((const char *const[]){ __VA_ARGS__, NULL })

static inline void tool_free(struct tool_run *run)
{
	free(run->out);
	free(run->err);
}

#define assert_says(text, words)                                                                                       \
	do {                                                                                                           \
		if (!strstr((text), (words)))                                                                          \
			fail_msg("\"%s\" does not say \"%s\"", (text), (words));                                       \
	} while (0)

/* Exit status `expected`; on stdout and on stderr stand these words (NULL: nothing at all). */
#define assert_tool(expected, out_words, err_words, ...)                                                               \
	do {                                                                                                           \
		struct tool_run run_ = tool(__VA_ARGS__);                                                              \
		if (run_.status != (expected))                                                                         \
			print_error("%s%s", run_.out, run_.err);                                                       \
		assert_int_equal(run_.status, (expected));                                                             \
		tool_assert_words(run_.out, (out_words));                                                              \
		tool_assert_words(run_.err, (err_words));                                                              \
		tool_free(&run_);                                                                                      \
	} while (0)

static inline void tool_assert_words(const char *text, const char *words)
{
	if (words)
		assert_says(text, words);
	else
		assert_string_equal(text, "");
}

#endif
