/*
 * Who uses the cache: runs share it, `cache prune` wants it alone, so that
 * nothing is removed that a run is about to read.
 */
#ifndef AP_CLI_CACHE_USE_H
#define AP_CLI_CACHE_USE_H

#include "base/err.h"
#include "base/progress.h"

/* A part of the cache: a directory in it. */
struct ap_cache_part {
	const char *name, *what;
	bool whole; /* another program's: it goes as a whole or not at all */
};

#define AP_CACHE_PARTS 8
extern const struct ap_cache_part ap_cache_parts[AP_CACHE_PARTS];

/* Has a run of ours used this directory as its cache? */
bool ap_cache_is_one(const char *dir);

/*
 * Share the cache until *fd is closed; waits while it is being pruned.  Who
 * comes when nobody is there sweeps it first: its parts, since the directory
 * may be one that holds other things, too.  *fd is -1 where there is no cache
 * or it cannot be written: then nobody prunes.
 */
void ap_cache_share(int *fd, const char *dir);

/*
 * A directory to work in for a run whose cache cannot be written: a new one
 * below TMPDIR, whose name is told.  *dir: owned; the caller removes the tree.
 */
int ap_cache_scratch(
	char **dir, const char *cache, struct ap_progress *progress, struct ap_err *err) AP_CHECK;

/* Have it alone.  Errors: AP_E_IO "in use by a run" after ten seconds. */
int ap_cache_alone(int *fd, const char *dir, struct ap_err *err) AP_CHECK;

#endif
