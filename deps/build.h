/*
 * The user's own projects and sdists as wheels or sdists, through `uv build`.
 *
 * A build runs the project's code on the host; callers see to it that this
 * happens only for the user's own projects and for what --allow-build names.
 */
#ifndef AP_DEPS_BUILD_H
#define AP_DEPS_BUILD_H

#include "base/progress.h"
#include "deps/inventory.h"
#include "deps/uv.h"

struct ap_build_opts {
	const char *cache_dir;          /* wheels are kept in DIR/builds/<digest of the source> */
	const struct ap_uv *uv;         /* its environment and configuration are the build's */
	const struct ap_inventory *inv; /* of the base: its Python builds when the host has one */
	struct ap_progress *progress;
	bool source_tools; /* what builds it may come as source, too: --allow-build=:all: */
};

/*
 * Build a source directory or an sdist (.tar.gz, .tgz, .zip) into a wheel.
 * The directory is copied first and never written to.  The same content
 * with the same Python is built once.
 *
 * *wheel: host path in the cache, owned.
 * Errors: AP_E_INPUT with the end of the backend's own words; AP_E_INPUT,
 * too, for metadata that asks which Python builds it when that is not the
 * base's; AP_E_UNSUPPORTED when the wheel does not fit the base (how to mend
 * it); AP_E_IO.
 */
int ap_build_wheel(char **wheel, const char *source, const struct ap_build_opts *o,
	struct ap_err *err) AP_CHECK;

/*
 * Build a source directory into an sdist, with any Python of the host; o->inv
 * is not asked.  Kept and reported as for a wheel.  *sdist: owned.
 */
int ap_build_sdist(char **sdist, const char *source, const struct ap_build_opts *o,
	struct ap_err *err) AP_CHECK;

/* Does a wheel that was built on this host run on the base?  Errors: AP_E_UNSUPPORTED. */
int ap_build_fits(
	const char *filename, const struct ap_inventory *inv, struct ap_err *err) AP_CHECK;

#endif
