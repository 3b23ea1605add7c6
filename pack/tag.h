/*
 * The request tag: one hash over every input of an image, the same on every
 * machine, computed from local files alone.
 */
#ifndef AP_PACK_TAG_H
#define AP_PACK_TAG_H

#include "pack/plan.h"

/*
 * Fill p->tag from the rest of the plan.  Reads every file of the parts once
 * and warns about those that look like credentials or are over 100 MB.
 *
 * Errors: AP_E_CHANGED, AP_E_IO.
 */
int ap_plan_tag(struct ap_plan *p, const struct ap_image_request *req, struct ap_progress *progress,
	struct ap_err *err) AP_CHECK;

#endif
