/*
 * Using the deflate bytes of a zip member inside a longer deflate stream:
 * checked once, then copied with two small changes instead of compressed
 * again.  For the gzip writer of layers (DESIGN section 6).
 */
#ifndef AP_PACK_SPLICE_H
#define AP_PACK_SPLICE_H

#include "base/entry.h"

/* What the check found out about one raw deflate stream. */
struct ap_splice {
	uint64_t last_bit; /* where the header of the last block begins, in bits */
	uint64_t end_bit;  /* behind the last block's last bit */
	uint32_t crc;      /* of the stream's own bytes */
};

/*
 * Inflate raw->csize bytes and hand what comes out to on_bytes, in order.
 *
 * Errors: AP_E_PROTO unless the stream is well formed, uses every one of its
 * bytes, and gives raw->size bytes with raw->crc; AP_E_LIMIT as soon as it
 * gives more; AP_E_IO; what on_bytes fails with.
 * Source: RFC 1951; APPNOTE.TXT 4.4.7 (CRC-32).
 */
int ap_splice_scan(struct ap_splice *out, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err) AP_CHECK;

#define AP_SPLICE_OWN UINT64_MAX

/*
 * Write the stream so that another deflate block can follow: no block is
 * marked as the last one, and the end lies on a byte boundary.  `at`: where
 * these bytes stand in the stream as it was, AP_SPLICE_OWN when they are not
 * its.
 *
 * Errors: AP_E_CHANGED when the bytes are not those that were checked; what
 * was written is then worth nothing.
 */
int ap_splice_copy(const struct ap_raw *raw, const struct ap_splice *s,
	int (*write)(void *ctx, const void *p, size_t n, uint64_t at, struct ap_err *err),
	void *ctx, struct ap_err *err) AP_CHECK;

#endif
