/*
 * Packages that come as source only: found in uv's answer, fetched, verified
 * and built, for those that --allow-build names.
 */
#ifndef AP_DEPS_SDISTS_H
#define AP_DEPS_SDISTS_H

#include "deps/build.h"
#include "deps/lock.h"

/* May this package be built on this host?  allow: names, or ":all:". */
bool ap_sdists_allowed(const struct ap_strv *allow, const char *name);

/*
 * Of a pylock.toml: packages that may be built and have no wheel that fits.
 * Each entry of *out is a source archive: filename, url, digest.
 * Errors: AP_E_INPUT.
 */
int ap_sdists_find(struct ap_lock *out, const char *p, size_t n, const struct ap_tags *tags,
	const struct ap_strv *allow, struct ap_err *err) AP_CHECK;

/*
 * Build the fetched archives: `built` gets one entry for each, a local wheel
 * that is kept in the wheel cache by its digest.  paths[i] holds sdists->v[i];
 * `dir` is a private directory.
 */
int ap_sdists_build(struct ap_lock *built, const struct ap_lock *sdists,
	const struct ap_strv *paths, const char *dir, const struct ap_build_opts *o,
	struct ap_err *err) AP_CHECK;

#endif
