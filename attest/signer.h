/*
 * A signing key of a local file: ECDSA on P-256 over SHA-256, the scheme
 * that every cosign verifier knows.
 *
 * attest/ says what an image is made of and who vouches for it: bills of
 * materials, provenance, signatures, and how they hang on the image in its
 * repository.  It changes no byte of the image, makes no layer, speaks to
 * stores through pack/store.h only, and includes base/, deps/ and pack/.
 */
#ifndef AP_ATTEST_SIGNER_H
#define AP_ATTEST_SIGNER_H

#include "base/buf.h"

struct ap_signer;

/*
 * Read a private key: PEM of SEC 1 ("EC PRIVATE KEY") or PKCS #8, plain or
 * encrypted; cosign's own encrypted form too ("ENCRYPTED SIGSTORE PRIVATE
 * KEY", as `cosign generate-key-pair` writes it).  password NULL: none is
 * known.
 *
 * *out: owned by the caller, ap_signer_free().
 * Errors: AP_E_INPUT naming the file: no such key, another curve or
 * algorithm, an encrypted key without or with the wrong password; AP_E_IO.
 */
int ap_signer_read(struct ap_signer **out, const char *path, const char *password,
	struct ap_err *err) AP_CHECK;
void ap_signer_free(struct ap_signer *k);

/* Append the signature of the bytes: ASN.1 form, base64. */
void ap_signer_sign(struct ap_buf *out, const struct ap_signer *k, const void *p, size_t n);

/* Is it the key's signature of the bytes, in the form of ap_signer_sign()? */
bool ap_signer_signed(const struct ap_signer *k, const char *signature, const void *p, size_t n);

#endif
