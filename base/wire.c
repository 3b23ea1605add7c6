#include "base/exchange.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/trust.h"

#define MAX_IDLE     16
#define MIN_SPEED    128                  /* bytes a second, over the stall time */
#define ANSWER_SPEED (uint64_t)(16 << 20) /* a registry hashes what it was sent before it answers */
#define NOTE_AFTER   5.0

/* A multi handle of one transfer: it keeps the connections, and can be left at any moment. */
struct slot {
	struct slot *next;
	CURLM *multi;
	CURL *easy;
	char *origin;
};

struct ap_wire {
	pthread_mutex_t lock;
	struct slot *idle;
	unsigned n_idle;
	struct ap_http_traffic traffic;
	bool ready; /* curl_global_init was called */
	struct ap_dns *dns;
	char *user_agent;
	struct ap_trust *trust;
	struct ap_strv insecure;
	struct curl_slist *resolve;
	struct ap_progress *progress;
	unsigned connect_timeout, stall_timeout;
	bool no_proxy;
};

void ap_wire_new(struct ap_wire **out, const struct ap_http_opts *o)
{
	struct ap_wire *w = ap_xcalloc(1, sizeof(*w));

	pthread_mutex_init(&w->lock, NULL);
	w->user_agent = ap_xstrdup(o->user_agent ? o->user_agent : "autopack/" AP_VERSION);
	ap_trust_new(&w->trust, o->ca_file);
	if (o->insecure)
		ap_strv_copy(&w->insecure, o->insecure);
	for (size_t i = 0; o->resolve && i < o->resolve->n; i++) {
		struct curl_slist *l = curl_slist_append(w->resolve, o->resolve->v[i]);

		if (!l)
			ap_oom();
		w->resolve = l;
	}
	w->progress = o->progress;
	w->no_proxy = o->no_proxy;
	w->connect_timeout = o->connect_timeout ? o->connect_timeout : 15;
	w->stall_timeout = o->stall_timeout ? o->stall_timeout : 30;
	*out = w;
}

static void slot_free(struct slot *s)
{
	curl_easy_cleanup(s->easy);
	curl_multi_cleanup(s->multi);
	free(s->origin);
	free(s);
}

void ap_wire_free(struct ap_wire *w)
{
	if (!w)
		return;
	while (w->idle) {
		struct slot *s = w->idle;

		w->idle = s->next;
		slot_free(s);
	}
	ap_dns_free(w->dns);
	if (w->ready)
		curl_global_cleanup();
	pthread_mutex_destroy(&w->lock);
	ap_strv_release(&w->insecure);
	curl_slist_free_all(w->resolve);
	free(w->user_agent);
	ap_trust_free(w->trust);
	free(w);
}

/* An idle slot that spoke to this origin, else any but only when too many idle, else a new one. */
static struct slot *slot_take(struct ap_wire *w, const char *origin)
{
	struct slot **at;
	struct slot *s;

	pthread_mutex_lock(&w->lock);
	if (!w->ready) {
		if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
			ap_oom();
		ap_dns_new(&w->dns);
		w->ready = true;
	}
	for (at = &w->idle; *at && strcmp((*at)->origin, origin) != 0; at = &(*at)->next)
		;
	if (!*at && w->n_idle >= MAX_IDLE)
		at = &w->idle;
	s = *at;
	if (s) {
		*at = s->next;
		w->n_idle--;
	}
	pthread_mutex_unlock(&w->lock);
	if (!s) {
		s = ap_xcalloc(1, sizeof(*s));
		s->multi = curl_multi_init();
		s->easy = curl_easy_init();
		if (!s->multi || !s->easy)
			ap_oom();
		curl_multi_setopt(s->multi, CURLMOPT_MAXCONNECTS, 2L);
	}
	free(s->origin);
	s->origin = ap_xstrdup(origin);
	return s;
}

static void slot_give(struct ap_wire *w, struct slot *s)
{
	pthread_mutex_lock(&w->lock);
	s->next = w->idle;
	w->idle = s;
	w->n_idle++;
	pthread_mutex_unlock(&w->lock);
}

static void count_traffic(struct ap_exchange *x)
{
	struct ap_http_traffic *t = &x->wire->traffic;
	curl_off_t up = 0;
	curl_off_t down = 0;
	long head_up = 0;
	long head_down = 0;

	curl_easy_getinfo(x->slot->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	curl_easy_getinfo(x->slot->easy, CURLINFO_SIZE_DOWNLOAD_T, &down);
	curl_easy_getinfo(x->slot->easy, CURLINFO_REQUEST_SIZE, &head_up);
	curl_easy_getinfo(x->slot->easy, CURLINFO_HEADER_SIZE, &head_down);
	pthread_mutex_lock(&x->wire->lock);
	t->requests++;
	t->sent += (uint64_t)up + (uint64_t)head_up;
	t->received += (uint64_t)down + (uint64_t)head_down;
	pthread_mutex_unlock(&x->wire->lock);
}

struct ap_http_traffic ap_wire_traffic(struct ap_wire *w)
{
	struct ap_http_traffic t;

	pthread_mutex_lock(&w->lock);
	t = w->traffic;
	pthread_mutex_unlock(&w->lock);
	return t;
}

void ap_exchange_met(struct ap_exchange *x)
{
	if (x->first)
		ap_dns_met(x->wire->dns, x->name);
	x->first = false;
}

void ap_exchange_free(struct ap_exchange *x)
{
	if (!x)
		return;
	if (x->slot) {
		ap_exchange_met(x);
		count_traffic(x);
		/* A resolver thread that hangs must not hold up Ctrl-C. */
		if (ap_interrupted())
			curl_easy_setopt(x->easy, CURLOPT_QUICK_EXIT, 1L);
		curl_multi_remove_handle(x->slot->multi, x->slot->easy);
		curl_easy_reset(x->slot->easy);
		slot_give(x->wire, x->slot);
	}
	curl_slist_free_all(x->headers);
	ap_buf_release(&x->pending);
	free(x->host);
	free(x->name);
	free(x);
}

static void exchange_freep(struct ap_exchange **x)
{
	ap_exchange_free(*x);
}

/* ---- setting up ---- */

/* The same rule for every header that we send: what we were given may come from outside. */
static int add_header(
	struct ap_exchange *x, const char *name, const char *value, struct ap_err *err)
{
	ap_auto_free char *line = ap_xasprintf("%s%s%s", name, *name ? ": " : "", value);
	struct curl_slist *l;

	for (const char *c = line; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return ap_err_set(err, AP_E_PROTO, "%s: control character in %s", x->host,
				*name ? name : "a header of the request");
	}
	l = curl_slist_append(x->headers, line);
	if (!l)
		ap_oom();
	x->headers = l;
	return 0;
}

static int set_headers(struct ap_exchange *x, struct ap_err *err)
{
	const struct ap_try *t = x->t;

	if (t->authorization && add_header(x, "Authorization", t->authorization, err) < 0)
		return -1;
	for (size_t i = 0; t->req->headers && i < t->req->headers->n; i++) {
		if (add_header(x, "", t->req->headers->v[i], err) < 0)
			return -1;
	}
	/* An Expect costs a round trip, and a second where it is not understood. */
	x->headers = curl_slist_append(x->headers, "Expect:");
	if (!x->headers)
		ap_oom();
	return 0;
}

static void set_method(struct ap_exchange *x, CURL *e)
{
	const struct ap_http_req *req = x->t->req;
	bool sends = req->body || req->body_reader || strcmp(req->method, "POST") == 0 ||
		     strcmp(req->method, "PUT") == 0 || strcmp(req->method, "PATCH") == 0;

	if (strcmp(req->method, "HEAD") == 0) {
		curl_easy_setopt(e, CURLOPT_NOBODY, 1L);
	} else if (sends) {
		x->body_size = req->body_reader ? req->body_size : req->body_len;
		curl_easy_setopt(e, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(e, CURLOPT_INFILESIZE_LARGE, (curl_off_t)x->body_size);
		ap_exchange_sends(x, e);
		curl_easy_setopt(e, CURLOPT_UPLOAD_BUFFERSIZE, 512L * 1024);
	}
	curl_easy_setopt(e, CURLOPT_CUSTOMREQUEST, req->method);
}

static int on_socket(void *ctx AP_UNUSED, curl_socket_t fd, curlsocktype purpose AP_UNUSED)
{
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	return CURL_SOCKOPT_OK;
}

static bool has_proxy(const char *scheme)
{
	static const char *const names[] = { "ALL_PROXY", "all_proxy" };
	const char *v = getenv(strcmp(scheme, "https") == 0 ? "https_proxy" : "http_proxy");

	if (!v && strcmp(scheme, "https") == 0)
		v = getenv("HTTPS_PROXY");
	for (size_t i = 0; !v && i < AP_LEN(names); i++)
		v = getenv(names[i]);
	return v && *v;
}

/*
 * Does no_proxy name the host?  As libcurl reads it, but for the networks in
 * it: those are of addresses, which are known without it.
 */
static bool in_no_proxy(const char *host)
{
	const char *v = getenv("no_proxy") ? getenv("no_proxy") : getenv("NO_PROXY");
	size_t n = strlen(host);
	bool address = strchr(host, ':') || strspn(host, "0123456789.") == n;

	if (ap_streq(v, "*"))
		return true;
	n -= n && host[n - 1] == '.';
	while (v && *(v += strspn(v, ", \t."))) {
		size_t whole = strcspn(v, ", \t");
		size_t k = whole;

		while (k && v[k - 1] == '.')
			k--;
		if (k && k <= n && strncasecmp(host + n - k, v, k) == 0 &&
			(k == n || (!address && host[n - k - 1] == '.')))
			return true;
		v += whole;
	}
	return false;
}

static bool is_direct(const struct ap_wire *w, const struct ap_url *u)
{
	return w->no_proxy || !has_proxy(u->scheme) || ap_host_is_loopback(u->host) ||
	       in_no_proxy(u->host);
}

static void set_transport(struct ap_exchange *x, CURL *e, const struct ap_url *u)
{
	const struct ap_wire *w = x->wire;

	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(e, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(e, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)w->connect_timeout);
	curl_easy_setopt(e, CURLOPT_USERAGENT, w->user_agent);
	curl_easy_setopt(e, CURLOPT_BUFFERSIZE, 256L * 1024);
	curl_easy_setopt(e, CURLOPT_SOCKOPTFUNCTION, on_socket);
	if (w->resolve)
		curl_easy_setopt(e, CURLOPT_RESOLVE, w->resolve);
	if (ap_url_is_of(u, &w->insecure)) {
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 0L);
	} else if (strcmp(u->scheme, "https") == 0) {
		ap_trust_set(w->trust, e);
	}
	if (x->direct)
		curl_easy_setopt(e, CURLOPT_NOPROXY, "*");
}

static int start(struct ap_exchange *x, struct ap_err *err)
{
	ap_auto_url u = { 0 };
	ap_auto_free char *origin = NULL;
	CURL *e;

	if (ap_url_parse(&u, x->t->url, err) < 0)
		return -1;
	origin = ap_url_origin(&u);
	x->host = ap_xstrdup(strstr(origin, "://") + 3);
	x->direct = is_direct(x->wire, &u);
	/* Behind a proxy the peer is the proxy, which resolves names by itself. */
	if (x->t->public_only && ap_host_is_private(u.host))
		x->refused = true;
	else if (!x->direct)
		x->t->public_only = false;
	if (x->refused) {
		x->t->permanent = true;
		return ap_err_set(err, AP_E_PROTO, "%s is a private address", x->host);
	}
	if (set_headers(x, err) < 0) {
		x->t->permanent = true;
		return -1;
	}
	x->slot = slot_take(x->wire, origin);
	e = x->easy = x->slot->easy;
	ap_dns_share(x->wire->dns, e);
	x->name = ap_xstrdup(u.host);
	x->first = ap_dns_meet(x->wire->dns, x->name);
	set_transport(x, e, &u);
	set_method(x, e);
	ap_exchange_callbacks(x, e);
	curl_easy_setopt(e, CURLOPT_URL, x->t->url);
	x->started = x->last_move = x->window = x->noted = ap_clock();
	if (curl_multi_add_handle(x->slot->multi, e) != CURLM_OK)
		ap_oom();
	return 0;
}

/* ---- running ---- */

static uint64_t moved_so_far(const struct ap_exchange *x)
{
	curl_off_t up = 0;

	curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &up);
	return x->moved + (uint64_t)up;
}

/*
 * A transfer stalls when nothing moves for the stall time, or next to
 * nothing over it.  Once a body is sent the other side may have to read it
 * again before it answers: that gets the time that takes.
 */
static int watch(struct ap_exchange *x, struct ap_err *err)
{
	double t = ap_clock();
	uint64_t moved = moved_so_far(x);
	double limit = x->wire->stall_timeout;
	bool sent_all = x->body_size && x->t && x->t->sent == x->body_size && !x->has_headers;

	if (sent_all)
		limit += (double)(x->body_size / ANSWER_SPEED);
	if (moved != x->moved_then) {
		x->last_move = t;
		x->noted = t;
	}
	if (t - x->last_move >= limit)
		return ap_err_set(err, AP_E_NET, "%s: no byte for %.0f seconds", x->host, limit);
	if (t - x->window >= 2 * limit) {
		uint64_t since = moved - x->window_from;

		if (since < (uint64_t)(2 * limit * MIN_SPEED))
			return ap_err_set(err, AP_E_NET, "%s: %" PRIu64 " bytes in %.0f seconds",
				x->host, since, 2 * limit);
		x->window = t;
		x->window_from = moved;
	}
	x->moved_then = moved;
	if (t - x->noted >= NOTE_AFTER && x->t) {
		ap_auto_free char *note = ap_xasprintf("%s has sent nothing for %.0f s%s", x->host,
			t - x->last_move, sent_all ? ", its answer is due" : "");

		x->noted = t;
		ap_emit(x->progress, &(struct ap_event){ .step = x->t->req->step,
					     .kind = AP_EV_RETRY,
					     .id = x->t->req->progress_id,
					     .note = note });
	}
	return 0;
}

/* Run until something came or a short while passed. */
static int step(struct ap_exchange *x, struct ap_err *err)
{
	int running = 0;
	int n = 0;
	CURLMsg *msg;

	if (curl_multi_perform(x->slot->multi, &running) != CURLM_OK)
		return ap_err_set(err, AP_E_NET, "%s: transfer failed", x->host);
	while ((msg = curl_multi_info_read(x->slot->multi, &n))) {
		if (msg->msg == CURLMSG_DONE) {
			x->done = true;
			x->result = msg->data.result;
		}
	}
	if (x->done)
		return 0;
	if (ap_interrupted())
		return ap_err_set(err, AP_E_CANCELLED, "interrupted");
	if (watch(x, err) < 0)
		return -1;
	if (x->pending.len > x->taken)
		return 0;
	curl_multi_poll(x->slot->multi, NULL, 0, 100, NULL);
	return 0;
}

/* CURLE_TOO_LARGE of libcurl 8.6 and later, which limits an answer's headers, too. */
#define TOO_LARGE 100

static bool is_permanent(CURLcode c)
{
	switch ((int)c) {
	case TOO_LARGE:
	case CURLE_URL_MALFORMAT:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
		return true;
	default:
		return false;
	}
}

/* After the end: what libcurl thinks of it, in our words. */
static int verdict(struct ap_exchange *x, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;
	curl_off_t connected = 0;
	long sys = 0;
	const char *why;

	if (x->err.code != AP_E_NONE) {
		*err = x->err;
		if (x->t)
			x->t->permanent = true;
		return ap_err_wrap(err, "%s", x->host);
	}
	/* libcurl takes a connection that ends within the headers for an empty answer. */
	if (x->result == CURLE_OK && !x->headers_ended)
		return ap_err_set(err, AP_E_NET, "%s: connection closed in the headers", x->host);
	if (x->result == CURLE_OK || x->truncated)
		return 0;
	if (x->refused) {
		x->t->permanent = true;
		return ap_err_set(err, AP_E_PROTO, "%s is at a private address", x->host);
	}
	if (x->t) {
		curl_easy_getinfo(x->easy, CURLINFO_PRETRANSFER_TIME_T, &connected);
		x->t->permanent = is_permanent(x->result);
		x->t->no_contact = connected == 0;
	}
	if ((int)x->result == TOO_LARGE)
		return ap_err_set(err, AP_E_LIMIT,
			"%s: the headers of the answer are over libcurl's limit", x->host);
	curl_easy_getinfo(x->easy, CURLINFO_OS_ERRNO, &sys);
	if (x->result == CURLE_COULDNT_CONNECT && sys)
		return ap_err_set(
			err, AP_E_NET, "%s: cannot connect: %s", x->host, strerror((int)sys));
	if (x->result == CURLE_COULDNT_RESOLVE_HOST)
		return ap_err_set(err, AP_E_NET,
			"%s: no address for this name; look at its spelling, and at the network",
			x->host);
	why = x->curl_error[0] ? x->curl_error : curl_easy_strerror(x->result);
	ap_buf_add_printable(&text, why, strnlen(why, 300));
	return ap_err_set(
		err, is_permanent(x->result) ? AP_E_PROTO : AP_E_NET, "%s: %s", x->host, text.p);
}

static void note_debug(struct ap_exchange *x)
{
	ap_auto_free char *url = NULL;
	const struct ap_progress *p = x->progress;

	if (!p || !p->on_event)
		return;
	url = ap_url_public(x->t->url);
	ap_emit_debug(x->progress, AP_STEP_HTTP, "%s %s: %d, sent %" PRIu64 " bytes, %.3f s",
		x->t->req->method, url, x->t->resp->status, x->t->sent, ap_clock() - x->started);
}

/* Behind a proxy the name is all we know of the other side. */
static void note_peer(struct ap_exchange *x)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_url u = { 0 };
	char *ip = NULL;

	if (ap_url_parse(&u, x->t->url, &err) < 0)
		return;
	curl_easy_getinfo(x->easy, CURLINFO_PRIMARY_IP, &ip);
	x->t->resp->peer_private =
		ap_host_is_private(u.host) || (x->direct && ip && ap_host_is_private(ip));
}

int ap_wire_do(struct ap_wire *w, struct ap_try *t, struct ap_exchange **out, struct ap_err *err)
{
	AP_CLEANUP(exchange_freep) struct ap_exchange *x = ap_xcalloc(1, sizeof(*x));

	x->wire = w;
	x->progress = w->progress;
	x->t = t;
	x->streaming = t->streaming;
	ap_buf_init(&x->pending, (size_t)64 << 20);
	if (start(x, err) < 0)
		return -1;
	while (!x->done && !(x->streaming && x->has_headers && x->v2xx)) {
		if (step(x, err) < 0) {
			t->permanent = err->code == AP_E_CANCELLED;
			return -1;
		}
	}
	if (x->done && !(x->streaming && x->v2xx) && verdict(x, err) < 0)
		return -1;
	if (!x->has_headers)
		ap_exchange_begin_body(x, x->easy);
	note_peer(x);
	note_debug(x);
	if (!x->streaming || !x->v2xx)
		return 0;
	x->t = NULL;
	*out = AP_STEAL(x);
	return 0;
}

int ap_exchange_read(struct ap_exchange *x, void *p, size_t n, size_t *got, struct ap_err *err)
{
	if (x->pending.len == x->taken) {
		ap_buf_reset(&x->pending);
		x->taken = 0;
	}
	/* The time in which nobody read is not the other side's. */
	if (x->left > 0) {
		double idle = ap_clock() - x->left;

		x->last_move += idle;
		x->window += idle;
	}
	while (!x->done && x->pending.len == x->taken) {
		if (step(x, err) < 0)
			return -1;
	}
	x->left = ap_clock();
	*got = AP_MIN(n, x->pending.len - x->taken);
	if (*got) {
		memcpy(p, x->pending.p + x->taken, *got);
		x->taken += *got;
		return 0;
	}
	return x->done ? verdict(x, err) : 0;
}
