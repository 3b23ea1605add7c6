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
 * Begin on a thread of its own; it fails in silence.  req and o are borrowed
 * until ap_warm_end().  Nothing is built.  *out: ap_warm_end().
 */
void ap_warm_begin(
	struct ap_warm **out, const struct ap_dep_request *req, const struct ap_resolve_opts *o);

/* Stop it: what is not fetched by now, resolving fetches. */
void ap_warm_end(struct ap_warm *w);

#endif
