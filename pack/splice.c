#include "pack/splice.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/sha2.h"

enum {
	IN_CHUNK = 128 << 10,
	OUT_CHUNK = 256 << 10,
};

static int read_at(const struct ap_raw *raw, uint64_t at, void *p, size_t want, size_t *got,
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
	uint32_t crc;
	EVP_MD_CTX *hash; /* NULL: none is known */
	unsigned char *ibuf, *obuf;
};

static void scan_release(struct scan *s)
{
	inflateEnd(&s->z);
	EVP_MD_CTX_free(s->hash);
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
		s->crc = (uint32_t)crc32_z(s->crc, s->obuf, n);
		if (s->hash && !EVP_DigestUpdate(s->hash, s->obuf, n))
			ap_oom();
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

static int check_hash(struct scan *s, struct ap_err *err)
{
	unsigned char found[EVP_MAX_MD_SIZE];

	if (!s->hash)
		return 0;
	if (!EVP_DigestFinal_ex(s->hash, found, NULL))
		ap_oom();
	if (memcmp(found, s->raw->hash, s->raw->hash_bits / 8) != 0)
		return ap_err_set(err, AP_E_DIGEST, "its hash is not the one in RECORD");
	return 0;
}

int ap_splice_scan(struct ap_splice *out, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	AP_CLEANUP(scan_release) struct scan s = { .raw = raw };
	int status = Z_OK;
	size_t got;

	if (inflateInit2(&s.z, -MAX_WBITS) != Z_OK)
		ap_oom();
	if (raw->hash_bits) {
		s.hash = EVP_MD_CTX_new();
		if (!s.hash || !EVP_DigestInit_ex(s.hash, ap_sha2(raw->hash_bits), NULL))
			ap_oom();
	}
	s.ibuf = ap_xmalloc(IN_CHUNK);
	s.obuf = ap_xmalloc(OUT_CHUNK);
	while (status != Z_STREAM_END) {
		if (s.z.avail_in == 0 && s.fed < raw->csize) {
			if (read_at(raw, s.fed, s.ibuf, IN_CHUNK, &got, err) < 0)
				return -1;
			s.fed += got;
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
	if (check_hash(&s, err) < 0)
		return -1;
	out->last_bit = s.block;
	out->end_bit = s.end;
	return 0;
}

/* Change one chunk, which begins at byte `at` of the stream. */
static void patch(unsigned char *p, size_t n, uint64_t at, const struct ap_splice *s)
{
	uint64_t flag = s->last_bit / 8;
	uint64_t end = s->end_bit / 8;

	if (flag >= at && flag < at + n)
		p[flag - at] &= (unsigned char)~(1U << (s->last_bit % 8));
	/* The bits behind the end mean nothing to a decoder, but would here. */
	if (s->end_bit % 8 && end >= at && end < at + n)
		p[end - at] &= (unsigned char)((1U << (s->end_bit % 8)) - 1);
}

int ap_splice_copy(const struct ap_raw *raw, const struct ap_splice *s,
	int (*write)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	static const unsigned char empty_stored[] = { 0x00, 0x00, 0x00, 0xff, 0xff };
	ap_auto_free unsigned char *buf = ap_xmalloc(IN_CHUNK);
	unsigned used = (unsigned)(s->end_bit % 8);
	size_t got;

	for (uint64_t at = 0; at < raw->csize; at += got) {
		if (read_at(raw, at, buf, IN_CHUNK, &got, err) < 0)
			return -1;
		patch(buf, got, at, s);
		if (write(ctx, buf, got, err) < 0)
			return -1;
	}
	if (!used)
		return 0;
	/* Three header bits fit behind the end when at most five are used. */
	if (used <= 5)
		return write(ctx, empty_stored + 1, 4, err);
	return write(ctx, empty_stored, 5, err);
}
