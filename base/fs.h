/*
 * Files: reading within limits, writing so that a crash leaves the old file
 * or the new one, directories, locks.
 */
#ifndef AP_BASE_FS_H
#define AP_BASE_FS_H

#include <sys/stat.h>

#include "base/io.h"
#include "base/str.h"

/* Read a whole regular file, within out->max.  Errors: AP_E_IO, AP_E_LIMIT. */
int ap_fs_read(struct ap_buf *out, const char *path, struct ap_err *err) AP_CHECK;

/* What an open file or pipe still has, within out->max; `path` is for messages. */
int ap_fs_read_fd(struct ap_buf *out, int fd, const char *path, struct ap_err *err) AP_CHECK;

/* The same of a file that the user names: a pipe, too, as in --config=<(...) of a shell. */
int ap_fs_read_named(struct ap_buf *out, const char *path, struct ap_err *err) AP_CHECK;

/* Open a regular file for reading; -1 with AP_E_IO, or AP_E_INPUT when it is something else. */
int ap_fs_open_file(const char *path, struct ap_err *err) AP_CHECK;

/* Digest of a file's first `limit` bytes (UINT64_MAX: of all).  size: how many there were; NULL: not asked. */
int ap_fs_digest(struct ap_digest *out, uint64_t *size, const char *path, uint64_t limit,
	struct ap_err *err) AP_CHECK;

/* Make a directory and its parents (mode 0700 & ~umask for new ones when private). */
int ap_fs_mkdirs(const char *path, mode_t mode, struct ap_err *err) AP_CHECK;

/* "a/b", or b alone when it is absolute.  *out: owned by the caller. */
char *ap_fs_join(const char *a, const char *b);

/*
 * Append the names in an open directory, sorted by bytes; takes fd.  `path`
 * is for messages.  Errors: AP_E_IO, AP_E_LIMIT.
 */
int ap_fs_list_fd(struct ap_strv *out, int fd, const char *path, struct ap_err *err) AP_CHECK;
#define AP_FS_NAMES 2000000 /* in one directory */

/* What a path lies in: "a" of "a/b", "/" of "/b", "." of "b".  *out: owned. */
char *ap_fs_dir_of(const char *path);

/* Remove a tree; links are not followed; a missing one is fine. */
int ap_fs_remove_tree(const char *path, struct ap_err *err) AP_CHECK;

bool ap_fs_is_dir(const char *path);
bool ap_fs_is_file(const char *path);

/*
 * For the message about a path that is not there: append `; did you mean
 * "x"?` to *err when something with a similar name is.  Returns -1.
 */
int ap_fs_suggest(struct ap_err *err, const char *path);

/* The same of a path below `dir`; "x" is below it, too, and what is left where the path repeats `dir`. */
int ap_fs_suggest_in(struct ap_err *err, const char *dir, const char *path);

/*
 * A file being written under a temporary name in the directory of `path`.
 * ap_fs_temp_commit() syncs it, renames it to `path` and syncs the
 * directory; ap_fs_temp_release() before that removes it.
 */
struct ap_fs_temp {
	int fd;
	char *path; /* final name */
	char *temp; /* name until the commit; NULL: it is written in place */
};

#define AP_FS_TEMP_INIT        \
	{                      \
		-1, NULL, NULL \
	}

int ap_fs_temp_open(
	struct ap_fs_temp *t, const char *path, mode_t mode, struct ap_err *err) AP_CHECK;
/*
 * The same for a file that the user names: a link is followed, and what is no
 * regular file (a pipe, a terminal, /dev/stdout) is not replaced but written
 * to as it stands; t->temp is NULL then.
 */
int ap_fs_temp_open_named(
	struct ap_fs_temp *t, const char *path, mode_t mode, struct ap_err *err) AP_CHECK;
int ap_fs_temp_commit(struct ap_fs_temp *t, struct ap_err *err) AP_CHECK;
void ap_fs_temp_release(struct ap_fs_temp *t);

/*
 * Remove the temporary files of ap_fs_temp_open() in a directory that killed
 * runs have left; those being written are known by their lock.  of: only
 * those of this final name; NULL: all.  What cannot be removed stays.
 */
void ap_fs_sweep(const char *dir, const char *of);

/*
 * The same in a tree, `depth` levels below dir too, and with temporary
 * directories (mkdtemp() of "NAME.tmp.XXXXXX"), which no lock protects: for a
 * caller who knows that nobody else is at work there.  No link is followed.
 */
void ap_fs_sweep_tree(const char *dir, unsigned depth, const char *of);

/* ap_fs_temp_open + write + commit. */
int ap_fs_write(
	const char *path, const void *p, size_t n, mode_t mode, struct ap_err *err) AP_CHECK;

/*
 * Take an exclusive lock on `path` (created when missing), waiting for it.
 * *fd: owned by the caller; closing it unlocks.
 */
int ap_fs_lock(int *fd, const char *path, struct ap_err *err) AP_CHECK;

#endif
