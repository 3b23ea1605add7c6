#include "registry/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/json.h"
#include "registry/answer.h"

#define MAX_ANSWER ((uint64_t)1 << 20)

static void token_free(struct ap_token *t)
{
	explicit_bzero(t->value, strlen(t->value));
	free(t->value);
	free(t->scope);
	free(t);
}

void ap_tokens_release(struct ap_tokens *t)
{
	while (t->first) {
		struct ap_token *one = t->first;

		t->first = one->next;
		token_free(one);
	}
}

const char *ap_tokens_get(const struct ap_tokens *t, const char *scope)
{
	for (const struct ap_token *one = t->first; one; one = one->next) {
		if (strcmp(one->scope, scope) == 0)
			return ap_clock() < one->refresh_at ? one->value : NULL;
	}
	return NULL;
}

void ap_tokens_drop(struct ap_tokens *t, const char *scope, const char *value)
{
	for (struct ap_token **at = &t->first; *at; at = &(*at)->next) {
		struct ap_token *one = *at;

		if (strcmp(one->scope, scope) == 0 && (!value || strcmp(one->value, value) == 0)) {
			*at = one->next;
			token_free(one);
			return;
		}
	}
}

void ap_tokens_put(struct ap_tokens *t, const char *scope, char *value, double lifetime)
{
	struct ap_token *one = ap_xcalloc(1, sizeof(*one));

	ap_tokens_drop(t, scope, NULL);
	one->scope = ap_xstrdup(scope);
	one->value = value;
	one->refresh_at = ap_clock() + lifetime - AP_MIN(lifetime * 0.25, 30.0);
	one->next = t->first;
	t->first = one;
}

static bool legal_token(const char *s)
{
	if (!*s)
		return false;
	for (; *s; s++) {
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7f)
			return false;
	}
	return true;
}

int ap_token_parse(char **value, double *lifetime, const void *p, size_t n, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const cJSON *life;
	const char *token;

	if (ap_json_parse(&j, p, n, err) < 0)
		return ap_err_wrap(err, "token server");
	token = ap_json_str(j, "token");
	if (!token || !*token)
		token = ap_json_str(j, "access_token");
	if (!token)
		return ap_err_set(err, AP_E_PROTO,
			"token server: its answer has neither \"token\" nor \"access_token\"");
	if (!legal_token(token))
		return ap_err_set(err, AP_E_PROTO,
			"token server: the token has characters that no header may have");
	life = ap_json_get(j, "expires_in");
	*lifetime = 60;
	if (cJSON_IsNumber(life) && life->valuedouble >= 0)
		*lifetime = AP_MIN(life->valuedouble, 86400.0);
	*value = ap_xstrdup(token);
	return 0;
}

int ap_realm_check(const struct ap_token_server *s, struct ap_err *err)
{
	ap_auto_url realm = { 0 };
	ap_auto_url registry = { 0 };

	if (ap_url_parse(&realm, s->challenge->realm, err) < 0 ||
		ap_url_parse(&registry, s->registry, err) < 0) {
		err->code = AP_E_AUTH;
		return ap_err_wrap(err, "token realm");
	}
	if (strcmp(registry.scheme, "https") == 0 && strcmp(realm.scheme, "https") != 0)
		return ap_err_set(err, AP_E_AUTH,
			"token realm: %s wants credentials sent to %s without TLS", registry.host,
			realm.host);
	if (!s->registry_private && ap_host_is_private(realm.host))
		return ap_err_set(err, AP_E_AUTH,
			"token realm: %s wants credentials sent to the private address %s",
			registry.host, realm.host);
	if (s->creds->google && !ap_gcp_url_allowed(s->challenge->realm))
		return ap_err_set(err, AP_E_AUTH,
			"token realm: %s wants a Google token sent to %s, which is not Google's",
			registry.host, realm.host);
	return 0;
}

/* Each of the scopes, as one parameter each. */
static void add_scopes(struct ap_buf *out, const char *scope)
{
	struct ap_str rest = ap_str(scope);
	struct ap_str one;

	while (ap_str_next(&rest, ' ', &one)) {
		ap_auto_free char *s = ap_xstrndup(one.p, one.n);

		if (!one.n)
			continue;
		ap_buf_adds(out, "&scope=");
		ap_url_escape(out, s);
	}
}

static char *get_url(const struct ap_token_server *s, const char *scope)
{
	struct ap_buf b = AP_BUF_INIT;
	const char *realm = s->challenge->realm;
	size_t n = strcspn(realm, "#");

	ap_buf_add(&b, realm, n);
	ap_buf_addc(&b, memchr(realm, '?', n) ? '&' : '?');
	ap_buf_adds(&b, "service=");
	ap_url_escape(&b, s->challenge->service ? s->challenge->service : "");
	add_scopes(&b, scope);
	return ap_buf_steal(&b);
}

/* The body of the OAuth2 form: a refresh token or a password is exchanged. */
static void post_body(struct ap_buf *b, const struct ap_token_server *s, const char *scope)
{
	ap_form_add(b, "grant_type", s->creds->identity_token ? "refresh_token" : "password");
	ap_form_add(b, "client_id", "autopack");
	ap_form_add(b, "service", s->challenge->service ? s->challenge->service : "");
	ap_form_add(b, "scope", scope);
	if (s->creds->identity_token) {
		ap_form_add(b, "refresh_token", s->creds->identity_token);
	} else {
		ap_form_add(b, "username", s->creds->username);
		ap_form_add(b, "password", s->password);
	}
}

static int post_token(struct ap_http_resp *resp, struct ap_http_req *req, struct ap_http *http,
	const struct ap_token_server *s, const char *scope, struct ap_err *err)
{
	ap_auto_strv headers = { 0 };
	ap_auto_buf body = AP_BUF_INIT;
	int rc;

	ap_strv_add(&headers, "Content-Type: application/x-www-form-urlencoded");
	post_body(&body, s, scope);
	*req = (struct ap_http_req){ .method = "POST",
		.url = s->challenge->realm,
		.headers = &headers,
		.body = body.p,
		.body_len = body.len,
		.max_body = MAX_ANSWER,
		.step = AP_STEP_HTTP,
		.flags = AP_HTTP_RETRY | (s->registry_private ? 0U : AP_HTTP_PUBLIC_ONLY) };
	rc = ap_http_do(http, req, resp, err);
	explicit_bzero(body.p, body.len);
	req->headers = NULL;
	req->body = NULL;
	return rc;
}

static int get_token(struct ap_http_resp *resp, struct ap_http_req *req, struct ap_http *http,
	const struct ap_token_server *s, const char *url, struct ap_err *err)
{
	ap_auto_free char *basic = NULL;

	if (s->creds->username || s->creds->google)
		basic = ap_basic_auth(
			s->creds->google ? "oauth2accesstoken" : s->creds->username, s->password);
	*req = (struct ap_http_req){ .method = "GET",
		.url = url,
		.authorization = basic,
		.max_body = MAX_ANSWER,
		.step = AP_STEP_HTTP,
		.flags = AP_HTTP_FOLLOW | AP_HTTP_RETRY |
			 (s->registry_private ? 0U : AP_HTTP_PUBLIC_ONLY) };
	if (ap_http_do(http, req, resp, err) < 0)
		return -1;
	req->authorization = NULL;
	return 0;
}

int ap_token_fetch(char **value, double *lifetime, struct ap_http *http,
	const struct ap_token_server *s, const char *scope, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_free char *url = get_url(s, scope);
	struct ap_http_req req = { 0 };
	bool post = s->creds->identity_token;

	if (ap_realm_check(s, err) < 0)
		return -1;
	if (!post && get_token(&resp, &req, http, s, url, err) < 0)
		return ap_err_wrap(err, "token");
	/* Some servers know only the POST form. */
	if (!post && (resp.status == 404 || resp.status == 405) && s->creds->username)
		post = true;
	if (post && post_token(&resp, &req, http, s, scope, err) < 0)
		return ap_err_wrap(err, "token");
	if (resp.status != 200) {
		ap_answer_error(&req, &resp, err);
		if (resp.status >= 400 && resp.status < 500 && resp.status != 408 &&
			resp.status != 429)
			err->code = AP_E_AUTH;
		return ap_err_wrap(err, "token, with %s",
			s->creds->source ? s->creds->source : "no credentials");
	}
	return ap_token_parse(value, lifetime, resp.body.p, resp.body.len, err);
}
