/*
 * Preloaded into a program: numbers the moments at which it writes, and ends
 * it with SIGKILL at one of them.
 *
 * A moment is the time before, in or after one call that changes a file or
 * speaks to a server.  MOMENTS_LOG: a file that gets a line "NUMBER WHEN WHAT"
 * for each; MOMENTS_KILL: "COUNT WHEN WHAT", the so manyth of that kind.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long counter, of_kind;
static const char *kind = "";
static long kill_at;
static int log_fd = -1;

__attribute__((constructor)) static void begin(void)
{
	const char *path = getenv("MOMENTS_LOG");
	char *rest = NULL;
	const char *at = getenv("MOMENTS_KILL");

	kill_at = at ? strtol(at, &rest, 10) : 0;
	kind = at && *rest == ' ' ? rest + 1 : "";
	if (path)
		log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

/* Is this the moment?  It is then the caller's to call end(). */
static bool moment(const char *when, const char *what)
{
	long n = atomic_fetch_add(&counter, 1) + 1;
	char this[128];

	snprintf(this, sizeof(this), "%s %s", when, what);
	if (log_fd >= 0)
		dprintf(log_fd, "%ld %s\n", n, this);
	return strcmp(this, kind) == 0 && atomic_fetch_add(&of_kind, 1) + 1 == kill_at;
}

static void end(void)
{
	kill(getpid(), SIGKILL);
	for (;;)
		pause();
}

static void pass(const char *when, const char *what)
{
	if (moment(when, what))
		end();
}

/* "PUT blob upload": method and kind of what a request is for; "body" for what follows its head. */
static void request_name(char *out, size_t size, const char *p, size_t n)
{
	static const char *const methods[] = { "GET ", "HEAD ", "POST ", "PUT ", "PATCH ",
		"DELETE " };
	static const char *const kinds[] = { "/blobs/uploads/", "/blobs/", "/manifests/", "/v2/" };
	const char *kind = "/other/";
	char line[512];

	snprintf(out, size, "body");
	snprintf(line, sizeof(line), "%.*s", (int)(n < 500 ? n : 500), p);
	line[strcspn(line, "\r\n")] = '\0';
	for (size_t k = sizeof(kinds) / sizeof(*kinds); k-- > 0;)
		kind = strstr(line, kinds[k]) ? kinds[k] : kind;
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (strncmp(line, methods[i], strlen(methods[i])) == 0)
			snprintf(out, size, "%s%s", methods[i], kind);
	}
}

static void *next(const char *name)
{
	return dlsym(RTLD_NEXT, name);
}

ssize_t send(int fd, const void *p, size_t n, int flags)
{
	ssize_t (*real)(int, const void *, size_t, int) = next("send");
	char what[64];
	ssize_t rc;

	request_name(what, sizeof(what), p, n);
	pass("before", what);
	if (moment("in", what)) {
		real(fd, p, n / 2, flags);
		end();
	}
	rc = real(fd, p, n, flags);
	pass("after", what);
	return rc;
}

static const char *file_kind(int fd)
{
	char link[64];
	static _Thread_local char path[512];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	path[n < 0 ? 0 : n] = '\0';
	return strstr(path, "/autopack/") ? strstr(path, "/autopack/") + strlen("/autopack/")
					  : NULL;
}

/* The first part of a path below the cache: "layers", "inventory", "locks". */
static const char *room(const char *below)
{
	static _Thread_local char name[64];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(below, "/."), below);
	return name;
}

ssize_t write(int fd, const void *p, size_t n)
{
	ssize_t (*real)(int, const void *, size_t) = next("write");
	const char *below = file_kind(fd);
	char what[96];
	ssize_t rc;

	if (!below)
		return real(fd, p, n);
	snprintf(what, sizeof(what), "write %s", room(below));
	pass("before", what);
	if (moment("in", what)) {
		real(fd, p, n / 2);
		end();
	}
	rc = real(fd, p, n);
	pass("after", what);
	return rc;
}

int fsync(int fd)
{
	int (*real)(int) = next("fsync");
	const char *below = file_kind(fd);
	char what[96];
	int rc;

	if (!below)
		return real(fd);
	snprintf(what, sizeof(what), "sync %s", room(below));
	pass("before", what);
	rc = real(fd);
	pass("after", what);
	return rc;
}

int rename(const char *from, const char *to)
{
	int (*real)(const char *, const char *) = next("rename");
	const char *below = strstr(to, "/autopack/");
	char what[96];
	int rc;

	if (!below)
		return real(from, to);
	snprintf(what, sizeof(what), "rename %s", room(below + strlen("/autopack/")));
	pass("before", what);
	rc = real(from, to);
	pass("after", what);
	return rc;
}
