/*
 * A local directory as entries of a layer: what an ignore file leaves of it,
 * with modes made normal and links stored as links.
 */
#ifndef AP_PACK_TREE_H
#define AP_PACK_TREE_H

#include "pack/ignore.h"
#include "pack/local.h"

struct ap_walk {
	struct ap_local_root *root;
	const struct ap_ignore *ignore;
	const char *prefix;            /* directory of the image that the root becomes: "usr/app" */
	const char *keep;              /* a path that is never left out (the script), or NULL */
	const struct ap_strv *outputs; /* paths below the root that are always left out, or NULL */
	struct ap_strv *left;          /* names of what was left out are added: "a.pyc", "venv/" */
	size_t n_left;                 /* their number; names stop at AP_WALK_NAMES */
	uint64_t n_entries;            /* so far, over all walks: at most AP_WALK_ENTRIES */
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

#endif
