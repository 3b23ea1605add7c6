/*
 * What hangs on an image, by referrers or by cosign's tags: seen, fetched
 * back, taken along.
 */
#ifndef AP_ATTEST_ATTACHED_H
#define AP_ATTEST_ATTACHED_H

#include "base/progress.h"
#include "pack/store.h"

/*
 * All of it as a JSON array of {artifactType, digest, size}, with the
 * predicateType of a statement; for cosign's manifests the tag, and how many
 * signatures.  *out: owned by the caller; empty when nothing hangs there.
 */
int ap_attached_list(cJSON **out, struct ap_source *src, const struct ap_digest *image,
	struct ap_err *err) AP_CHECK;

/*
 * The document of that artifact type (and predicate, unless NULL), verified;
 * the newest when there are several.
 * Errors: AP_E_NOT_FOUND; AP_E_PROTO for a referrer that is no single document.
 */
int ap_attached_get(struct ap_buf *out, struct ap_source *src, const struct ap_digest *image,
	const char *artifact_type, const char *predicate_type, struct ap_err *err) AP_CHECK;

/*
 * Copy what hangs on an image (of an index: on each of its images too), and
 * on that in turn.  What the destination has already is kept.
 */
int ap_attached_copy(struct ap_source *src, struct ap_sink *sink, const struct ap_digest *image,
	struct ap_progress *progress, struct ap_err *err) AP_CHECK;

#endif
