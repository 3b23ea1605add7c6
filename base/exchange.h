/*
 * The state of one try while libcurl runs it, and the callbacks that libcurl
 * makes.  Internal to base/wire.c and base/exchange.c.
 */
#ifndef AP_BASE_EXCHANGE_H
#define AP_BASE_EXCHANGE_H

#include <curl/curl.h>

#include "base/wire.h"

struct slot;

struct ap_exchange {
	struct ap_wire *wire;
	struct slot *slot;
	CURL *easy; /* the slot's */
	struct ap_progress *progress;
	struct ap_try *t; /* NULL once a streamed body is all that is left */
	struct curl_slist *headers;
	char *host;  /* for messages */
	char *name;  /* of the host, and */
	bool first;  /* others wait until it is reached */
	bool direct; /* through no proxy */
	uint64_t body_size;
	size_t header_bytes;
	bool streaming, headers_ended, has_headers, done, truncated, refused, v2xx;
	CURLcode result;
	struct ap_err err; /* of a callback */
	struct ap_buf pending;
	size_t taken;
	char curl_error[CURL_ERROR_SIZE];
	/* stall watch */
	uint64_t moved, moved_then, window_from;
	double last_move, window, started, noted, told, left;
};

/* Tell libcurl which functions to call. */
void ap_exchange_callbacks(struct ap_exchange *x, CURL *e);
/* A body comes: also the reader of what is sent. */
void ap_exchange_sends(struct ap_exchange *x, CURL *e);
/* The headers are in: status, and where the body goes. */
void ap_exchange_begin_body(struct ap_exchange *x, CURL *e);

/* The host is reached, or will not be: whoever waits for that may go on. */
void ap_exchange_met(struct ap_exchange *x);

#endif
