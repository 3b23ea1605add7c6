/*
 * The part of a run that installs dependencies: inventory, lock, wheels.
 * Nothing of it is called for an image of code alone.
 */
#ifndef AP_CLI_RUN_DEPS_H
#define AP_CLI_RUN_DEPS_H

#include "cli/run.h"
#include "pack/cache.h"

/* One layer to be: its place in the list is its place in the image. */
struct ap_slot {
	struct ap_run *run;
	struct ap_layer *out; /* in run->layers */
	char *title;
	struct ap_tree tree;        /* owned, filled before it is made */
	const struct ap_tree *part; /* or a part of the plan, borrowed */
	bool local;                 /* made of local files: other machines are not told of it */
	bool has_key;               /* its bytes follow from a key: */
	struct ap_digest key;
	struct ap_cache_record record; /* what the cache said, with --verify-cache */
	bool known;                    /* need not be made, out is filled */
	bool made;
	struct ap_pool *pool;
};

/* Where records of layers are shared: --cache-repository, else beside the image; no sink: nowhere. */
struct ap_remote_cache ap_run_remote_cache(const struct ap_run *r);

/* Make the slot's layer and hand it to the push; a job for a pool, arg: the slot. */
int ap_slot_make(void *arg, struct ap_err *err) AP_CHECK;

/* Look whether the slot's layer is known and in the destination; a job, arg: the slot. */
int ap_slot_look(void *arg, struct ap_err *err) AP_CHECK;

/* The whiteouts that the plan and `removed` ask for, into the slot's tree. */
int ap_slot_whiteouts(
	struct ap_slot *s, const struct ap_strv *removed, struct ap_err *err) AP_CHECK;

/* Wheels of a run: how they are grouped, and which layers that makes. */
struct ap_wheels;

/* Fetch the files of a lock with the credentials of the indexes: ap_resolve_opts.fetch; ctx: struct ap_run. */
int ap_wheels_fetch_sources(
	void *ctx, struct ap_strv *paths, const struct ap_lock *lock, struct ap_err *err) AP_CHECK;

/* Google's token where a download from the URL would get one: ap_resolve_opts.token; ctx: struct ap_run. */
int ap_wheels_index_token(void *ctx, char **token, const char *url, struct ap_err *err) AP_CHECK;

/*
 * Group the lock's wheels; *n: how many layers they need (whiteouts first,
 * when something is replaced or the plan removes something).
 * *out: ap_wheels_free().
 */
int ap_wheels_plan(
	struct ap_wheels **out, size_t *n, struct ap_run *r, struct ap_err *err) AP_CHECK;

/*
 * Before anything is sent: with --compile, can the base's Python be run, where
 * something has to be compiled?  Errors: those of ap_inside's ready().
 */
int ap_wheels_ready(struct ap_wheels *w, struct ap_slot *slots, struct ap_err *err) AP_CHECK;

/*
 * Fill slots[0..n): look which are known, fetch the wheels of the others,
 * begin each layer as soon as its wheels are there.  The makings are jobs on
 * the slots' pool, to be waited for by the caller.
 */
int ap_wheels_fill(struct ap_wheels *w, struct ap_slot *slots, struct ap_err *err) AP_CHECK;
void ap_wheels_free(struct ap_wheels *w);

/* Inventory and lock; the entry point's word for Python is made the base's. */
int ap_run_deps_resolve(struct ap_run *r, struct ap_err *err) AP_CHECK;

/* The lock's digest, for the label. */
void ap_run_deps_digest(struct ap_digest *out, const struct ap_run *r);

/* --lock-out */
int ap_run_deps_write_lock(const struct ap_run *r, const char *path, struct ap_err *err) AP_CHECK;

/* --lock, for --dockerfile.  *out: ap_lock_release(). */
int ap_run_deps_read_lock(struct ap_lock *out, const char *path, struct ap_err *err) AP_CHECK;

void ap_run_deps_release(struct ap_run *r);

#endif
