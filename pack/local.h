/*
 * The working directory, never left: paths below an open directory, every
 * component opened with O_NOFOLLOW, and the contents of its files, which
 * notice when the file is no longer the one that was seen.
 */
#ifndef AP_PACK_LOCAL_H
#define AP_PACK_LOCAL_H

#include <sys/stat.h>

#include "base/entry.h"
#include "base/str.h"

/* An open directory that paths are relative to; shared by the contents that were made from it. */
struct ap_local_root;

/* Links in `path` itself are followed.  *out: ap_local_root_unref().  Errors: AP_E_INPUT. */
int ap_local_root_open(struct ap_local_root **out, const char *path, struct ap_err *err) AP_CHECK;
void ap_local_root_unref(struct ap_local_root *r);
void ap_local_root_unrefp(struct ap_local_root **r);
#define ap_auto_local_root AP_CLEANUP(ap_local_root_unrefp) struct ap_local_root *

/* Its absolute path without links.  borrowed. */
const char *ap_local_root_path(const struct ap_local_root *r);

/*
 * The user's words for a path below the root, as "a/b": no ".", no "..", no
 * doubled slash; "" for the root itself.  Relative ones are taken as text;
 * absolute ones must lie in the root as it is, as `given`, or through links.
 * *out: owned.
 * Errors: AP_E_INPUT when it leaves the root.
 */
int ap_local_path(char **out, const struct ap_local_root *r, const char *given, const char *text,
	struct ap_err *err) AP_CHECK;

/*
 * The same path with every link on the way and at its end resolved inside
 * the root.  *out: owned.
 * Errors: AP_E_NOT_FOUND; AP_E_INPUT when a link leaves the root, or turns in circles.
 */
int ap_local_resolve(
	char **out, const struct ap_local_root *r, const char *path, struct ap_err *err) AP_CHECK;

enum ap_local_kind { AP_LOCAL_NONE, AP_LOCAL_FILE, AP_LOCAL_DIR, AP_LOCAL_LINK, AP_LOCAL_OTHER };

/* What `path` is; its last component is not followed, no earlier one may be a link. */
enum ap_local_kind ap_local_kind(const struct ap_local_root *r, const char *path);

/* Names in a directory, sorted by bytes.  Errors: AP_E_IO, AP_E_LIMIT. */
int ap_local_list(struct ap_strv *out, const struct ap_local_root *r, const char *path,
	struct ap_err *err) AP_CHECK;

/*
 * Open `path` below the directory `dir`, following no link at all; -1 with
 * errno.  flags as for open(); O_NOFOLLOW and O_CLOEXEC are added.
 */
int ap_local_open(int dir, const char *path, int flags);

/* The root's own descriptor.  borrowed. */
int ap_local_root_fd(const struct ap_local_root *r);

/* "a/b"; one alone when the other is empty.  *out: owned. */
char *ap_local_join(const char *dir, const char *name);

/*
 * Append the components of `text` to the normalised path in b, folding ".."
 * by text; false when that leads above the beginning.
 */
bool ap_local_append(struct ap_buf *b, const char *text);

#define AP_LOCAL_PATH 4096 /* bytes in a path below the root */

/*
 * The bytes of a file below the root, as they were when `st` was taken.
 * Reading fails with AP_E_CHANGED, at its end at the latest, when size, time
 * of modification or inode are different then.  *out: owned.
 */
struct ap_content *ap_local_content(
	struct ap_local_root *root, const char *path, const struct stat *st);

/* The path below the root of a content made here; NULL for other contents.  borrowed. */
const char *ap_local_content_path(const struct ap_content *c);

/* What identifies the state of a file made here; false for other contents. */
struct ap_local_stat {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};
bool ap_local_content_stat(const struct ap_content *c, struct ap_local_stat *out);

/* The open file of a reader of such a content, borrowed; -1 for other readers. */
int ap_local_reader_fd(const struct ap_reader *r);

#endif
