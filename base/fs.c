#include "base/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/progress.h"

enum { HASH_CHUNK = 1 << 16 };

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

	for (char *at = copy + (*copy == '/');; at++) {
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
