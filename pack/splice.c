#include "pack/splice.h"

#include <errno.h>
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/sha2.h"
#include "pack/splice_fast.h"

enum {
	IN_CHUNK = 128 << 10,
	OUT_CHUNK = 256 << 10,
};

int ap_splice_read(const struct ap_raw *raw, uint64_t at, void *p, size_t want, size_t *got,
	struct ap_err *err)
{
	size_t n = (size_t)AP_MIN((uint64_t)want, raw->csize - at);
	ssize_t k;

	do
		k = pread(raw->fd, p, n, (off_t)(raw->offset + at));
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return ap_err_sys(err, "read");
	if (k == 0 && n)
		return ap_err_set(err, AP_E_CHANGED, "the file ends inside a member");
	*got = (size_t)k;
	return 0;
}

/* The state of one scan; zlib's window and two buffers, whatever the size. */
struct scan {
	const struct ap_raw *raw;
	z_stream z;
	uint64_t in, out; /* bytes consumed and produced */
	uint64_t fed;     /* bytes read from the file */
	uint64_t block;   /* bit at which the newest block's header begins */
	uint64_t end;     /* bit behind the last block */
	uint32_t crc, crc_in;
	unsigned char *ibuf, *obuf;
};

static void scan_release(struct scan *s)
{
	inflateEnd(&s->z);
	free(s->ibuf);
	free(s->obuf);
}

static uint64_t bit_position(const struct scan *s)
{
	return s->in * 8 - (unsigned)(s->z.data_type & 7);
}

/*
 * inflate() with Z_BLOCK also returns between blocks and behind the last one,
 * before it drops the bits up to the next byte.
 */
static void note_block(struct scan *s)
{
	if (!(s->z.data_type & 128))
		return;
	if (s->z.data_type & 64)
		s->end = bit_position(s);
	else
		s->block = bit_position(s);
}

static int step(struct scan *s, int *status,
	int (*on_bytes)(void *, const void *, size_t, struct ap_err *), void *ctx,
	struct ap_err *err)
{
	uInt had = s->z.avail_in;
	size_t n;

	s->z.next_out = s->obuf;
	s->z.avail_out = OUT_CHUNK;
	*status = inflate(&s->z, Z_BLOCK);
	s->in += had - s->z.avail_in;
	n = OUT_CHUNK - s->z.avail_out;
	s->out += n;
	if (s->out > s->raw->size)
		return ap_err_set(err, AP_E_LIMIT,
			"inflates to more than the %" PRIu64 " bytes it says", s->raw->size);
	if (n) {
		s->crc = libdeflate_crc32(s->crc, s->obuf, n);
		if (on_bytes(ctx, s->obuf, n, err) < 0)
			return -1;
	}
	if (*status == Z_STREAM_END || *status == Z_OK) {
		note_block(s);
		return 0;
	}
	if (*status == Z_BUF_ERROR && s->z.avail_in == 0 && s->fed < s->raw->csize)
		return 0;
	return ap_err_set(err, AP_E_PROTO, "broken deflate stream near byte %" PRIu64 ": %s", s->in,
		s->z.msg ? s->z.msg : "it ends too early");
}

static int scan(struct ap_splice *out, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	AP_CLEANUP(scan_release) struct scan s = { .raw = raw };
	int status = Z_OK;
	size_t got;

	if (inflateInit2(&s.z, -MAX_WBITS) != Z_OK)
		ap_oom();
	s.ibuf = ap_xmalloc(IN_CHUNK);
	s.obuf = ap_xmalloc(OUT_CHUNK);
	while (status != Z_STREAM_END) {
		if (s.z.avail_in == 0 && s.fed < raw->csize) {
			if (ap_splice_read(raw, s.fed, s.ibuf, IN_CHUNK, &got, err) < 0)
				return -1;
			s.fed += got;
			s.crc_in = libdeflate_crc32(s.crc_in, s.ibuf, got);
			s.z.next_in = s.ibuf;
			s.z.avail_in = (uInt)got;
		}
		if (step(&s, &status, on_bytes, ctx, err) < 0)
			return -1;
	}
	if (s.in != raw->csize)
		return ap_err_set(err, AP_E_PROTO,
			"the deflate stream ends after %" PRIu64 " of %" PRIu64 " bytes", s.in,
			raw->csize);
	if (s.out != raw->size)
		return ap_err_set(err, AP_E_PROTO,
			"inflates to %" PRIu64 " bytes, but says %" PRIu64, s.out, raw->size);
	if (s.crc != raw->crc)
		return ap_err_set(err, AP_E_DIGEST, "CRC-32 is %08" PRIx32 ", but says %08" PRIx32,
			s.crc, raw->crc);
	out->last_bit = s.block;
	out->end_bit = s.end;
	out->crc = s.crc_in;
	return 0;
}

static int drop_bytes(void *ctx AP_UNUSED, const void *p AP_UNUSED, size_t n AP_UNUSED,
	struct ap_err *err AP_UNUSED)
{
	return 0;
}

/* RECORD's hash, taken of the bytes on their way. */
struct hashing {
	EVP_MD_CTX *hash;
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err);
	void *ctx;
};

static void hashing_release(struct hashing *h)
{
	EVP_MD_CTX_free(h->hash);
}

static int hash_bytes(void *ctx, const void *p, size_t n, struct ap_err *err)
{
	struct hashing *h = ctx;

	if (!EVP_DigestUpdate(h->hash, p, n))
		ap_oom();
	return h->on_bytes(h->ctx, p, n, err);
}

static int check_hash(struct hashing *h, const struct ap_raw *raw, struct ap_err *err)
{
	unsigned char found[EVP_MAX_MD_SIZE];

	if (!EVP_DigestFinal_ex(h->hash, found, NULL))
		ap_oom();
	if (memcmp(found, raw->hash, raw->hash_bits / 8) != 0)
		return ap_err_set(err, AP_E_DIGEST, "its hash is not the one in RECORD");
	return 0;
}

static int scan_any(struct ap_splice *out, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	bool located;

	if (raw->size < AP_SPLICE_FAST_FROM)
		return scan(out, raw, on_bytes, ctx, err);
	if (ap_splice_scan_fast(out, &located, raw, on_bytes, ctx, err) < 0)
		return -1;
	return located ? 0 : scan(out, raw, drop_bytes, NULL, err);
}

int ap_splice_scan(struct ap_splice *out, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	AP_CLEANUP(hashing_release) struct hashing h = { NULL, on_bytes, ctx };

	if (!raw->hash_bits)
		return scan_any(out, raw, on_bytes, ctx, err);
	h.hash = EVP_MD_CTX_new();
	if (!h.hash || !EVP_DigestInit_ex(h.hash, ap_sha2(raw->hash_bits), NULL))
		ap_oom();
	if (scan_any(out, raw, hash_bytes, &h, err) < 0)
		return -1;
	return check_hash(&h, raw, err);
}

/* Change one chunk, which begins at byte `at` of the stream; false: it stays as it is. */
static bool patch(unsigned char *p, size_t n, uint64_t at, const struct ap_splice *s)
{
	uint64_t flag = s->last_bit / 8;
	uint64_t end = s->end_bit / 8;
	bool has_flag = flag >= at && flag < at + n;
	bool has_end = s->end_bit % 8 && end >= at && end < at + n;

	if (has_flag)
		p[flag - at] &= (unsigned char)~(1U << (s->last_bit % 8));
	/* The bits behind the end mean nothing to a decoder, but would here. */
	if (has_end)
		p[end - at] &= (unsigned char)((1U << (s->end_bit % 8)) - 1);
	return has_flag || has_end;
}

int ap_splice_copy(const struct ap_raw *raw, const struct ap_splice *s,
	int (*write)(void *ctx, const void *p, size_t n, uint64_t at, struct ap_err *err),
	void *ctx, struct ap_err *err)
{
	static const unsigned char empty_stored[] = { 0x00, 0x00, 0x00, 0xff, 0xff };
	ap_auto_free unsigned char *buf = ap_xmalloc(IN_CHUNK);
	unsigned used = (unsigned)(s->end_bit % 8);
	uint32_t crc = 0;
	size_t got;

	for (uint64_t at = 0; at < raw->csize; at += got) {
		if (ap_splice_read(raw, at, buf, IN_CHUNK, &got, err) < 0)
			return -1;
		crc = libdeflate_crc32(crc, buf, got);
		if (write(ctx, buf, got, patch(buf, got, at, s) ? AP_SPLICE_OWN : at, err) < 0)
			return -1;
	}
	if (crc != s->crc)
		return ap_err_set(err, AP_E_CHANGED, "changed while it was read");
	if (!used)
		return 0;
	/* Three header bits fit behind the end when at most five are used. */
	if (used <= 5)
		return write(ctx, empty_stored + 1, 4, AP_SPLICE_OWN, err);
	return write(ctx, empty_stored, 5, AP_SPLICE_OWN, err);
}
