/*
 * A whole image, or an index with all it lists, from one store to another,
 * byte for byte.
 */
#ifndef AP_PACK_COPY_H
#define AP_PACK_COPY_H

#include "pack/push.h"

/*
 * Copy what `src` was opened for: one image, or an index with all it lists
 * (platform NULL), or the platform's image of an index.  *out: the descriptor
 * of what was published, ap_descriptor_release().
 * Errors: AP_E_UNSUPPORTED for an index to a docker-archive.
 */
int ap_image_copy(struct ap_descriptor *out, struct ap_push_stats *stats, struct ap_source *src,
	struct ap_sink *sink, const char *platform, const struct ap_strv *tags,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

/* The blobs that a manifest names; the manifest itself is the caller's to put. */
int ap_blobs_copy(struct ap_source *src, struct ap_sink *sink, const cJSON *manifest,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

#endif
