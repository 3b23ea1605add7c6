/*
 * What an image holds: its inventory, and the sizes of what is in each layer.
 */
#ifndef AP_CLI_INVENTORY_OF_H
#define AP_CLI_INVENTORY_OF_H

#include "deps/inventory.h"
#include "pack/base.h"

/* `word` is how the entry point calls Python.  *out: ap_inventory_free(). */
int ap_inventory_of(struct ap_inventory **out, struct ap_source *source, const struct ap_base *base,
	const char *word, const char *cache_dir, struct ap_progress *progress,
	struct ap_err *err) AP_CHECK;

/* Is every layer of the base known, so that none is read? */
bool ap_inventory_is_cached(const struct ap_base *base, const char *cache_dir);

/* The inventory in the file that --inventory names.  *out: ap_inventory_free().  Errors: AP_E_INPUT. */
int ap_inventory_file(struct ap_inventory **out, const char *path, struct ap_err *err) AP_CHECK;

/* What belongs together in a layer: a distribution, or a directory. */
struct ap_share {
	char *name; /* "numpy 1.26.4", "/usr/lib" */
	bool is_dist;
	uint64_t files, bytes;
};

/* One layer's shares, largest first; ap_shares_release(). */
struct ap_shares {
	struct ap_share *v;
	size_t n, cap;
	uint64_t files, bytes;
};

/* Read a layer and sum it up.  inv may be NULL: directories only. */
int ap_shares_of(struct ap_shares *out, struct ap_source *source, const struct ap_descriptor *layer,
	const struct ap_inventory *inv, struct ap_err *err) AP_CHECK;
void ap_shares_release(struct ap_shares *s);

#endif
