/* SPDX-License-Identifier: MIT */
/*
 * A child is watched through a pipe that nobody writes to: its end closes when the child is gone, however it went.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "explore/child.h"

void *p2psim_child_share(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

void p2psim_child_unshare(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

void p2psim_death_describe(struct p2psim_death *death, int status)
{
	if (WIFSIGNALED(status))
		snprintf(death->how, sizeof(death->how), "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		snprintf(death->how, sizeof(death->how), "it exits with status %d", WEXITSTATUS(status));
}

const struct p2psim_site *p2psim_child_site(const struct p2psim_site *site)
{
	Dl_info info;

	return site && dladdr(site, &info) ? site : NULL;
}

bool p2psim_watch_hangs(struct p2psim_watch *watch, const struct p2psim_child_place *place, uint64_t waited_ms,
			uint64_t hang_ms)
{
	if (watch->beats != place->beats || watch->decisions != place->decisions)
		*watch = (struct p2psim_watch){ place->beats, place->decisions, 0 };
	else
		watch->idle_ms += waited_ms < P2PSIM_WATCH_MS ? waited_ms : P2PSIM_WATCH_MS;
	return hang_ms && watch->idle_ms >= hang_ms;
}

pid_t p2psim_child_fork(void)
{
	const pid_t parent = getpid();
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid && (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent))
		_exit(1); /* it went before we could ask */
	return pid;
}

static unsigned int pick_counting(struct p2psim_strategy *strategy, const struct p2psim_choice *choice)
{
	struct p2psim_counting_strategy *counting = (struct p2psim_counting_strategy *)strategy;
	unsigned int picked = counting->inner->pick(counting->inner, choice);

	if (++*counting->decisions == counting->stop_at) {
		counting->stopped_task = picked;
		p2psim_world_end(choice->world);
	}
	return picked;
}

void p2psim_counting_init(struct p2psim_counting_strategy *counting, struct p2psim_strategy *inner,
			  volatile uint64_t *decisions, uint64_t stop_at)
{
	counting->base.pick = pick_counting;
	counting->inner = inner;
	counting->decisions = decisions;
	counting->stop_at = stop_at;
	*decisions = 0;
}

/* Until the pipe closes; kills a child that hangs. */
static void watch_over(pid_t pid, int fd, const struct p2psim_child_place *place, uint64_t hang_ms,
		       struct p2psim_death *death)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	struct p2psim_watch watch = {};

	while (poll(&poll_fd, 1, hang_ms ? P2PSIM_WATCH_MS : -1) <= 0) {
		if (!p2psim_watch_hangs(&watch, place, P2PSIM_WATCH_MS, hang_ms))
			continue;
		kill(pid, SIGKILL);
		death->hung_ms = hang_ms;
		return;
	}
}

static void __attribute__((noreturn)) be_child(void (*fn)(void *arg), void *arg, struct p2psim_child_place *place, FILE *said)
{
	if (!freopen("/dev/null", "w", stdout) || dup2(fileno(said), STDERR_FILENO) < 0)
		_exit(1);
	fn(arg);
	place->lived = true;
	_exit(0);
}

static void pass_on(FILE *said)
{
	char line[512];

	rewind(said);
	while (fgets(line, sizeof(line), said))
		fputs(line, stderr);
}

int p2psim_child_try(void (*fn)(void *arg), void *arg, struct p2psim_child_place *place, uint64_t hang_ms,
		     struct p2psim_death *death)
{
	FILE *said = tmpfile();
	int fds[2], status = 0;
	pid_t pid;

	memset(death, 0, sizeof(*death));
	if (!said)
		return -EAGAIN;
	if (pipe(fds)) {
		fclose(said);
		return -EAGAIN;
	}
	place->lived = false;
	place->decisions = 0;
	pid = p2psim_child_fork();
	if (!pid) {
		close(fds[0]);
		be_child(fn, arg, place, said);
	}
	close(fds[1]);
	if (pid > 0) {
		watch_over(pid, fds[0], place, hang_ms, death);
		waitpid(pid, &status, 0);
		p2psim_death_describe(death, status);
	}
	close(fds[0]);
	if (pid > 0 && !place->lived)
		pass_on(said);
	fclose(said);
	return pid < 0 ? -EAGAIN : !place->lived;
}
