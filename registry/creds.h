/*
 * Credentials of a registry: from docker's config.json, containers/auth.json
 * and credential helpers.
 *
 * A file or helper that is there and broken is an error; it never makes us
 * use another credential.
 */
#ifndef AP_REGISTRY_CREDS_H
#define AP_REGISTRY_CREDS_H

#include "base/json.h"
#include "registry/registry.h"

/* Strings owned; all NULL: anonymous. */
struct ap_creds {
	char *username, *password;
	char *identity_token; /* an OAuth2 refresh token for the token server */
	char *bearer;         /* a token for the registry itself */
	char *source;         /* where they are from, for people */
	bool google;          /* password is a Google access token */
	bool host_wide;       /* the same for every repository of the host */
};

void ap_creds_release(struct ap_creds *c);
bool ap_creds_any(const struct ap_creds *c);

/*
 * What one parsed file says of host ("host[:port]") and repository.  Pure.
 * *helper: owned; a helper to ask instead, or NULL.  *server: owned; the key
 * to ask it with.
 * Errors: AP_E_INPUT naming the entry.
 */
int ap_creds_from_file(struct ap_creds *out, char **helper, char **server, const cJSON *file,
	const char *host, const char *repository, struct ap_err *err) AP_CHECK;

/* What a helper printed.  Pure.  Errors: AP_E_AUTH. */
int ap_creds_from_helper(
	struct ap_creds *out, const void *p, size_t n, struct ap_err *err) AP_CHECK;

/*
 * Look everywhere, in the order: --username for its host, authfile (then
 * nothing else), docker's config.json, containers/auth.json.  Google
 * registries without an entry, or with gcloud's own helper as entry, have
 * out->google set and no password: base/gcp gives it.
 *
 * Errors: AP_E_INPUT for broken files, AP_E_AUTH for a helper that fails.
 */
int ap_creds_find(struct ap_creds *out, const struct ap_registry_config *c, const char *host,
	const char *repository, struct ap_err *err) AP_CHECK;

#endif
