/*
 * The user's own projects and sdists as wheels or sdists, through `uv build`,
 * or inside the base where a wheel made here would not be what the base needs.
 *
 * A build runs the project's code on the host; callers see to it that this
 * happens only for the user's own projects and for what --allow-build names.
 */
#ifndef AP_DEPS_BUILD_H
#define AP_DEPS_BUILD_H

#include "base/progress.h"
#include "deps/inside.h"
#include "deps/inventory.h"
#include "deps/uv.h"

struct ap_build_opts {
	const char *cache_dir; /* wheels are kept in DIR/builds/<digest of the source> */
	const struct ap_strv
		*outputs;       /* absolute paths that are no part of a project; NULL: none */
	const struct ap_uv *uv; /* its environment and configuration are the build's */
	const struct ap_inventory *inv; /* of the base: its Python builds when the host has one */
	struct ap_inside *inside; /* builds what does not come right here; NULL: nothing does */
	struct ap_progress *progress;
	bool source_tools; /* what builds it may come as source, too: --allow-build=:all: */
};

/*
 * Build a source directory or an sdist (.tar.gz, .tgz, .zip) into a wheel.
 * The directory is copied first and never written to.  The same content
 * with the same Python is built once.
 *
 * *wheel: host path in the cache, owned.
 * Built inside the base: what asks which Python builds it when the base's is
 * not on this machine, what fails here for want of a compiler, and what,
 * built here, does not fit the base.  Where no runtime can: AP_E_INPUT, for
 * the last AP_E_UNSUPPORTED, with how to mend it.
 * Errors: AP_E_INPUT with the end of the backend's own words; AP_E_IO; those
 * of ap_build_inside().
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
