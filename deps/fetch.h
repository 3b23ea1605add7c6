/*
 * Getting the locked wheels: in parallel, verified while they stream, into a
 * cache that is valid at every moment.
 */
#ifndef AP_DEPS_FETCH_H
#define AP_DEPS_FETCH_H

#include "base/http.h"
#include "base/pool.h"
#include "deps/lock.h"

struct ap_fetch_opts {
	const char *cache_dir; /* wheels live in DIR/wheels/sha256/<hex> */
	struct ap_http *http;
	struct ap_pool *pool;
	struct ap_progress *progress;
	bool offline;
};

/*
 * paths[i] becomes the host path of lock->v[i]'s wheel, content checked.
 * Errors: AP_E_NET, AP_E_DIGEST, AP_E_NOT_FOUND ...
 */
int ap_fetch_wheels(struct ap_strv *paths, const struct ap_lock *lock,
	const struct ap_fetch_opts *o, struct ap_err *err) AP_CHECK;

#endif
