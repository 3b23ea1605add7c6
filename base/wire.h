/*
 * One try of one request over libcurl, and the connections kept between
 * tries; base/http.c alone calls this.
 *
 * No redirect is followed here, nothing is tried again, and nothing is read
 * from netrc, cookies or the like.
 */
#ifndef AP_BASE_WIRE_H
#define AP_BASE_WIRE_H

#include "base/http.h"

struct ap_wire;

void ap_wire_new(struct ap_wire **out, const struct ap_http_opts *o);
void ap_wire_free(struct ap_wire *w);

/* Finished exchanges only. */
struct ap_http_traffic ap_wire_traffic(struct ap_wire *w);

struct ap_exchange;

/* What one try is made of: the request, and what redirects changed of it. */
struct ap_try {
	const struct ap_http_req *req;
	const char *url;
	const char *authorization;
	bool public_only;
	bool streaming;            /* keep the 2xx body in the exchange */
	struct ap_http_resp *resp; /* status, headers, body; borrowed */
	/* filled in: */
	uint64_t got;    /* bytes given to on_body */
	uint64_t sent;   /* bytes taken from the request's body */
	bool permanent;  /* the failure will not go away by trying again */
	bool no_contact; /* the failure came before a connection stood */
};

/*
 * Send and read until the answer's headers (streaming) or its end.  *out is
 * set only when streaming and the status is 2xx.
 */
int ap_wire_do(
	struct ap_wire *w, struct ap_try *t, struct ap_exchange **out, struct ap_err *err) AP_CHECK;

/* The next bytes of a streamed body; *got 0 is its end. */
int ap_exchange_read(
	struct ap_exchange *x, void *p, size_t n, size_t *got, struct ap_err *err) AP_CHECK;
void ap_exchange_free(struct ap_exchange *x);

#endif
