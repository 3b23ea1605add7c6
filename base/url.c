#include "base/url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ap_url_release(struct ap_url *u)
{
	free(u->scheme);
	free(u->host);
	free(u->path);
	free(u->query);
	*u = (struct ap_url){ 0 };
}

static bool is_unreserved(char c)
{
	return ap_is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* A host whose last label is a number is an address for some resolvers; only one form of it is accepted. */
static bool ends_in_number(const char *host)
{
	size_t n = strlen(host);
	const char *label;
	size_t i = 0;

	if (n && host[n - 1] == '.')
		n--;
	label = host + n;
	while (label > host && label[-1] != '.')
		label--;
	n -= (size_t)(label - host);
	if (n > 1 && label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return true;
	while (i < n && ap_is_digit(label[i]))
		i++;
	return n && i == n;
}

static char *canonical_v6(const char *text)
{
	struct in6_addr a;
	char out[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, text, &a) != 1 || !inet_ntop(AF_INET6, &a, out, sizeof(out)))
		return NULL;
	return ap_xstrdup(out);
}

/* Lower-case name, dotted quad, or canonical IPv6 address; NULL when it is neither. */
static char *canonical_host(struct ap_str s, bool bracketed)
{
	ap_auto_free char *host = ap_xstrndup(s.p, s.n);
	struct in_addr v4;

	if (bracketed)
		return canonical_v6(host);
	if (!s.n || s.n > 255 || host[0] == '.' || host[0] == '-')
		return NULL;
	for (char *at = host; *at; at++) {
		if (!ap_is_alnum(*at) && *at != '-' && *at != '.' && *at != '_')
			return NULL;
		if (at[0] == '.' && at[1] == '.')
			return NULL;
		*at = ap_lower(*at);
	}
	if (ends_in_number(host) && inet_pton(AF_INET, host, &v4) != 1)
		return NULL;
	return AP_STEAL(host);
}

bool ap_host_split(const char *text, char **host, unsigned *port)
{
	struct ap_str h = ap_str(text);
	const char *colon = NULL;
	bool bracketed = text[0] == '[';
	uint64_t p = 0;
	char *found;

	if (bracketed) {
		const char *end = strchr(text, ']');

		if (!end || (end[1] && end[1] != ':'))
			return false;
		h = ap_str_n(text + 1, (size_t)(end - text - 1));
		colon = end[1] ? end + 1 : NULL;
	} else {
		colon = strchr(text, ':');
		if (colon)
			h.n = (size_t)(colon - text);
	}
	if (colon && colon[1] && (!ap_parse_u64(colon + 1, 65535, &p) || !p))
		return false;
	found = canonical_host(h, bracketed);
	if (!found)
		return false;
	*host = found;
	*port = (unsigned)p;
	return true;
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s <= 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static int bad_url(const char *url, const char *why, struct ap_err *err)
{
	ap_auto_free char *s = ap_url_public(url);

	return ap_err_set(err, AP_E_PROTO, "url \"%.200s\": %s", s, why);
}

int ap_url_parse(struct ap_url *out, const char *url, struct ap_err *err)
{
	ap_auto_url u = { 0 };
	ap_auto_free char *authority = NULL;
	const char *at;
	const char *end;
	unsigned port = 0;
	size_t n;

	if (strlen(url) > 65536)
		return ap_err_set(err, AP_E_LIMIT, "url is over the limit of 65536 bytes");
	if (has_control(url))
		return bad_url(url, "white space or control character", err);
	at = strchr(url, ':');
	n = at ? (size_t)(at - url) : 0;
	if (n == 4 && strncasecmp(url, "http", 4) == 0)
		u.port = 80;
	else if (n == 5 && strncasecmp(url, "https", 5) == 0)
		u.port = 443;
	else
		return bad_url(url, "want http:// or https://", err);
	if (strncmp(at, "://", 3) != 0)
		return bad_url(url, "want http:// or https://", err);
	u.scheme = ap_xstrdup(u.port == 80 ? "http" : "https");
	at += 3;
	end = at + strcspn(at, "/?#\\");
	if (memchr(at, '@', (size_t)(end - at)))
		return bad_url(url, "user information is not allowed", err);
	authority = ap_xstrndup(at, (size_t)(end - at));
	if (!ap_host_split(authority, &u.host, &port))
		return bad_url(url, "not a legal host", err);
	if (port)
		u.port = port;
	if (strchr(end, '\\') && strcspn(end, "\\") < strcspn(end, "?#"))
		return bad_url(url, "back slash", err);
	n = strcspn(end, "?#");
	u.path = end[0] == '/' ? ap_xstrndup(end, n) : ap_xstrdup("/");
	if (end[n] == '?') {
		const char *q = end + n + 1;

		u.query = ap_xstrndup(q, strcspn(q, "#"));
	}
	*out = u;
	u = (struct ap_url){ 0 };
	return 0;
}

bool ap_url_same_origin(const struct ap_url *a, const struct ap_url *b)
{
	return strcmp(a->scheme, b->scheme) == 0 && strcmp(a->host, b->host) == 0 &&
	       a->port == b->port;
}

static void add_origin(struct ap_buf *out, const struct ap_url *u)
{
	bool v6 = strchr(u->host, ':');

	ap_buf_addf(out, "%s://%s%s%s", u->scheme, v6 ? "[" : "", u->host, v6 ? "]" : "");
	if (u->port != (strcmp(u->scheme, "http") == 0 ? 80U : 443U))
		ap_buf_addf(out, ":%u", u->port);
}

char *ap_url_origin(const struct ap_url *u)
{
	struct ap_buf b = AP_BUF_INIT;

	add_origin(&b, u);
	return ap_buf_steal(&b);
}

bool ap_url_is_of(const struct ap_url *u, const struct ap_strv *hosts)
{
	for (size_t i = 0; hosts && i < hosts->n; i++) {
		ap_auto_free char *host = NULL;
		unsigned port = 0;

		if (ap_host_split(hosts->v[i], &host, &port) && strcmp(host, u->host) == 0 &&
			(!port || port == u->port))
			return true;
	}
	return false;
}

/* Source: RFC 3986 section 5.2.4, in place. */
static void remove_dot_segments(char *path)
{
	const char *in = path;
	char *out = path;

	while (*in) {
		size_t n = 1 + strcspn(in + 1, "/");

		if (n == 2 && in[1] == '.') {
			if (!in[n])
				*out++ = '/';
		} else if (n == 3 && in[1] == '.' && in[2] == '.') {
			while (out > path && *--out != '/')
				;
			if (!in[n])
				*out++ = '/';
		} else {
			memmove(out, in, n);
			out += n;
		}
		in += n;
	}
	*out = '\0';
}

/* Does it begin with a scheme: letters and "+-." before a colon that no '/', '?' or '#' precedes? */
static bool has_scheme(const char *ref)
{
	size_t n = strcspn(ref, ":/?#");

	return n && ref[n] == ':' && !ap_is_digit(ref[0]);
}

int ap_url_join(char **out, const char *base, const char *ref, struct ap_err *err)
{
	ap_auto_url b = { 0 };
	ap_auto_url u = { 0 };
	ap_auto_buf joined = AP_BUF_INIT;
	ap_auto_buf text = AP_BUF_INIT;

	if (ap_url_parse(&b, base, err) < 0)
		return -1;
	if (has_scheme(ref)) {
		ap_buf_adds(&text, ref);
	} else if (ref[0] == '/' && ref[1] == '/') {
		ap_buf_addf(&text, "%s:%s", b.scheme, ref);
	} else {
		add_origin(&text, &b);
		if (ref[0] != '/')
			ap_buf_add(&text, b.path,
				ref[0] && ref[0] != '?' && ref[0] != '#'
					? (size_t)(strrchr(b.path, '/') - b.path) + 1
					: strlen(b.path));
		if ((!ref[0] || ref[0] == '#') && b.query)
			ap_buf_addf(&text, "?%s", b.query);
		ap_buf_adds(&text, ref);
	}
	if (ap_url_parse(&u, text.p, err) < 0)
		return -1;
	remove_dot_segments(u.path);
	add_origin(&joined, &u);
	ap_buf_adds(&joined, u.path);
	if (u.query)
		ap_buf_addf(&joined, "?%s", u.query);
	*out = ap_buf_steal(&joined);
	return 0;
}

int ap_url_hop(char **to, bool *same, const char *from, const char *ref, bool from_private,
	struct ap_err *err)
{
	ap_auto_url a = { 0 };
	ap_auto_url b = { 0 };
	ap_auto_free char *url = NULL;

	if (ap_url_join(&url, from, ref, err) < 0 || ap_url_parse(&a, from, err) < 0 ||
		ap_url_parse(&b, url, err) < 0)
		return -1;
	if (strcmp(a.scheme, "https") == 0 && strcmp(b.scheme, "https") != 0)
		return ap_err_set(
			err, AP_E_PROTO, "leads from https to http: %s to %s", a.host, b.host);
	if (!from_private && ap_host_is_private(b.host))
		return ap_err_set(
			err, AP_E_PROTO, "leads to a private address: %s to %s", a.host, b.host);
	*same = ap_url_same_origin(&a, &b);
	*to = AP_STEAL(url);
	return 0;
}

char *ap_url_public(const char *url)
{
	struct ap_buf b = AP_BUF_INIT;
	const char *at = strstr(url, "://");
	size_t end = strcspn(url, "?#");
	const char *user = NULL;

	at = at && (size_t)(at - url) < end ? at + 3 : url;
	for (const char *p = at; p < url + end && *p != '/'; p++) {
		if (*p == '@')
			user = p;
	}
	ap_buf_add_printable(&b, url, (size_t)(at - url));
	at = user ? user + 1 : at;
	ap_buf_add_printable(&b, at, (size_t)(url + end - at));
	return ap_buf_steal(&b);
}

static bool v4_in(uint32_t a, uint32_t net, unsigned bits)
{
	return (a >> (32 - bits)) == (net >> (32 - bits));
}

static bool v4_is_private(uint32_t a)
{
	return v4_in(a, 0, 8) || v4_in(a, 0x0a000000, 8) || v4_in(a, 0x64400000, 10) ||
	       v4_in(a, 0x7f000000, 8) || v4_in(a, 0xa9fe0000, 16) || v4_in(a, 0xac100000, 12) ||
	       v4_in(a, 0xc0000000, 24) || v4_in(a, 0xc0a80000, 16) || v4_in(a, 0xc6120000, 15) ||
	       a >= 0xe0000000;
}

static uint32_t v4_at(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* The IPv4 address inside a mapped, translated (RFC 6052) or 6to4 one; false when there is none. */
static bool v4_inside(const struct in6_addr *a, uint32_t *out)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const unsigned char nat64[12] = { 0x00, 0x64, 0xff, 0x9b };
	static const unsigned char compatible[12] = { 0 };
	const unsigned char *p = a->s6_addr;

	if (memcmp(p, mapped, 12) == 0 || memcmp(p, nat64, 12) == 0 ||
		memcmp(p, compatible, 12) == 0) {
		*out = v4_at(p + 12);
		return true;
	}
	if (p[0] == 0x20 && p[1] == 0x02) {
		*out = v4_at(p + 2);
		return true;
	}
	return false;
}

static bool v6_is_private(const struct in6_addr *a)
{
	const unsigned char *p = a->s6_addr;
	uint32_t v4;

	if (v4_inside(a, &v4))
		return v4_is_private(v4);
	return IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LOOPBACK(a) || (p[0] & 0xfe) == 0xfc ||
	       (p[0] == 0xfe && (p[1] & 0x80)) || p[0] == 0xff;
}

bool ap_host_is_loopback(const char *host)
{
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return v4_in(ntohl(v4.s_addr), 0x7f000000, 8);
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return IN6_IS_ADDR_LOOPBACK(&v6);
	return strcasecmp(host, "localhost") == 0;
}

bool ap_host_is_private(const char *host)
{
	size_t n = strlen(host);
	struct in_addr v4;
	struct in6_addr v6;

	if (inet_pton(AF_INET, host, &v4) == 1)
		return v4_is_private(ntohl(v4.s_addr));
	if (inet_pton(AF_INET6, host, &v6) == 1)
		return v6_is_private(&v6);
	if (n && host[n - 1] == '.')
		n--;
	return (n == 9 && strncasecmp(host, "localhost", 9) == 0) ||
	       (n > 10 && strncasecmp(host + n - 10, ".localhost", 10) == 0);
}

void ap_url_escape(struct ap_buf *out, const char *s)
{
	for (; *s; s++) {
		if (is_unreserved(*s))
			ap_buf_addc(out, *s);
		else
			ap_buf_addf(out, "%%%02X", (unsigned char)*s);
	}
}

void ap_form_add(struct ap_buf *form, const char *name, const char *value)
{
	if (!value)
		return;
	ap_buf_addf(form, "%s%s=", form->len ? "&" : "", name);
	ap_url_escape(form, value);
}
