/*
 * Asking uv which versions to install on top of a base.
 */
#ifndef AP_DEPS_RESOLVE_H
#define AP_DEPS_RESOLVE_H

#include "base/progress.h"
#include "deps/index_config.h"
#include "deps/inside.h"
#include "deps/inventory.h"
#include "deps/lock.h"
#include "deps/lock_cache.h"
#include "deps/reqfile.h"
#include "deps/request.h"

struct ap_resolve_opts {
	const char *cache_dir; /* ours: locks/ and uv's cache are kept below */
	const char *uv;        /* path of uv; NULL: looked for */
	const struct ap_strv *allow_build;
	struct ap_inside *inside; /* builds what does not come right here; NULL: nothing does */
	struct ap_progress *progress;
	bool private_base; /* the base lies at a private address: what it names may, too */
	bool refresh;      /* do not reuse a lock of an earlier run */
	bool offline;
	ap_getenv_fn env; /* NULL: getenv */
	/*
	 * Fetches the files of a lock, verified; paths[i] is lock->v[i]'s place.
	 * For sources that --allow-build names.  NULL: there is no way to.
	 */
	int (*fetch)(
		void *ctx, struct ap_strv *paths, const struct ap_lock *lock, struct ap_err *err);
	void *fetch_ctx;
	ap_index_token_fn token; /* for indexes of Google's, which uv is given; NULL: none */
	void *token_ctx;
};

/*
 * Errors: AP_E_RESOLVE with uv's own explanation and the base's package in
 * the way; AP_E_NOT_FOUND when uv is missing (how to get it); AP_E_INPUT.
 */
int ap_resolve(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o,
	struct ap_err *err) AP_CHECK;

/*
 * The lock that the request names with lock_file, for this base: wheels
 * chosen by its tags, local files found by their digest, what the base has
 * already left out.  o may be NULL when nothing has to be built.
 */
int ap_resolve_locked(struct ap_lock *out, const struct ap_dep_request *req,
	const struct ap_inventory *inv, const struct ap_resolve_opts *o,
	struct ap_err *err) AP_CHECK;

#endif
