/*
 * Getting the locked wheels: in parallel, verified while they stream, into a
 * cache that is valid at every moment.
 */
#ifndef AP_DEPS_FETCH_H
#define AP_DEPS_FETCH_H

#include "base/http.h"
#include "base/pool.h"
#include "deps/index_auth.h"
#include "deps/lock.h"

struct ap_fetch_opts {
	const char *cache_dir; /* wheels live in DIR/wheels/sha256/<hex> */
	struct ap_http *http;
	struct ap_pool *pool; /* NULL: eight transfers at once */
	struct ap_progress *progress;
	struct ap_index_auth *auth; /* NULL: no credentials */
	bool offline;
	/*
	 * Called when the i-th wheel is there and checked, by any thread, so
	 * that its layer can be begun while others come; may be NULL.
	 */
	int (*on_wheel)(void *ctx, size_t i, const char *path, struct ap_err *err);
	void *ctx;
};

/*
 * paths[i] becomes the host path of lock->v[i]'s wheel, content checked.
 * Runs that share the cache wait for each other per wheel, never download
 * one twice, and go on where a killed run stopped.
 *
 * Errors: AP_E_NET, AP_E_DIGEST, AP_E_AUTH, AP_E_NOT_FOUND (also offline,
 * naming the wheel), AP_E_CHANGED for a local wheel that is another one now.
 */
int ap_fetch_wheels(struct ap_strv *paths, const struct ap_lock *lock,
	const struct ap_fetch_opts *o, struct ap_err *err) AP_CHECK;

/* Where the cache keeps the file with that digest.  *out: owned. */
char *ap_fetch_cache_path(const char *cache_dir, const struct ap_digest *digest);

#endif
