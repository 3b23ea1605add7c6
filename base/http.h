/*
 * HTTP over libcurl, for the registry, the package index and Vertex AI.
 *
 * One request in, one answer out; connections are kept and shared between
 * threads.  This file knows no credentials and follows no redirect unless
 * told to, and then by its own rules: GET and HEAD only (or 307/308 with a
 * body that can be read again), at most 5, never from https to http, and the
 * Authorization header never leaves the origin it was given for.
 */
#ifndef AP_BASE_HTTP_H
#define AP_BASE_HTTP_H

#include <time.h>

#include "base/io.h"
#include "base/progress.h"
#include "base/str.h"
#include "base/url.h"

struct ap_http;

struct ap_http_opts {
	const char *user_agent; /* borrowed; NULL: "autopack/VERSION" */
	const char *ca_file;    /* SSL_CERT_FILE; NULL: the system's */
	const struct ap_strv
		*insecure; /* hosts that may be spoken to without TLS or with any certificate */
	struct ap_progress *progress; /* debug lines, retries; may be NULL */
	unsigned connect_timeout;     /* seconds; 0: 15 */
	unsigned stall_timeout;       /* seconds without a byte in either direction; 0: 30 */
	unsigned retry_seconds;       /* total time for the retries of one call; 0: 120 */
	unsigned retry_count;         /* 0: 6 */
	bool no_proxy;                /* never through a proxy */
	/* "host:port:address": where a name is, instead of asking DNS; as in curl --resolve */
	const struct ap_strv *resolve;
};

/* *out: owned by the caller, ap_http_free().  Does no work and loads no TLS before the first request. */
void ap_http_new(struct ap_http **out, const struct ap_http_opts *opts);
void ap_http_free(struct ap_http *h);

enum {
	AP_HTTP_FOLLOW = 1 << 0, /* follow redirects by the rules above */
	AP_HTTP_RETRY =
		1 << 1, /* safe to repeat: connect errors, 408, 429, 5xx, broken transfers */
	/* refuse to speak to a private or loopback address, also one that a name resolves to */
	AP_HTTP_PUBLIC_ONLY = 1 << 2,
};

/* An answer of this status goes to on_body (2xx); others are kept in resp->body, 64 KiB at most. */
struct ap_http_req {
	const char *method;            /* "GET" */
	const char *url;               /* absolute, http or https; no user information */
	const char *authorization;     /* value of the header, or NULL: "Bearer ..." */
	const struct ap_strv *headers; /* "Name: value", more of them; may be NULL */
	const void *body;              /* bytes to send, or */
	size_t body_len;
	struct ap_reader *body_reader; /* a stream to send, rewound for each try */
	uint64_t body_size;            /* its length */
	uint64_t max_body;             /* of a 2xx answer kept in memory; 0: 4 MiB */
	/* Receives a 2xx body instead of resp->body.  A retry begins with on_restart, or is an error without it. */
	int (*on_body)(void *ctx, const void *p, size_t n, struct ap_err *err);
	int (*on_restart)(void *ctx, struct ap_err *err);
	void *ctx;
	uint64_t done;           /* progress: bytes counted before this request */
	const char *progress_id; /* progress of the body under this name; NULL: none */
	enum ap_step step;
	unsigned flags;
};

struct ap_http_resp {
	int status;
	struct ap_strv headers; /* "name: value", name in lower case */
	struct ap_buf body;
	char *url;         /* the final one, after redirects */
	bool peer_private; /* the first hop's address is private or loopback (of the proxy, with one) */
};

/*
 * Send one request and read its answer, any status.
 *
 * Errors: AP_E_NET (with the host, never the query), AP_E_LIMIT, AP_E_PROTO
 * (a header with control characters, a redirect that breaks the rules),
 * AP_E_CANCELLED.  Threads: yes.
 */
int ap_http_do(struct ap_http *h, const struct ap_http_req *req, struct ap_http_resp *resp,
	struct ap_err *err) AP_CHECK;

/*
 * The same, but a 2xx body is left in the connection: read it from *body as
 * it comes.  *body: owned; NULL when the status is not 2xx (resp->body then
 * has up to 64 KiB).  A broken transfer is an error of the reader
 * (AP_E_NET); asking again from where it broke is the caller's part.
 * req->on_body is not used.
 */
int ap_http_open(struct ap_reader **body, struct ap_http *h, const struct ap_http_req *req,
	struct ap_http_resp *resp, struct ap_err *err) AP_CHECK;

/* What has gone over the wire so far, headers too, failed tries too.  Threads: yes. */
struct ap_http_traffic {
	uint64_t requests, sent, received;
};
struct ap_http_traffic ap_http_traffic(struct ap_http *h);

/*
 * Wait before try number `attempt` + 1 of something that the caller repeats:
 * exponential with jitter, at least `at_least` seconds.  False (and no wait)
 * when that would be longer than this client waits at all.
 * Errors: AP_E_CANCELLED.
 */
int ap_http_pause(struct ap_http *h, unsigned attempt, double at_least, const char *note,
	bool *waited, struct ap_err *err) AP_CHECK;

/* When the answer was given, by the server's own clock; -1 when it does not say. */
time_t ap_http_date(const struct ap_http_resp *resp);

/* Seconds that an answer asks us to wait (both forms, by its own clock); -1 when it does not. */
double ap_http_retry_after(const struct ap_http_resp *resp);

/* Is the status one that may pass: 408, 425, 429, 499, 500, 502, 503, 504? */
bool ap_http_status_transient(int status);

/* Most tries of one thing, the first included. */
unsigned ap_http_max_tries(const struct ap_http *h);

void ap_http_resp_release(struct ap_http_resp *r);
#define ap_auto_http_resp AP_CLEANUP(ap_http_resp_release) struct ap_http_resp

/* First header of that (lower-case) name, or NULL.  borrowed. */
const char *ap_http_header(const struct ap_http_resp *r, const char *name);

#endif
