/*
 * cosign's encrypted private keys: scrypt and NaCl's secretbox around
 * PKCS #8.  Internal to attest/.
 */
#ifndef AP_ATTEST_BOX_H
#define AP_ATTEST_BOX_H

#include "base/buf.h"

/*
 * Open the JSON that lies inside the PEM.  The plain bytes are appended to
 * out, which is the caller's to wipe.
 *
 * Errors: AP_E_INPUT: another scheme, wrong password, costs over what we
 * are willing to spend (N 2^20, r 16, p 4).
 * Source: go-securesystemslib/encrypted; NaCl, crypto_secretbox.
 */
int ap_box_open(struct ap_buf *out, const void *json, size_t n, const char *password,
	struct ap_err *err) AP_CHECK;

/* XSalsa20-Poly1305.  *out: room for n - 16 bytes.  False when it is not the key's. */
bool ap_secretbox_open(unsigned char *out, const unsigned char key[32],
	const unsigned char nonce[24], const unsigned char *box, size_t n);

#endif
