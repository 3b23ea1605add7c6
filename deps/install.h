/*
 * A wheel as the tree that pip would have made of it, in a given base.
 */
#ifndef AP_DEPS_INSTALL_H
#define AP_DEPS_INSTALL_H

#include "base/entry.h"
#include "deps/inventory.h"
#include "deps/lock.h"
#include "deps/parcel.h"

struct ap_install {
	struct ap_tree
		tree; /* image paths of all wheels' files, sorted, new parent directories included */
	struct ap_strv
		removed; /* absolute image paths to white out, sorted, none of which comes back */
};

/*
 * Turn the wheel at `path` into entries: files to purelib or platlib, .data
 * schemes, console and gui scripts, RECORD, INSTALLER, REQUESTED,
 * direct_url.json.  The wheel's structure is checked first; its members'
 * bytes (CRC, size, RECORD's hash) are checked by whoever reads the entries.
 * `bytecode` (deps/compile.h; NULL: none) is installed and recorded with them.
 *
 * Errors: AP_E_PROTO naming the wheel, the member and the rule.
 * Source: binary distribution format; recording installed projects; DESIGN section 6 (zip rules).
 */
int ap_install_wheel(struct ap_tree *out, const char *path, const struct ap_locked *locked,
	const struct ap_inventory *inv, const struct ap_parcels *bytecode,
	struct ap_err *err) AP_CHECK;

/*
 * What pip would compile of the wheel: its installed files that end in .py,
 * by their paths in RECORD, behind a directory entry that says what these are
 * relative to.  Entry points' scripts are not among them.
 */
int ap_install_sources(int fd, const char *path, const struct ap_locked *locked,
	const struct ap_inventory *inv, struct ap_err *err) AP_CHECK;

/*
 * Do two wheels fill one path differently?  The same bytes with the same
 * mode are fine, and shared directories.
 *
 * borrowed: names[i] is the wheel of trees[i], for the message.
 * Errors: AP_E_INPUT naming both wheels and the path; those of reading.
 */
int ap_install_conflicts(const struct ap_tree *const *trees, const char *const *names, size_t n,
	struct ap_err *err) AP_CHECK;

/*
 * What must go because of `lock`: files of replaced distributions that pip
 * would remove, with stale bytecode and emptied directories, less the paths
 * that come back in `added`.
 *
 * Nothing outside the install scheme's prefix goes, nothing of a
 * distribution that is not `removable` (it is shadowed).
 *
 * Errors: AP_E_UNSUPPORTED where pip cannot remove: a distribution of the
 * scheme without RECORD, or one of distutils.
 */
int ap_install_removals(struct ap_strv *out, const struct ap_lock *lock,
	const struct ap_inventory *inv, const struct ap_tree *const *added, size_t n_added,
	struct ap_err *err) AP_CHECK;

#endif
