#include "deps/unpack.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <isa-l/igzip_lib.h>
#include <zstd.h>

#define IN_SIZE (256u << 10)

enum kind { PLAIN, GZIP, ZSTD };

struct unpack {
	struct ap_reader base;
	struct ap_reader *inner;
	enum kind kind;
	unsigned char *in;
	size_t in_len, in_at;
	bool in_end;
	uint64_t produced, limit;
	bool failed;
	bool in_member; /* bytes of a member or frame have been taken, its end not */
	struct inflate_state *gz;
	ZSTD_DStream *zs;
};

/* Read more input when all is used; in_end is set at the end. */
static int fill(struct unpack *u, struct ap_err *err)
{
	size_t got;

	if (u->in_at < u->in_len || u->in_end)
		return 0;
	if (ap_read(u->inner, u->in, IN_SIZE, &got, err) < 0)
		return -1;
	u->in_at = 0;
	u->in_len = got;
	u->in_end = got == 0;
	return 0;
}

static void begin_gzip(struct unpack *u)
{
	isal_inflate_init(u->gz);
	u->gz->crc_flag = ISAL_GZIP;
}

static int gzip_some(struct unpack *u, void *p, size_t n, size_t *got, struct ap_err *err)
{
	int rc;

	u->gz->next_in = u->in + u->in_at;
	u->gz->avail_in = (uint32_t)(u->in_len - u->in_at);
	u->gz->next_out = p;
	u->gz->avail_out = (uint32_t)AP_MIN(n, UINT32_MAX);
	rc = isal_inflate(u->gz);
	u->in_at = u->in_len - u->gz->avail_in;
	*got = AP_MIN(n, UINT32_MAX) - u->gz->avail_out;
	if (rc != ISAL_DECOMP_OK)
		return ap_err_set(err, AP_E_PROTO, "gzip: damaged data (%d)", rc);
	u->in_member = u->gz->block_state != ISAL_BLOCK_FINISH;
	if (!u->in_member)
		begin_gzip(u);
	return 0;
}

static int zstd_some(struct unpack *u, void *p, size_t n, size_t *got, struct ap_err *err)
{
	ZSTD_inBuffer in = { u->in, u->in_len, u->in_at };
	ZSTD_outBuffer out = { p, n, 0 };
	size_t rc = ZSTD_decompressStream(u->zs, &out, &in);

	u->in_at = in.pos;
	*got = out.pos;
	if (ZSTD_isError(rc))
		return ap_err_set(err, AP_E_PROTO, "zstd: %s", ZSTD_getErrorName(rc));
	u->in_member = rc != 0;
	return 0;
}

static int plain_some(struct unpack *u, void *p, size_t n, size_t *got)
{
	*got = AP_MIN(n, u->in_len - u->in_at);
	memcpy(p, u->in + u->in_at, *got);
	u->in_at += *got;
	return 0;
}

static int some(struct unpack *u, void *p, size_t n, size_t *got, struct ap_err *err)
{
	switch (u->kind) {
	case GZIP:
		return gzip_some(u, p, n, got, err);
	case ZSTD:
		return zstd_some(u, p, n, got, err);
	default:
		return plain_some(u, p, n, got);
	}
}

/* Padding with zero bytes behind the last member, as tapes had it, is passed over. */
static bool only_zeros(struct unpack *u)
{
	if (u->kind != GZIP || u->in_member || !u->produced)
		return false;
	while (u->in_at < u->in_len && u->in[u->in_at] == 0)
		u->in_at++;
	return u->in_at == u->in_len;
}

static int unpack_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct unpack *u = AP_CONTAINER(r, struct unpack, base);

	*got = 0;
	if (u->failed)
		return ap_err_set(err, AP_E_PROTO, "unpacking has failed before");
	u->failed = true;
	while (n && !*got) {
		if (fill(u, err) < 0)
			return -1;
		if (u->in_end) {
			/* A decoder may hold output that no further input is needed for. */
			if (u->in_member && some(u, p, n, got, err) < 0)
				return -1;
			if (u->in_member && !*got)
				return ap_err_set(err, AP_E_PROTO,
					"ends in the middle of its %s data",
					u->kind == GZIP ? "gzip" : "zstd");
			break;
		}
		if (!only_zeros(u) && some(u, p, n, got, err) < 0)
			return -1;
	}
	u->produced += *got;
	if (u->produced > u->limit)
		return ap_err_set(
			err, AP_E_PROTO, "unpacks to more than %" PRIu64 " bytes", u->limit);
	u->failed = false;
	return 0;
}

static void unpack_free(struct ap_reader *r)
{
	struct unpack *u = AP_CONTAINER(r, struct unpack, base);

	ap_reader_free(u->inner);
	free(u->in);
	free(u->gz);
	ZSTD_freeDStream(u->zs);
	free(u);
}

static const struct ap_reader_ops ops = { unpack_read, NULL, unpack_free };

/* At least four bytes, unless there are fewer. */
static int sniff(struct unpack *u, struct ap_err *err)
{
	size_t got = 1;

	while (u->in_len < 4 && got) {
		if (ap_read(u->inner, u->in + u->in_len, IN_SIZE - u->in_len, &got, err) < 0)
			return -1;
		u->in_len += got;
	}
	if (u->in_len >= 2 && memcmp(u->in, "\x1f\x8b", 2) == 0)
		u->kind = GZIP;
	else if (u->in_len >= 4 &&
		 (memcmp(u->in, "\x28\xb5\x2f\xfd", 4) == 0 ||
			 ((u->in[0] & 0xf0) == 0x50 && memcmp(u->in + 1, "\x2a\x4d\x18", 3) == 0)))
		u->kind = ZSTD;
	return 0;
}

int ap_unpack_reader(
	struct ap_reader **out, struct ap_reader *inner, uint64_t limit, struct ap_err *err)
{
	struct unpack *u = ap_xcalloc(1, sizeof(*u));
	ap_auto_reader guard = &u->base;

	u->base.ops = &ops;
	u->inner = inner;
	u->limit = limit;
	u->in = ap_xmalloc(IN_SIZE);
	if (sniff(u, err) < 0)
		return -1;
	if (u->kind == GZIP) {
		u->gz = ap_xcalloc(1, sizeof(*u->gz));
		begin_gzip(u);
	} else if (u->kind == ZSTD) {
		u->zs = ZSTD_createDStream();
		if (!u->zs)
			ap_oom();
		/* 128 MiB is zstd's own limit for --long; layers stay far below. */
		ZSTD_DCtx_setParameter(u->zs, ZSTD_d_windowLogMax, 25);
	}
	*out = AP_STEAL(guard);
	return 0;
}
