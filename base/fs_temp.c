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
