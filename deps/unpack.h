/*
 * Compressed bytes as plain ones: gzip by ISA-L, zstd, or as they are.
 */
#ifndef AP_DEPS_UNPACK_H
#define AP_DEPS_UNPACK_H

#include "base/io.h"

/*
 * A reader of what `inner` (taken) holds when unpacked; the kind is told by
 * its first bytes.  Several gzip members or zstd frames in a row are one
 * stream.  It reads `inner` to its end, so that a verifying reader is done.
 *
 * Errors while reading: AP_E_PROTO for damaged or unfinished data, and for
 * more than `limit` bytes.
 */
int ap_unpack_reader(struct ap_reader **out, struct ap_reader *inner, uint64_t limit,
	struct ap_err *err) AP_CHECK;

#endif
