/*
 * WWW-Authenticate: what a registry wants to see.  Pure.
 */
#ifndef AP_REGISTRY_CHALLENGE_H
#define AP_REGISTRY_CHALLENGE_H

#include "base/http.h"

enum ap_challenge_kind { AP_CHALLENGE_NONE, AP_CHALLENGE_BASIC, AP_CHALLENGE_BEARER };

/* Strings owned; ap_challenge_release(). */
struct ap_challenge {
	enum ap_challenge_kind kind;
	char *realm, *service, *scope, *error; /* NULL: not said */
};

void ap_challenge_release(struct ap_challenge *c);

/*
 * Read one header's value, which may hold several challenges; Bearer is
 * preferred to Basic, others are skipped.  Kind NONE when there is none of
 * them.  Errors: AP_E_PROTO when a Bearer challenge is malformed or has no
 * realm.  Source: RFC 9110 section 11.6.1, RFC 6750 section 3.
 */
int ap_challenge_parse(struct ap_challenge *out, const char *value, struct ap_err *err) AP_CHECK;

/* The best of all WWW-Authenticate headers of an answer. */
int ap_challenge_of(
	struct ap_challenge *out, const struct ap_http_resp *resp, struct ap_err *err) AP_CHECK;

#endif
