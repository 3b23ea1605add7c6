#include "base/gcp_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"

#define TOKEN_URL  "https://oauth2.googleapis.com/token"
#define IAM_URL    "https://iamcredentials.googleapis.com"
#define MAX_ANSWER ((uint64_t)1 << 20)
#define MAX_NESTED 4 /* credentials that name others as their source */

void ap_gcp_grant_release(struct ap_gcp_grant *g)
{
	if (g->value)
		explicit_bzero(g->value, strlen(g->value));
	free(g->value);
	*g = (struct ap_gcp_grant){ 0 };
}

/* Unpadded and URL-safe.  *out: owned. */
static char *base64url(const void *p, size_t n)
{
	struct ap_buf out = AP_BUF_INIT;

	ap_base64(&out, p, n);
	ap_buf_truncate(&out, strcspn(out.p, "="));
	for (char *c = out.p; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return ap_buf_steal(&out);
}

bool ap_gcp_token_url_allowed(const char *url)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_url u = { 0 };

	if (ap_url_parse(&u, url, &err) < 0)
		return false;
	if (ap_host_is_loopback(u.host))
		return true;
	return strcmp(u.scheme, "https") == 0 &&
	       (ap_ends_with(u.host, ".googleapis.com") ||
		       strcmp(u.host, "accounts.google.com") == 0);
}

int ap_gcp_check_url(const char *what, const char *url, struct ap_err *err)
{
	ap_auto_free char *shown = NULL;

	if (ap_gcp_token_url_allowed(url))
		return 0;
	shown = ap_url_public(url);
	return ap_err_set(err, AP_E_INPUT,
		"\"%s\": want https on a host of googleapis.com, found %.200s", what, shown);
}

int ap_gcp_need(const char **out, const cJSON *key, const char *name, struct ap_err *err)
{
	if (ap_json_need_str(out, key, name, err) == 0)
		return 0;
	err->code = AP_E_INPUT;
	return -1;
}

/* The server's own words: "invalid_grant: Bad Request". */
int ap_gcp_refused(const char *url, const struct ap_http_resp *resp, struct ap_err *err)
{
	ap_auto_free char *shown = ap_url_public(url);
	struct ap_err ignored = AP_ERR_INIT;
	ap_auto_json j = NULL;
	ap_auto_buf text = AP_BUF_INIT;
	const cJSON *e = NULL;
	const char *word;
	const char *more;

	if (ap_json_parse(&j, resp->body.p, resp->body.len, &ignored) == 0)
		e = ap_json_get(j, "error");
	word = cJSON_IsString(e) ? e->valuestring : ap_json_str(e, "status");
	more = cJSON_IsObject(e) ? ap_json_str(e, "message") : ap_json_str(j, "error_description");
	if (word)
		ap_buf_add_printable(&text, word, strnlen(word, 200));
	if (more) {
		ap_buf_adds(&text, text.len ? ": " : "");
		ap_buf_add_printable(&text, more, strnlen(more, 400));
	}
	ap_err_set(err, resp->status >= 500 || resp->status == 429 ? AP_E_HTTP : AP_E_AUTH,
		"%s: HTTP %d%s%s", shown, resp->status, text.len ? ": " : "", text.p);
	err->http = resp->status;
	return -1;
}

static bool token_ok(const char *s)
{
	for (const char *c = s; *c; c++) {
		if ((unsigned char)*c <= 0x20 || (unsigned char)*c >= 0x7f)
			return false;
	}
	return *s != '\0';
}

static int take_token(
	struct ap_gcp_grant *out, const char *token, double lifetime, struct ap_err *err)
{
	if (!token || !token_ok(token))
		return ap_err_set(err, AP_E_PROTO, "the token server's answer has no usable token");
	out->value = ap_xstrdup(token);
	out->lifetime = lifetime;
	return 0;
}

static int post(cJSON **out, const char *url, const char *type, const char *authorization,
	const struct ap_buf *body, struct ap_http *http, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_strv headers = { 0 };
	int rc;

	ap_strv_addf(&headers, "Content-Type: %s", type);
	ap_strv_add(&headers, "Accept: application/json");
	if (ap_http_do(http,
		    &(struct ap_http_req){ .method = "POST",
			    .url = url,
			    .authorization = authorization,
			    .headers = &headers,
			    .body = body->p,
			    .body_len = body->len,
			    .max_body = MAX_ANSWER,
			    .step = AP_STEP_HTTP,
			    .flags = AP_HTTP_RETRY },
		    &resp, err) < 0)
		return -1;
	if (resp.status != 200)
		return ap_gcp_refused(url, &resp, err);
	rc = ap_json_parse(out, resp.body.p, resp.body.len, err);
	explicit_bzero(resp.body.p, resp.body.len);
	return rc;
}

int ap_gcp_exchange(struct ap_gcp_grant *out, const char *url, const char *authorization,
	struct ap_buf *form, struct ap_http *http, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const cJSON *life;
	int rc = post(&j, url, "application/x-www-form-urlencoded", authorization, form, http, err);

	explicit_bzero(form->p, form->len);
	if (rc < 0)
		return -1;
	life = ap_json_get(j, "expires_in");
	return take_token(out, ap_json_str(j, "access_token"),
		cJSON_IsNumber(life) && life->valuedouble >= 0 ? AP_MIN(life->valuedouble, 86400.0)
							       : 300.0,
		err);
}

/* ---- service account ---- */

static int sign(char **out, const char *text, const char *pem, struct ap_err *err)
{
	/* Without a password of its own, libcrypto asks the terminal for one. */
	static char none[] = "";
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, none) : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = 0;
	unsigned char *sig = NULL;
	bool ok = pkey && ctx && EVP_PKEY_base_id(pkey) == EVP_PKEY_RSA &&
		  EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		  EVP_DigestSign(ctx, NULL, &n, (const unsigned char *)text, strlen(text)) == 1;

	if (ok) {
		sig = ap_xmalloc(n);
		ok = EVP_DigestSign(ctx, sig, &n, (const unsigned char *)text, strlen(text)) == 1;
	}
	if (ok)
		*out = base64url(sig, n);
	free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	BIO_free(bio);
	return ok ? 0
		  : ap_err_set(err, AP_E_INPUT, "\"private_key\" is not an RSA key in PEM form");
}

/* Source: RFC 7523; Google, OAuth 2.0 for server to server applications. */
static int jwt(char **out, const cJSON *key, const char *audience, struct ap_err *err)
{
	ap_auto_json head = ap_json_object();
	ap_auto_json claims = ap_json_object();
	ap_auto_buf h = AP_BUF_INIT;
	ap_auto_buf c = AP_BUF_INIT;
	ap_auto_free char *h64 = NULL;
	ap_auto_free char *c64 = NULL;
	ap_auto_free char *text = NULL;
	ap_auto_free char *signature = NULL;
	const char *email;
	const char *pem;
	time_t now = time(NULL);

	if (ap_gcp_need(&email, key, "client_email", err) < 0 ||
		ap_gcp_need(&pem, key, "private_key", err) < 0)
		return -1;
	ap_json_set_str(head, "alg", "RS256");
	ap_json_set_str(head, "typ", "JWT");
	ap_json_set_str(head, "kid", ap_json_str(key, "private_key_id"));
	ap_json_set_str(claims, "iss", email);
	ap_json_set_str(claims, "scope", AP_GCP_SCOPE);
	ap_json_set_str(claims, "aud", audience);
	ap_json_set(claims, "iat", ap_json_number((double)now));
	ap_json_set(claims, "exp", ap_json_number((double)now + 3600));
	ap_json_print(&h, head, 0);
	ap_json_print(&c, claims, 0);
	h64 = base64url(h.p, h.len);
	c64 = base64url(c.p, c.len);
	text = ap_xasprintf("%s.%s", h64, c64);
	if (sign(&signature, text, pem, err) < 0)
		return -1;
	*out = ap_xasprintf("%s.%s", text, signature);
	return 0;
}

static int service_account(
	struct ap_gcp_grant *out, const cJSON *key, struct ap_http *http, struct ap_err *err)
{
	const char *url = ap_json_str(key, "token_uri");
	ap_auto_free char *assertion = NULL;
	ap_auto_buf form = AP_BUF_INIT;

	if (!url)
		url = TOKEN_URL;
	if (ap_gcp_check_url("token_uri", url, err) < 0 || jwt(&assertion, key, url, err) < 0)
		return -1;
	ap_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	ap_form_add(&form, "assertion", assertion);
	return ap_gcp_exchange(out, url, NULL, &form, http, err);
}

/* ---- authorized user ---- */

static int authorized_user(struct ap_gcp_grant *out, const cJSON *key, const char *url_name,
	struct ap_http *http, struct ap_err *err)
{
	const char *url = ap_json_str(key, url_name);
	const char *id;
	const char *secret;
	const char *refresh;
	ap_auto_buf form = AP_BUF_INIT;

	if (!url)
		url = TOKEN_URL;
	if (ap_gcp_need(&id, key, "client_id", err) < 0 ||
		ap_gcp_need(&secret, key, "client_secret", err) < 0 ||
		ap_gcp_need(&refresh, key, "refresh_token", err) < 0 ||
		ap_gcp_check_url(url_name, url, err) < 0)
		return -1;
	ap_form_add(&form, "grant_type", "refresh_token");
	ap_form_add(&form, "client_id", id);
	ap_form_add(&form, "client_secret", secret);
	ap_form_add(&form, "refresh_token", refresh);
	if (ap_gcp_exchange(out, url, NULL, &form, http, err) == 0)
		return 0;
	if (err->code == AP_E_AUTH)
		ap_err_wrap(err, "log in again with `gcloud auth login`");
	return -1;
}

/* ---- impersonation ---- */

/* "2014-10-02T15:01:23Z" as seconds from now; 300 when it cannot be read. */
static double until(const char *stamp)
{
	struct tm tm = { 0 };
	time_t at;

	if (!stamp || !strptime(stamp, "%Y-%m-%dT%H:%M:%S", &tm))
		return 300;
	at = timegm(&tm);
	return at > time(NULL) ? (double)(at - time(NULL)) : 0;
}

/* Source: IAM Service Account Credentials API, generateAccessToken. */
int ap_gcp_impersonate_at(struct ap_gcp_grant *out, const char *token, const char *url,
	const cJSON *delegates, struct ap_http *http, struct ap_err *err)
{
	ap_auto_json body = ap_json_object();
	ap_auto_json j = NULL;
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *bearer = ap_xasprintf("Bearer %s", token);
	int rc;

	ap_json_push(ap_json_set_array(body, "scope"), ap_json_string(AP_GCP_SCOPE));
	ap_json_set_str(body, "lifetime", "3600s");
	if (delegates)
		ap_json_set(body, "delegates", ap_json_dup(delegates));
	ap_json_print(&text, body, 0);
	rc = post(&j, url, "application/json", bearer, &text, http, err);
	explicit_bzero(bearer, strlen(bearer));
	if (rc < 0)
		return ap_err_wrap(err,
			err->http == 403 ? "impersonation (needs "
					   "roles/iam.serviceAccountTokenCreator on the account)"
					 : "impersonation");
	return take_token(
		out, ap_json_str(j, "accessToken"), until(ap_json_str(j, "expireTime")), err);
}

static bool email_ok(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (!ap_is_alnum(s[i]) && !strchr("-._@:", s[i]))
			return false;
	}
	return n > 0 && n < 256;
}

int ap_gcp_impersonate(struct ap_gcp_grant *out, const char *token, const char *chain,
	const struct ap_gcp_opts *opts, struct ap_http *http, struct ap_err *err)
{
	ap_auto_json delegates = ap_json_array();
	ap_auto_free char *url = NULL;
	ap_auto_free char *target = NULL;
	struct ap_str rest = ap_str(chain);
	struct ap_str one;

	while (ap_str_next(&rest, ',', &one)) {
		one = ap_str_trim(one);
		if (!email_ok(one.p, one.n))
			return ap_err_set(err, AP_E_INPUT,
				"impersonate-service-account: \"%.200s\" is not an account's email",
				chain);
		if (target) {
			ap_auto_free char *name =
				ap_xasprintf("projects/-/serviceAccounts/%s", target);

			ap_json_push(delegates, ap_json_string(name));
		}
		free(target);
		target = ap_xstrndup(one.p, one.n);
	}
	url = ap_xasprintf("%s/v1/projects/-/serviceAccounts/%s:generateAccessToken",
		opts->iam_endpoint ? opts->iam_endpoint : IAM_URL, target);
	if (ap_gcp_check_url("iamcredentials endpoint", url, err) < 0)
		return -1;
	return ap_gcp_impersonate_at(
		out, token, url, delegates->child ? delegates : NULL, http, err);
}

/* ---- all kinds ---- */

const char *ap_gcp_key_account(const cJSON *key)
{
	const char *email = ap_json_str(key, "client_email");
	const char *account = ap_json_str(key, "account");

	return email ? email : account && *account ? account : NULL;
}

static int token_of(struct ap_gcp_grant *out, const cJSON *key, const struct ap_gcp_opts *opts,
	struct ap_http *http, unsigned depth, struct ap_err *err)
{
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant source = { 0 };
	const char *url;
	const char *type;

	if (depth > MAX_NESTED)
		return ap_err_set(err, AP_E_LIMIT, "credentials nested deeper than %d", MAX_NESTED);
	if (ap_gcp_need(&type, key, "type", err) < 0)
		return -1;
	if (strcmp(type, "service_account") == 0)
		return service_account(out, key, http, err);
	if (strcmp(type, "authorized_user") == 0)
		return authorized_user(out, key, "token_uri", http, err);
	if (strcmp(type, "external_account_authorized_user") == 0)
		return authorized_user(out, key, "token_url", http, err);
	if (strcmp(type, "external_account") == 0)
		return ap_gcp_external(out, key, opts, http, err);
	if (strcmp(type, "impersonated_service_account") == 0) {
		if (ap_gcp_need(&url, key, "service_account_impersonation_url", err) < 0 ||
			ap_gcp_check_url("service_account_impersonation_url", url, err) < 0 ||
			token_of(&source, ap_json_get(key, "source_credentials"), opts, http,
				depth + 1, err) < 0)
			return -1;
		return ap_gcp_impersonate_at(
			out, source.value, url, ap_json_get(key, "delegates"), http, err);
	}
	return ap_err_set(err, AP_E_INPUT,
		"\"type\": want service_account, authorized_user, external_account or "
		"impersonated_service_account, found \"%.60s\"",
		type);
}

int ap_gcp_key_token(struct ap_gcp_grant *out, const cJSON *key, const struct ap_gcp_opts *opts,
	struct ap_http *http, struct ap_err *err)
{
	return token_of(out, key, opts, http, 1, err);
}
