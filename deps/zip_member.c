#include "deps/zip.h"

#include <inttypes.h>
#include <isa-l/crc.h>
#include <isa-l/igzip_lib.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha2.h"
#include "deps/zip_priv.h"

enum { CHUNK = 1 << 16 };

void ap_zip_expect(struct ap_zip *z, size_t i, unsigned bits, const unsigned char *hash)
{
	z->v[i].hash_bits = bits;
	memcpy(z->v[i].hash, hash, bits / 8);
}

struct member_reader {
	struct ap_reader base;
	struct ap_zip *zip;
	const struct ap_zip_member *m;
	struct inflate_state *inflate; /* NULL: stored */
	unsigned char *in;
	uint64_t in_at;  /* compressed bytes taken from the file */
	uint64_t out_at; /* inflated bytes given */
	uint32_t crc;
	EVP_MD_CTX *hash; /* NULL: none is expected */
	bool stream_ended, failed, hash_checked;
};

static struct member_reader *self(struct ap_reader *r)
{
	return AP_CONTAINER(r, struct member_reader, base);
}

/* Give more input when there is none; false at the end of the member's bytes. */
static int fill(struct member_reader *r, bool *more, struct ap_err *err)
{
	uint64_t left = r->m->csize - r->in_at;
	size_t n = (size_t)AP_MIN(left, (uint64_t)CHUNK);

	*more = true;
	if (r->inflate->avail_in)
		return 0;
	*more = n > 0;
	if (!n)
		return 0;
	if (ap_zip_pread(r->zip, r->in, n, r->m->offset + r->in_at, err) < 0)
		return -1;
	r->in_at += n;
	r->inflate->next_in = r->in;
	r->inflate->avail_in = (uint32_t)n;
	return 0;
}

static int check_consumed(struct member_reader *r, struct ap_err *err)
{
	uint64_t left = r->m->csize - r->in_at + r->inflate->avail_in +
			(uint64_t)(r->inflate->read_in_length / 8);

	r->stream_ended = true;
	if (left)
		return ap_zip_bad(r->zip, r->m->name, err,
			"%" PRIu64 " bytes behind the end of its deflate stream", left);
	return 0;
}

static int inflate_some(struct member_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct inflate_state *s = r->inflate;
	bool more;

	*got = 0;
	while (!*got && !r->stream_ended) {
		if (fill(r, &more, err) < 0)
			return -1;
		s->next_out = p;
		s->avail_out = (uint32_t)AP_MIN(n, (size_t)1 << 30);
		n = s->avail_out;
		if (isal_inflate(s) < 0)
			return ap_zip_bad(r->zip, r->m->name, err, "broken deflate data");
		*got = n - s->avail_out;
		if (s->block_state == ISAL_BLOCK_FINISH)
			return check_consumed(r, err);
		if (!*got && !more)
			return ap_zip_bad(r->zip, r->m->name, err, "deflate data is cut short");
	}
	return 0;
}

static int stored_some(struct member_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	*got = (size_t)AP_MIN(r->m->csize - r->in_at, (uint64_t)n);
	if (ap_zip_pread(r->zip, p, *got, r->m->offset + r->in_at, err) < 0)
		return -1;
	r->in_at += *got;
	return 0;
}

static int check_end(struct member_reader *r, struct ap_err *err)
{
	if (r->out_at != r->m->size)
		return ap_zip_bad(r->zip, r->m->name, err,
			"inflates to %" PRIu64 " bytes, its header says %" PRIu64, r->out_at,
			r->m->size);
	if (r->crc != r->m->crc)
		return ap_zip_bad(r->zip, r->m->name, err, "CRC is %08x, its header says %08x",
			r->crc, r->m->crc);
	if (r->hash && !r->hash_checked) {
		unsigned char found[EVP_MAX_MD_SIZE];

		r->hash_checked = true;
		if (!EVP_DigestFinal_ex(r->hash, found, NULL))
			ap_oom();
		if (memcmp(found, r->m->hash, r->m->hash_bits / 8) != 0)
			return ap_zip_bad(
				r->zip, r->m->name, err, "its hash is not the one in RECORD");
	}
	return 0;
}

static int member_read_inner(
	struct member_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	if (r->failed)
		return ap_zip_bad(r->zip, r->m->name, err, "already failed");
	if ((r->inflate ? inflate_some(r, p, n, got, err) : stored_some(r, p, n, got, err)) < 0)
		return -1;
	if (*got > r->m->size - r->out_at)
		return ap_zip_bad(r->zip, r->m->name, err,
			"inflates to more than the %" PRIu64 " bytes of its header", r->m->size);
	r->crc = crc32_gzip_refl(r->crc, p, *got);
	if (r->hash && *got && !EVP_DigestUpdate(r->hash, p, *got))
		ap_oom();
	r->out_at += *got;
	return *got ? 0 : check_end(r, err);
}

static int member_read(struct ap_reader *base, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct member_reader *r = self(base);

	if (!n) {
		*got = 0;
		return 0;
	}
	if (member_read_inner(r, p, n, got, err) == 0)
		return 0;
	r->failed = true;
	return -1;
}

static void begin_hash(struct member_reader *r)
{
	if (!r->m->hash_bits)
		return;
	if (!r->hash)
		r->hash = EVP_MD_CTX_new();
	if (!r->hash || !EVP_DigestInit_ex(r->hash, ap_sha2(r->m->hash_bits), NULL))
		ap_oom();
	r->hash_checked = false;
}

static int member_rewind(struct ap_reader *base, struct ap_err *err AP_UNUSED)
{
	struct member_reader *r = self(base);

	if (r->inflate) {
		isal_inflate_init(r->inflate);
		r->inflate->avail_in = 0;
	}
	r->in_at = r->out_at = 0;
	r->crc = 0;
	r->stream_ended = r->failed = false;
	begin_hash(r);
	return 0;
}

static void member_free(struct ap_reader *base)
{
	struct member_reader *r = self(base);

	EVP_MD_CTX_free(r->hash);
	free(r->inflate);
	free(r->in);
	ap_zip_unref(r->zip);
	free(r);
}

static const struct ap_reader_ops member_ops = { member_read, member_rewind, member_free };

void ap_zip_reader(struct ap_reader **out, struct ap_zip *z, const struct ap_zip_member *m)
{
	struct member_reader *r = ap_xcalloc(1, sizeof(*r));

	r->base.ops = &member_ops;
	r->zip = ap_zip_ref(z);
	r->m = m;
	begin_hash(r);
	if (m->method == 8) {
		r->inflate = ap_xmalloc(sizeof(*r->inflate));
		r->in = ap_xmalloc(CHUNK);
		isal_inflate_init(r->inflate);
		r->inflate->avail_in = 0;
	}
	*out = &r->base;
}

int ap_zip_read(
	struct ap_buf *out, struct ap_zip *z, const struct ap_zip_member *m, struct ap_err *err)
{
	ap_auto_reader r = NULL;

	if (m->size > out->max)
		return ap_err_set(err, AP_E_LIMIT,
			"%s: member \"%.200s\" has %" PRIu64 " bytes, at most %zu are read",
			z->label, m->name, m->size, out->max);
	ap_zip_reader(&r, z, m);
	return ap_read_all(r, out, err);
}

struct member_content {
	struct ap_content base;
	struct ap_zip *zip;
	const struct ap_zip_member *m;
};

static int content_open(
	const struct ap_content *c, struct ap_reader **out, struct ap_err *err AP_UNUSED)
{
	const struct member_content *mc = (const struct member_content *)(const void *)c;

	ap_zip_reader(out, mc->zip, mc->m);
	return 0;
}

static bool content_raw(const struct ap_content *c, struct ap_raw *out)
{
	const struct member_content *mc = (const struct member_content *)(const void *)c;

	*out = (struct ap_raw){
		.fd = mc->zip->fd,
		.method = (int)mc->m->method,
		.crc = mc->m->crc,
		.offset = mc->m->offset,
		.csize = mc->m->csize,
		.size = mc->m->size,
		.hash_bits = mc->m->hash_bits,
		.hash = mc->m->hash,
	};
	return true;
}

static void content_free(struct ap_content *c)
{
	struct member_content *mc = AP_CONTAINER(c, struct member_content, base);

	ap_zip_unref(mc->zip);
	free(mc);
}

static const struct ap_content_ops content_ops = {
	.open = content_open,
	.raw = content_raw,
	.free = content_free,
};

struct ap_content *ap_zip_content(struct ap_zip *z, const struct ap_zip_member *m)
{
	struct member_content *c = ap_xcalloc(1, sizeof(*c));

	c->base.ops = &content_ops;
	c->zip = ap_zip_ref(z);
	c->m = m;
	return &c->base;
}
