/*
 * The scan of pack/splice.h for large streams, with ISA-L's inflate, which is
 * three times as fast as zlib's but does not tell where blocks begin.
 *
 * Its state is copied now and then while no block was the last one; from the
 * newest copy the input is fed again in smaller and smaller pieces until the
 * last block's header is in sight.  What is found is proved: zlib inflates
 * that block alone, and sizes and CRC must come out right.
 */
#ifndef AP_PACK_SPLICE_FAST_H
#define AP_PACK_SPLICE_FAST_H

#include "pack/splice.h"

/* Smaller streams are not worth the copies. */
#define AP_SPLICE_FAST_FROM (512u << 10)

/*
 * As ap_splice_scan(), but for exact consumption.  *located false: all bytes
 * were handed out and are right, but where the last block begins (or whether
 * the stream ends with its last byte) has to be found in another way.
 */
int ap_splice_scan_fast(struct ap_splice *out, bool *located, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err) AP_CHECK;

/* Bytes of the stream from `at` on; *got at least 1.  Errors: AP_E_IO, AP_E_CHANGED. */
int ap_splice_read(const struct ap_raw *raw, uint64_t at, void *p, size_t want, size_t *got,
	struct ap_err *err) AP_CHECK;

#endif
