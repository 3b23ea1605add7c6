/*
 * URLs of http and https: taken apart strictly, joined, compared, shown
 * without what may be secret.  Pure functions.
 *
 * The grammar is narrower than RFC 3986 on purpose: a host that two parsers
 * could read differently (0x7f.1, back slashes, per cent signs) is refused.
 */
#ifndef AP_BASE_URL_H
#define AP_BASE_URL_H

#include "base/str.h"

/* A URL taken apart.  Strings owned; ap_url_release(). */
struct ap_url {
	char *scheme, *host, *path,
		*query; /* host in lower case, no brackets; path begins with '/'; query may be NULL */
	unsigned port; /* filled in from the scheme */
};

/* Errors: AP_E_PROTO for anything but http and https, user information, control characters. */
int ap_url_parse(struct ap_url *out, const char *url, struct ap_err *err) AP_CHECK;
void ap_url_release(struct ap_url *u);
#define ap_auto_url AP_CLEANUP(ap_url_release) struct ap_url

/* Same scheme, host and port. */
bool ap_url_same_origin(const struct ap_url *a, const struct ap_url *b);

/* Is its host one of these, "host" or "host:port"? */
bool ap_url_is_of(const struct ap_url *u, const struct ap_strv *hosts);

/* "https://host:port", the port only when it is not the scheme's.  *out: owned. */
char *ap_url_origin(const struct ap_url *u);

/*
 * Resolve `ref` (absolute, //host, /path, relative, ?query) against base; a
 * fragment is dropped.  Source: RFC 3986 section 5.
 */
int ap_url_join(char **out, const char *base, const char *ref, struct ap_err *err) AP_CHECK;

/*
 * May a server at `from` send us on to `ref`?  Never from https to http, and
 * from a public address never to a private one.  *to: owned, absolute;
 * *same: credentials may go along.  Errors: AP_E_PROTO.
 */
int ap_url_hop(char **to, bool *same, const char *from, const char *ref, bool from_private,
	struct ap_err *err) AP_CHECK;

/* The URL without its query and user information, for messages and logs.  *out: owned. */
char *ap_url_public(const char *url);

/* localhost, 127/8, ::1 */
bool ap_host_is_loopback(const char *host);
/* loopback, link-local, private, unspecified: RFC 1918, 3927, 4193, 6598, 6890 */
bool ap_host_is_private(const char *host);

/* Split "host", "host:port", "[v6]:port"; *port 0 when none.  False when it is none of these. */
bool ap_host_split(const char *text, char **host, unsigned *port);

/* Percent-encode all but unreserved characters, into out. */
void ap_url_escape(struct ap_buf *out, const char *s);

/* Add name=value to a form; nothing for NULL. */
void ap_form_add(struct ap_buf *form, const char *name, const char *value);

#endif
