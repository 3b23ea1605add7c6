/*
 * The part of registry/ that all requests go through: the scheme of a host,
 * its challenge, tokens, and one request with the right Authorization.
 * Internal to registry/.
 */
#ifndef AP_REGISTRY_CLIENT_H
#define AP_REGISTRY_CLIENT_H

#include <pthread.h>

#include "registry/challenge.h"
#include "registry/creds.h"
#include "registry/token.h"

/* Credentials as they were found for one repository of a host. */
struct ap_rcreds {
	struct ap_rcreds *next;
	char *repository;
	struct ap_creds creds;
};

/* What is known of one registry.  Kept to the end of the run. */
struct ap_rhost {
	struct ap_rhost *next;
	pthread_mutex_t lock;
	char *name; /* "host[:port]" as references write it */
	char *bare; /* without the port */
	char *base; /* "https://host:port", once known */
	bool insecure, peer_private;
	bool anonymous; /* Google's, and no Google credential was found */
	struct ap_challenge challenge;
	struct ap_rcreds *creds;
	struct ap_tokens tokens;
	int upload_mode; /* the way of uploading that worked here last */
};

struct ap_registry {
	struct ap_registry_config c;
	struct ap_strv insecure;
	pthread_mutex_t lock;
	struct ap_rhost *hosts;
};

/* The host of a reference; made when new. */
struct ap_rhost *ap_rhost_get(struct ap_registry *reg, const char *name);

enum {
	/* the caller repeats the request: after 401 only forget the token */
	AP_RCALL_KEEP_401 = 1 << 0,
	AP_RCALL_FRESH = 1 << 1, /* with a token that nobody has used yet */
};

/* One request to a registry. */
struct ap_rcall {
	struct ap_rhost *host;
	const char *repository;
	const char *scope; /* "repository:x:pull,push", several separated by a blank */
	const char *path;  /* "/v2/x/blobs/..."; or */
	const char *url;   /* an upload's Location: credentials only when it is the host's own */
	struct ap_http_req req;    /* url and authorization are filled in */
	struct ap_reader **stream; /* set: leave a 2xx body in the connection */
	unsigned flags;
};

/*
 * Send it, with the credentials that the host asked for, to the host only;
 * after 401 once more with a new token.  Any status is an answer.
 */
int ap_rcall_do(struct ap_registry *reg, struct ap_rcall *call, struct ap_http_resp *resp,
	struct ap_err *err) AP_CHECK;

/* "repository:NAME:pull" or ":pull,push".  *out: owned. */
char *ap_scope_pull(const char *repository);
char *ap_scope_push(const char *repository);

#endif
