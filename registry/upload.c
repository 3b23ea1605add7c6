#include "registry/blob.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "registry/answer.h"

#define CHUNK          ((uint64_t)16 << 20)
#define MAX_WRONG      3     /* times that a registry may deny a digest which we verified */
#define MAX_DENIED     6     /* times that a token may end before its upload does */
#define MIN_PATIENCE   120.0 /* seconds from the first failure on */
#define PATIENCE_TRIES 3.0   /* or as many times the first try */

/* Ways to send a blob; a registry that refuses one is asked in the next. */
enum { MODE_PUT, MODE_PATCH, MODE_CHUNKS, MODE_COUNT };

struct upload {
	const struct ap_repo *repo;
	const struct ap_descriptor *desc;
	struct ap_reader *body; /* verifying */
	char *location;
	int mode;
	/* of the last failure */
	bool again, refused_mode, wrong_digest;
	bool denied; /* a token ended before its upload did: the next one gets a new token */
	double after;
};

/*
 * Where an answer sends us.  Credentials go along only to the registry's own
 * origin (ap_rcall_do sees to that); nothing goes from https to http, or from
 * a public address to a private one.
 */
int ap_upload_location(char **out, const struct ap_http_resp *resp, struct ap_err *err)
{
	const char *location = ap_http_header(resp, "location");
	ap_auto_free char *url = NULL;
	bool same;

	if (!location || !*location)
		return ap_err_set(err, AP_E_PROTO, "upload: the answer has no Location");
	if (ap_url_hop(&url, &same, resp->url, location, resp->peer_private, err) < 0)
		return ap_err_wrap(err, "upload: Location");
	free(*out);
	*out = AP_STEAL(url);
	return 0;
}

int ap_upload_begin(const struct ap_repo *r, char **location, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_free char *path = ap_xasprintf("/v2/%s/blobs/uploads/", r->name);
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = r->push,
		.path = path,
		.req = { .method = "POST",
			.step = AP_STEP_UPLOAD,
			.flags = AP_HTTP_RETRY | AP_HTTP_FOLLOW } };

	if (ap_rcall_do(r->reg, &call, &resp, err) < 0)
		return -1;
	if (resp.status != 202 && resp.status != 201 && resp.status != 200)
		return ap_answer_error(&call.req, &resp, err);
	return ap_upload_location(location, &resp, err);
}

void ap_upload_cancel(const struct ap_repo *r, const char *location)
{
	ap_auto_http_resp resp = { 0 };
	struct ap_err err = AP_ERR_INIT;
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = r->push,
		.url = location,
		.flags = AP_RCALL_KEEP_401,
		.req = { .method = "DELETE", .step = AP_STEP_UPLOAD } };

	/* A courtesy: sessions end by themselves. */
	if (!ap_interrupted() && ap_rcall_do(r->reg, &call, &resp, &err) < 0)
		ap_err_clear(&err);
}

/* ---- one part of the body as a body of its own ---- */

struct slice {
	struct ap_reader base;
	struct ap_reader *inner; /* borrowed */
	uint64_t left;
	bool last; /* the end of the inner reader is asked for, too */
};

static int slice_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct slice *s = AP_CONTAINER(r, struct slice, base);

	if (!s->left && !s->last) {
		*got = 0;
		return 0;
	}
	if (s->left)
		n = (size_t)AP_MIN((uint64_t)n, s->left);
	if (ap_read(s->inner, p, n, got, err) < 0)
		return -1;
	s->left -= AP_MIN((uint64_t)*got, s->left);
	return 0;
}

static void slice_free(struct ap_reader *r AP_UNUSED)
{
}

static const struct ap_reader_ops slice_ops = { slice_read, NULL, slice_free };

/* ---- one try ---- */

static char *with_digest(const char *location, const struct ap_digest *d)
{
	struct ap_buf b = AP_BUF_INIT;

	ap_buf_addf(&b, "%s%cdigest=", location, strchr(location, '?') ? '&' : '?');
	ap_url_escape(&b, d->s);
	return ap_buf_steal(&b);
}

/* What a refusal means for the next try. */
static int judge(struct upload *u, const struct ap_http_req *req, const struct ap_http_resp *resp,
	struct ap_err *err)
{
	int s = resp->status;

	u->after = ap_http_retry_after(resp);
	u->denied = s == 401;
	ap_answer_error(req, resp, err);
	if (ap_answer_has(resp, "DIGEST_INVALID") || ap_answer_has(resp, "SIZE_INVALID")) {
		u->wrong_digest = u->again = true;
		err->code = AP_E_DIGEST;
		return -1;
	}
	/* A token that ended, a session that vanished or got out of step: from the start. */
	if (ap_http_status_transient(s) || s == 401 || s == 404 || s == 409 || s == 416)
		u->again = true;
	else if (s == 400 || s == 405 || s == 411 || s == 413 || s == 415 || s == 501)
		u->refused_mode = u->again = true;
	return -1;
}

static int send_part(struct upload *u, const char *method, const char *url, struct ap_reader *body,
	uint64_t size, uint64_t done, const struct ap_strv *headers, struct ap_http_resp *resp,
	struct ap_err *err)
{
	struct ap_rcall call = { .host = u->repo->host,
		.repository = u->repo->name,
		.scope = u->repo->push,
		.url = url,
		.flags = AP_RCALL_KEEP_401 | (u->denied ? AP_RCALL_FRESH : 0U),
		.req = { .method = method,
			.headers = headers,
			.body_reader = body,
			.body_size = size,
			.done = done,
			.progress_id = u->desc->digest.s,
			.step = AP_STEP_UPLOAD,
			.flags = AP_HTTP_FOLLOW } };

	if (ap_rcall_do(u->repo->reg, &call, resp, err) < 0) {
		u->again = err->code == AP_E_NET;
		return -1;
	}
	if (resp->status < 200 || resp->status > 299)
		return judge(u, &call.req, resp, err);
	return 0;
}

static int finish(struct upload *u, struct ap_reader *body, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_strv headers = { 0 };
	ap_auto_free char *url = with_digest(u->location, &u->desc->digest);
	const char *stored;

	ap_strv_add(&headers, "Content-Type: application/octet-stream");
	if (send_part(u, "PUT", url, body, body ? u->desc->size : 0, 0, &headers, &resp, err) < 0)
		return -1;
	stored = ap_http_header(&resp, "docker-content-digest");
	if (stored && ap_starts_with(stored, "sha256:") && strcmp(stored, u->desc->digest.s) != 0)
		return ap_err_set(err, AP_E_DIGEST, "the registry stored %.80s", stored);
	return 0;
}

static int patch(struct upload *u, uint64_t from, uint64_t size, bool ranged, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_strv headers = { 0 };
	struct slice part = { { &slice_ops, NULL }, u->body, size, from + size == u->desc->size };
	ap_auto_free char *url = ap_xstrdup(u->location);

	ap_strv_add(&headers, "Content-Type: application/octet-stream");
	if (ranged && size)
		ap_strv_addf(
			&headers, "Content-Range: %" PRIu64 "-%" PRIu64, from, from + size - 1);
	if (send_part(u, "PATCH", url, &part.base, size, from, &headers, &resp, err) < 0)
		return -1;
	/* Range in the answer is wrong in some registries; what counts is that the next part is taken. */
	return ap_http_header(&resp, "location") ? ap_upload_location(&u->location, &resp, err) : 0;
}

static int send_patches(struct upload *u, struct ap_err *err)
{
	uint64_t step = u->mode == MODE_CHUNKS ? CHUNK : u->desc->size;
	uint64_t at = 0;

	do {
		uint64_t n = AP_MIN(step, u->desc->size - at);

		if (patch(u, at, n, u->mode == MODE_CHUNKS, err) < 0)
			return -1;
		at += n;
	} while (at < u->desc->size);
	return finish(u, NULL, err);
}

static int one_try(struct upload *u, struct ap_err *err)
{
	u->again = u->refused_mode = u->wrong_digest = false;
	u->after = -1;
	/* What ap_upload_begin repeats by itself is not repeated here once more. */
	if (!u->location && ap_upload_begin(u->repo, &u->location, err) < 0)
		return -1;
	if (u->mode == MODE_PUT)
		return finish(u, u->body, err);
	return send_patches(u, err);
}

/* ---- all tries ---- */

/* Another way of sending, where this one was refused; false when none is left. */
static bool next_mode(struct upload *u, const struct ap_err *err)
{
	if (!u->refused_mode)
		return true;
	u->mode = err->http == 413 ? AP_MAX(u->mode + 1, MODE_CHUNKS) : u->mode + 1;
	return u->mode < MODE_COUNT;
}

static int prepare_again(
	struct upload *u, unsigned n, const struct ap_err *why, bool *done, struct ap_err *err)
{
	bool waited = true;

	free(AP_STEAL(u->location));
	if (u->refused_mode)
		u->after = 0;
	else if (ap_http_pause(u->repo->reg->c.http, n, AP_MAX(u->after, 0.0), why->msg, &waited,
			 err) < 0)
		return -1;
	if (!waited)
		return -1;
	/* The answer may have been lost, not the blob. */
	if (ap_blob_has(u->repo, u->desc, done, err) < 0) {
		if (err->code == AP_E_CANCELLED)
			return -1;
		ap_err_clear(err);
		*done = false;
	}
	return *done ? 0 : ap_rewind(u->body, err);
}

static int upload_all(struct upload *u, struct ap_err *err)
{
	unsigned limit = ap_http_max_tries(u->repo->reg->c.http) + MODE_COUNT;
	double begun = ap_clock();
	double patience = 0;
	double failed_at = 0;
	unsigned wrong = 0;
	unsigned denied = 0;

	for (unsigned n = 1;; n++) {
		struct ap_err why;
		bool done = false;

		if (one_try(u, err) == 0)
			return 0;
		if (!failed_at) {
			failed_at = ap_clock();
			patience = AP_MAX(MIN_PATIENCE, PATIENCE_TRIES * (failed_at - begun));
		}
		wrong += u->wrong_digest;
		denied += err->http == 401;
		if (!u->again || n >= limit || wrong >= MAX_WRONG || denied >= MAX_DENIED ||
			!next_mode(u, err) || ap_clock() - failed_at > patience)
			return -1;
		why = *err;
		ap_err_clear(err);
		if (prepare_again(u, n, &why, &done, err) < 0) {
			if (err->code == AP_E_CANCELLED)
				return -1;
			*err = why;
			return -1;
		}
		if (done)
			return 0;
	}
}

int ap_blob_put(const struct ap_repo *r, const struct ap_descriptor *d, struct ap_reader *body,
	char **session, struct ap_err *err)
{
	struct upload u = { .repo = r, .desc = d };
	AP_CLEANUP(ap_reader_freep) struct ap_reader *checked = NULL;
	int rc;

	pthread_mutex_lock(&r->host->lock);
	u.mode = r->host->upload_mode;
	pthread_mutex_unlock(&r->host->lock);
	u.location = session ? AP_STEAL(*session) : NULL;
	ap_verify_borrowed(&checked, body, &d->digest, d->size);
	u.body = checked ? checked : body;
	rc = upload_all(&u, err);
	free(u.location);
	if (rc < 0)
		return -1;
	pthread_mutex_lock(&r->host->lock);
	r->host->upload_mode = u.mode;
	pthread_mutex_unlock(&r->host->lock);
	return 0;
}
