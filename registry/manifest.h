/*
 * Manifests and indexes of one repository.  Internal to registry/.
 */
#ifndef AP_REGISTRY_MANIFEST_H
#define AP_REGISTRY_MANIFEST_H

#include "registry/blob.h"

enum {
	/* It was said to be there (by an index, by a push just now): give a slow replica time. */
	AP_MANIFEST_PATIENT = 1 << 0,
};

/*
 * GET a manifest or index by tag or digest, at most 4 MiB, verified; media
 * type, digest and size into *d (ap_descriptor_release()).
 * Errors: AP_E_NOT_FOUND, AP_E_DIGEST, AP_E_PROTO, AP_E_UNSUPPORTED, AP_E_AUTH.
 */
int ap_manifest_get(const struct ap_repo *r, const char *scope, const char *reference,
	unsigned flags, struct ap_descriptor *d, struct ap_buf *body, struct ap_err *err) AP_CHECK;

/*
 * PUT under a tag, or by digest when tag is NULL.  A tag that the registry
 * will not move is left, the manifest put by digest and a warning emitted.
 */
int ap_manifest_put(const struct ap_repo *r, const struct ap_descriptor *d, const void *json,
	const char *tag, struct ap_err *err) AP_CHECK;

/*
 * PUT a manifest with a subject by its digest; *listed: the registry said
 * that it keeps the list of referrers (OCI-Subject).
 */
int ap_manifest_put_referrer(const struct ap_repo *r, const struct ap_descriptor *d,
	const void *json, bool *listed, struct ap_err *err) AP_CHECK;

#endif
