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

#include "base/io.h"
#include "base/progress.h"
#include "base/str.h"

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
};

/* *out: owned by the caller, ap_http_free().  Does no work and loads no TLS before the first request. */
void ap_http_new(struct ap_http **out, const struct ap_http_opts *opts);
void ap_http_free(struct ap_http *h);

enum {
	AP_HTTP_FOLLOW = 1 << 0, /* follow redirects by the rules above */
	AP_HTTP_RETRY =
		1 << 1, /* safe to repeat: connect errors, 408, 429, 5xx, broken transfers */
	AP_HTTP_NO_BODY_LIMIT = 1 << 2, /* with on_body only */
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
	char *url; /* the final one, after redirects */
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

void ap_http_resp_release(struct ap_http_resp *r);
#define ap_auto_http_resp AP_CLEANUP(ap_http_resp_release) struct ap_http_resp

/* First header of that (lower-case) name, or NULL.  borrowed. */
const char *ap_http_header(const struct ap_http_resp *r, const char *name);

/* A URL taken apart.  Strings owned; ap_url_release(). */
struct ap_url {
	char *scheme, *host, *path,
		*query; /* host in lower case, no brackets; path begins with '/' */
	unsigned port;  /* filled in from the scheme */
};

/* Errors: AP_E_PROTO for anything but http and https, user information, control characters. */
int ap_url_parse(struct ap_url *out, const char *url, struct ap_err *err) AP_CHECK;
void ap_url_release(struct ap_url *u);
bool ap_url_same_origin(const struct ap_url *a, const struct ap_url *b);

/* Resolve `ref` (absolute, //host, /path, relative, ?query) against base.  Source: RFC 3986 section 5. */
int ap_url_join(char **out, const char *base, const char *ref, struct ap_err *err) AP_CHECK;

/* The URL without its query and user information, for messages and logs.  *out: owned. */
char *ap_url_public(const char *url);

/* localhost, 127/8, ::1 */
bool ap_host_is_loopback(const char *host);
/* loopback, link-local, private, unspecified: RFC 1918, 3927, 4193, 6890 */
bool ap_host_is_private(const char *host);

/* Percent-encode all but unreserved characters, into out. */
void ap_url_escape(struct ap_buf *out, const char *s);

#endif
