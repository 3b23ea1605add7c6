#include "base/fs.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/progress.h"

enum { HASH_CHUNK = 1 << 16 };
enum { MAX_NAMES = 10000 }; /* of a directory that a suggestion is looked for in */

int ap_fs_open_file(const char *path, struct ap_err *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	ap_auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ap_err_sys(err, "%s", path);
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return ap_err_sys(err, "%s", path);
	}
	if (!S_ISREG(st.st_mode))
		return ap_err_set(err, AP_E_INPUT, "%s: not a regular file", path);
	return AP_STEAL_FD(fd);
}

int ap_fs_digest(
	struct ap_digest *out, uint64_t *size, const char *path, uint64_t limit, struct ap_err *err)
{
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h = { 0 };
	ap_auto_free char *chunk = ap_xmalloc(HASH_CHUNK);
	ap_auto_reader r = NULL;
	int fd = ap_fs_open_file(path, err);
	uint64_t n = 0;
	size_t got = 1;

	if (fd < 0)
		return -1;
	ap_fd_reader(&r, fd, 0, limit);
	ap_sha256_init(&h);
	while (got) {
		if (ap_read(r, chunk, HASH_CHUNK, &got, err) < 0)
			return -1;
		ap_sha256_update(&h, chunk, got);
		n += got;
	}
	ap_sha256_final(&h, out);
	if (size)
		*size = n;
	return 0;
}

/* A pipe may never end: a signal ends us. */
int ap_fs_read_fd(struct ap_buf *out, int fd, const char *path, struct ap_err *err)
{
	for (;;) {
		char chunk[65536];
		ssize_t k = read(fd, chunk, sizeof(chunk));

		if (k < 0 && errno == EINTR && !ap_interrupted())
			continue;
		if (k < 0)
			return ap_err_sys(err, "%s", path);
		if (k == 0)
			return 0;
		ap_buf_add(out, chunk, (size_t)k);
		if (out->overflow)
			return ap_buf_check(out, path, err);
	}
}

int ap_fs_read(struct ap_buf *out, const char *path, struct ap_err *err)
{
	ap_auto_fd int fd = ap_fs_open_file(path, err);

	return fd < 0 ? -1 : ap_fs_read_fd(out, fd, path, err);
}

int ap_fs_read_named(struct ap_buf *out, const char *path, struct ap_err *err)
{
	ap_auto_fd int fd = -1;
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISFIFO(st.st_mode))
		return ap_fs_read(out, path, err);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? ap_err_sys(err, "%s", path) : ap_fs_read_fd(out, fd, path, err);
}

int ap_fs_mkdirs(const char *path, mode_t mode, struct ap_err *err)
{
	ap_auto_free char *copy = ap_xstrdup(path);

	for (char *at = copy + 1;; at++) {
		char c = *at;

		if (c && c != '/')
			continue;
		*at = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST) {
			int why = errno;

			/* A file system that is read-only says so of directories that are there, too. */
			if (!ap_fs_is_dir(copy)) {
				errno = why;
				return ap_err_sys(err, "make directory %s", copy);
			}
		}
		*at = c;
		if (!c)
			break;
	}
	if (!ap_fs_is_dir(path)) {
		errno = ENOTDIR;
		return ap_err_sys(err, "make directory %s", path);
	}
	return 0;
}

char *ap_fs_join(const char *a, const char *b)
{
	if (b[0] == '/' || !a[0])
		return ap_xstrdup(b);
	if (ap_ends_with(a, "/"))
		return ap_xasprintf("%s%s", a, b);
	return ap_xasprintf("%s/%s", a, b);
}

int ap_fs_list_fd(struct ap_strv *out, int fd, const char *path, struct ap_err *err)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!d) {
		rc = ap_err_sys(err, "%s", path);
		close(fd);
		return rc;
	}
	while (rc == 0 && (errno = 0, e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (out->n >= AP_FS_NAMES)
			rc = ap_err_set(
				err, AP_E_LIMIT, "%s: more than %d names", path, AP_FS_NAMES);
		else
			ap_strv_add(out, e->d_name);
	}
	if (rc == 0 && errno)
		rc = ap_err_sys(err, "%s", path);
	closedir(d);
	ap_strv_sort(out);
	return rc;
}

char *ap_fs_dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? ap_xstrndup(path, (size_t)AP_MAX(slash - path, 1)) : ap_xstrdup(".");
}

bool ap_fs_is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool ap_fs_is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The name in `dir` that is most like `name`, owned; NULL: none is. */
static char *near_name(const char *dir, const char *name)
{
	ap_auto_strv names = { 0 };
	const char *near;
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d && names.n < MAX_NAMES && (e = readdir(d)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			ap_strv_add(&names, e->d_name);
	if (d)
		closedir(d);
	ap_strv_sort(&names);
	near = ap_did_you_mean(name, (const char *const *)names.v, names.n);
	return near ? ap_xstrdup(near) : NULL;
}

/* The path with its first missing part mended, owned; NULL when that leads to nothing. */
static char *near_path(const char *path)
{
	ap_auto_free char *copy = ap_xstrdup(path);
	ap_auto_free char *found = NULL;
	char *part = copy;
	char *end;

	for (;; part = end + 1) {
		char c;

		end = part + strcspn(part, "/");
		c = *end;
		*end = '\0';
		if (*copy && access(copy, F_OK) != 0)
			break;
		*end = c;
		if (!c)
			return NULL;
	}
	if (part == copy) {
		found = near_name(".", part);
	} else {
		ap_auto_free char *name = NULL;
		ap_auto_free char *dir = ap_xstrndup(copy, (size_t)(part - copy));

		name = near_name(dir, part);
		found = name ? ap_fs_join(dir, name) : NULL;
	}
	if (found && path[end - copy]) {
		char *whole = ap_xasprintf("%s%s", found, path + (end - copy));

		free(found);
		found = whole;
	}
	return found && access(found, F_OK) == 0 ? AP_STEAL(found) : NULL;
}

static int suggest(struct ap_err *err, const char *near)
{
	size_t used = strlen(err->msg);

	if (near)
		snprintf(err->msg + used, sizeof(err->msg) - used, "; did you mean \"%s\"?", near);
	return -1;
}

int ap_fs_suggest(struct ap_err *err, const char *path)
{
	ap_auto_free char *near = near_path(path);

	return suggest(err, near);
}

int ap_fs_suggest_in(struct ap_err *err, const char *dir, const char *path)
{
	ap_auto_free char *at = ap_fs_join(dir, path);
	ap_auto_free char *near = near_path(at);
	size_t n = strlen(dir);

	while (n && dir[n - 1] == '/')
		n--;
	if (n && strncmp(path, dir, n) == 0 && path[n] == '/') {
		ap_auto_free char *once = ap_fs_join(dir, path + n + strspn(path + n, "/"));

		if (access(once, F_OK) == 0)
			return suggest(err, path + n + strspn(path + n, "/"));
	}
	if (near && path[0] != '/' && strncmp(near, dir, n) == 0 && near[n] == '/')
		return suggest(err, near + n + strspn(near + n, "/"));
	return suggest(err, near);
}

static int remove_at(int dir, const char *name, unsigned depth, struct ap_err *err)
{
	DIR *d;
	int fd;
	int rc = 0;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return ap_err_sys(err, "remove %s", name);
	if (depth > 256)
		return ap_err_set(err, AP_E_LIMIT, "remove %s: deeper than 256 levels", name);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		rc = ap_err_sys(err, "remove %s", name);
		ap_close_p(&fd);
		return rc;
	}
	for (struct dirent *e = readdir(d); e && rc == 0; e = readdir(d)) {
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = remove_at(fd, e->d_name, depth + 1, err);
	}
	closedir(d);
	if (rc == 0 && unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		rc = ap_err_sys(err, "remove %s", name);
	return rc;
}

int ap_fs_remove_tree(const char *path, struct ap_err *err)
{
	return remove_at(AT_FDCWD, path, 0, err);
}

/*
 * A temporary file is locked while it is written: that is how ap_fs_sweep()
 * knows it from one that a killed run left.  Between creation and lock it may
 * be swept; then there is a next one.
 */
static int lock_temp(int fd)
{
	struct stat st;

	/* Where locks do not work, nothing is swept either. */
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return -1;
	return fstat(fd, &st) < 0 || st.st_nlink == 0 ? -1 : 0;
}

int ap_fs_temp_open(struct ap_fs_temp *t, const char *path, mode_t mode, struct ap_err *err)
{
	for (int i = 0;; i++) {
		ap_auto_free char *temp = ap_xasprintf("%s.tmp.XXXXXX", path);
		ap_auto_fd int fd = mkostemp(temp, O_CLOEXEC);

		if (fd < 0)
			return ap_err_sys(err, "create %s", temp);
		if (lock_temp(fd) < 0 && i < 16)
			continue;
		t->fd = AP_STEAL_FD(fd);
		t->path = ap_xstrdup(path);
		t->temp = AP_STEAL(temp);
		if (fchmod(t->fd, mode) == 0)
			return 0;
		ap_err_sys(err, "create %s", t->temp);
		ap_fs_temp_release(t);
		return -1;
	}
}

/* Standard output or error, where st is what is open there; else -1. */
static int standard_fd(const struct stat *st)
{
	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		struct stat open_there;

		if (fstat(fd, &open_there) == 0 && open_there.st_dev == st->st_dev &&
			open_there.st_ino == st->st_ino)
			return fd;
	}
	return -1;
}

int ap_fs_temp_open_named(struct ap_fs_temp *t, const char *path, mode_t mode, struct ap_err *err)
{
	ap_auto_free char *real = realpath(path, NULL);
	struct stat st;
	bool there = stat(path, &st) == 0;
	int fd = there ? standard_fd(&st) : -1;

	/* A file that is standard output has a position: another opening would write over it. */
	if (fd >= 0)
		t->fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	else if (there && !S_ISREG(st.st_mode))
		t->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
	else
		return ap_fs_temp_open(t, real ? real : path, mode, err);
	return t->fd < 0 ? ap_err_sys(err, "write %s", path) : 0;
}

static bool is_temp_name(const char *name, const char *of)
{
	size_t n = strlen(name);
	const char *mark = n > 11 ? name + n - 11 : "";

	if (strncmp(mark, ".tmp.", 5) != 0)
		return false;
	for (const char *c = mark + 5; *c; c++) {
		if (!ap_is_alnum(*c))
			return false;
	}
	return !of || (strlen(of) == n - 11 && strncmp(name, of, n - 11) == 0);
}

void ap_fs_sweep(const char *dir, const char *of)
{
	DIR *d = opendir(dir);

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		ap_auto_fd int fd = -1;
		struct stat st;

		if (!is_temp_name(e->d_name, of))
			continue;
		fd = openat(dirfd(d), e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
			flock(fd, LOCK_EX | LOCK_NB) == 0)
			unlinkat(dirfd(d), e->d_name, 0);
	}
	if (d)
		closedir(d);
}

/* The directories in dir; links to some are none. */
static void list_dirs(struct ap_strv *out, const char *dir)
{
	DIR *d = opendir(dir);

	for (struct dirent *e = d ? readdir(d) : NULL; e; e = readdir(d)) {
		struct stat st;

		if (e->d_name[0] != '.' &&
			fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISDIR(st.st_mode))
			ap_strv_add(out, e->d_name);
	}
	if (d)
		closedir(d);
}

void ap_fs_sweep_tree(const char *dir, unsigned depth, const char *of)
{
	ap_auto_strv dirs = { 0 };

	ap_fs_sweep(dir, of);
	list_dirs(&dirs, dir);
	for (size_t i = 0; i < dirs.n; i++) {
		ap_auto_free char *path = ap_fs_join(dir, dirs.v[i]);
		struct ap_err ignored = AP_ERR_INIT;

		if (is_temp_name(dirs.v[i], of)) {
			if (ap_fs_remove_tree(path, &ignored) < 0)
				ap_err_clear(&ignored);
		} else if (depth) {
			ap_fs_sweep_tree(path, depth - 1, of);
		}
	}
}

static int sync_parent(const char *path, struct ap_err *err)
{
	ap_auto_free char *dir = ap_fs_dir_of(path);
	ap_auto_fd int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* Some file systems cannot sync a directory; the rename is then as safe as it gets. */
	if (fd < 0 || (fsync(fd) < 0 && errno != EINVAL && errno != EROFS))
		return ap_err_sys(err, "sync %s", dir);
	return 0;
}

int ap_fs_temp_commit(struct ap_fs_temp *t, struct ap_err *err)
{
	if (!t->temp) {
		ap_fs_temp_release(t);
		return 0;
	}
	assert(t->path);
	if (fsync(t->fd) < 0 || rename(t->temp, t->path) < 0) {
		ap_err_sys(err, "write %s", t->path);
		ap_fs_temp_release(t);
		return -1;
	}
	free(AP_STEAL(t->temp));
	if (sync_parent(t->path, err) < 0) {
		ap_fs_temp_release(t);
		return -1;
	}
	ap_fs_temp_release(t);
	return 0;
}

void ap_fs_temp_release(struct ap_fs_temp *t)
{
	if (t->temp)
		unlink(t->temp);
	ap_close_p(&t->fd);
	free(t->temp);
	free(t->path);
	*t = (struct ap_fs_temp)AP_FS_TEMP_INIT;
}

int ap_fs_write(const char *path, const void *p, size_t n, mode_t mode, struct ap_err *err)
{
	struct ap_fs_temp t = AP_FS_TEMP_INIT;

	if (ap_fs_temp_open(&t, path, mode, err) < 0)
		return -1;
	if (ap_write_all(t.fd, p, n, err) < 0) {
		ap_fs_temp_release(&t);
		return ap_err_wrap(err, "%s", path);
	}
	return ap_fs_temp_commit(&t, err);
}

int ap_fs_lock(int *fd, const char *path, struct ap_err *err)
{
	ap_auto_fd int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (f < 0)
		return ap_err_sys(err, "lock %s", path);
	while (flock(f, LOCK_EX) < 0) {
		if (errno != EINTR)
			return ap_err_sys(err, "lock %s", path);
	}
	*fd = AP_STEAL_FD(f);
	return 0;
}
