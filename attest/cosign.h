/*
 * Signatures and signed statements in cosign's format: manifests under the
 * tags sha256-<hex>.sig and sha256-<hex>.att beside the image.  No
 * transparency log is written to.
 *
 * Source: sigstore/cosign, SIGNATURE_SPEC.md and ATTESTATION_SPEC.md; DSSE 1.0.
 */
#ifndef AP_ATTEST_COSIGN_H
#define AP_ATTEST_COSIGN_H

#include "attest/signer.h"
#include "pack/store.h"

#define AP_COSIGN_SIGNATURE_TYPE "application/vnd.dev.cosign.simplesigning.v1+json"
#define AP_DSSE_MEDIA_TYPE       "application/vnd.dsse.envelope.v1+json"
#define AP_COSIGN_SIG            ".sig"
#define AP_COSIGN_ATT            ".att"

/*
 * Sign the image.  Signatures of others are kept; one of this key that is
 * there already is enough.  name: "host/path", for the payload.
 */
int ap_cosign_sign(struct ap_sink *sink, const struct ap_descriptor *image, const char *name,
	const struct ap_signer *key, struct ap_err *err) AP_CHECK;

/* A statement of in-toto, as bytes. */
struct ap_cosign_statement {
	const char *predicate_type; /* borrowed */
	char *p;                    /* owned */
	size_t n;
};

void ap_cosign_statement_release(struct ap_cosign_statement *s);

/* Sign n statements about the image and hang them there, as above, in one go. */
int ap_cosign_attest(struct ap_sink *sink, const struct ap_descriptor *image,
	const struct ap_cosign_statement *statements, size_t n, const struct ap_signer *key,
	struct ap_err *err) AP_CHECK;

/*
 * Put a manifest of signatures, read elsewhere, under its tag: as it is, or
 * with what is there already.  Its blobs have been put before.
 */
int ap_cosign_merge(struct ap_sink *sink, const char *tag, const struct ap_descriptor *d,
	const struct ap_buf *body, const cJSON *manifest, struct ap_err *err) AP_CHECK;

/* The bytes that are signed: the payload of a signature, appended. */
void ap_cosign_payload(struct ap_buf *out, const char *name, const struct ap_digest *image);

/* DSSE's pre-authentication encoding, appended. */
void ap_dsse_pae(struct ap_buf *out, const char *type, const void *p, size_t n);

/*
 * The payload of an envelope, appended; when a key is given, *ours says
 * whether it has signed it.  Pure.
 * Errors: AP_E_PROTO for what is no envelope around an in-toto statement.
 */
int ap_dsse_open(struct ap_buf *out, bool *ours, const struct ap_signer *key, const void *p,
	size_t n, struct ap_err *err) AP_CHECK;

#endif
