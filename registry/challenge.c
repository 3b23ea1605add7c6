#include "registry/challenge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void ap_challenge_release(struct ap_challenge *c)
{
	free(c->realm);
	free(c->service);
	free(c->scope);
	free(c->error);
	*c = (struct ap_challenge){ 0 };
}

static bool is_token(char c)
{
	return ap_is_alnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static void skip(const char **at, const char *set)
{
	*at += strspn(*at, set);
}

/* A quoted string, unescaped; NULL when it does not end.  *at: behind it. */
static char *quoted(const char **at)
{
	ap_auto_buf b = AP_BUF_INIT;
	const char *p = *at + 1;

	for (; *p && *p != '"'; p++) {
		if (*p == '\\' && p[1])
			p++;
		ap_buf_addc(&b, *p);
	}
	if (*p != '"')
		return NULL;
	*at = p + 1;
	return ap_buf_steal(&b);
}

static char *bare(const char **at)
{
	const char *p = *at;

	while (**at && **at != ',' && **at != ' ' && **at != '\t')
		(*at)++;
	return ap_xstrndup(p, (size_t)(*at - p));
}

/* The first of two equal parameters stays: the second could come from an injection. */
static void keep(struct ap_challenge *c, struct ap_str name, char *value)
{
	static const struct {
		const char *name;
		size_t at;
	} known[] = {
		{ "realm", offsetof(struct ap_challenge, realm) },
		{ "service", offsetof(struct ap_challenge, service) },
		{ "scope", offsetof(struct ap_challenge, scope) },
		{ "error", offsetof(struct ap_challenge, error) },
	};

	for (size_t i = 0; i < AP_LEN(known); i++) {
		char **slot = (char **)(void *)((char *)c + known[i].at);

		if (strlen(known[i].name) == name.n &&
			strncasecmp(name.p, known[i].name, name.n) == 0 && !*slot) {
			*slot = value;
			return;
		}
	}
	free(value);
}

/* name = value; *more false when what stands there is no parameter. */
static int parameter(struct ap_challenge *c, const char **at, bool *more, struct ap_err *err)
{
	const char *p = *at;
	struct ap_str name = { p, 0 };
	char *value;

	while (is_token(*p))
		p++;
	name.n = (size_t)(p - name.p);
	skip(&p, " \t");
	*more = name.n && *p == '=';
	if (!*more)
		return 0;
	p++;
	skip(&p, " \t");
	value = *p == '"' ? quoted(&p) : bare(&p);
	if (!value)
		return ap_err_set(err, AP_E_PROTO, "www-authenticate: a quoted value does not end");
	keep(c, name, value);
	*at = p;
	return 0;
}

static enum ap_challenge_kind kind_of(struct ap_str scheme)
{
	if (scheme.n == 6 && strncasecmp(scheme.p, "bearer", 6) == 0)
		return AP_CHALLENGE_BEARER;
	if (scheme.n == 5 && strncasecmp(scheme.p, "basic", 5) == 0)
		return AP_CHALLENGE_BASIC;
	return AP_CHALLENGE_NONE;
}

/* One challenge: scheme and its parameters. */
static int one(struct ap_challenge *c, const char **at, struct ap_err *err)
{
	struct ap_str scheme = { *at, strcspn(*at, " \t,") };
	bool more = true;

	c->kind = kind_of(scheme);
	*at += scheme.n;
	skip(at, " \t");
	while (more) {
		skip(at, " \t,");
		if (parameter(c, at, &more, err) < 0)
			return -1;
	}
	/* What is left may be a token68 of a scheme we do not know. */
	if (c->kind == AP_CHALLENGE_NONE && strcspn(*at, " \t,=") &&
		(*at)[strcspn(*at, " \t,")] == ',')
		*at += strcspn(*at, ",");
	return 0;
}

int ap_challenge_parse(struct ap_challenge *out, const char *value, struct ap_err *err)
{
	AP_CLEANUP(ap_challenge_release) struct ap_challenge best = { 0 };
	const char *at = value;

	skip(&at, " \t,");
	while (*at) {
		AP_CLEANUP(ap_challenge_release) struct ap_challenge c = { 0 };
		const char *before = at;

		if (one(&c, &at, err) < 0)
			return -1;
		if (c.kind > best.kind) {
			struct ap_challenge old = best;

			best = c;
			c = old;
		}
		skip(&at, " \t,");
		if (at == before)
			break;
	}
	if (best.kind == AP_CHALLENGE_BEARER && (!best.realm || !*best.realm))
		return ap_err_set(err, AP_E_PROTO, "www-authenticate: Bearer without a realm");
	*out = best;
	best = (struct ap_challenge){ 0 };
	return 0;
}

int ap_challenge_of(struct ap_challenge *out, const struct ap_http_resp *resp, struct ap_err *err)
{
	AP_CLEANUP(ap_challenge_release) struct ap_challenge best = { 0 };

	for (size_t i = 0; i < resp->headers.n; i++) {
		const char *h = resp->headers.v[i];
		AP_CLEANUP(ap_challenge_release) struct ap_challenge c = { 0 };

		if (!ap_starts_with(h, "www-authenticate:"))
			continue;
		if (ap_challenge_parse(&c, h + strlen("www-authenticate:"), err) < 0)
			return -1;
		if (c.kind > best.kind) {
			struct ap_challenge old = best;

			best = c;
			c = old;
		}
	}
	*out = best;
	best = (struct ap_challenge){ 0 };
	return 0;
}
