/*
 * SHA-256, the only digest that autopack computes.
 */
#ifndef AP_BASE_DIGEST_H
#define AP_BASE_DIGEST_H

#include "base/err.h"

#define AP_DIGEST_LEN 71 /* "sha256:" and 64 lower-case hex digits */

/* A digest as it is written; the empty string means "none". */
struct ap_digest {
	char s[AP_DIGEST_LEN + 1];
};

/* A running hash; ap_sha256_init() before, ap_sha256_release() after. */
struct ap_sha256 {
	void *ctx;
};

void ap_sha256_init(struct ap_sha256 *h);
void ap_sha256_update(struct ap_sha256 *h, const void *p, size_t n);
void ap_sha256_final(struct ap_sha256 *h, struct ap_digest *out); /* and starts anew */
void ap_sha256_release(struct ap_sha256 *h);

void ap_sha256_of(struct ap_digest *out, const void *p, size_t n);

/*
 * Read "sha256:<64 lower-case hex>", and nothing else.
 *
 * Errors: AP_E_PROTO.  Source: image-spec v1.1 descriptor.md, Digests.
 */
int ap_digest_parse(struct ap_digest *out, const char *s, struct ap_err *err) AP_CHECK;

bool ap_digest_ok(const char *s);
bool ap_digest_eq(const struct ap_digest *a, const struct ap_digest *b);
const char *ap_digest_hex(const struct ap_digest *d); /* the 64 digits, borrowed */

/* "sha256:" + 64 hex digits from bare hex; false when hex is not that. */
bool ap_digest_from_hex(struct ap_digest *out, const char *hex, size_t n);

#endif
