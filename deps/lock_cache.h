/*
 * Locks of earlier runs: the same inputs on the same base are not resolved
 * again within a day.
 */
#ifndef AP_DEPS_LOCK_CACHE_H
#define AP_DEPS_LOCK_CACHE_H

#include "deps/index_config.h"
#include "deps/inventory.h"
#include "deps/locals.h"

/* How long a lock is reused, in seconds. */
#define AP_RESOLVE_REUSE (24 * 60 * 60)

struct ap_lock_cache_key {
	const struct ap_dep_request *req;
	const struct ap_inventory *inv;
	const struct ap_tags *tags;
	const struct ap_index_config *index;
	const struct ap_strv *allow_build;
	const struct ap_locals *locals;
	const char *platform; /* what uv is told */
};

/*
 * Everything that uv's answer depends on, but for the time, as the path of a
 * file.  The code of a project is no part of it, its metadata is.
 * *out: owned.  Errors: those of ap_locals_metadata_key().
 */
int ap_lock_cache_path(char **out, const char *cache_dir, const struct ap_lock_cache_key *k,
	struct ap_err *err) AP_CHECK;

/*
 * The lock that is kept there, if it is young enough, with today's local
 * wheels in it.  links: the places where others of this machine may lie.
 */
bool ap_lock_cache_get(struct ap_lock *out, const char *path, const char *cache_dir,
	const struct ap_locals *locals, const struct ap_strv *links);

/* Where the wheel cache has a wheel that was built here, or NULL.  *out: owned. */
char *ap_lock_cache_wheel(const char *cache_dir, const struct ap_digest *digest);

/* Errors: AP_E_IO; a cache that cannot be written is no reason to stop. */
int ap_lock_cache_put(const char *path, const struct ap_lock *lock, struct ap_err *err) AP_CHECK;

/* Copy an entry. */
void ap_locked_copy(struct ap_locked *to, const struct ap_locked *from);

#endif
