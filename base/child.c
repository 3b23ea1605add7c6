#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/progress.h"

#define TICK_MS   50  /* how late a signal or the end of the child is seen */
#define GRACE_MS  500 /* between SIGTERM and SIGKILL */
#define LINGER_MS 300 /* for output that a dead child's own children still hold */

/* One pipe between us and the child; `ours` is non-blocking. */
struct end {
	int ours, theirs;
	struct ap_buf *buf; /* where output goes */
};

struct running {
	const struct ap_child_opts *o;
	const char *name;
	struct end in, out, err;
	size_t written;
	pid_t pid;
	bool reaped;
	int status;
};

static uint64_t now_ms(void)
{
	return (uint64_t)(ap_clock() * 1000);
}

static void sleep_ms(unsigned ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* Above 2, so that dup2() onto the standard three cannot clobber it. */
static int lift(int *fd)
{
	int up;

	if (*fd > 2)
		return 0;
	up = fcntl(*fd, F_DUPFD_CLOEXEC, 3);
	if (up < 0)
		return -1;
	close(*fd);
	*fd = up;
	return 0;
}

static int open_pipe(struct end *e, bool to_child, struct ap_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ap_err_sys(err, "pipe");
	e->ours = fds[to_child ? 1 : 0];
	e->theirs = fds[to_child ? 0 : 1];
	if (lift(&e->ours) < 0 || lift(&e->theirs) < 0 || fcntl(e->ours, F_SETFL, O_NONBLOCK) < 0)
		return ap_err_sys(err, "pipe");
	return 0;
}

static void running_release(struct running *r)
{
	struct end *const all[] = { &r->in, &r->out, &r->err };

	for (size_t i = 0; i < AP_LEN(all); i++) {
		ap_close_p(&all[i]->ours);
		ap_close_p(&all[i]->theirs);
	}
}

static int open_pipes(struct running *r, struct ap_err *err)
{
	if (r->o->input && !r->o->in_fd && open_pipe(&r->in, true, err) < 0)
		return -1;
	if (r->o->out && !r->o->out_fd && open_pipe(&r->out, false, err) < 0)
		return -1;
	if (r->o->errout && open_pipe(&r->err, false, err) < 0)
		return -1;
	r->out.buf = r->o->out;
	r->err.buf = r->o->errout;
	return 0;
}

static int set_actions(posix_spawn_file_actions_t *fa, const struct running *r)
{
	int rc = 0;

	if (r->o->in_fd)
		rc |= posix_spawn_file_actions_adddup2(fa, r->o->in_fd, 0);
	else if (r->o->input)
		rc |= posix_spawn_file_actions_adddup2(fa, r->in.theirs, 0);
	else
		rc |= posix_spawn_file_actions_addopen(fa, 0, "/dev/null", O_RDONLY, 0);
	rc |= posix_spawn_file_actions_adddup2(fa,
		r->o->out_fd ? r->o->out_fd
		: r->o->out  ? r->out.theirs
			     : 2,
		1);
	if (r->o->errout)
		rc |= posix_spawn_file_actions_adddup2(fa, r->err.theirs, 2);
	if (r->o->cwd)
		rc |= posix_spawn_file_actions_addchdir_np(fa, r->o->cwd);
	return rc;
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none;
	sigset_t dfl;

	sigemptyset(&none);
	sigemptyset(&dfl);
	sigaddset(&dfl, SIGPIPE);
	sigaddset(&dfl, SIGINT);
	sigaddset(&dfl, SIGTERM);
	return posix_spawnattr_setflags(attr,
		       POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) |
	       posix_spawnattr_setpgroup(attr, 0) | posix_spawnattr_setsigmask(attr, &none) |
	       posix_spawnattr_setsigdefault(attr, &dfl);
}

/* posix_spawn() wants pointers to non-const; it does not write through them. */
static char *const *strings(const char *const *v)
{
	union {
		const char *const *in;
		char *const *out;
	} u = { v };

	return u.out;
}

static int start(struct running *r, const char *path, struct ap_err *err)
{
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int rc;

	posix_spawn_file_actions_init(&fa);
	posix_spawnattr_init(&attr);
	rc = set_actions(&fa, r) | set_attributes(&attr);
	if (!rc)
		rc = posix_spawn(&r->pid, path, &fa, &attr, strings(r->o->argv),
			r->o->env ? strings(r->o->env) : environ);
	else
		rc = ENOMEM;
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	if (rc) {
		errno = rc;
		return ap_err_sys(err, "start %s", r->name);
	}
	ap_close_p(&r->in.theirs);
	ap_close_p(&r->out.theirs);
	ap_close_p(&r->err.theirs);
	return 0;
}

static bool reap(struct running *r)
{
	pid_t got;

	if (r->reaped)
		return true;
	do
		got = waitpid(r->pid, &r->status, WNOHANG);
	while (got < 0 && errno == EINTR);
	r->reaped = got != 0;
	return r->reaped;
}

/* End the whole group: politely, then not. */
static void stop(struct running *r)
{
	uint64_t end = now_ms() + GRACE_MS;

	kill(-r->pid, SIGTERM);
	while (!reap(r) && now_ms() < end)
		sleep_ms(5);
	kill(-r->pid, SIGKILL);
	while (!reap(r))
		sleep_ms(1);
}

static void feed(struct running *r)
{
	const char *p = r->o->input;
	ssize_t k = write(r->in.ours, p + r->written, r->o->input_len - r->written);

	if (k > 0)
		r->written += (size_t)k;
	else if (k < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* EPIPE: the child does not want the rest, which is its own affair. */
	if (k < 0 || r->written == r->o->input_len)
		ap_close_p(&r->in.ours);
}

static int take(struct running *r, struct end *e, const char *what, struct ap_err *err)
{
	char chunk[65536];
	ssize_t k = read(e->ours, chunk, sizeof(chunk));

	if (k < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (k <= 0) {
		ap_close_p(&e->ours);
		return 0;
	}
	ap_buf_add(e->buf, chunk, (size_t)k);
	if (e->buf->overflow)
		return ap_err_set(err, AP_E_CHILD, "%s: more than %zu bytes on its %s", r->name,
			e->buf->max, what);
	return 0;
}

static int move_bytes(struct running *r, int wait, bool *moved, struct ap_err *err)
{
	struct pollfd p[3] = {
		{ .fd = r->in.ours, .events = POLLOUT },
		{ .fd = r->out.ours, .events = POLLIN },
		{ .fd = r->err.ours, .events = POLLIN },
	};
	int n = poll(p, AP_LEN(p), wait);

	*moved = n > 0;
	if (n <= 0)
		return 0;
	if (p[0].revents)
		feed(r);
	if (p[1].revents && take(r, &r->out, "standard output", err) < 0)
		return -1;
	if (p[2].revents && take(r, &r->err, "standard error", err) < 0)
		return -1;
	return 0;
}

static int loop(struct running *r, struct ap_err *err)
{
	uint64_t deadline = r->o->timeout ? now_ms() + r->o->timeout * 1000ULL : UINT64_MAX;
	uint64_t dead_since = 0;
	int wait = 1;
	bool moved;

	for (;;) {
		bool open = r->in.ours >= 0 || r->out.ours >= 0 || r->err.ours >= 0;

		if ((ap_interrupted() && !r->o->cleans_up) ||
			(r->o->stop && atomic_load(r->o->stop)))
			return ap_err_set(err, AP_E_CANCELLED, "%s: interrupted", r->name);
		if (now_ms() > deadline)
			return ap_err_set(err, AP_E_CHILD, "%s: no end after %u seconds", r->name,
				r->o->timeout);
		if (reap(r) && !dead_since)
			dead_since = now_ms();
		if (r->reaped && (!open || (now_ms() - dead_since > LINGER_MS)))
			return 0;
		if (move_bytes(r, wait, &moved, err) < 0)
			return -1;
		/* A short-lived child is noticed soon, a long one costs few wake-ups. */
		wait = moved ? 1 : AP_MIN(wait * 2, TICK_MS);
	}
}

int ap_child_run(const struct ap_child_opts *o, int *status, struct ap_err *err)
{
	AP_CLEANUP(running_release)
	struct running r = { .o = o,
		.in = { -1, -1, NULL },
		.out = { -1, -1, NULL },
		.err = { -1, -1, NULL },
		.name = o->argv[0] };
	ap_auto_free char *path = ap_child_find(o->argv[0], NULL);
	sigset_t pipe_set;
	sigset_t old;
	int rc;

	if (!path)
		return ap_err_set(err, AP_E_NOT_FOUND, "%s: no such program%s", o->argv[0],
			strchr(o->argv[0], '/') ? "" : " on PATH");
	sigemptyset(&pipe_set);
	sigaddset(&pipe_set, SIGPIPE);
	pthread_sigmask(SIG_BLOCK, &pipe_set, &old);
	rc = open_pipes(&r, err);
	if (rc == 0)
		rc = start(&r, path, err);
	if (rc == 0) {
		rc = loop(&r, err);
		if (rc < 0)
			stop(&r);
	}
	if (!sigismember(&old, SIGPIPE)) {
		struct timespec zero = { 0, 0 };

		while (sigtimedwait(&pipe_set, NULL, &zero) > 0)
			;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc < 0)
		return -1;
	*status = WIFSIGNALED(r.status) ? 128 + WTERMSIG(r.status) : WEXITSTATUS(r.status);
	return 0;
}

static bool is_program(const char *path)
{
	return access(path, X_OK) == 0 && ap_fs_is_file(path);
}

char *ap_child_find(const char *name, const char *path)
{
	struct ap_str rest;
	struct ap_str dir;

	if (strchr(name, '/'))
		return is_program(name) ? ap_xstrdup(name) : NULL;
	if (!path)
		path = getenv("PATH");
	if (!path || !*name)
		return NULL;
	rest = ap_str(path);
	while (ap_str_next(&rest, ':', &dir)) {
		/* An empty element would mean the current directory: never run from there. */
		ap_auto_free char *full = NULL;

		if (!dir.n || dir.p[0] != '/')
			continue;
		full = ap_xasprintf("%.*s/%s", (int)dir.n, dir.p, name);
		if (is_program(full))
			return AP_STEAL(full);
	}
	return NULL;
}
