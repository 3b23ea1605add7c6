#include "base/exchange.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

#define MAX_HEADERS    ((size_t)256 * 1024)
#define MAX_ERROR_BODY ((size_t)64 * 1024)

static void emit_bytes(struct ap_exchange *x, uint64_t done, uint64_t total)
{
	const struct ap_http_req *req = x->t ? x->t->req : NULL;
	double t;

	if (!req || !req->progress_id)
		return;
	t = ap_clock();
	if (t - x->told < 0.1)
		return;
	x->told = t;
	ap_emit(x->progress, &(struct ap_event){ .step = req->step,
				     .kind = AP_EV_BYTES,
				     .id = req->progress_id,
				     .done = req->done + done,
				     .total = req->done + total });
}

/*
 * The last byte is handed over only when the reader has confirmed its end:
 * that is where a verifying reader reports a wrong digest.
 */
static int read_body(struct ap_exchange *x, char *p, size_t n, size_t *got)
{
	const struct ap_http_req *req = x->t->req;
	uint64_t left = x->body_size - x->t->sent;
	size_t more;
	char extra;

	n = (size_t)AP_MIN((uint64_t)n, left);
	*got = 0;
	if (!n)
		return 0;
	if (!req->body_reader) {
		memcpy(p, (const char *)req->body + x->t->sent, n);
		*got = n;
		return 0;
	}
	if (ap_read(req->body_reader, p, n, got, &x->err) < 0)
		return -1;
	if (!*got)
		return ap_err_set(&x->err, AP_E_CHANGED,
			"the body ends after %" PRIu64 " of %" PRIu64 " bytes", x->t->sent,
			x->body_size);
	if (*got == left) {
		if (ap_read(req->body_reader, &extra, 1, &more, &x->err) < 0)
			return -1;
		if (more)
			return ap_err_set(&x->err, AP_E_CHANGED,
				"the body is longer than %" PRIu64 " bytes", x->body_size);
	}
	return 0;
}

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
	struct ap_exchange *x = ctx;
	size_t got;

	if (x->err.code != AP_E_NONE || read_body(x, p, size * n, &got) < 0)
		return CURL_READFUNC_ABORT;
	x->t->sent += got;
	emit_bytes(x, x->t->sent, x->body_size);
	return got;
}

/* libcurl asks when a kept connection turned out to be dead. */
static int on_seek(void *ctx, curl_off_t offset, int origin)
{
	struct ap_exchange *x = ctx;

	if (offset != 0 || origin != SEEK_SET)
		return CURL_SEEKFUNC_FAIL;
	if (x->t->sent && x->t->req->body_reader) {
		struct ap_err err = AP_ERR_INIT;

		if (ap_rewind(x->t->req->body_reader, &err) < 0)
			return CURL_SEEKFUNC_FAIL;
	}
	x->t->sent = 0;
	return CURL_SEEKFUNC_OK;
}

static int take_header(struct ap_exchange *x, const char *p, size_t n)
{
	struct ap_http_resp *resp = x->t ? x->t->resp : NULL;
	ap_auto_buf line = AP_BUF_INIT;
	const char *colon;
	struct ap_str value;

	x->header_bytes += n;
	/* Trailers of a streamed body tell us nothing. */
	if (!resp && x->header_bytes <= MAX_HEADERS)
		return 0;
	if (x->header_bytes > MAX_HEADERS)
		return ap_err_set(&x->err, AP_E_LIMIT,
			"the headers of the answer are over the limit of %zu bytes", MAX_HEADERS);
	while (n && (p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	for (size_t i = 0; i < n; i++) {
		if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
			return ap_err_set(
				&x->err, AP_E_PROTO, "control character in a header of the answer");
	}
	if (n >= 5 && memcmp(p, "HTTP/", 5) == 0) {
		ap_strv_release(&resp->headers);
		x->headers_ended = false;
		return 0;
	}
	if (!n) {
		x->headers_ended = true;
		return 0;
	}
	colon = memchr(p, ':', n);
	if (!colon || colon == p || p[0] == ' ' || p[0] == '\t')
		return ap_err_set(&x->err, AP_E_PROTO, "a header of the answer has no name");
	for (const char *c = p; c < colon; c++)
		ap_buf_addc(&line, ap_lower(*c));
	value = ap_str_trim(ap_str_n(colon + 1, (size_t)(p + n - colon - 1)));
	ap_buf_adds(&line, ": ");
	ap_buf_add(&line, value.p, value.n);
	ap_strv_add_n(&resp->headers, line.p, line.len);
	return 0;
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
	struct ap_exchange *x = ctx;

	x->moved += size * n;
	if (x->err.code != AP_E_NONE || take_header(x, p, size * n) < 0)
		return 0;
	return size * n;
}

void ap_exchange_begin_body(struct ap_exchange *x, CURL *e)
{
	long status = 0;
	uint64_t max = x->t->req->max_body;

	curl_easy_getinfo(e, CURLINFO_RESPONSE_CODE, &status);
	x->v2xx = status >= 200 && status < 300;
	x->has_headers = true;
	x->t->resp->status = (int)status;
	x->t->resp->body.max = x->v2xx ? (size_t)(max ? max : (uint64_t)4 << 20) : MAX_ERROR_BODY;
}

static int deliver(struct ap_exchange *x, const char *p, size_t n)
{
	struct ap_http_resp *resp;

	if (x->streaming && x->v2xx) {
		ap_buf_add(&x->pending, p, n);
		return ap_buf_check(&x->pending, "unread body", &x->err);
	}
	resp = x->t->resp;
	if (x->v2xx && x->t->req->on_body) {
		x->t->got += n;
		if (x->t->req->on_body(x->t->req->ctx, p, n, &x->err) < 0)
			return -1;
		emit_bytes(x, x->t->got, 0);
		return 0;
	}
	if (!x->v2xx && n > resp->body.max - resp->body.len) {
		n = resp->body.max - resp->body.len;
		x->truncated = true;
	}
	ap_buf_add(&resp->body, p, n);
	if (ap_buf_check(&resp->body, "the answer", &x->err) < 0)
		return -1;
	return x->truncated ? -1 : 0;
}

static size_t on_write(char *p, size_t size, size_t n, void *ctx)
{
	struct ap_exchange *x = ctx;

	x->moved += size * n;
	if (!x->has_headers)
		ap_exchange_begin_body(x, x->easy);
	if (x->err.code != AP_E_NONE || deliver(x, p, size * n) < 0)
		return CURL_WRITEFUNC_ERROR;
	return size * n;
}

static int on_connected(
	void *ctx, char *peer, char *local AP_UNUSED, int peer_port AP_UNUSED, int port AP_UNUSED)
{
	struct ap_exchange *x = ctx;

	ap_exchange_met(x);
	if (x->t && x->t->public_only && ap_host_is_private(peer)) {
		x->refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	return CURL_PREREQFUNC_OK;
}

void ap_exchange_callbacks(struct ap_exchange *x, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->curl_error);
	curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
	curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_write);
	curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
	curl_easy_setopt(e, CURLOPT_PREREQFUNCTION, on_connected);
	curl_easy_setopt(e, CURLOPT_PREREQDATA, x);
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, x->headers);
	curl_easy_setopt(e, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(e, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE);
}

void ap_exchange_sends(struct ap_exchange *x, CURL *e)
{
	curl_easy_setopt(e, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(e, CURLOPT_READDATA, x);
	curl_easy_setopt(e, CURLOPT_SEEKFUNCTION, on_seek);
	curl_easy_setopt(e, CURLOPT_SEEKDATA, x);
}
