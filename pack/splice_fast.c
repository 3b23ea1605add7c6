#include "pack/splice_fast.h"

#include <inttypes.h>
#include <isa-l/igzip_lib.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
	IN_CHUNK = 128 << 10,
	OUT_CHUNK = 256 << 10,
	WINDOW = 32 << 10,
};

/* Where a decoder stands: enough to go on from there once more. */
struct mark {
	struct inflate_state *state;
	uint64_t fed; /* bytes of input that it was given */
	uint64_t out;
	uint32_t crc;
	size_t window_n; /* of the newest output, before `out` */
	unsigned char window[WINDOW];
};

struct fast {
	const struct ap_raw *raw;
	struct inflate_state *state;
	uint64_t fed, out;
	uint32_t crc, crc_in;
	unsigned char *ibuf, *obuf;
	struct mark *mark, *step; /* the newest one before the last block; one for smaller steps */
};

static struct mark *mark_new(void)
{
	struct mark *m = ap_xcalloc(1, sizeof(*m));

	m->state = ap_xmalloc(sizeof(*m->state));
	return m;
}

static void mark_free(struct mark *m)
{
	if (m)
		free(m->state);
	free(m);
}

static void fast_release(struct fast *f)
{
	free(f->state);
	free(f->ibuf);
	free(f->obuf);
	mark_free(f->mark);
	mark_free(f->step);
}

/* The newest 32 KiB of output, out of what was and what came. */
static void slide(struct mark *m, const unsigned char *p, size_t n)
{
	size_t keep;

	if (n >= WINDOW) {
		memcpy(m->window, p + n - WINDOW, WINDOW);
		m->window_n = WINDOW;
		return;
	}
	keep = AP_MIN(m->window_n, WINDOW - n);
	memmove(m->window, m->window + m->window_n - keep, keep);
	memcpy(m->window + keep, p, n);
	m->window_n = keep + n;
}

static void set_mark(
	struct mark *m, const struct inflate_state *s, uint64_t fed, uint64_t out, uint32_t crc)
{
	memcpy(m->state, s, sizeof(*s));
	m->fed = fed;
	m->out = out;
	m->crc = crc;
}

static void copy_mark(struct mark *to, const struct mark *from)
{
	set_mark(to, from->state, from->fed, from->out, from->crc);
	memcpy(to->window, from->window, from->window_n);
	to->window_n = from->window_n;
}

static int broken(const struct fast *f, const char *why, struct ap_err *err)
{
	return ap_err_set(err, AP_E_PROTO, "broken deflate stream near byte %" PRIu64 ": %s",
		f->fed - f->state->avail_in, why);
}

/* One chunk of output, handed out. */
static int inflate_some(struct fast *f,
	int (*on_bytes)(void *, const void *, size_t, struct ap_err *), void *ctx,
	struct ap_err *err)
{
	struct inflate_state *s = f->state;
	uint32_t had = s->avail_in;
	size_t n;

	s->next_out = f->obuf;
	s->avail_out = OUT_CHUNK;
	if (isal_inflate(s) < 0)
		return broken(f, "invalid codes", err);
	n = OUT_CHUNK - s->avail_out;
	if (!n && had == s->avail_in && s->block_state != ISAL_BLOCK_FINISH &&
		f->fed == f->raw->csize)
		return broken(f, "it ends too early", err);
	f->out += n;
	if (f->out > f->raw->size)
		return ap_err_set(err, AP_E_LIMIT,
			"inflates to more than the %" PRIu64 " bytes it says", f->raw->size);
	if (!n)
		return 0;
	f->crc = libdeflate_crc32(f->crc, f->obuf, n);
	return on_bytes(ctx, f->obuf, n, err);
}

static int inflate_all(struct fast *f,
	int (*on_bytes)(void *, const void *, size_t, struct ap_err *), void *ctx,
	struct ap_err *err)
{
	struct inflate_state *s = f->state;
	uint64_t before;
	size_t got;

	while (s->block_state != ISAL_BLOCK_FINISH) {
		if (!s->avail_in && f->fed < f->raw->csize) {
			if (ap_splice_read(f->raw, f->fed, f->ibuf, IN_CHUNK, &got, err) < 0)
				return -1;
			f->fed += got;
			f->crc_in = libdeflate_crc32(f->crc_in, f->ibuf, got);
			s->next_in = f->ibuf;
			s->avail_in = (uint32_t)got;
		}
		if (!s->bfinal)
			set_mark(f->mark, s, f->fed - s->avail_in, f->out, f->crc);
		before = f->out;
		if (inflate_some(f, on_bytes, ctx, err) < 0)
			return -1;
		if (!s->bfinal)
			slide(f->mark, f->obuf, (size_t)(f->out - before));
	}
	if (f->out != f->raw->size)
		return ap_err_set(err, AP_E_PROTO,
			"inflates to %" PRIu64 " bytes, but says %" PRIu64, f->out, f->raw->size);
	if (f->crc != f->raw->crc)
		return ap_err_set(err, AP_E_DIGEST, "CRC-32 is %08" PRIx32 ", but says %08" PRIx32,
			f->crc, f->raw->crc);
	return 0;
}

/* Is a header the next thing, and at which bit does it begin? */
static bool at_header(const struct mark *m, uint64_t *bit)
{
	const struct inflate_state *s = m->state;
	uint64_t unread = (uint64_t)AP_MAX(s->read_in_length, 0);

	if (s->block_state == ISAL_BLOCK_HDR)
		unread += 8 * (uint64_t)s->tmp_in_size;
	else if (s->block_state != ISAL_BLOCK_NEW_HDR)
		return false;
	if (unread > 8 * m->fed)
		return false;
	*bit = 8 * m->fed - unread;
	return true;
}

/* Go on from a mark with some bytes of input.  False: the decoder stumbled. */
static bool feed(struct fast *f, struct mark *m, unsigned char *in, size_t n)
{
	struct inflate_state *s = m->state;

	s->next_in = in;
	s->avail_in = (uint32_t)n;
	do {
		size_t k;

		s->next_out = f->obuf;
		s->avail_out = OUT_CHUNK;
		if (isal_inflate(s) < 0)
			return false;
		k = OUT_CHUNK - s->avail_out;
		m->out += k;
		m->crc = libdeflate_crc32(m->crc, f->obuf, k);
		slide(m, f->obuf, k);
		if (!k && s->avail_in && s->block_state == ISAL_BLOCK_FINISH)
			break;
	} while (s->avail_in || !s->avail_out);
	m->fed += n;
	return true;
}

/* From f->mark on, the position before the last block's header; f->mark is left there. */
static int find_header(struct fast *f, uint64_t *bit, bool *found, struct ap_err *err)
{
	static const size_t sizes[] = { 8192, 512, 32, 1 };
	size_t level = 0;
	size_t got;

	*found = false;
	while (f->mark->fed < f->raw->csize) {
		if (ap_splice_read(f->raw, f->mark->fed, f->ibuf, sizes[level], &got, err) < 0)
			return -1;
		copy_mark(f->step, f->mark);
		if (!feed(f, f->step, f->ibuf, got))
			return 0;
		if (f->step->state->bfinal && level + 1 < AP_LEN(sizes)) {
			level++;
			continue;
		}
		if (f->step->state->bfinal) {
			/* Either the header is not complete yet, or it began right before this byte. */
			if (at_header(f->step, bit)) {
				struct mark *m = f->mark;

				f->mark = f->step;
				f->step = m;
				*found = true;
			} else {
				*found = at_header(f->mark, bit);
			}
			return 0;
		}
		{
			struct mark *m = f->mark;

			f->mark = f->step;
			f->step = m;
		}
	}
	return 0;
}

/* zlib's word on the last block: it alone, from that bit to the very end, gives what is missing. */
static int prove(struct ap_splice *out, bool *proved, struct fast *f, uint64_t bit, z_stream *z,
	struct ap_err *err)
{
	uint64_t at = bit / 8;
	uint64_t done = 0;
	uint32_t crc = 0;
	int status = Z_OK;
	size_t got;

	if (ap_splice_read(f->raw, at, f->ibuf, 1, &got, err) < 0)
		return -1;
	if (inflatePrime(z, 8 - (int)(bit % 8), f->ibuf[0] >> (bit % 8)) != Z_OK ||
		(f->mark->window_n &&
			inflateSetDictionary(z, f->mark->window, (uInt)f->mark->window_n) != Z_OK))
		return 0;
	at++;
	while (status == Z_OK) {
		size_t n;

		if (!z->avail_in && at < f->raw->csize) {
			if (ap_splice_read(f->raw, at, f->ibuf, IN_CHUNK, &got, err) < 0)
				return -1;
			at += got;
			z->next_in = f->ibuf;
			z->avail_in = (uInt)got;
		}
		z->next_out = f->obuf;
		z->avail_out = OUT_CHUNK;
		status = inflate(z, Z_BLOCK);
		n = OUT_CHUNK - z->avail_out;
		done += n;
		crc = libdeflate_crc32(crc, f->obuf, n);
		/* A block's end that is not the last one's: this was not the last block. */
		if ((z->data_type & 128) && !(z->data_type & 64) && (done || n))
			return 0;
		if (z->data_type & 64 && z->data_type & 128)
			out->end_bit = 8 * (at - z->avail_in) - (unsigned)(z->data_type & 7);
	}
	out->last_bit = bit;
	out->crc = f->crc_in;
	*proved = status == Z_STREAM_END && at == f->raw->csize && !z->avail_in &&
		  f->mark->out + done == f->raw->size &&
		  (uint32_t)crc32_combine(f->mark->crc, crc, (z_off_t)done) == f->raw->crc;
	return 0;
}

static int locate(struct ap_splice *out, bool *located, struct fast *f, struct ap_err *err)
{
	z_stream z = { 0 };
	uint64_t bit;
	bool found;
	int rc;

	if (find_header(f, &bit, &found, err) < 0)
		return -1;
	if (!found)
		return 0;
	if (inflateInit2(&z, -MAX_WBITS) != Z_OK)
		ap_oom();
	rc = prove(out, located, f, bit, &z, err);
	inflateEnd(&z);
	return rc;
}

int ap_splice_scan_fast(struct ap_splice *out, bool *located, const struct ap_raw *raw,
	int (*on_bytes)(void *ctx, const void *p, size_t n, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	AP_CLEANUP(fast_release) struct fast f = { .raw = raw };

	*located = false;
	f.state = ap_xmalloc(sizeof(*f.state));
	f.ibuf = ap_xmalloc(IN_CHUNK);
	f.obuf = ap_xmalloc(OUT_CHUNK);
	f.mark = mark_new();
	f.step = mark_new();
	isal_inflate_init(f.state);
	if (inflate_all(&f, on_bytes, ctx, err) < 0)
		return -1;
	return locate(out, located, &f, err);
}
