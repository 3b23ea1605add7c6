/*
 * A project or sdist built into a wheel inside the base, by the base's own
 * Python, compiler and C library; what the build itself requires is fetched
 * out here, as wheels for that Python, so that the build needs no network.
 */
#ifndef AP_DEPS_BUILD_INSIDE_H
#define AP_DEPS_BUILD_INSIDE_H

#include "deps/build.h"

/*
 * Build `source` (a directory of our own, or an sdist) below the private
 * directory `temp`; the wheel goes to `out`, which exists.  o->inside is used.
 *
 * Errors: AP_E_INPUT with the end of the backend's own words, and what the
 * base lacks; AP_E_RESOLVE when what the build requires has no wheel for the
 * base; those of ap_inside_python().
 * Source: PEP 517 (hooks, backend-path), PEP 518 (build-system).
 */
int ap_build_inside(const char *source, bool is_dir, const char *temp, const char *out,
	const struct ap_build_opts *o, struct ap_err *err) AP_CHECK;

#endif
