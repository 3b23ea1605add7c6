#include "registry/client.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "registry/answer.h"

#define MAX_REFUSALS 3
#define MAX_PINGS    5     /* of a host that may speak either scheme and answers in none, */
#define PING_SECONDS 100.0 /* and how long another may begin */

void ap_registry_new(struct ap_registry **out, const struct ap_registry_config *c)
{
	struct ap_registry *reg = ap_xcalloc(1, sizeof(*reg));

	reg->c = *c;
	if (c->insecure)
		ap_strv_copy(&reg->insecure, c->insecure);
	pthread_mutex_init(&reg->lock, NULL);
	*out = reg;
}

static void rhost_free(struct ap_rhost *h)
{
	pthread_mutex_destroy(&h->lock);
	ap_challenge_release(&h->challenge);
	while (h->creds) {
		struct ap_rcreds *c = h->creds;

		h->creds = c->next;
		ap_creds_release(&c->creds);
		free(c->repository);
		free(c);
	}
	ap_tokens_release(&h->tokens);
	free(h->name);
	free(h->bare);
	free(h->base);
	free(h);
}

void ap_registry_free(struct ap_registry *reg)
{
	if (!reg)
		return;
	while (reg->hosts) {
		struct ap_rhost *h = reg->hosts;

		reg->hosts = h->next;
		rhost_free(h);
	}
	pthread_mutex_destroy(&reg->lock);
	ap_strv_release(&reg->insecure);
	free(reg);
}

bool ap_registry_is_google(const char *host)
{
	return strcmp(host, "gcr.io") == 0 || ap_ends_with(host, ".gcr.io") ||
	       ap_ends_with(host, ".pkg.dev");
}

struct ap_rhost *ap_rhost_get(struct ap_registry *reg, const char *name)
{
	struct ap_rhost *h;
	unsigned port = 0;

	pthread_mutex_lock(&reg->lock);
	for (h = reg->hosts; h && strcmp(h->name, name) != 0; h = h->next)
		;
	if (!h) {
		h = ap_xcalloc(1, sizeof(*h));
		pthread_mutex_init(&h->lock, NULL);
		h->name = ap_xstrdup(name);
		if (!ap_host_split(name, &h->bare, &port))
			h->bare = ap_xstrdup(name);
		h->next = reg->hosts;
		reg->hosts = h;
	}
	pthread_mutex_unlock(&reg->lock);
	return h;
}

/* ---- scheme and challenge ---- */

static int ping_base(struct ap_registry *reg, const char *base, unsigned flags,
	struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *url = ap_xasprintf("%s/v2/", base);

	return ap_http_do(reg->c.http,
		&(struct ap_http_req){
			.method = "GET", .url = url, .step = AP_STEP_HTTP, .flags = flags },
		resp, err);
}

/* What an HTTPS port of Go answers to plain HTTP; others just close. */
static bool wants_tls(const struct ap_http_resp *resp)
{
	return resp->status == 400 && strstr(resp->body.p, "HTTPS") != NULL;
}

/* One scheme, once.  *spoken: the host speaks it, whatever it says. */
static int ping_once(struct ap_registry *reg, const char *base, struct ap_http_resp *resp,
	bool *spoken, struct ap_err *err)
{
	int rc = ping_base(reg, base, 0, resp, err);

	/* A certificate that is refused is TLS spoken, too. */
	*spoken = rc < 0 ? err->code != AP_E_NET && err->code != AP_E_CANCELLED : !wants_tls(resp);
	return rc;
}

/*
 * Loopback hosts are tried in plain HTTP first, those of --insecure-registry
 * with TLS first, both by turns until one of them is spoken; nothing secret
 * is sent before the answer is in.
 */
static int ping_any(
	struct ap_registry *reg, struct ap_rhost *h, struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *plain = ap_xasprintf("http://%s", h->name);
	ap_auto_free char *tls = ap_xasprintf("https://%s", h->name);
	bool loopback = ap_host_is_loopback(h->bare);
	const char *turn[] = { loopback ? plain : tls, loopback ? tls : plain };
	double until = ap_clock() + PING_SECONDS;
	struct ap_err first = AP_ERR_INIT;
	bool waited = true;

	if (!loopback && !h->insecure) {
		h->base = ap_xstrdup(tls);
		return ping_base(reg, h->base, AP_HTTP_RETRY, resp, err);
	}
	for (unsigned n = 1;; n++) {
		for (size_t i = 0; i < AP_LEN(turn); i++) {
			bool spoken;
			int rc = ping_once(reg, turn[i], resp, &spoken, err);

			if (spoken)
				h->base = ap_xstrdup(turn[i]);
			if (spoken && rc == 0 && ap_http_status_transient(resp->status))
				return ping_base(reg, h->base, AP_HTTP_RETRY, resp, err);
			if (spoken || (rc < 0 && err->code == AP_E_CANCELLED))
				return rc;
			if (rc < 0 && (i == 0 || first.code == AP_E_NONE))
				first = *err;
			ap_err_clear(err);
		}
		if (n == MAX_PINGS || !waited || ap_clock() > until ||
			ap_http_pause(reg->c.http, n, 0, first.msg, &waited, err) < 0)
			break;
	}
	if (err->code == AP_E_NONE)
		*err = first;
	return -1;
}

static int ping_locked(struct ap_registry *reg, struct ap_rhost *h, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_free char *probe = ap_xasprintf("https://%s/", h->name);
	ap_auto_url u = { 0 };

	if (h->base)
		return 0;
	if (ap_url_parse(&u, probe, err) < 0)
		return -1;
	h->insecure = ap_url_is_of(&u, &reg->insecure);
	if (ping_any(reg, h, &resp, err) < 0 ||
		(resp.status == 401 && ap_challenge_of(&h->challenge, &resp, err) < 0))
		goto undo;
	h->peer_private = resp.peer_private;
	if (resp.status >= 500 || resp.status == 429) {
		ap_auto_free char *url = ap_xasprintf("%s/v2/", h->base);

		ap_answer_error(&(struct ap_http_req){ .method = "GET", .url = url }, &resp, err);
		goto undo;
	}
	return 0;
undo:
	free(AP_STEAL(h->base));
	/* Most messages name the host already. */
	return strstr(err->msg, h->name) ? -1 : ap_err_wrap(err, "registry %s", h->name);
}

/* Find out scheme and challenge with GET /v2/; once. */
static int ping(struct ap_registry *reg, struct ap_rhost *h, struct ap_err *err)
{
	int rc;

	pthread_mutex_lock(&h->lock);
	rc = ping_locked(reg, h, err);
	pthread_mutex_unlock(&h->lock);
	return rc;
}

/* ---- credentials and tokens; the host's lock is held ---- */

/*
 * Entries may be for one name space of a host only, so they are looked up for
 * each repository; a helper is asked once.  *out: borrowed from h.
 */
static int find_creds(struct ap_registry *reg, struct ap_rhost *h, const char *repository,
	const struct ap_creds **out, struct ap_err *err)
{
	struct ap_rcreds *c;

	for (c = h->creds; c; c = c->next) {
		if (c->creds.host_wide || strcmp(c->repository, repository) == 0) {
			*out = &c->creds;
			return 0;
		}
	}
	c = ap_xcalloc(1, sizeof(*c));
	if (ap_creds_find(&c->creds, &reg->c, h->name, repository, err) < 0) {
		free(c);
		return -1;
	}
	c->repository = ap_xstrdup(repository);
	c->next = h->creds;
	h->creds = c;
	if (c->creds.source)
		ap_emit_debug(
			reg->c.progress, AP_STEP_HTTP, "%s: using %s", h->name, c->creds.source);
	*out = &c->creds;
	return 0;
}

/*
 * Google's access token as password.  Without any Google credential a public
 * image can still be read, so that is no error here.
 */
static int google_password(struct ap_registry *reg, struct ap_rhost *h,
	const struct ap_creds *creds, bool refused, char **password, struct ap_err *err)
{
	unsigned flags = AP_GCP_OPTIONAL | (refused ? AP_GCP_REFRESH : 0U);

	if (!creds->google)
		return 0;
	if (ap_gcp_token(reg->c.gcp, flags, password, err) < 0)
		return ap_err_wrap(err, "registry %s", h->name);
	return 0;
}

static int fetch_token(struct ap_registry *reg, struct ap_rhost *h, const struct ap_creds *creds,
	const char *scope, bool refused, char **value, double *lifetime, struct ap_err *err)
{
	static const struct ap_creds nobody = { 0 };
	ap_auto_free char *google = NULL;
	struct ap_token_server s = { .challenge = &h->challenge,
		.creds = creds,
		.registry = h->base,
		.registry_private = h->peer_private };

	if (google_password(reg, h, creds, refused, &google, err) < 0)
		return -1;
	h->anonymous = creds->google && !google;
	if (h->anonymous)
		s.creds = &nobody;
	s.password = google ? google : creds->password;
	return ap_token_fetch(value, lifetime, reg->c.http, &s, scope, err);
}

/* *out: owned; the header's value, or NULL for none. */
static int authorize(struct ap_registry *reg, struct ap_rhost *h, const char *repository,
	const char *scope, bool refused, char **out, struct ap_err *err)
{
	ap_auto_free char *google = NULL;
	const struct ap_creds *creds = NULL;
	const char *token;
	char *fresh = NULL;
	double life = 0;

	if (h->challenge.kind == AP_CHALLENGE_NONE)
		return 0;
	if (find_creds(reg, h, repository, &creds, err) < 0)
		return -1;
	if (h->challenge.kind == AP_CHALLENGE_BASIC) {
		if (google_password(reg, h, creds, refused, &google, err) < 0)
			return -1;
		if (google)
			*out = ap_basic_auth("oauth2accesstoken", google);
		else if (creds->username)
			*out = ap_basic_auth(creds->username, creds->password);
		return 0;
	}
	if (creds->bearer) {
		*out = ap_xasprintf("Bearer %s", creds->bearer);
		return 0;
	}
	token = ap_tokens_get(&h->tokens, scope);
	if (!token) {
		if (fetch_token(reg, h, creds, scope, refused, &fresh, &life, err) < 0)
			return -1;
		*out = ap_xasprintf("Bearer %s", fresh);
		ap_tokens_put(&h->tokens, scope, fresh, life);
		return 0;
	}
	*out = ap_xasprintf("Bearer %s", token);
	return 0;
}

static void wipe(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

/* What the 401 tells: a token that is no good, perhaps a challenge we did not know. */
static int refused(struct ap_rhost *h, const char *scope, const char *authorization,
	const struct ap_http_resp *resp, struct ap_err *err)
{
	AP_CLEANUP(ap_challenge_release) struct ap_challenge c = { 0 };

	if (ap_challenge_of(&c, resp, err) < 0)
		return -1;
	if (authorization && ap_starts_with(authorization, "Bearer "))
		ap_tokens_drop(&h->tokens, scope, authorization + strlen("Bearer "));
	if (c.kind != AP_CHALLENGE_NONE) {
		struct ap_challenge old = h->challenge;

		h->challenge = c;
		c = old;
	}
	return 0;
}

/* Is this URL the registry's own?  Then, and only then, it gets its credentials. */
static bool is_own(const struct ap_rhost *h, const char *url)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_url a = { 0 };
	ap_auto_url b = { 0 };

	return ap_url_parse(&a, h->base, &err) == 0 && ap_url_parse(&b, url, &err) == 0 &&
	       ap_url_same_origin(&a, &b);
}

static int send(struct ap_registry *reg, struct ap_rcall *call, struct ap_http_resp *resp,
	struct ap_err *err)
{
	if (call->stream)
		return ap_http_open(call->stream, reg->c.http, &call->req, resp, err);
	return ap_http_do(reg->c.http, &call->req, resp, err);
}

int ap_rcall_do(struct ap_registry *reg, struct ap_rcall *call, struct ap_http_resp *resp,
	struct ap_err *err)
{
	struct ap_rhost *h = call->host;
	ap_auto_free char *url = NULL;
	bool sent = false;
	bool own;

	if (ping(reg, h, err) < 0)
		return -1;
	url = call->url ? ap_xstrdup(call->url) : ap_xasprintf("%s%s", h->base, call->path);
	own = is_own(h, url);
	for (int n = 0;; n++) {
		AP_CLEANUP(wipe) char *authorization = NULL;
		bool final;
		int rc = 0;

		pthread_mutex_lock(&h->lock);
		if (own && (call->flags & AP_RCALL_FRESH))
			ap_tokens_drop(&h->tokens, call->scope, NULL);
		if (own)
			rc = authorize(
				reg, h, call->repository, call->scope, sent, &authorization, err);
		pthread_mutex_unlock(&h->lock);
		if (rc < 0)
			return -1;
		sent = sent || authorization;
		call->req.url = url;
		call->req.authorization = authorization;
		rc = send(reg, call, resp, err);
		call->req.authorization = NULL;
		call->req.url = NULL;
		if (rc < 0 || resp->status != 401 || !own || !is_own(h, resp->url))
			return rc;
		/* Once for a challenge that we did not know, once for a token that has ended. */
		pthread_mutex_lock(&h->lock);
		rc = refused(h, call->scope, authorization, resp, err);
		final = n + 1 >= MAX_REFUSALS || (call->flags & AP_RCALL_KEEP_401) ||
			h->challenge.kind == AP_CHALLENGE_NONE ||
			(h->challenge.kind == AP_CHALLENGE_BASIC && authorization &&
				!ap_registry_is_google(h->bare));
		pthread_mutex_unlock(&h->lock);
		if (rc < 0 || final)
			return rc;
	}
}

char *ap_scope_pull(const char *repository)
{
	return ap_xasprintf("repository:%s:pull", repository);
}

char *ap_scope_push(const char *repository)
{
	return ap_xasprintf("repository:%s:pull,push", repository);
}
