#include "pack/zstd.h"

#include <stdlib.h>
#include <zstd.h>

struct ap_zstd {
	struct ap_gzip_opts o;
	ZSTD_CCtx *ctx;
	char *out;
	size_t out_max;
};

void ap_zstd_new(struct ap_zstd **out, const struct ap_gzip_opts *o)
{
	struct ap_zstd *z = ap_xcalloc(1, sizeof(*z));

	z->o = *o;
	z->ctx = ZSTD_createCCtx();
	if (!z->ctx)
		ap_oom();
	ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_compressionLevel, AP_ZSTD_LEVEL);
	ZSTD_CCtx_setParameter(z->ctx, ZSTD_c_checksumFlag, 1);
	z->out_max = ZSTD_CStreamOutSize();
	z->out = ap_xmalloc(z->out_max);
	*out = z;
}

void ap_zstd_free(struct ap_zstd *z)
{
	if (!z)
		return;
	ZSTD_freeCCtx(z->ctx);
	free(z->out);
	free(z);
}

static int run(
	struct ap_zstd *z, const void *p, size_t n, ZSTD_EndDirective end, struct ap_err *err)
{
	ZSTD_inBuffer in = { p, n, 0 };
	size_t left;

	do {
		ZSTD_outBuffer out = { z->out, z->out_max, 0 };

		left = ZSTD_compressStream2(z->ctx, &out, &in, end);
		if (ZSTD_isError(left))
			return ap_err_set(err, AP_E_LIMIT, "zstd: %s", ZSTD_getErrorName(left));
		if (out.pos && z->o.out(z->o.ctx, z->out, out.pos, err) < 0)
			return -1;
	} while (in.pos < n || (end == ZSTD_e_end && left));
	return 0;
}

int ap_zstd_write(struct ap_zstd *z, const void *p, size_t n, struct ap_err *err)
{
	if (z->o.raw && z->o.raw(z->o.ctx, p, n, err) < 0)
		return -1;
	return run(z, p, n, ZSTD_e_continue, err);
}

int ap_zstd_finish(struct ap_zstd *z, struct ap_err *err)
{
	return run(z, NULL, 0, ZSTD_e_end, err);
}
