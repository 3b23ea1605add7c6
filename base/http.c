#include "base/http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/wire.h"

#define MAX_REDIRECTS 5
#define FIRST_TRIES   4 /* of a host that never answered: a typing error must not take minutes */

struct ap_http {
	struct ap_wire *wire;
	struct ap_progress *progress;
	unsigned retry_seconds, retry_count;
	pthread_mutex_t lock;
	struct ap_strv met; /* origins that have answered */
};

void ap_http_new(struct ap_http **out, const struct ap_http_opts *opts)
{
	struct ap_http *h = ap_xcalloc(1, sizeof(*h));

	ap_wire_new(&h->wire, opts);
	h->progress = opts->progress;
	h->retry_seconds = opts->retry_seconds ? opts->retry_seconds : 120;
	h->retry_count = opts->retry_count ? opts->retry_count : 6;
	pthread_mutex_init(&h->lock, NULL);
	*out = h;
}

struct ap_http_traffic ap_http_traffic(struct ap_http *h)
{
	return ap_wire_traffic(h->wire);
}

void ap_http_free(struct ap_http *h)
{
	if (!h)
		return;
	ap_wire_free(h->wire);
	pthread_mutex_destroy(&h->lock);
	ap_strv_release(&h->met);
	free(h);
}

void ap_http_resp_release(struct ap_http_resp *r)
{
	ap_strv_release(&r->headers);
	if (r->body.p)
		ap_buf_release(&r->body);
	free(r->url);
	*r = (struct ap_http_resp){ 0 };
}

static void resp_begin(struct ap_http_resp *r, const char *url)
{
	ap_auto_free char *copy = ap_xstrdup(url); /* url may be r->url */

	ap_http_resp_release(r);
	ap_buf_init(&r->body, 0);
	r->url = AP_STEAL(copy);
}

const char *ap_http_header(const struct ap_http_resp *r, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < r->headers.n; i++) {
		const char *h = r->headers.v[i];

		if (strncmp(h, name, n) == 0 && h[n] == ':')
			return h + n + 2;
	}
	return NULL;
}

/* ---- redirects ---- */

static bool is_redirect(const struct ap_http_req *req, int status)
{
	bool reads = strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;

	if (status == 307 || status == 308)
		return true;
	return reads && (status == 301 || status == 302 || status == 303);
}

static int rewind_body(struct ap_try *t, struct ap_err *err)
{
	if (t->sent && t->req->body_reader && ap_rewind(t->req->body_reader, err) < 0)
		return -1;
	t->sent = 0;
	return 0;
}

/* One request with its redirects. */
static int follow(struct ap_http *h, struct ap_try *t, struct ap_exchange **out, struct ap_err *err)
{
	const struct ap_http_req *req = t->req;
	ap_auto_free char *url = ap_xstrdup(req->url);
	unsigned hops = 0;

	t->authorization = req->authorization;
	t->public_only = req->flags & AP_HTTP_PUBLIC_ONLY;
	for (;;) {
		const char *location;
		char *next = NULL;
		bool same = false;

		resp_begin(t->resp, url);
		t->url = url;
		if (rewind_body(t, err) < 0 || ap_wire_do(h->wire, t, out, err) < 0)
			return -1;
		location = ap_http_header(t->resp, "location");
		if (!(req->flags & AP_HTTP_FOLLOW) || !is_redirect(req, t->resp->status) ||
			!location)
			return 0;
		t->permanent = true;
		if (++hops > MAX_REDIRECTS)
			return ap_err_set(err, AP_E_PROTO, "more than %d redirects", MAX_REDIRECTS);
		if (ap_url_hop(&next, &same, url, location, t->resp->peer_private, err) < 0)
			return ap_err_wrap(err, "redirect");
		t->permanent = false;
		if (!same)
			t->authorization = NULL;
		if (!t->resp->peer_private)
			t->public_only = true;
		free(url);
		url = next;
	}
}

/* ---- retries ---- */

static int pause_for(double seconds, struct ap_err *err)
{
	return ap_sleep(seconds) ? 0 : ap_err_set(err, AP_E_CANCELLED, "interrupted");
}

/* 0.5 to 1.5 of 0.25 s, 0.5 s, 1 s ... 15 s. */
static double backoff(unsigned attempt)
{
	double base = 0.25 * (double)(1U << AP_MIN(attempt - 1, 6U));
	uint16_t r = 0x7fff;

	if (getentropy(&r, sizeof(r)) < 0)
		r = 0x7fff;
	return AP_MIN(base, 15.0) * (0.5 + (double)r / 65536.0);
}

time_t ap_http_date(const struct ap_http_resp *resp)
{
	const char *date = ap_http_header(resp, "date");

	return date ? curl_getdate(date, NULL) : -1;
}

double ap_http_retry_after(const struct ap_http_resp *resp)
{
	const char *v = ap_http_header(resp, "retry-after");
	time_t from = ap_http_date(resp);
	uint64_t seconds;
	time_t at;

	if (!v)
		return -1;
	if (ap_parse_u64(v, (uint64_t)1 << 40, &seconds))
		return (double)seconds;
	at = curl_getdate(v, NULL);
	if (at < 0)
		return -1;
	if (from < 0)
		from = time(NULL);
	return at > from ? (double)(at - from) : 0;
}

bool ap_http_status_transient(int status)
{
	return status == 408 || status == 425 || status == 429 || status == 499 || status == 500 ||
	       status == 502 || status == 503 || status == 504;
}

static bool meet(struct ap_http *h, const char *url, bool now_met)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_url u = { 0 };
	ap_auto_free char *origin = NULL;
	bool met;

	if (ap_url_parse(&u, url, &err) < 0)
		return true;
	origin = ap_url_origin(&u);
	pthread_mutex_lock(&h->lock);
	met = ap_strv_has(&h->met, origin);
	if (!met && now_met)
		ap_strv_add(&h->met, origin);
	pthread_mutex_unlock(&h->lock);
	return met;
}

struct attempt {
	unsigned n;
	double begun;
};

/* Should there be another try, and when?  Sleeps before it says so. */
static bool again(struct ap_http *h, struct attempt *a, const struct ap_try *t, bool failed,
	const char *why, struct ap_err *err)
{
	const struct ap_http_req *req = t->req;
	double wait = backoff(a->n);
	double asked = failed ? -1 : ap_http_retry_after(t->resp);
	ap_auto_free char *url = ap_url_public(req->url);
	ap_auto_free char *note = NULL;

	if (!(req->flags & AP_HTTP_RETRY) || a->n > h->retry_count || (failed && t->permanent))
		return false;
	if (failed && t->no_contact && a->n >= FIRST_TRIES && !meet(h, req->url, false))
		return false;
	if (asked >= 0)
		wait = AP_MAX(wait, asked * 1.02);
	if (ap_clock() - a->begun + wait > h->retry_seconds)
		return false;
	if (t->got && !req->on_restart)
		return false;
	note = ap_xasprintf("%s %s: %s, again in %.1f s", req->method, url, why, wait);
	ap_emit(h->progress, &(struct ap_event){ .step = req->step,
				     .kind = AP_EV_RETRY,
				     .id = req->progress_id,
				     .note = note });
	ap_err_clear(err);
	return pause_for(wait, err) == 0;
}

static int run(struct ap_http *h, const struct ap_http_req *req, struct ap_http_resp *resp,
	bool streaming, struct ap_exchange **out, struct ap_err *err)
{
	struct attempt a = { 1, ap_clock() };
	struct ap_try t = { .req = req, .resp = resp, .streaming = streaming };

	for (;; a.n++) {
		struct ap_err first = AP_ERR_INIT;
		bool failed;
		char why[300];

		t.permanent = t.no_contact = false;
		if (t.got && req->on_restart(req->ctx, err) < 0)
			return -1;
		t.got = 0;
		failed = follow(h, &t, out, err) < 0;
		if (!failed) {
			meet(h, req->url, true);
			if (!ap_http_status_transient(resp->status))
				return 0;
			snprintf(why, sizeof(why), "HTTP %d", resp->status);
		} else {
			first = *err;
			snprintf(why, sizeof(why), "%.290s", err->msg);
		}
		if (failed && err->code != AP_E_NET)
			return -1;
		/* A body that cannot be read again ends the tries with what we have. */
		if (t.sent && req->body_reader && !req->body_reader->ops->rewind)
			return failed ? -1 : 0;
		if (again(h, &a, &t, failed, why, err))
			continue;
		if (err->code == AP_E_CANCELLED)
			return -1;
		if (!failed)
			return 0;
		*err = first;
		return a.n > 1 ? ap_err_wrap(err, "after %u tries", a.n) : -1;
	}
}

int ap_http_do(struct ap_http *h, const struct ap_http_req *req, struct ap_http_resp *resp,
	struct ap_err *err)
{
	return run(h, req, resp, false, NULL, err);
}

struct body_reader {
	struct ap_reader base;
	struct ap_exchange *x;
};

static int body_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	return ap_exchange_read(AP_CONTAINER(r, struct body_reader, base)->x, p, n, got, err);
}

static void body_free(struct ap_reader *r)
{
	struct body_reader *b = AP_CONTAINER(r, struct body_reader, base);

	ap_exchange_free(b->x);
	free(b);
}

static const struct ap_reader_ops body_ops = { body_read, NULL, body_free };

int ap_http_open(struct ap_reader **body, struct ap_http *h, const struct ap_http_req *req,
	struct ap_http_resp *resp, struct ap_err *err)
{
	struct ap_exchange *x = NULL;
	struct body_reader *b;

	*body = NULL;
	if (run(h, req, resp, true, &x, err) < 0)
		return -1;
	if (!x)
		return 0;
	b = ap_xcalloc(1, sizeof(*b));
	b->base.ops = &body_ops;
	b->x = x;
	*body = &b->base;
	return 0;
}

unsigned ap_http_max_tries(const struct ap_http *h)
{
	return h->retry_count + 1;
}

int ap_http_pause(struct ap_http *h, unsigned attempt, double at_least, const char *note,
	bool *waited, struct ap_err *err)
{
	double wait = AP_MAX(backoff(attempt), at_least * 1.02);
	ap_auto_free char *text = NULL;

	*waited = wait <= h->retry_seconds;
	if (!*waited)
		return 0;
	text = ap_xasprintf("%s, again in %.1f s", note, wait);
	ap_emit(h->progress,
		&(struct ap_event){ .step = AP_STEP_HTTP, .kind = AP_EV_RETRY, .note = text });
	return pause_for(wait, err);
}
