/*
 * SHA-2 of other lengths than the one that names blobs: what a wheel's RECORD
 * may use.  deps/ and pack/ check such hashes while bytes pass through them.
 */
#ifndef AP_BASE_SHA2_H
#define AP_BASE_SHA2_H

#include <openssl/evp.h>

/* The algorithm of 256, 384 or 512 bits.  Source: FIPS 180-4. */
static inline const EVP_MD *ap_sha2(unsigned bits)
{
	return bits == 256 ? EVP_sha256() : bits == 384 ? EVP_sha384() : EVP_sha512();
}

#endif
