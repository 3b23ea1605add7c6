/*
 * Google credential files turned into access tokens: service account,
 * authorized user, external account, impersonated service account.
 * base/gcp.c decides which file; this does the exchange.
 */
#ifndef AP_BASE_GCP_KEY_H
#define AP_BASE_GCP_KEY_H

#include "base/gcp.h"
#include "base/json.h"

#define AP_GCP_SCOPE "https://www.googleapis.com/auth/cloud-platform"

/* A token and when it ends; value owned. */
struct ap_gcp_grant {
	char *value;
	double lifetime; /* seconds */
};

void ap_gcp_grant_release(struct ap_gcp_grant *g);

/*
 * Exchange what a parsed credential file holds for an access token.
 * Errors: AP_E_INPUT for a file we cannot read or that names a token server
 * that is not Google's; AP_E_AUTH when the server refuses, with its words.
 */
int ap_gcp_key_token(struct ap_gcp_grant *out, const cJSON *key, const struct ap_gcp_opts *opts,
	struct ap_http *http, struct ap_err *err) AP_CHECK;

/* The account of a key: client_email, or NULL when it does not say.  borrowed. */
const char *ap_gcp_key_account(const cJSON *key);

/*
 * Act as another service account: "target", or "delegate,...,target".
 * Errors: AP_E_AUTH naming the role that is missing.
 */
int ap_gcp_impersonate(struct ap_gcp_grant *out, const char *token, const char *chain,
	const struct ap_gcp_opts *opts, struct ap_http *http, struct ap_err *err) AP_CHECK;

/*
 * May secrets be sent to this token server: https on *.googleapis.com or
 * accounts.google.com, or a loopback address that a user's file names?
 */
bool ap_gcp_token_url_allowed(const char *url);

/* An external account: workload identity federation.  Source: RFC 8693; AIP-4117. */
int ap_gcp_external(struct ap_gcp_grant *out, const cJSON *key, const struct ap_gcp_opts *opts,
	struct ap_http *http, struct ap_err *err) AP_CHECK;

/* Parts of the exchanges, for the files gcp_*.c only. */
int ap_gcp_need(const char **out, const cJSON *key, const char *name, struct ap_err *err) AP_CHECK;
int ap_gcp_check_url(const char *what, const char *url, struct ap_err *err) AP_CHECK;
int ap_gcp_refused(const char *url, const struct ap_http_resp *resp, struct ap_err *err);
int ap_gcp_exchange(struct ap_gcp_grant *out, const char *url, const char *authorization,
	struct ap_buf *form, struct ap_http *http, struct ap_err *err) AP_CHECK;
int ap_gcp_impersonate_at(struct ap_gcp_grant *out, const char *token, const char *url,
	const cJSON *delegates, struct ap_http *http, struct ap_err *err) AP_CHECK;

/*
 * The subject token of AWS: a signed GetCallerIdentity request.  Pure but for
 * the clock, which is given.  *out: owned.
 */
struct ap_aws {
	const char *key_id, *secret, *session_token, *region;
	const char *verification_url; /* with {region} */
	const char *target;           /* audience */
	int64_t now;                  /* seconds since 1970 */
};
int ap_aws_subject_token(char **out, const struct ap_aws *a, struct ap_err *err) AP_CHECK;

#endif
