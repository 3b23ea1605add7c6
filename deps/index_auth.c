#include "deps/index_auth.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/child.h"

enum { KEYRING_SECONDS = 60 };

/* Credentials of one origin, or (origin NULL) of one host of netrc. */
struct entry {
	char *origin, *host; /* host "" is netrc's default */
	char *value;
};

struct ap_index_auth {
	struct ap_gcp *gcp;
	char *keyring; /* program, or NULL */
	struct entry *v;
	size_t n, cap;
};

void ap_index_auth_new(struct ap_index_auth **out, struct ap_gcp *gcp)
{
	*out = ap_xcalloc(1, sizeof(**out));
	(*out)->gcp = gcp;
}

void ap_index_auth_free(struct ap_index_auth *a)
{
	for (size_t i = 0; a && i < a->n; i++) {
		free(a->v[i].origin);
		free(a->v[i].host);
		explicit_bzero(a->v[i].value, strlen(a->v[i].value));
		free(a->v[i].value);
	}
	if (a) {
		free(a->v);
		free(a->keyring);
	}
	free(a);
}

void ap_index_auth_use_keyring(struct ap_index_auth *a, const char *program)
{
	free(a->keyring);
	a->keyring = ap_xstrdup(program);
}

static char *basic(const struct ap_buf *user, const struct ap_buf *password)
{
	ap_auto_buf plain = AP_BUF_INIT;
	ap_auto_free unsigned char *out = NULL;
	char *value;

	ap_buf_add(&plain, user->p, user->len);
	ap_buf_addc(&plain, ':');
	ap_buf_add(&plain, password->p, password->len);
	out = ap_xmalloc(plain.len * 4 / 3 + 8);
	EVP_EncodeBlock(out, (const unsigned char *)plain.p, (int)plain.len);
	value = ap_xasprintf("Basic %s", (const char *)out);
	explicit_bzero(out, strlen((const char *)out));
	explicit_bzero(plain.p, plain.len);
	return value;
}

static void add(struct ap_index_auth *a, char *origin, char *host, char *value)
{
	AP_GROW(a->v, a->n, a->cap);
	a->v[a->n++] = (struct entry){ origin, host, value };
}

static int hex(char c)
{
	const char *at = strchr("0123456789abcdef", ap_lower(c));

	return c && at ? (int)(at - "0123456789abcdef") : -1;
}

/* Percent-decode; false for a malformed escape. */
static bool unescape(struct ap_buf *out, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '%') {
			ap_buf_addc(out, p[i]);
			continue;
		}
		if (i + 2 >= n || hex(p[i + 1]) < 0 || hex(p[i + 2]) < 0)
			return false;
		ap_buf_addc(out, (char)(hex(p[i + 1]) << 4 | hex(p[i + 2])));
		i += 2;
	}
	return true;
}

/* Ask for one entry; *password stays empty when there is none. */
static int ask_keyring(struct ap_buf *password, const char *program, const char *service,
	const char *user, struct ap_err *err)
{
	const char *const argv[] = { program, "get", service, user, NULL };
	ap_auto_buf out = AP_BUF_MAX(4096);
	ap_auto_buf said = AP_BUF_MAX(1 << 16);
	int status;

	if (ap_child_run(&(struct ap_child_opts){ .argv = argv,
				 .out = &out,
				 .errout = &said,
				 .timeout = KEYRING_SECONDS },
		    &status, err) < 0)
		return ap_err_wrap(err, "keyring");
	/* keyring says "no such entry" by its status. */
	if (status != 0)
		return 0;
	while (out.len && strchr("\r\n", out.p[out.len - 1]))
		ap_buf_truncate(&out, out.len - 1);
	ap_buf_add(password, out.p, out.len);
	explicit_bzero(out.p, out.len);
	return 0;
}

static int from_keyring(struct ap_buf *password, const struct ap_index_auth *a, const char *url,
	const struct ap_url *u, const struct ap_buf *user, struct ap_err *err)
{
	if (!a->keyring || !user->len)
		return 0;
	if (ask_keyring(password, a->keyring, url, user->p, err) < 0)
		return -1;
	return password->len ? 0 : ask_keyring(password, a->keyring, u->host, user->p, err);
}

int ap_index_auth_add_url(
	char **clean, struct ap_index_auth *a, const char *url, struct ap_err *err)
{
	const char *host = strstr(url, "://");
	const char *end, *at, *colon;
	ap_auto_free char *without = NULL;
	ap_auto_url u = { 0 };

	if (!host)
		return ap_err_set(err, AP_E_INPUT, "an index URL does not begin with https://");
	host += 3;
	end = host + strcspn(host, "/?#");
	at = memrchr(host, '@', (size_t)(end - host));
	without = ap_xasprintf("%.*s%s", (int)(host - url), url, at ? at + 1 : host);
	if (ap_url_parse(&u, without, err) < 0) {
		err->code = AP_E_INPUT;
		return -1;
	}
	if (at) {
		ap_auto_buf user = AP_BUF_INIT;
		ap_auto_buf password = AP_BUF_INIT;
		bool ok;

		colon = memchr(host, ':', (size_t)(at - host));
		ok = unescape(&user, host, (size_t)((colon ? colon : at) - host)) &&
		     (!colon || unescape(&password, colon + 1, (size_t)(at - colon - 1)));
		if (!ok)
			return ap_err_set(err, AP_E_INPUT,
				"%s: the user information has a malformed %% escape", without);
		if (!colon && from_keyring(&password, a, without, &u, &user, err) < 0)
			return -1;
		add(a, ap_url_origin(&u), NULL, basic(&user, &password));
		explicit_bzero(password.p, password.len);
	}
	if (clean)
		*clean = AP_STEAL(without);
	return 0;
}

/* A netrc machine while it is read. */
struct machine {
	bool open;
	char *host;
	struct ap_buf login, password;
};

static void machine_end(struct ap_index_auth *a, struct machine *m)
{
	if (m->open && (m->login.len || m->password.len))
		add(a, NULL, AP_STEAL(m->host), basic(&m->login, &m->password));
	free(AP_STEAL(m->host));
	explicit_bzero(m->password.p, m->password.len);
	ap_buf_release(&m->login);
	ap_buf_release(&m->password);
	ap_buf_init(&m->login, 4096);
	ap_buf_init(&m->password, 4096);
	m->open = false;
}

/* The next word; quoted ones may hold blanks.  False at the end. */
static bool word(const char **at, const char *end, size_t *line, struct ap_buf *out)
{
	bool comment = false;

	for (; *at < end && (comment || strchr(" \t\r\n#", **at)); (*at)++) {
		comment = **at != '\n' && (comment || **at == '#');
		*line += **at == '\n';
	}
	ap_buf_reset(out);
	if (*at == end)
		return false;
	if (**at == '"') {
		for ((*at)++; *at < end && **at != '"' && **at != '\n'; (*at)++) {
			if (**at == '\\' && *at + 1 < end)
				(*at)++;
			ap_buf_addc(out, **at);
		}
		*at += *at < end && **at == '"';
		return true;
	}
	while (*at < end && !strchr(" \t\r\n", **at))
		ap_buf_addc(out, *(*at)++);
	return true;
}

/* A macro lasts until an empty line. */
static void skip_macro(const char **at, const char *end, size_t *line)
{
	const char *blank = memmem(*at, (size_t)(end - *at), "\n\n", 2);
	const char *to = blank ? blank + 2 : end;

	for (; *at < to; (*at)++)
		*line += **at == '\n';
}

static int netrc_words(
	struct ap_index_auth *a, struct machine *m, const char *p, size_t n, struct ap_err *err)
{
	ap_auto_buf w = AP_BUF_MAX(4096);
	const char *end = p + n;
	size_t line = 1;

	while (word(&p, end, &line, &w)) {
		bool login = strcmp(w.p, "login") == 0;
		bool password = strcmp(w.p, "password") == 0;

		if (strcmp(w.p, "machine") == 0) {
			machine_end(a, m);
			m->open = word(&p, end, &line, &w);
			if (!m->open)
				return ap_err_set(
					err, AP_E_INPUT, "line %zu: machine without name", line);
			m->host = ap_xstrdup(w.p);
		} else if (strcmp(w.p, "default") == 0) {
			machine_end(a, m);
			m->open = true;
			m->host = ap_xstrdup("");
		} else if (login || password || strcmp(w.p, "account") == 0) {
			ap_auto_buf value = AP_BUF_MAX(4096);

			if (!m->open || !word(&p, end, &line, &value))
				return ap_err_set(err, AP_E_INPUT,
					"line %zu: a value without its machine", line);
			if (login || password)
				ap_buf_add(login ? &m->login : &m->password, value.p, value.len);
		} else if (strcmp(w.p, "macdef") == 0) {
			skip_macro(&p, end, &line);
		} else {
			return ap_err_set(err, AP_E_INPUT, "line %zu: unknown word", line);
		}
	}
	machine_end(a, m);
	return 0;
}

int ap_index_auth_add_netrc(struct ap_index_auth *a, const char *p, size_t n, struct ap_err *err)
{
	struct machine m = { .login = AP_BUF_MAX(4096), .password = AP_BUF_MAX(4096) };
	int rc = netrc_words(a, &m, p, n, err);

	m.open = false;
	machine_end(a, &m);
	return rc;
}

int ap_index_auth_get(char **value, struct ap_index_auth *a, const char *url, struct ap_err *err)
{
	ap_auto_url u = { 0 };
	ap_auto_free char *origin = NULL;
	ap_auto_free char *token = NULL;
	bool netrc_may;

	if (ap_url_parse(&u, url, err) < 0)
		return -1;
	origin = ap_url_origin(&u);
	for (size_t i = 0; i < a->n; i++) {
		if (a->v[i].origin && strcmp(a->v[i].origin, origin) == 0) {
			*value = ap_xstrdup(a->v[i].value);
			return 0;
		}
	}
	netrc_may = strcmp(u.scheme, "https") == 0 || ap_host_is_loopback(u.host);
	for (size_t i = 0; i < a->n && netrc_may; i++) {
		if (a->v[i].host && *a->v[i].host && strcasecmp(a->v[i].host, u.host) == 0) {
			*value = ap_xstrdup(a->v[i].value);
			return 0;
		}
	}
	*value = NULL;
	if (!a->gcp || !ap_gcp_url_allowed(url))
		return 0;
	if (ap_gcp_token(a->gcp, AP_GCP_OPTIONAL, &token, err) < 0)
		return -1;
	if (token)
		*value = ap_xasprintf("Bearer %s", token);
	return 0;
}
