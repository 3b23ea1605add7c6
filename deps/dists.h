/*
 * The distributions that an image has installed.
 */
#ifndef AP_DEPS_DISTS_H
#define AP_DEPS_DISTS_H

#include "deps/inventory.h"
#include "deps/paths.h"

/*
 * Fill inv->dists from the site directories: .dist-info and .egg-info, the
 * first one of a name wins, as with importlib.metadata.
 */
void ap_dists_find(struct ap_inventory *inv, const struct ap_paths *p);

void ap_dists_release(struct ap_inventory *inv);

/* Sort by normalized name. */
void ap_dists_sort(struct ap_inventory *inv);

#endif
