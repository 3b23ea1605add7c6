/*
 * Inventories for tests: a Debian-like base described in a few words of JSON.
 */
#ifndef AP_TESTS_BASE_IMAGE_H
#define AP_TESTS_BASE_IMAGE_H

#include "deps/inventory.h"

/*
 * Python 3.11 in /usr, scheme below /usr/local, as Debian has it.  `tree` is
 * the inventory's "tree" (directories are objects, files 1, links strings),
 * `dists` its "distributions" without the brackets; both may be NULL.
 * *out: ap_inventory_free().
 */
struct ap_inventory *base_image(const char *tree, const char *dists);

#endif
