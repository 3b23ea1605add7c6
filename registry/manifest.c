#include "registry/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "pack/base.h"
#include "pack/media_type.h"
#include "registry/answer.h"

#define LATE_TRIES 3 /* of a manifest or blob that may show late */

static char *manifest_path(const struct ap_repo *r, const char *reference)
{
	return ap_xasprintf("/v2/%s/manifests/%s", r->name, reference);
}

/* A reference becomes part of a path: it must be a tag or a digest and nothing else. */
static int check_reference(const char *reference, struct ap_err *err)
{
	if (!ap_digest_ok(reference) && !ap_ref_tag_ok(reference))
		return ap_err_set(
			err, AP_E_PROTO, "\"%.140s\" is neither a tag nor a digest", reference);
	return 0;
}

/* The digest asked for, or the one that the registry names, is the digest of the bytes. */
static int verify(struct ap_digest *digest, const char *reference, const struct ap_http_resp *resp,
	struct ap_err *err)
{
	const char *said = ap_http_header(resp, "docker-content-digest");
	const char *want = ap_digest_ok(reference) ? reference : NULL;

	ap_sha256_of(digest, resp->body.p, resp->body.len);
	if (!want && said && ap_starts_with(said, "sha256:"))
		want = said;
	if (want && strcmp(want, digest->s) != 0)
		return ap_err_set(err, AP_E_DIGEST, "want %.80s, found %s", want, digest->s);
	return 0;
}

/* Content types that say nothing of the document. */
static const char *telling(const char *content_type)
{
	static const char *const vague[] = { "application/json", "text/plain",
		"application/octet-stream", "text/html" };

	for (size_t i = 0; content_type && i < AP_LEN(vague); i++) {
		if (ap_media_type_eq(content_type, vague[i]))
			return NULL;
	}
	return content_type;
}

static int describe(struct ap_descriptor *d, const char *reference, const struct ap_http_resp *resp,
	struct ap_err *err)
{
	ap_auto_json j = NULL;
	const char *type = telling(ap_http_header(resp, "content-type"));
	const char *own;
	struct ap_digest digest;
	int kind;

	if (verify(&digest, reference, resp, err) < 0 ||
		ap_manifest_parse(&j, &kind, type, resp->body.p, resp->body.len, err) < 0)
		return -1;
	own = ap_json_str(j, "mediaType");
	if (!own)
		own = type;
	if (!own)
		own = kind == AP_MT_INDEX ? AP_MT_OCI_INDEX : AP_MT_OCI_MANIFEST;
	d->media_type = ap_xstrndup(own, strcspn(own, "; \t"));
	d->digest = digest;
	d->size = resp->body.len;
	return 0;
}

static int get_once(const struct ap_repo *r, const char *scope, const char *reference,
	struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *path = manifest_path(r, reference);
	ap_auto_strv headers = { 0 };
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = scope,
		.path = path,
		.req = { .method = "GET",
			.headers = &headers,
			.max_body = AP_MANIFEST_MAX,
			.step = AP_STEP_MANIFEST,
			.flags = AP_HTTP_FOLLOW | AP_HTTP_RETRY } };

	ap_strv_add(&headers, "Accept: " AP_MT_OCI_INDEX ", " AP_MT_OCI_MANIFEST
			      ", " AP_MT_DOCKER_INDEX ", " AP_MT_DOCKER_IMAGE);
	if (ap_rcall_do(r->reg, &call, resp, err) < 0)
		return -1;
	return resp->status == 200 ? 0 : ap_answer_error(&call.req, resp, err);
}

int ap_manifest_get(const struct ap_repo *r, const char *scope, const char *reference,
	unsigned flags, struct ap_descriptor *d, struct ap_buf *body, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	int rc;

	if (check_reference(reference, err) < 0)
		return -1;
	for (unsigned n = 1;; n++) {
		struct ap_err first;
		bool waited = false;

		rc = get_once(r, scope, reference, &resp, err);
		if (rc == 0 || err->code != AP_E_NOT_FOUND || !(flags & AP_MANIFEST_PATIENT) ||
			n >= LATE_TRIES)
			break;
		first = *err;
		ap_err_clear(err);
		if (ap_http_pause(r->reg->c.http, n, 0, first.msg, &waited, err) < 0)
			return -1;
	}
	if (rc < 0 || describe(d, reference, &resp, err) < 0)
		return ap_err_wrap(err, "manifest %s/%s%c%s", r->host->name, r->name,
			ap_digest_ok(reference) ? '@' : ':', reference);
	ap_buf_add(body, resp.body.p, resp.body.len);
	return ap_buf_check(body, "manifest", err);
}

static int put_once(const struct ap_repo *r, const struct ap_descriptor *d, const void *json,
	const char *reference, struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *path = manifest_path(r, reference);
	ap_auto_strv headers = { 0 };
	struct ap_rcall call = { .host = r->host,
		.repository = r->name,
		.scope = r->push,
		.path = path,
		.req = { .method = "PUT",
			.headers = &headers,
			.body = json,
			.body_len = (size_t)d->size,
			.step = AP_STEP_MANIFEST,
			.flags = AP_HTTP_RETRY | AP_HTTP_FOLLOW } };
	const char *stored;

	ap_strv_addf(&headers, "Content-Type: %s", d->media_type);
	if (ap_rcall_do(r->reg, &call, resp, err) < 0)
		return -1;
	if (resp->status != 201 && resp->status != 200 && resp->status != 202)
		return ap_answer_error(&call.req, resp, err);
	stored = ap_http_header(resp, "docker-content-digest");
	if (stored && ap_starts_with(stored, "sha256:") && strcmp(stored, d->digest.s) != 0)
		return ap_err_set(err, AP_E_DIGEST, "the registry stored %.80s", stored);
	return 0;
}

/* Blobs that were just sent may show late to the part of the registry that checks manifests. */
static bool may_be_late(const struct ap_http_resp *resp, const struct ap_err *err)
{
	return (err->http == 400 || err->http == 404) &&
	       (ap_answer_has(resp, "MANIFEST_BLOB_UNKNOWN") ||
		       ap_answer_has(resp, "BLOB_UNKNOWN") ||
		       ap_answer_has(resp, "MANIFEST_UNKNOWN"));
}

static int put_patiently(const struct ap_repo *r, const struct ap_descriptor *d, const void *json,
	const char *reference, struct ap_http_resp *resp, struct ap_err *err)
{
	for (unsigned n = 1; put_once(r, d, json, reference, resp, err) < 0; n++) {
		struct ap_err first = *err;
		bool waited = false;

		if (!may_be_late(resp, err) || n > LATE_TRIES)
			return -1;
		ap_err_clear(err);
		if (ap_http_pause(r->reg->c.http, n, 0, first.msg, &waited, err) < 0)
			return -1;
	}
	return 0;
}

static bool tag_is_immutable(const struct ap_http_resp *resp, const struct ap_err *err)
{
	bool says = resp->body.p &&
		    (strcasestr(resp->body.p, "immutable") || strcasestr(resp->body.p, "overwrit"));

	return err->http == 409 || err->http == 412 ||
	       ((err->http == 400 || err->http == 403 || err->http == 405) && says);
}

int ap_manifest_put(const struct ap_repo *r, const struct ap_descriptor *d, const void *json,
	const char *tag, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	const char *reference = tag ? tag : d->digest.s;

	if (check_reference(reference, err) < 0)
		return -1;
	if (put_patiently(r, d, json, reference, &resp, err) == 0)
		return 0;
	if (!tag || !tag_is_immutable(&resp, err))
		return ap_err_wrap(err, "manifest %s/%s:%s", r->host->name, r->name, reference);
	ap_emit_warn(r->reg->c.progress, AP_STEP_MANIFEST,
		"%s/%s does not let the tag %s be moved; the image is there by its digest only",
		r->host->name, r->name, tag);
	ap_err_clear(err);
	if (put_patiently(r, d, json, d->digest.s, &resp, err) < 0)
		return ap_err_wrap(err, "manifest %s/%s@%s", r->host->name, r->name, d->digest.s);
	return 0;
}

int ap_manifest_put_referrer(const struct ap_repo *r, const struct ap_descriptor *d,
	const void *json, bool *listed, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };

	if (put_patiently(r, d, json, d->digest.s, &resp, err) < 0)
		return ap_err_wrap(err, "manifest %s/%s@%s", r->host->name, r->name, d->digest.s);
	*listed = ap_http_header(&resp, "oci-subject") != NULL;
	return 0;
}
