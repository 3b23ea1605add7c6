#include "vertex/storage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define TRIES 6

bool ap_gs_split(char **bucket, char **object, const char *uri)
{
	const char *slash = ap_starts_with(uri, "gs://") ? strchr(uri + 5, '/') : NULL;
	size_t n = slash ? (size_t)(slash - uri - 5) : 0;

	/* Source: cloud.google.com/storage/docs/buckets#naming */
	if (n < 3 || n > 222 || !slash[1] ||
		strspn(uri + 5, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != n)
		return false;
	*bucket = ap_xstrndup(uri + 5, n);
	*object = ap_xstrdup(slash + 1);
	return true;
}

/* ENDPOINT/PREFIX/b/BUCKET/o[/OBJECT] */
static char *object_url(
	const struct ap_vertex *v, const char *bucket, const char *object, const char *query)
{
	ap_auto_buf url = AP_BUF_INIT;

	ap_buf_addf(&url, "%s/storage/v1/b/%s/o/", ap_vertex_storage(v), bucket);
	ap_url_escape(&url, object);
	ap_buf_adds(&url, query);
	return ap_buf_steal(&url);
}

static int bad_uri(const char *uri, struct ap_err *err)
{
	return ap_err_set(err, AP_E_USAGE, "want gs://BUCKET/OBJECT, found \"%.100s\"", uri);
}

static int collect(void *ctx, const void *p, size_t n, struct ap_err *err)
{
	struct ap_buf *b = ctx;

	ap_buf_add(b, p, n);
	return ap_buf_check(b, "object", err);
}

static int again(void *ctx, struct ap_err *err AP_UNUSED)
{
	ap_buf_reset(ctx);
	return 0;
}

int ap_gs_read(
	struct ap_buf *out, struct ap_vertex *v, const char *uri, uint64_t max, struct ap_err *err)
{
	ap_auto_free char *bucket = NULL;
	ap_auto_free char *object = NULL;
	ap_auto_free char *url = NULL;
	ap_auto_http_resp resp = { 0 };
	struct ap_http_req req = { .method = "GET",
		.max_body = max,
		.on_body = collect,
		.on_restart = again,
		.ctx = out,
		.step = AP_STEP_DOWNLOAD,
		.flags = AP_HTTP_RETRY };

	if (!ap_gs_split(&bucket, &object, uri))
		return bad_uri(uri, err);
	url = object_url(v, bucket, object, "?alt=media");
	out->max = max;
	req.url = url;
	if (ap_vertex_send(v, &req, &resp, err) < 0)
		return ap_err_wrap(err, "%s", uri);
	if (resp.status != 200)
		return ap_vertex_error(resp.status, ap_http_header(&resp, "content-type"),
			resp.body.p, resp.body.len, uri, ap_vertex_where(v)->project, err);
	return 0;
}

int ap_gs_package_uri(char **out, const char *staging, const struct ap_digest *digest,
	const char *name, struct ap_err *err)
{
	ap_auto_free char *bucket = NULL;
	ap_auto_free char *object = NULL;
	ap_auto_free char *uri = NULL;
	size_t n = strlen(staging);

	while (n && staging[n - 1] == '/')
		n--;
	uri = ap_xasprintf("%.*s/autopack/%s/%s", (int)n, staging, ap_digest_hex(digest), name);
	if (!ap_gs_split(&bucket, &object, uri))
		return ap_err_set(err, AP_E_USAGE,
			"--staging-bucket: want gs://BUCKET or gs://BUCKET/PATH, found \"%.100s\"",
			staging);
	*out = AP_STEAL(uri);
	return 0;
}

struct upload {
	struct ap_vertex *v;
	const char *uri, *path, *bucket, *object;
	char *session; /* URL of the upload; it is a secret of its own */
	uint64_t size;
};

static int begin(struct upload *u, struct ap_err *err)
{
	ap_auto_buf url = AP_BUF_INIT;
	ap_auto_http_resp resp = { 0 };
	ap_auto_strv headers = { 0 };
	struct ap_url asked = { 0 }, given = { 0 };
	struct ap_http_req req = {
		.method = "POST", .headers = &headers, .body = "", .flags = AP_HTTP_RETRY
	};
	const char *location;
	bool same;

	ap_buf_addf(&url,
		"%s/upload/storage/v1/b/%s/o?uploadType=resumable&ifGenerationMatch=0&name=",
		ap_vertex_storage(u->v), u->bucket);
	ap_url_escape(&url, u->object);
	ap_strv_addf(&headers, "X-Upload-Content-Length: %" PRIu64, u->size);
	ap_strv_add(&headers, "X-Upload-Content-Type: application/octet-stream");
	req.url = url.p;
	if (ap_vertex_send(u->v, &req, &resp, err) < 0)
		return -1;
	free(AP_STEAL(u->session));
	if (resp.status == 412)
		return 0; /* somebody else put the same content there meanwhile */
	location = ap_http_header(&resp, "location");
	if (resp.status != 200 || !location)
		return ap_vertex_error(resp.status, ap_http_header(&resp, "content-type"),
			resp.body.p, resp.body.len, u->uri, ap_vertex_where(u->v)->project, err);
	if (ap_url_parse(&asked, url.p, err) < 0 || ap_url_parse(&given, location, err) < 0) {
		ap_url_release(&asked);
		return -1;
	}
	same = ap_url_same_origin(&asked, &given);
	ap_url_release(&asked);
	ap_url_release(&given);
	if (!same)
		return ap_err_set(err, AP_E_PROTO,
			"%s: the upload was sent to another host; refused", u->uri);
	u->session = ap_xstrdup(location);
	return 0;
}

/* How much has the session got?  1 with *have, 0 when it is complete.  AP_E_NOT_FOUND: it is gone. */
static int session_state(struct upload *u, uint64_t *have, struct ap_err *err)
{
	ap_auto_strv headers = { 0 };
	ap_auto_http_resp resp = { 0 };
	struct ap_http_req req = { .method = "PUT",
		.url = u->session,
		.headers = &headers,
		.body = "",
		.flags = AP_HTTP_RETRY };
	const char *range;

	ap_strv_addf(&headers, "Content-Range: bytes */%" PRIu64, u->size);
	if (ap_http_do(ap_vertex_http(u->v), &req, &resp, err) < 0)
		return -1;
	if (resp.status == 200 || resp.status == 201)
		return 0;
	if (resp.status == 404 || resp.status == 410)
		return ap_err_set(err, AP_E_NOT_FOUND, "%s: the upload session is gone", u->uri);
	if (resp.status != 308)
		return ap_vertex_error(resp.status, ap_http_header(&resp, "content-type"),
			resp.body.p, resp.body.len, u->uri, NULL, err);
	range = ap_http_header(&resp, "range");
	*have = 0;
	if (range && u->size && ap_starts_with(range, "bytes=0-") &&
		ap_parse_u64(range + 8, u->size - 1, have))
		*have += 1;
	return 1;
}

/* Send from `have` on; 0 when the service has it all. */
static int send_rest(struct upload *u, uint64_t have, int *status, struct ap_err *err)
{
	ap_auto_fd int fd = open(u->path, O_RDONLY | O_CLOEXEC);
	ap_auto_strv headers = { 0 };
	ap_auto_http_resp resp = { 0 };
	ap_auto_reader r = NULL;
	struct ap_http_req req = { .method = "PUT",
		.url = u->session,
		.headers = &headers,
		.body_size = u->size - have,
		.progress_id = u->path,
		.done = have,
		.step = AP_STEP_UPLOAD };

	if (fd < 0)
		return ap_err_sys(err, "%s", u->path);
	ap_fd_reader(&r, AP_STEAL_FD(fd), have, u->size - have);
	req.body_reader = r;
	if (u->size)
		ap_strv_addf(&headers, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64,
			have, u->size - 1, u->size);
	if (ap_http_do(ap_vertex_http(u->v), &req, &resp, err) < 0)
		return -1;
	*status = resp.status;
	if (resp.status == 200 || resp.status == 201 || resp.status == 412 || resp.status == 308 ||
		resp.status == 404 || resp.status == 410 || resp.status == 429 ||
		resp.status >= 500)
		return 0;
	return ap_vertex_error(resp.status, ap_http_header(&resp, "content-type"), resp.body.p,
		resp.body.len, u->uri, ap_vertex_where(u->v)->project, err);
}

static int send_all(struct upload *u, struct ap_err *err)
{
	uint64_t have = 0;

	for (unsigned attempt = 0; attempt < TRIES; attempt++) {
		struct ap_err broke = AP_ERR_INIT;
		int status = 0;
		int rc;

		if (send_rest(u, have, &status, &broke) == 0) {
			if (status == 200 || status == 201 || status == 412)
				return 0;
		} else if (broke.code != AP_E_NET) {
			*err = broke;
			return -1;
		}
		if (!ap_sleep(attempt ? 1U << AP_MIN(attempt, 4) : 0))
			return ap_err_set(err, AP_E_CANCELLED, "interrupted");
		rc = session_state(u, &have, err);
		/* Source: Cloud Storage, "Resumable uploads", error handling: begin again. */
		if (rc < 0 && err->code == AP_E_NOT_FOUND) {
			ap_err_clear(err);
			have = 0;
			if (begin(u, err) < 0)
				return -1;
			if (!u->session)
				return 0;
			continue;
		}
		if (rc <= 0)
			return rc;
		ap_emit_debug(ap_vertex_progress(u->v), AP_STEP_UPLOAD,
			"%s: resumed at byte %" PRIu64, u->uri, have);
	}
	return ap_err_set(err, AP_E_NET, "%s: the upload broke off %d times", u->uri, TRIES);
}

int ap_gs_upload(struct ap_vertex *v, const char *uri, const char *path, struct ap_err *err)
{
	ap_auto_free char *bucket = NULL;
	ap_auto_free char *object = NULL;
	ap_auto_free char *url = NULL;
	struct upload u = { .v = v, .uri = uri, .path = path };
	struct stat st;
	int rc;

	if (!ap_gs_split(&bucket, &object, uri))
		return bad_uri(uri, err);
	if (stat(path, &st) < 0)
		return ap_err_sys(err, "%s", path);
	u.size = (uint64_t)st.st_size;
	url = object_url(v, bucket, object, "?fields=size");
	rc = ap_vertex_call_url(NULL, v, "GET", url, NULL, AP_VERTEX_RETRY, err);
	if (rc == 0) {
		ap_emit(ap_vertex_progress(v), &(struct ap_event){ .step = AP_STEP_UPLOAD,
						       .kind = AP_EV_SKIP,
						       .id = uri,
						       .note = "already there" });
		return 0;
	}
	if (err->code != AP_E_NOT_FOUND)
		return -1;
	ap_err_clear(err);
	u.bucket = bucket;
	u.object = object;
	rc = begin(&u, err);
	if (rc == 0 && u.session)
		rc = send_all(&u, err);
	free(u.session);
	return rc;
}
