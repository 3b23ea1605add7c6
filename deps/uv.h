/*
 * uv, the resolver and builder, as a child process: found, checked, run with
 * an environment that we chose.
 */
#ifndef AP_DEPS_UV_H
#define AP_DEPS_UV_H

#include <stdatomic.h>

#include "deps/index_config.h"
#include "deps/inventory.h"

#define AP_UV_MIN "0.7.0" /* the first whose pylock.toml output is stable */

struct ap_uv {
	struct ap_strv command;  /* ["uv"], or ["python3", "-m", "uv"] */
	struct ap_strv env;      /* "K=V", all that it sees */
	char *version;           /* "0.9.1" */
	char *dir;               /* private directory of this run, 0700, with home/ and uv.toml */
	const atomic_bool *stop; /* borrowed; ends what runs when it is set; NULL: never */
};

struct ap_uv_opts {
	const char *
		uv; /* path of the program; NULL: uv on PATH, in ~/.local/bin, else python3 -m uv */
	const char *cache_dir; /* ours: uv's own cache goes below it unless UV_CACHE_DIR is set */
	const struct ap_index_config *index;
	ap_getenv_fn env;
	bool offline;
};

/*
 * Find uv and make its directory and configuration.
 * Errors: AP_E_NOT_FOUND with how to get it; AP_E_UNSUPPORTED when it is too old.
 */
int ap_uv_open(struct ap_uv *out, const struct ap_uv_opts *o, struct ap_err *err) AP_CHECK;

/*
 * The nearest platform that uv knows by name, rounded down; wheels are
 * checked against the true tags later.  *out: owned.
 */
char *ap_uv_platform(const struct ap_inventory *inv);

/* getenv(), as an ap_getenv_fn. */
const char *ap_uv_getenv(const char *name);

/* Removes the directory. */
void ap_uv_release(struct ap_uv *u);

/*
 * Run with these further words, in u->dir.  *errout: what it said, within its maximum.
 * Errors: AP_E_CHILD; a status that is not 0 is no error here.
 */
int ap_uv_run(const struct ap_uv *u, int *status, const struct ap_strv *words,
	struct ap_buf *errout, struct ap_err *err) AP_CHECK;

#endif
