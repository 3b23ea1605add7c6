/*
 * Manifests and indexes under a tag that several writers share, and the
 * small blobs they name.  Internal to attest/.
 */
#ifndef AP_ATTEST_TAG_H
#define AP_ATTEST_TAG_H

#include "pack/store.h"

/* What is under a tag, if anything: *there. */
int ap_tag_find(bool *there, struct ap_source *src, const char *tag, struct ap_descriptor *d,
	struct ap_buf *body, struct ap_err *err) AP_CHECK;

/*
 * Change the manifest or index under a tag: `merge` is given what is there
 * (NULL: nothing) and makes what should be, NULL when nothing is to change.
 * It is looked at again afterwards, since another writer may have read the
 * same old one, and merged anew when our part is gone.
 */
typedef int (*ap_merge_fn)(void *ctx, cJSON **out, const cJSON *there, struct ap_err *err);
int ap_tag_update(struct ap_sink *sink, const char *tag, ap_merge_fn merge, void *ctx,
	struct ap_err *err) AP_CHECK;

/* A small blob: sent unless it is there.  The descriptor's digest and size are filled in. */
int ap_small_blob_put(struct ap_sink *sink, struct ap_descriptor *d, const void *p, size_t n,
	struct ap_err *err) AP_CHECK;

#endif
