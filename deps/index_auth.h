/*
 * Credentials for package indexes: from URLs, netrc and Google, each for one
 * origin only.  They live in memory and leave it as an Authorization header.
 */
#ifndef AP_DEPS_INDEX_AUTH_H
#define AP_DEPS_INDEX_AUTH_H

#include "base/gcp.h"
#include "base/url.h"

struct ap_index_auth;

/* *out: ap_index_auth_free().  borrowed: gcp (may be NULL) for *.pkg.dev. */
void ap_index_auth_new(struct ap_index_auth **out, struct ap_gcp *gcp);
void ap_index_auth_free(struct ap_index_auth *a);

/*
 * Take the user information out of an index URL: *clean gets the URL without
 * it, and the credentials are kept for the URL's origin.  A URL without any
 * is copied.  The first credentials of an origin stay.  A user without a
 * password is looked up in the keyring, where one is used.
 *
 * *clean: owned; NULL when not wanted.
 * Errors: AP_E_INPUT, without the secret, for a URL that cannot be read.
 */
int ap_index_auth_add_url(
	char **clean, struct ap_index_auth *a, const char *url, struct ap_err *err) AP_CHECK;

/*
 * Ask this program (`keyring`, a path) for passwords that index URLs leave
 * out: `keyring get SERVICE USER`, SERVICE being the URL and then its host,
 * as pip and uv ask.  Called before the URLs are added.
 */
void ap_index_auth_use_keyring(struct ap_index_auth *a, const char *program);

/*
 * Read a netrc file's text: its machines serve any https origin of that
 * host, and loopback ones over http.  "default" serves none: it would send
 * a password to whoever asks.
 * Errors: AP_E_INPUT "line N: ..." without the text of the line.
 */
int ap_index_auth_add_netrc(
	struct ap_index_auth *a, const char *p, size_t n, struct ap_err *err) AP_CHECK;

/*
 * The Authorization value for a URL, or NULL: exact origin first, then netrc,
 * then Google's for hosts that ap_gcp_url_allowed() names.
 * *value: owned.  Threads: yes, once all additions are done.
 */
int ap_index_auth_get(
	char **value, struct ap_index_auth *a, const char *url, struct ap_err *err) AP_CHECK;

#endif
