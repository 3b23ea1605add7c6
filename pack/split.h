/*
 * A big part of a plan as several layers, so that an edit makes and sends
 * one of them again and leaves the others' digests as they are.  For
 * pack/plan.c; small parts stay whole.
 */
#ifndef AP_PACK_SPLIT_H
#define AP_PACK_SPLIT_H

#include "pack/plan.h"

#define AP_SPLIT_LARGE  (UINT64_C(4) << 20) /* bytes of a file that is kept apart from small ones */
#define AP_SPLIT_BYTES  (UINT64_C(2) << 20) /* of small files that one layer takes, */
#define AP_SPLIT_FILES  512                 /* and their number, before they are parted */
#define AP_SPLIT_WAYS   16 /* layers at most for the small files of a part, and for the large */
#define AP_SPLIT_LAYERS 32 /* at most for all parts together, when any is parted */

/*
 * Part p->parts: large files first, then the small ones, each into one of a
 * few layers by a checksum of its path alone, so that a file that comes, goes
 * or changes touches one layer.  Every layer has the directories on the way
 * to its files; an empty directory is in one.  Which layers there are depends
 * on paths and sizes only.
 */
void ap_plan_split(struct ap_plan *p);

#endif
