/*
 * Inventories in a repository, so that a base is read once and not once per
 * machine: one small artifact per base and word for Python, under the tag
 * "autopack-inventory-<hex>".  The rules of trust are those of layer records
 * (pack/cache.h).
 */
#ifndef AP_PACK_REMOTE_INVENTORY_H
#define AP_PACK_REMOTE_INVENTORY_H

#include "deps/inventory.h"
#include "pack/base.h"
#include "pack/cache.h"

/*
 * The inventory of a base, as found with `word` ("python", "python3").
 * False when absent, damaged, or not signed with the secret.  *out: ap_inventory_free().
 */
bool ap_remote_inventory_get(struct ap_inventory **out, const struct ap_remote_cache *c,
	const struct ap_base *base, const char *word);

/* Publish one, unless there is one.  Errors: those of the sink. */
int ap_remote_inventory_put(const struct ap_remote_cache *c, const struct ap_base *base,
	const char *word, const struct ap_inventory *inv, struct ap_err *err) AP_CHECK;

#endif
