/*
 * One zstd frame, written as a stream.  Level and settings are fixed, and one
 * thread compresses, so that the bytes depend on the input and on libzstd's
 * version only.  The calls are those of gzip.h.
 */
#ifndef AP_PACK_ZSTD_H
#define AP_PACK_ZSTD_H

#include "pack/gzip.h"

#define AP_ZSTD_LEVEL 3

struct ap_zstd;

/* o->pool is not used.  *out: owned by the caller, ap_zstd_free(). */
void ap_zstd_new(struct ap_zstd **out, const struct ap_gzip_opts *o);
void ap_zstd_free(struct ap_zstd *z);

int ap_zstd_write(struct ap_zstd *z, const void *p, size_t n, struct ap_err *err) AP_CHECK;
int ap_zstd_finish(struct ap_zstd *z, struct ap_err *err) AP_CHECK;

#endif
