/*
 * Asking the index, while the base is still being read, for what resolving
 * will ask it for: uv chooses versions as if the base were empty, what it
 * fetched stays in its cache, and its answer is thrown away.
 */
#ifndef AP_DEPS_WARM_H
#define AP_DEPS_WARM_H

#include "deps/resolve.h"

struct ap_warm;

/*
 * Begin on a thread of its own, which fails in silence.  req and o are
 * borrowed until ap_warm_end().  Nothing is built.  *out: ap_warm_end().
 * Errors: those of ap_uv_open(): an image of gigabytes is not read for a
 * resolver that is not there.
 */
int ap_warm_begin(struct ap_warm **out, const struct ap_dep_request *req,
	const struct ap_resolve_opts *o, struct ap_err *err) AP_CHECK;

/* Stop it: what is not fetched by now, resolving fetches. */
void ap_warm_end(struct ap_warm *w);

#endif
