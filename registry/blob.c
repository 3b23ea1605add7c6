#include "registry/blob.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "registry/answer.h"

void ap_repo_init(struct ap_repo *r, struct ap_registry *reg, const struct ap_ref *ref)
{
	r->reg = reg;
	r->host = ap_rhost_get(reg, ref->registry);
	r->name = ap_xstrdup(ref->repository);
	r->pull = ap_scope_pull(ref->repository);
	r->push = ap_scope_push(ref->repository);
}

void ap_repo_release(struct ap_repo *r)
{
	free(r->name);
	free(r->pull);
	free(r->push);
	*r = (struct ap_repo){ 0 };
}

int ap_blob_has(
	const struct ap_repo *r, const struct ap_descriptor *d, bool *present, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_free char *path = ap_xasprintf("/v2/%s/blobs/%s", r->name, d->digest.s);
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = r->push,
		.path = path,
		.req = { .method = "HEAD",
			.step = AP_STEP_UPLOAD,
			.flags = AP_HTTP_RETRY | AP_HTTP_FOLLOW } };
	const char *length;
	uint64_t size;

	if (ap_rcall_do(r->reg, &call, &resp, err) < 0)
		return -1;
	*present = false;
	if (resp.status == 200) {
		length = ap_http_header(&resp, "content-length");
		*present = !length || (ap_parse_u64(length, UINT64_MAX, &size) && size == d->size);
		return 0;
	}
	/* Storage that a registry redirects to may be signed for GET only. */
	if (!ap_starts_with(resp.url, r->host->base))
		return 0;
	/* No such blob, or no answer to HEAD: the upload will tell. */
	if (resp.status == 404 || resp.status == 400 || resp.status == 405 || resp.status == 501)
		return 0;
	return ap_answer_error(&call.req, &resp, err);
}

static bool both_google(const struct ap_repo *r, const struct ap_ref *from)
{
	ap_auto_free char *host = NULL;
	unsigned port;

	return ap_host_split(from->registry, &host, &port) && ap_registry_is_google(host) &&
	       ap_registry_is_google(r->host->bare);
}

int ap_blob_mount(const struct ap_repo *r, const struct ap_descriptor *d, const struct ap_ref *from,
	bool *done, char **session, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_buf path = AP_BUF_INIT;
	ap_auto_free char *pull = NULL;
	ap_auto_free char *both = NULL;
	bool same = from->registry && strcmp(from->registry, r->host->name) == 0;
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.req = { .method = "POST", .step = AP_STEP_UPLOAD, .flags = AP_HTTP_RETRY } };

	*done = false;
	if (from->transport != AP_DOCKER || (!same && !both_google(r, from)))
		return 0;
	ap_buf_addf(&path, "/v2/%s/blobs/uploads/?mount=", r->name);
	ap_url_escape(&path, d->digest.s);
	ap_buf_adds(&path, "&from=");
	ap_url_escape(&path, from->repository);
	/* Other registries take `origin` for an error. */
	if (!same) {
		ap_buf_adds(&path, "&origin=");
		ap_url_escape(&path, from->registry);
	}
	pull = ap_scope_pull(from->repository);
	both = strcmp(from->repository, r->name) == 0 ? ap_xstrdup(r->push)
						      : ap_xasprintf("%s %s", r->push, pull);
	call.path = path.p;
	call.scope = both;
	if (ap_rcall_do(r->reg, &call, &resp, err) < 0) {
		/* A token server may refuse the second scope; the bytes can be sent all the same. */
		if (err->code != AP_E_AUTH && err->code != AP_E_HTTP)
			return ap_err_wrap(err, "mount");
		ap_err_clear(err);
		return 0;
	}
	*done = resp.status == 201;
	/* Without a Location that we may follow, the upload asks for a session of its own. */
	if (resp.status == 202 && ap_upload_location(session, &resp, err) < 0)
		ap_err_clear(err);
	return 0;
}

/* ---- reading ---- */

struct blob_reader {
	struct ap_reader base;
	const struct ap_repo *repo; /* borrowed */
	struct ap_reader *body;
	char *path;
	uint64_t from, at, size, safe; /* size: where it ends; safe: where it last broke */
	bool part;                     /* of a blob: only what was asked for will do */
	unsigned failures;
};

/* Bytes before `at` of an answer that does not begin there. */
static int skip_to(struct ap_reader *body, uint64_t at, struct ap_err *err)
{
	char scrap[16384];
	size_t got;

	while (at) {
		if (ap_read(body, scrap, (size_t)AP_MIN(at, sizeof(scrap)), &got, err) < 0)
			return -1;
		if (!got)
			return ap_err_set(err, AP_E_NET, "the blob ends early");
		at -= got;
	}
	return 0;
}

static bool range_begins_at(const struct ap_http_resp *resp, uint64_t at)
{
	const char *v = ap_http_header(resp, "content-range");
	ap_auto_free char *want = ap_xasprintf("bytes %" PRIu64 "-", at);

	return v && ap_starts_with(v, want);
}

static int blob_request(struct blob_reader *b, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_strv headers = { 0 };
	ap_auto_reader body = NULL;
	struct ap_rcall call = { .host = b->repo->host,
		.repository = b->repo->name,
		.scope = b->repo->pull,
		.path = b->path,
		.stream = &body,
		.req = { .method = "GET",
			.headers = &headers,
			.step = AP_STEP_DOWNLOAD,
			.flags = AP_HTTP_FOLLOW | AP_HTTP_RETRY } };

	if (b->part)
		ap_strv_addf(&headers, "Range: bytes=%" PRIu64 "-%" PRIu64, b->at, b->size - 1);
	else if (b->at)
		ap_strv_addf(&headers, "Range: bytes=%" PRIu64 "-", b->at);
	if (ap_rcall_do(b->repo->reg, &call, &resp, err) < 0)
		return -1;
	if (resp.status == 206 && (b->at || b->part) && !range_begins_at(&resp, b->at))
		return ap_err_set(
			err, AP_E_NET, "the answer does not begin at byte %" PRIu64, b->at);
	if (!body)
		return ap_answer_error(&call.req, &resp, err);
	if (resp.status != 206 && b->part)
		return ap_err_set(err, AP_E_UNSUPPORTED, "the registry gives no parts of blobs");
	if (resp.status != 206 && skip_to(body, b->at, err) < 0)
		return -1;
	b->body = AP_STEAL(body);
	return 0;
}

/* May it be that asking once more helps?  Waits before it says so. */
static int blob_again(struct blob_reader *b, bool *again, struct ap_err *err)
{
	struct ap_http *http = b->repo->reg->c.http;
	struct ap_err first = *err;
	unsigned limit = ap_http_max_tries(http);

	ap_reader_free(AP_STEAL(b->body));
	*again = false;
	/* A replica may be behind: a blob that a manifest names can show late. */
	if (err->code == AP_E_NOT_FOUND)
		limit = 3;
	else if (err->code != AP_E_NET)
		return -1;
	if (b->at > b->safe + ((uint64_t)1 << 20))
		b->failures = 0;
	b->safe = b->at;
	if (++b->failures >= limit)
		return -1;
	ap_err_clear(err);
	if (ap_http_pause(http, b->failures, 0, first.msg, again, err) < 0)
		return -1;
	if (!*again)
		*err = first;
	return *again ? 0 : -1;
}

static int blob_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct blob_reader *b = AP_CONTAINER(r, struct blob_reader, base);

	for (;;) {
		bool again;

		if ((b->body || blob_request(b, err) == 0) &&
			ap_read(b->body, p, n, got, err) == 0) {
			b->at += *got;
			if (*got || b->at >= b->size)
				return 0;
			ap_err_set(err, AP_E_NET,
				"the blob ends after %" PRIu64 " of %" PRIu64 " bytes", b->at,
				b->size);
		}
		if (blob_again(b, &again, err) < 0)
			return -1;
	}
}

static int blob_rewind(struct ap_reader *r, struct ap_err *err AP_UNUSED)
{
	struct blob_reader *b = AP_CONTAINER(r, struct blob_reader, base);

	ap_reader_free(AP_STEAL(b->body));
	b->at = b->safe = b->from;
	b->failures = 0;
	return 0;
}

static void blob_free(struct ap_reader *r)
{
	struct blob_reader *b = AP_CONTAINER(r, struct blob_reader, base);

	ap_reader_free(b->body);
	free(b->path);
	free(b);
}

static const struct ap_reader_ops blob_ops = { blob_read, blob_rewind, blob_free };

static int blob_open(struct ap_reader **out, const struct ap_repo *r, const struct ap_descriptor *d,
	const struct blob_reader *range, struct ap_err *err)
{
	struct blob_reader *b;

	if (!ap_digest_ok(d->digest.s))
		return ap_err_set(err, AP_E_PROTO, "blob without a digest");
	b = ap_xcalloc(1, sizeof(*b));
	*b = *range;
	b->base.ops = &blob_ops;
	b->repo = r;
	b->path = ap_xasprintf("/v2/%s/blobs/%s", r->name, d->digest.s);
	/* The first request is made now, so that a missing blob is known here. */
	while (blob_request(b, err) < 0) {
		bool again;

		if (blob_again(b, &again, err) < 0) {
			ap_reader_free(&b->base);
			return ap_err_wrap(err, "blob %s", d->digest.s);
		}
	}
	*out = &b->base;
	return 0;
}

int ap_blob_open(const struct ap_repo *r, const struct ap_descriptor *d, struct ap_reader **out,
	struct ap_err *err)
{
	struct ap_reader *inner;

	if (blob_open(&inner, r, d, &(struct blob_reader){ .size = d->size }, err) < 0)
		return -1;
	ap_verify_reader(out, inner, &d->digest, d->size);
	return 0;
}

int ap_blob_open_range(const struct ap_repo *r, const struct ap_descriptor *d, uint64_t from,
	uint64_t size, struct ap_reader **out, struct ap_err *err)
{
	struct blob_reader range = {
		.from = from, .at = from, .safe = from, .size = from + size, .part = true
	};

	if (!size || from > d->size || size > d->size - from)
		return ap_err_set(err, AP_E_PROTO, "blob %s: no bytes %" PRIu64 " to %" PRIu64,
			d->digest.s, from, from + size);
	return blob_open(out, r, d, &range, err);
}
