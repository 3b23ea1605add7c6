/*
 * RECORD: the files of a distribution with their hashes, as CSV.
 *
 * Source: recording installed projects; binary distribution format.
 */
#ifndef AP_DEPS_RECORD_H
#define AP_DEPS_RECORD_H

#include "base/str.h"

struct ap_record_row {
	char *path, *hash, *size; /* as written; "" when empty */
};

struct ap_record {
	struct ap_record_row *v;
	size_t n, cap;
};

void ap_record_release(struct ap_record *r);

/* Values are copied. */
void ap_record_add(struct ap_record *r, const char *path, const char *hash, const char *size);

/*
 * Read a RECORD: 1 to 3 fields a line (pip takes more with a warning; we
 * refuse them), quoted as csv does.  Paths must be valid UTF-8 and stay
 * below the directory or be reachable by "..": that is the caller's question.
 *
 * Errors: AP_E_PROTO with the line number; AP_E_LIMIT.
 */
int ap_record_parse(struct ap_record *out, const char *p, size_t n, struct ap_err *err) AP_CHECK;

/* Sort the rows and print them as Python's csv writer does ("\r\n" ends a line). */
void ap_record_print(struct ap_buf *out, struct ap_record *r);

/* "sha256=<base64url without padding>" of bytes.  *out: owned. */
char *ap_record_hash(const void *p, size_t n);

/*
 * Split "ALGORITHM=BASE64URL": *bits is 256, 384 or 512 and digest[] is
 * filled with bits/8 bytes.
 * Errors: AP_E_PROTO for md5, sha1 and other words, for malformed digests.
 */
int ap_record_hash_parse(
	unsigned *bits, unsigned char digest[64], const char *hash, struct ap_err *err) AP_CHECK;

#endif
