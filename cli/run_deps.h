/*
 * The part of a run that installs dependencies: inventory, lock, wheels.
 * Nothing of it is called for an image of code alone.
 */
#ifndef AP_CLI_RUN_DEPS_H
#define AP_CLI_RUN_DEPS_H

#include "cli/run.h"

/* What becomes layers, in the image's order.  Trees are owned. */
struct ap_layer_list {
	struct ap_tree *trees;
	char **titles;
	size_t n, cap;
};
void ap_layer_list_release(struct ap_layer_list *l);
/* Takes tree; an empty one is no layer. */
void ap_layer_list_add(struct ap_layer_list *l, const char *title, struct ap_tree *tree);
/* The plan's whiteouts and `removed` as one layer. */
int ap_layer_list_whiteouts(struct ap_layer_list *l, struct ap_run *r,
	const struct ap_strv *removed, struct ap_err *err) AP_CHECK;

/* Inventory and lock; the entry point's word for Python is made the base's. */
int ap_run_deps_resolve(struct ap_run *r, struct ap_err *err) AP_CHECK;

/* The lock's digest, for the label. */
void ap_run_deps_digest(struct ap_digest *out, const struct ap_run *r);

/* Fetch the wheels and put them, grouped, into the list, whiteouts first. */
int ap_run_deps_layers(struct ap_layer_list *l, struct ap_run *r, struct ap_pool *pool,
	struct ap_err *err) AP_CHECK;

/* --lock-out */
int ap_run_deps_write_lock(const struct ap_run *r, const char *path, struct ap_err *err) AP_CHECK;

/* --lock, for --dockerfile.  *out: ap_lock_release(). */
int ap_run_deps_read_lock(struct ap_lock *out, const char *path, struct ap_err *err) AP_CHECK;

void ap_run_deps_release(struct ap_run *r);

#endif
