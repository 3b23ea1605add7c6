/*
 * Bearer tokens: asking a token server for them, and keeping them as long as
 * they live.
 *
 * Source: distribution, auth/token (GET) and auth/oauth (POST).
 */
#ifndef AP_REGISTRY_TOKEN_H
#define AP_REGISTRY_TOKEN_H

#include "registry/challenge.h"
#include "registry/creds.h"

struct ap_token {
	struct ap_token *next;
	char *scope, *value;
	double refresh_at; /* monotonic seconds */
};

struct ap_tokens {
	struct ap_token *first;
};

void ap_tokens_release(struct ap_tokens *t);

/* A token for exactly that scope that will live a little longer, or NULL.  borrowed. */
const char *ap_tokens_get(const struct ap_tokens *t, const char *scope);
void ap_tokens_put(struct ap_tokens *t, const char *scope, char *value, double lifetime);
/* Forget it, if it is still the one that was refused. */
void ap_tokens_drop(struct ap_tokens *t, const char *scope, const char *value);

/*
 * Read a token server's answer.  *lifetime: seconds; 60 when it does not say.
 * *value: owned.  Errors: AP_E_PROTO, no word of the body in it.  Pure.
 */
int ap_token_parse(
	char **value, double *lifetime, const void *p, size_t n, struct ap_err *err) AP_CHECK;

struct ap_token_server {
	const struct ap_challenge *challenge;
	const struct ap_creds *creds;
	const char *password;  /* of creds; for Google the access token */
	const char *registry;  /* base URL of the registry that named the realm */
	bool registry_private; /* it is at a private address itself */
};

/*
 * May credentials for the registry go to this realm?  https when the
 * registry is; no private address unless the registry has one; for Google
 * tokens a Google host only.  Errors: AP_E_AUTH.  Pure.
 */
int ap_realm_check(const struct ap_token_server *s, struct ap_err *err) AP_CHECK;

/* Ask for a token.  *value: owned.  Errors: AP_E_AUTH, AP_E_NET, AP_E_PROTO. */
int ap_token_fetch(char **value, double *lifetime, struct ap_http *http,
	const struct ap_token_server *s, const char *scope, struct ap_err *err) AP_CHECK;

#endif
