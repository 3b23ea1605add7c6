/*
 * What layers hold, in a repository, so that a base is read once and not
 * once per machine: one small artifact per layer, its record (deps/
 * inventory.h), under the tag AP_INVENTORY_TAG and hex of the layer.  The
 * rules of trust are those of layer records (pack/cache.h).
 */
#ifndef AP_PACK_REMOTE_INVENTORY_H
#define AP_PACK_REMOTE_INVENTORY_H

#include "deps/inventory.h"
#include "pack/cache.h"

#define AP_INVENTORY_TAG "autopack-inventory-"

/*
 * Bring the record of a layer to the cache directory.  False when absent,
 * damaged, not signed with the secret, or not to be kept.  Threads: yes.
 */
bool ap_remote_inventory_get(
	const struct ap_remote_cache *c, const char *cache_dir, const struct ap_descriptor *layer);

/* Publish the cache's record of a layer, unless there is one.  Errors: those of the sink. */
int ap_remote_inventory_put(const struct ap_remote_cache *c, const char *cache_dir,
	const struct ap_descriptor *layer, struct ap_err *err) AP_CHECK;

#endif
