/*
 * The wheels of a request that no index is asked for: those given as files,
 * and those built from the user's own sources.
 */
#ifndef AP_DEPS_LOCALS_H
#define AP_DEPS_LOCALS_H

#include "deps/lock.h"
#include "deps/request.h"

struct ap_inside;
struct ap_uv;

struct ap_locals {
	/* One entry per wheel, `local` and direct_url filled in; not `requested`: what only constraints name. */
	struct ap_lock lock;
	char **wheels; /* host path per line of the request; NULL: not a local one */
	size_t n;
};

struct ap_locals_opts {
	const char *cache_dir;
	const struct ap_inventory *inv;
	const struct ap_tags *tags;
	const struct ap_marker_env *env;
	struct ap_progress *progress;
	bool source_tools;        /* see deps/build.h */
	struct ap_inside *inside; /* as in ap_build_opts */
	const struct ap_uv *uv;   /* opened when ap_locals_want_build() says so */
};

/* Is there anything to be built? */
bool ap_locals_want_build(const struct ap_dep_request *req, const struct ap_marker_env *env);

/*
 * Check, build and hash.
 * Errors: AP_E_INPUT for a wheel that does not fit the base or two of one
 * name; those of ap_build_wheel().
 */
int ap_locals_make(struct ap_locals *out, const struct ap_dep_request *req,
	const struct ap_locals_opts *o, struct ap_err *err) AP_CHECK;
void ap_locals_release(struct ap_locals *l);

/* The entry of that name, or NULL.  borrowed. */
struct ap_locked *ap_locals_find(struct ap_locals *l, const char *normalized);

/*
 * What of a wheel a resolution depends on: name, version, requirements.  A
 * rebuilt project with the same metadata gives the same.
 */
int ap_locals_metadata_key(
	struct ap_digest *out, const struct ap_locked *l, struct ap_err *err) AP_CHECK;

#endif
