/*
 * How much goes into an image, and of which directories: for a warning when
 * many files, none of them large, are large together (checkpoints, logs of
 * earlier runs, data).
 */
#ifndef AP_PACK_WEIGHT_H
#define AP_PACK_WEIGHT_H

#include "pack/plan.h"

/* Warn when the plan's files, less those that are named alone, are over AP_LARGE. */
void ap_weight_warn(const struct ap_plan *plan, struct ap_progress *progress);

#endif
