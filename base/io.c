#include "base/io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"

#define CHUNK ((size_t)128 << 10)

int ap_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	return r->ops->read(r, p, n, got, err);
}

int ap_read_full(struct ap_reader *r, void *p, size_t n, struct ap_err *err)
{
	size_t have = 0;
	size_t got;

	while (have < n) {
		if (ap_read(r, (char *)p + have, n - have, &got, err) < 0)
			return -1;
		if (!got)
			return ap_err_set(err, AP_E_PROTO, "ends after %zu of %zu bytes", have, n);
		have += got;
	}
	return 0;
}

int ap_read_all(struct ap_reader *r, struct ap_buf *out, struct ap_err *err)
{
	char chunk[65536];
	size_t got;

	do {
		if (ap_read(r, chunk, sizeof(chunk), &got, err) < 0)
			return -1;
		ap_buf_add(out, chunk, got);
		if (out->overflow)
			return ap_buf_check(out, "content", err);
	} while (got);
	return 0;
}

int ap_rewind(struct ap_reader *r, struct ap_err *err)
{
	if (!r->ops->rewind)
		return ap_err_set(err, AP_E_UNSUPPORTED, "this stream cannot be read again");
	return r->ops->rewind(r, err);
}

void ap_reader_free(struct ap_reader *r)
{
	if (r)
		r->ops->free(r);
}

void ap_reader_freep(struct ap_reader **r)
{
	ap_reader_free(*r);
	*r = NULL;
}

struct mem_reader {
	struct ap_reader base;
	const char *p;
	size_t n, at;
};

static int mem_read(
	struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err AP_UNUSED)
{
	struct mem_reader *m = AP_CONTAINER(r, struct mem_reader, base);

	*got = AP_MIN(n, m->n - m->at);
	if (*got)
		memcpy(p, m->p + m->at, *got);
	m->at += *got;
	return 0;
}

static int mem_rewind(struct ap_reader *r, struct ap_err *err AP_UNUSED)
{
	AP_CONTAINER(r, struct mem_reader, base)->at = 0;
	return 0;
}

static void mem_free(struct ap_reader *r)
{
	free(AP_CONTAINER(r, struct mem_reader, base));
}

static const struct ap_reader_ops mem_ops = { mem_read, mem_rewind, mem_free };

void ap_mem_reader(struct ap_reader **out, const void *p, size_t n)
{
	struct mem_reader *m = ap_xcalloc(1, sizeof(*m));

	m->base.ops = &mem_ops;
	m->p = p;
	m->n = n;
	*out = &m->base;
}

struct fd_reader {
	struct ap_reader base;
	int fd;
	bool to_end; /* size is not known: stop at the end of the file */
	uint64_t from, size, at;
};

static int fd_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct fd_reader *f = AP_CONTAINER(r, struct fd_reader, base);
	ssize_t k;

	if (!f->to_end && n > f->size - f->at)
		n = (size_t)(f->size - f->at);
	if (!n) {
		*got = 0;
		return 0;
	}
	do
		k = pread(f->fd, p, n, (off_t)(f->from + f->at));
	while (k < 0 && errno == EINTR);
	if (k < 0)
		return ap_err_sys(err, "read");
	if (!k && !f->to_end)
		return ap_err_set(err, AP_E_CHANGED,
			"the file ends after %" PRIu64 " of %" PRIu64 " bytes", f->at, f->size);
	f->at += (uint64_t)k;
	*got = (size_t)k;
	return 0;
}

static int fd_rewind(struct ap_reader *r, struct ap_err *err AP_UNUSED)
{
	AP_CONTAINER(r, struct fd_reader, base)->at = 0;
	return 0;
}

static void fd_free(struct ap_reader *r)
{
	struct fd_reader *f = AP_CONTAINER(r, struct fd_reader, base);

	ap_close_p(&f->fd);
	free(f);
}

static const struct ap_reader_ops fd_ops = { fd_read, fd_rewind, fd_free };

void ap_fd_reader(struct ap_reader **out, int fd, uint64_t from, uint64_t size)
{
	struct fd_reader *f = ap_xcalloc(1, sizeof(*f));

	f->base.ops = &fd_ops;
	f->fd = fd;
	f->from = from;
	f->size = size;
	f->to_end = size == UINT64_MAX;
	*out = &f->base;
}

struct verify_reader {
	struct ap_reader base;
	struct ap_reader *inner;
	struct ap_sha256 hash;
	struct ap_digest want;
	uint64_t size, at;
	bool failed, ended, borrowed;
};

static int verify_fail(struct verify_reader *v, const struct ap_digest *found, struct ap_err *err)
{
	v->failed = true;
	if (found)
		return ap_err_set(err, AP_E_DIGEST, "want %s, found %s", v->want.s, found->s);
	return ap_err_set(err, AP_E_DIGEST, "%s: want %" PRIu64 " bytes, found %s%" PRIu64,
		v->want.s, v->size, v->at > v->size ? "at least " : "", v->at);
}

static int verify_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct verify_reader *v = AP_CONTAINER(r, struct verify_reader, base);
	struct ap_digest found;
	size_t k;

	if (v->failed)
		return ap_err_set(err, AP_E_DIGEST, "%s: already failed", v->want.s);
	if (v->ended) {
		*got = 0;
		return 0;
	}
	if (ap_read(v->inner, p, n, &k, err) < 0) {
		v->failed = true;
		return -1;
	}
	v->at += k;
	if (v->at > v->size || (!k && v->at != v->size))
		return verify_fail(v, NULL, err);
	ap_sha256_update(&v->hash, p, k);
	if (!k) {
		ap_sha256_final(&v->hash, &found);
		if (!ap_digest_eq(&found, &v->want))
			return verify_fail(v, &found, err);
		v->ended = true;
	}
	*got = k;
	return 0;
}

static int verify_rewind(struct ap_reader *r, struct ap_err *err)
{
	struct verify_reader *v = AP_CONTAINER(r, struct verify_reader, base);

	if (ap_rewind(v->inner, err) < 0)
		return -1;
	ap_sha256_release(&v->hash);
	ap_sha256_init(&v->hash);
	v->at = 0;
	v->failed = v->ended = false;
	return 0;
}

static void verify_free(struct ap_reader *r)
{
	struct verify_reader *v = AP_CONTAINER(r, struct verify_reader, base);

	if (!v->borrowed)
		ap_reader_free(v->inner);
	ap_sha256_release(&v->hash);
	free(v);
}

static const struct ap_reader_ops verify_ops = { verify_read, verify_rewind, verify_free };

void ap_verify_reader(struct ap_reader **out, struct ap_reader *inner,
	const struct ap_digest *digest, uint64_t size)
{
	struct verify_reader *v = ap_xcalloc(1, sizeof(*v));

	v->base.ops = &verify_ops;
	v->inner = inner;
	v->want = *digest;
	v->base.checks = &v->want;
	v->size = size;
	ap_sha256_init(&v->hash);
	*out = &v->base;
}

void ap_verify_borrowed(struct ap_reader **out, struct ap_reader *inner,
	const struct ap_digest *digest, uint64_t size)
{
	if (inner->checks && ap_digest_eq(inner->checks, digest))
		return;
	ap_verify_reader(out, inner, digest, size);
	AP_CONTAINER(*out, struct verify_reader, base)->borrowed = true;
}

int ap_write_all(int fd, const void *p, size_t n, struct ap_err *err)
{
	const char *at = p;

	while (n) {
		ssize_t k = write(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k < 0)
			return ap_err_sys(err, "write");
		at += k;
		n -= (size_t)k;
	}
	return 0;
}

int ap_write_from(int fd, struct ap_reader *r, struct ap_err *err)
{
	ap_auto_free char *chunk = ap_xmalloc(CHUNK);
	size_t got;

	do {
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "stopped");
		if (ap_read(r, chunk, CHUNK, &got, err) < 0 ||
			ap_write_all(fd, chunk, got, err) < 0)
			return -1;
	} while (got);
	return 0;
}
