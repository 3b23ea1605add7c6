/*
 * What may help when an image cannot be read: the nearest tag or repository
 * that the registry has, or who has to log in.  For messages only.  Internal
 * to registry/.
 */
#ifndef AP_REGISTRY_HINT_H
#define AP_REGISTRY_HINT_H

#include "registry/blob.h"

/*
 * Of an AP_E_NOT_FOUND or AP_E_AUTH for repository:tag: say it in the words
 * of the reference, and what to do.  At most two requests more, each sent
 * once; what they fail with is of no interest.  Other errors are left.
 */
void ap_hint_unreadable(const struct ap_repo *r, const char *tag, struct ap_err *err);

#endif
