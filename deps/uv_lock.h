/*
 * The text of a uv.lock: which versions a project's authors have fixed, and
 * which of its dependencies lie beside it.
 * Source: uv's lock file, version 1.
 */
#ifndef AP_DEPS_UV_LOCK_H
#define AP_DEPS_UV_LOCK_H

#include "base/str.h"

enum ap_uv_source {
	AP_UV_REGISTRY,
	AP_UV_URL,
	AP_UV_GIT,
	AP_UV_FILE,    /* "path": a local wheel or sdist */
	AP_UV_DIR,     /* "directory", "editable" */
	AP_UV_VIRTUAL, /* a project that is not installed, only its dependencies are */
};

struct ap_uv_package {
	char *name;    /* normalized */
	char *version; /* NULL: dynamic */
	enum ap_uv_source source;
	char *where;             /* URL, or path relative to the lock */
	char *marker;            /* where this entry is the one of its name, or NULL: everywhere */
	struct ap_strv deps;     /* names, and "name[extra]" for each extra that is wanted */
	struct ap_strv extras;   /* "extra=name": what an extra adds */
	struct ap_strv hashes;   /* "sha256:..." of its files */
	struct ap_strv requires; /* requires-dist of a project, as requirements */
	bool reached;            /* by ap_uv_lock_reach() */
};

struct ap_uv_lock {
	struct ap_uv_package *v;
	size_t n, cap;
};

/* Errors: AP_E_INPUT with line and column, or naming the package; AP_E_LIMIT. */
int ap_uv_lock_parse(struct ap_uv_lock *out, const char *p, size_t n, struct ap_err *err) AP_CHECK;
void ap_uv_lock_release(struct ap_uv_lock *l);

/* Mark everything that the package with index `root` needs, itself included. */
void ap_uv_lock_reach(struct ap_uv_lock *l, size_t root);

#endif
