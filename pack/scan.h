/*
 * The contents of a plan's files, read once before anything is built: their
 * digests for the request tag, and what the user should be warned of.
 */
#ifndef AP_PACK_SCAN_H
#define AP_PACK_SCAN_H

#include "base/digest.h"
#include "base/entry.h"
#include "base/progress.h"
#include "pack/stat_cache.h"

struct ap_scanned {
	struct ap_digest digest; /* "" for directories and links */
	char *look;              /* of a file: "a private key", or "" */
};

struct ap_scan {
	struct ap_scanned *v; /* one for each entry of the tree */
	size_t n;
	bool settled; /* the cache keeps what was found of every file */
};

/*
 * Read every file of `tree` that `cache` (may be NULL) does not know, on
 * several threads when there are many.
 *
 * Errors: AP_E_CHANGED, AP_E_IO, AP_E_CANCELLED.
 */
int ap_scan_tree(struct ap_scan *out, const struct ap_tree *tree, struct ap_stat_cache *cache,
	struct ap_err *err) AP_CHECK;
void ap_scan_release(struct ap_scan *s);

/* The path of an entry where the user sees it: below the working directory.  borrowed. */
const char *ap_scan_shown(const struct ap_entry *e);

#define AP_LARGE UINT64_C(100000000) /* bytes; of a file, or of many together */

/* Warn of files that look like credentials, and of those that are large. */
void ap_scan_warn(
	const struct ap_scan *s, const struct ap_tree *tree, struct ap_progress *progress);

#endif
