/*
 * Documents that hang on an image: OCI manifests with a `subject`, found
 * through the registry's referrers API or, where there is none, through an
 * index under a tag made of the image's digest.  The image and its own
 * manifest are never touched.
 *
 * Source: image-spec v1.1 manifest.md (subject, artifactType);
 * distribution-spec v1.1, Listing Referrers and Referrers Tag Schema.
 */
#ifndef AP_ATTEST_REFERRERS_H
#define AP_ATTEST_REFERRERS_H

#include "pack/store.h"

#define AP_EMPTY_MEDIA_TYPE "application/vnd.oci.empty.v1+json"
#define AP_REFERRERS_MAX    1000 /* of one image */

/* What refers to one image. */
struct ap_referrers {
	struct ap_descriptor *v; /* with artifact_type and annotations */
	size_t n;
};

void ap_referrers_release(struct ap_referrers *r);

/*
 * Read an index that lists referrers.  Pure.
 * Errors: AP_E_PROTO for anything but an index; AP_E_LIMIT.
 */
int ap_referrers_parse(
	struct ap_referrers *out, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/* "sha256-<hex>" and then the suffix ("", ".sig", ".att").  *out: owned. */
char *ap_referrers_tag(const struct ap_digest *image, const char *suffix);

/*
 * What refers to the image of that digest; none is no error.
 * *out: ap_referrers_release().
 */
int ap_referrers_list(struct ap_referrers *out, struct ap_source *src,
	const struct ap_digest *image, struct ap_err *err) AP_CHECK;

/* One document to hang on an image. */
struct ap_attachment {
	const char *artifact_type;     /* media type of the document too; borrowed */
	const char *note, *note_value; /* an annotation, or NULL; borrowed */
	char *p;                       /* bytes, owned */
	size_t n;
};

void ap_attachment_release(struct ap_attachment *a);

/*
 * Hang documents on the image: their bytes and manifests are sent and, where
 * the store does not list them itself, the index under the image's tag is
 * extended, never rewritten without what others have put there meanwhile.
 * What hangs there already stays as it is.
 *
 * Errors: AP_E_UNSUPPORTED for archives; those of the sink.
 */
int ap_referrers_attach(struct ap_sink *sink, const struct ap_descriptor *image,
	const struct ap_attachment *v, size_t n, struct ap_err *err) AP_CHECK;

/*
 * Put manifests that refer to an image, as they are; their blobs have been
 * put before.  json[i] are the bytes of list->v[i].
 */
int ap_referrers_put(struct ap_sink *sink, const struct ap_digest *image,
	const struct ap_referrers *list, const char *const *json, struct ap_err *err) AP_CHECK;

#endif
