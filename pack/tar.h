/*
 * Tar headers as bytes: ustar, with a pax header before it only where a
 * field does not fit.  Pure functions; layer.c puts the stream together.
 */
#ifndef AP_PACK_TAR_H
#define AP_PACK_TAR_H

#include "base/entry.h"

#define AP_TAR_BLOCK 512u
/* Two blocks of zeros end an archive. */
#define AP_TAR_END 1024u

/*
 * Append the header of one entry: owner 0:0 without names, mode as in the
 * entry, directories with a final slash.
 *
 * Errors: AP_E_INPUT for a path that is empty, absolute or has "." or ".."
 * parts, and for an mtime outside 0..8^11-1.
 * Source: POSIX.1-2017 pax, "ustar Interchange Format" and "pax Header Block".
 */
int ap_tar_header(
	struct ap_buf *out, const struct ap_entry *e, int64_t mtime, struct ap_err *err) AP_CHECK;

/* Zeros that follow `size` bytes of content. */
size_t ap_tar_padding(uint64_t size);

#endif
