/*
 * An OCI image layout directory as a source and as a sink of images.
 *
 * Writers are crash-safe: a blob appears under its name only when its bytes
 * were compared and synced; index.json is replaced as a whole, under a lock
 * on the directory, so two writers do not lose each other's tags.
 *
 * Source: image-spec v1.1 image-layout.md.
 */
#ifndef AP_PACK_LAYOUT_H
#define AP_PACK_LAYOUT_H

#include "pack/store.h"

/*
 * Open DIR for reading.  Without a tag or digest in ref, its only image, or
 * else the one tagged "latest", is meant.
 *
 * *out: owned by the caller, ap_source_free().
 * Errors: AP_E_NOT_FOUND, AP_E_IO; AP_E_PROTO when it is no layout, or of another version.
 */
int ap_layout_source(struct ap_source **out, const struct ap_ref *ref, struct ap_err *err) AP_CHECK;

/*
 * Open DIR for writing, creating it when missing.  An image put without any
 * tag is listed in index.json without a name by finish().
 *
 * *out: owned by the caller, ap_sink_free().
 * Errors: AP_E_IO; AP_E_PROTO when oci-layout has another version;
 * AP_E_INPUT when the directory holds something else.
 */
int ap_layout_sink(struct ap_sink **out, const struct ap_ref *ref, struct ap_err *err) AP_CHECK;

#endif
