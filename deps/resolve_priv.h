/*
 * What the parts of a resolution share: resolve.c goes through the steps,
 * resolve_ask.c asks uv, and says why when there is no answer,
 * resolve_answer.c makes a lock of the answer, and resolve_locked.c one of a
 * lock that is given.
 */
#ifndef AP_DEPS_RESOLVE_PRIV_H
#define AP_DEPS_RESOLVE_PRIV_H

#include "deps/locals.h"
#include "deps/resolve.h"
#include "deps/uv.h"

#define AP_RESOLVING_MAX (32 << 20) /* bytes of what uv writes, and of a lock */

/* One resolution under way; everything borrowed but the members with a release. */
struct ap_resolving {
	const struct ap_dep_request *req;
	const struct ap_inventory *inv;
	const struct ap_resolve_opts *o;
	struct ap_tags tags;
	struct ap_index_config index;   /* what builds, too: nothing that only the base names */
	struct ap_index_config on_base; /* for resolving: above what pip in the base is told */
	struct ap_strv notes;           /* of that */
	struct ap_locals local;         /* wheels that the user gave, as files or as source */
	struct ap_strv wanted;          /* normalized names the user asked for */
	struct ap_strv upgrades;        /* normalized names to take the newest of */
	struct ap_strv from_files;      /* names that uv took from files of this machine */
	struct ap_strv unknown;         /* base distributions no resolver can be told about */
	struct ap_uv uv;
	bool building; /* wheels alone gave no answer: what may be built is */
};

void ap_resolving_release(struct ap_resolving *r);

/* Of which markers are true in the base; minor, full: 32 bytes each, which the result borrows. */
struct ap_marker_env ap_resolving_marker_env(
	const struct ap_inventory *inv, char *minor, char *full);

/* Is the line's marker true there? */
bool ap_resolving_applies(const struct ap_resolving *r, const struct ap_dep_line *l);

/* Is there a line of the flag that names the same package?  That one rules. */
bool ap_resolving_overridden(const struct ap_resolving *r, const struct ap_dep_line *l);

/* Add a name, once; NULL: none. */
void ap_resolving_want(struct ap_strv *names, const char *name);

ap_getenv_fn ap_resolving_env(const struct ap_resolving *r);

/* --allow-build=:all: */
bool ap_resolving_may_build_all(const struct ap_resolving *r);

/* May uv build what it is asked for?  That comes from no place that only the base names. */
bool ap_resolving_builds(const struct ap_resolving *r);

/* Is there a place that only the base names? */
bool ap_resolving_asks_base(const struct ap_resolving *r);

/* What the base has of that very version, or NULL. */
const struct ap_dist *ap_resolving_same_in_base(
	const struct ap_resolving *r, const char *name, const char *version);

/* Check and hash the wheels that are here; build those that are source. */
int ap_resolving_make_locals(struct ap_resolving *r, struct ap_err *err) AP_CHECK;

/* Fill r->wanted and r->upgrades. */
void ap_resolving_read_lines(struct ap_resolving *r);

/* r->uv, if it is not open yet, with the two configurations that it is asked with. */
int ap_resolving_open_uv(struct ap_resolving *r, struct ap_err *err) AP_CHECK;

/*
 * First pass: which versions, given what the base has, as lines of a
 * requirements file; second pass: the files of such versions, as pylock.toml.
 * Errors: AP_E_RESOLVE with uv's words and what of the base they speak of.
 */
int ap_resolving_choose_versions(
	struct ap_resolving *r, struct ap_buf *chosen, struct ap_err *err) AP_CHECK;
int ap_resolving_ask_files(const struct ap_resolving *r, const struct ap_buf *versions,
	struct ap_buf *pylock, struct ap_err *err) AP_CHECK;

/* The files of the chosen versions that the base lacks; sources that may be built are. */
int ap_resolving_choose_files(struct ap_lock *lock, struct ap_resolving *r,
	const struct ap_buf *chosen, struct ap_err *err) AP_CHECK;

/* Make it the request's lock: the user's own wheels, what was asked for, hashes, what goes away. */
int ap_resolving_derive(struct ap_lock *lock, struct ap_resolving *r, struct ap_err *err) AP_CHECK;

/* What of the base a lock replaces. */
void ap_resolving_name_removes(struct ap_lock *lock, const struct ap_inventory *inv);

#endif
