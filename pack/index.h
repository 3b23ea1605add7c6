/*
 * The parts of an OCI layout that are documents, for directories and for
 * archives: its version and its index.json.  Pure functions.
 *
 * Source: image-spec v1.1 image-layout.md, annotations.md.
 */
#ifndef AP_PACK_INDEX_H
#define AP_PACK_INDEX_H

#include "pack/store.h"

#define AP_LAYOUT_VERSION "{\"imageLayoutVersion\":\"1.0.0\"}"

/* AP_E_PROTO unless `j` is the content of an oci-layout file that we can read; `where` names it. */
int ap_layout_check_version(const cJSON *j, const char *where, struct ap_err *err) AP_CHECK;

/* An index without entries.  owned by the caller. */
cJSON *ap_index_new(void);

/*
 * The entry that a tag names; NULL: the only one, or else "latest".
 * *out: filled, ap_descriptor_release().
 * Errors: AP_E_NOT_FOUND with the tags that are there; AP_E_PROTO.
 */
int ap_index_find(struct ap_descriptor *out, const cJSON *index, const char *tag,
	struct ap_err *err) AP_CHECK;

/* List a manifest under a tag, which no other keeps; NULL: once, without a name. */
int ap_index_set(cJSON *index, const struct ap_descriptor *desc, const char *tag,
	struct ap_err *err) AP_CHECK;

/*
 * Fill the descriptor of a document that was read and verified, and hand its
 * bytes to body.  The media type is the given one, or the document's own, or
 * what its members show.
 */
int ap_index_take(struct ap_descriptor *desc, struct ap_buf *body, const struct ap_digest *digest,
	const char *media_type, const struct ap_buf *text, struct ap_err *err) AP_CHECK;

#endif
