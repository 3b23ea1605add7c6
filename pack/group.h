/*
 * Which wheels share a layer.  Big ones stand alone, small ones share by the
 * hash of their names, so that adding or changing one requirement changes
 * one layer and leaves the others' digests as they are.
 */
#ifndef AP_PACK_GROUP_H
#define AP_PACK_GROUP_H

#include "deps/lock.h"

#define AP_GROUP_BIG     (4 << 20) /* bytes of a wheel that deserves its own layer */
#define AP_GROUP_BUCKETS 8         /* layers that the small ones share */

struct ap_group {
	char *title;     /* "numpy 1.26.4", "idna 3.20, six 1.17.0 and 4 more" */
	size_t *members; /* indexes into lock->v, ascending */
	size_t n;
};

struct ap_groups {
	struct ap_group *v;
	size_t n;
};

/*
 * Group lock->v; sizes[i] is the size of wheel i in bytes, `room` how many
 * layers there may be.  The order of groups follows names, not sizes.
 *
 * Errors: AP_E_UNSUPPORTED when there is no room for a single layer.
 */
int ap_groups_make(struct ap_groups *out, const struct ap_lock *lock, const uint64_t *sizes,
	size_t room, struct ap_err *err) AP_CHECK;
void ap_groups_release(struct ap_groups *g);

#endif
