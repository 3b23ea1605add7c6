/*
 * A local directory as entries of a layer, without ever leaving it: every
 * component is opened with O_NOFOLLOW, links are stored as links, and a file
 * that changes between the walk and its reading is an error.
 */
#ifndef AP_PACK_TREE_H
#define AP_PACK_TREE_H

#include "base/entry.h"
#include "base/str.h"
#include "pack/ignore.h"

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
 * doubled slash; "" for the root itself.  Purely textual; absolute paths must
 * begin with the root's path (links resolved, or as `given`).  *out: owned.
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

/* The whole of a file, within out->max. */
int ap_local_read(struct ap_buf *out, const struct ap_local_root *r, const char *path,
	struct ap_err *err) AP_CHECK;

struct ap_walk {
	struct ap_local_root *root;
	const struct ap_ignore *ignore;
	const char *prefix;   /* directory of the image that the root becomes: "usr/app" */
	const char *keep;     /* a path that is never left out (the script), or NULL */
	struct ap_strv *left; /* names of what was left out are added: "a.pyc", "venv/" */
	size_t n_left;        /* their number; names stop at AP_WALK_NAMES */
	uint64_t n_entries;   /* so far, over all walks: at most AP_WALK_ENTRIES */
};

#define AP_WALK_NAMES   1000
#define AP_WALK_ENTRIES 2000000
#define AP_WALK_DEPTH   200

/*
 * AP_WALK_FLAT: only the files (and links) that lie directly in it.
 */
enum { AP_WALK_FLAT = 1 << 0 };

/*
 * Add what `path` names, a directory with all that is in it or one file, to
 * *out, unsorted; directories above it are not added.  A link that `path`
 * goes through is followed inside the root and the content appears under the
 * name that was asked for.  Modes are 0755 or 0644.
 *
 * Errors: AP_E_INPUT naming the path: a link that leaves the root, a FIFO,
 * socket or device, a name that cannot be in an image (".wh.", not UTF-8);
 * AP_E_LIMIT; AP_E_IO.
 */
int ap_walk_add(struct ap_tree *out, struct ap_walk *w, const char *path, unsigned flags,
	struct ap_err *err) AP_CHECK;

/* The path below the root of a content made here; NULL for other contents.  borrowed. */
const char *ap_local_content_path(const struct ap_content *c);

/* What identifies the state of a file made here; false for other contents. */
struct ap_local_stat {
	uint64_t dev, ino, size;
	int64_t mtime_ns, ctime_ns;
};
bool ap_local_content_stat(const struct ap_content *c, struct ap_local_stat *out);

#endif
