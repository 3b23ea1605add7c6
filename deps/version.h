/*
 * Versions of Python distributions and the specifiers that choose among
 * them, as far as a local decision needs them; resolving is uv's job.
 * Source: PEP 440 (version specifiers specification).
 */
#ifndef AP_DEPS_VERSION_H
#define AP_DEPS_VERSION_H

#include "base/str.h"

#define AP_VERSION_PARTS 24

struct ap_version {
	uint64_t epoch;
	uint64_t release[AP_VERSION_PARTS];
	unsigned n_release;
	char pre; /* 'a', 'b', 'r' (rc), or 0 */
	uint64_t pre_n;
	bool has_post, has_dev;
	uint64_t post, dev;
	char local[96]; /* normalized, parts joined by '.', or "" */
};

/* False when s is not a version; spellings like "1.0-RC.1" and "v1" are understood. */
bool ap_version_parse(struct ap_version *out, const char *s);

/* Order of PEP 440, local part included. */
int ap_version_cmp(const struct ap_version *a, const struct ap_version *b);

/* The normal form: "1.0rc1". */
void ap_version_print(struct ap_buf *out, const struct ap_version *v);

/* The normal form of s, or s itself when it is no version.  *out: owned. */
char *ap_version_normal(const char *s);

/* Are these the same version, whatever their spelling? */
bool ap_version_same(const char *a, const char *b);

/* Is `s` a list of specifiers like ">=1.0,!=1.2.*"?  The empty list is. */
bool ap_specifiers_ok(const char *s);

/* Does `version` satisfy all of `specs`?  Pre-releases count like others; false for what cannot be read. */
bool ap_specifiers_match(const char *specs, const char *version);

#endif
