#include "base/gcp_key.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/fs.h"

#define TOKEN_URL  "https://oauth2.googleapis.com/token"
#define IAM_URL    "https://iamcredentials.googleapis.com"
#define MAX_ANSWER ((uint64_t)1 << 20)
#define MAX_TOKEN  ((size_t)1 << 20)
#define MAX_NESTED 4 /* credentials that name others as their source */

void ap_gcp_grant_release(struct ap_gcp_grant *g)
{
	if (g->value)
		explicit_bzero(g->value, strlen(g->value));
	free(g->value);
	*g = (struct ap_gcp_grant){ 0 };
}

void ap_form_add(struct ap_buf *b, const char *name, const char *value)
{
	if (!value)
		return;
	ap_buf_addf(b, "%s%s=", b->len ? "&" : "", name);
	ap_url_escape(b, value);
}

char *ap_base64url(const void *p, size_t n)
{
	char *out = ap_xmalloc(4 * ((n + 2) / 3) + 1);
	int len = EVP_EncodeBlock((unsigned char *)out, p, (int)n);

	while (len && out[len - 1] == '=')
		len--;
	out[len] = '\0';
	for (char *c = out; *c; c++)
		*c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
	return out;
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

static int check_url(const char *what, const char *url, struct ap_err *err)
{
	ap_auto_free char *shown = NULL;

	if (ap_gcp_token_url_allowed(url))
		return 0;
	shown = ap_url_public(url);
	return ap_err_set(err, AP_E_INPUT,
		"\"%s\": want https on a host of googleapis.com, found %.200s", what, shown);
}

static int need(const char **out, const cJSON *key, const char *name, struct ap_err *err)
{
	if (ap_json_need_str(out, key, name, err) == 0)
		return 0;
	err->code = AP_E_INPUT;
	return -1;
}

/* The server's own words: "invalid_grant: Bad Request". */
static int refused(const char *url, const struct ap_http_resp *resp, struct ap_err *err)
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
		return refused(url, &resp, err);
	rc = ap_json_parse(out, resp.body.p, resp.body.len, err);
	explicit_bzero(resp.body.p, resp.body.len);
	return rc;
}

static int exchange(struct ap_gcp_grant *out, const char *url, const char *authorization,
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
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
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
		*out = ap_base64url(sig, n);
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

	if (need(&email, key, "client_email", err) < 0 || need(&pem, key, "private_key", err) < 0)
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
	h64 = ap_base64url(h.p, h.len);
	c64 = ap_base64url(c.p, c.len);
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
	if (check_url("token_uri", url, err) < 0 || jwt(&assertion, key, url, err) < 0)
		return -1;
	ap_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer");
	ap_form_add(&form, "assertion", assertion);
	return exchange(out, url, NULL, &form, http, err);
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
	if (need(&id, key, "client_id", err) < 0 || need(&secret, key, "client_secret", err) < 0 ||
		need(&refresh, key, "refresh_token", err) < 0 || check_url(url_name, url, err) < 0)
		return -1;
	ap_form_add(&form, "grant_type", "refresh_token");
	ap_form_add(&form, "client_id", id);
	ap_form_add(&form, "client_secret", secret);
	ap_form_add(&form, "refresh_token", refresh);
	if (exchange(out, url, NULL, &form, http, err) == 0)
		return 0;
	if (err->code == AP_E_AUTH)
		ap_err_wrap(err, "log in again with `gcloud auth login`");
	return -1;
}

/* ---- external account: workload identity federation ---- */

/* A token as text, or one member of a JSON document. */
static int formatted(char **out, const struct ap_buf *text, const cJSON *source, struct ap_err *err)
{
	const cJSON *format = ap_json_get(source, "format");
	const char *type = ap_json_str(format, "type");
	const char *field = ap_json_str(format, "subject_token_field_name");
	ap_auto_json j = NULL;
	const char *token;

	if (!type || strcmp(type, "text") == 0) {
		struct ap_str s = ap_str_trim(ap_str_n(text->p, text->len));

		if (!s.n)
			return ap_err_set(err, AP_E_INPUT, "credential_source: the token is empty");
		*out = ap_xstrndup(s.p, s.n);
		return 0;
	}
	if (strcmp(type, "json") != 0 || !field)
		return ap_err_set(err, AP_E_INPUT,
			"credential_source: want format \"text\", or \"json\" with a "
			"\"subject_token_field_name\"");
	if (ap_json_parse(&j, text->p, text->len, err) < 0)
		return ap_err_wrap(err, "credential_source");
	token = ap_json_str(j, field);
	if (!token || !*token)
		return ap_err_set(
			err, AP_E_INPUT, "credential_source: no string \"%.100s\"", field);
	*out = ap_xstrdup(token);
	return 0;
}

static int fetch_text(struct ap_buf *out, const char *method, const char *url,
	const struct ap_strv *headers, struct ap_http *http, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };

	if (ap_http_do(http,
		    &(struct ap_http_req){ .method = method,
			    .url = url,
			    .headers = headers,
			    .max_body = MAX_ANSWER,
			    .step = AP_STEP_HTTP,
			    .flags = AP_HTTP_RETRY },
		    &resp, err) < 0)
		return ap_err_wrap(err, "credential_source");
	if (resp.status != 200) {
		refused(url, &resp, err);
		return ap_err_wrap(err, "credential_source");
	}
	ap_buf_add(out, resp.body.p, resp.body.len);
	return 0;
}

static int from_url(
	char **out, const cJSON *source, const char *url, struct ap_http *http, struct ap_err *err)
{
	ap_auto_strv headers = { 0 };
	ap_auto_buf text = AP_BUF_INIT;
	const cJSON *h;

	cJSON_ArrayForEach(h, ap_json_get(source, "headers"))
	{
		if (cJSON_IsString(h))
			ap_strv_addf(&headers, "%s: %s", h->string, h->valuestring);
	}
	if (fetch_text(&text, "GET", url, &headers, http, err) < 0)
		return -1;
	return formatted(out, &text, source, err);
}

static int from_file(char **out, const cJSON *source, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_TOKEN);

	if (ap_fs_read(&text, path, err) < 0)
		return ap_err_wrap(err, "credential_source");
	return formatted(out, &text, source, err);
}

/* What the instance metadata of AWS knows; strings owned. */
struct aws_found {
	char *key_id, *secret, *token, *region;
	cJSON *keys;
};

static void aws_found_release(struct aws_found *f)
{
	free(f->region);
	cJSON_Delete(f->keys);
}

static int aws_keys(struct ap_aws *a, struct aws_found *f, const cJSON *source,
	const struct ap_strv *headers, struct ap_http *http, struct ap_err *err)
{
	const char *url = ap_json_str(source, "url");
	ap_auto_buf role = AP_BUF_MAX(4096);
	ap_auto_buf text = AP_BUF_INIT;
	ap_auto_free char *role_url = NULL;

	if (a->key_id && a->secret)
		return 0;
	if (!url)
		return ap_err_set(err, AP_E_AUTH,
			"credential_source: no AWS_ACCESS_KEY_ID in the environment, and no \"url\"");
	if (fetch_text(&role, "GET", url, headers, http, err) < 0)
		return -1;
	role_url = ap_xasprintf("%s/%.*s", url, (int)strcspn(role.p, "\r\n"), role.p);
	if (fetch_text(&text, "GET", role_url, headers, http, err) < 0 ||
		ap_json_parse(&f->keys, text.p, text.len, err) < 0)
		return -1;
	a->key_id = ap_json_str(f->keys, "AccessKeyId");
	a->secret = ap_json_str(f->keys, "SecretAccessKey");
	a->session_token = ap_json_str(f->keys, "Token");
	if (!a->key_id || !a->secret)
		return ap_err_set(err, AP_E_AUTH, "credential_source: the role has no keys");
	return 0;
}

static int aws_region(struct ap_aws *a, struct aws_found *f, const cJSON *source,
	const struct ap_strv *headers, struct ap_http *http, struct ap_err *err)
{
	const char *url = ap_json_str(source, "region_url");
	ap_auto_buf zone = AP_BUF_MAX(4096);
	size_t n;

	if (a->region)
		return 0;
	if (!url)
		return ap_err_set(err, AP_E_AUTH,
			"credential_source: no AWS_REGION in the environment, and no \"region_url\"");
	if (fetch_text(&zone, "GET", url, headers, http, err) < 0)
		return -1;
	/* "us-east-2b": the zone's letter is not part of the region. */
	n = strcspn(zone.p, "\r\n ");
	f->region = ap_xstrndup(zone.p, n ? n - 1 : 0);
	a->region = f->region;
	return 0;
}

static int from_aws(char **out, const cJSON *key, const cJSON *source,
	const struct ap_gcp_opts *opts, struct ap_http *http, struct ap_err *err)
{
	AP_CLEANUP(aws_found_release) struct aws_found f = { 0 };
	struct ap_aws a = { opts->aws_key_id, opts->aws_secret, opts->aws_session_token,
		opts->aws_region, NULL, NULL, (int64_t)time(NULL) };
	const char *session_url = ap_json_str(source, "imdsv2_session_token_url");
	const char *environment = ap_json_str(source, "environment_id");
	ap_auto_strv headers = { 0 };
	ap_auto_strv ask = { 0 };
	ap_auto_buf session = AP_BUF_MAX(4096);

	if (!ap_streq(environment, "aws1"))
		return ap_err_set(err, AP_E_INPUT,
			"credential_source: want environment_id aws1, found %.40s", environment);
	if (need(&a.verification_url, source, "regional_cred_verification_url", err) < 0 ||
		need(&a.target, key, "audience", err) < 0)
		return -1;
	if (session_url && (!a.region || !a.key_id || !a.secret)) {
		ap_strv_add(&ask, "X-aws-ec2-metadata-token-ttl-seconds: 300");
		if (fetch_text(&session, "PUT", session_url, &ask, http, err) < 0)
			return -1;
		ap_strv_addf(&headers, "X-aws-ec2-metadata-token: %s", session.p);
	}
	if (aws_region(&a, &f, source, &headers, http, err) < 0 ||
		aws_keys(&a, &f, source, &headers, http, err) < 0)
		return -1;
	return ap_aws_subject_token(out, &a, err);
}

static int subject_token(char **out, const cJSON *key, const struct ap_gcp_opts *opts,
	struct ap_http *http, struct ap_err *err)
{
	const cJSON *source = ap_json_get(key, "credential_source");
	const char *file = ap_json_str(source, "file");
	const char *url = ap_json_str(source, "url");

	if (ap_json_str(source, "environment_id"))
		return from_aws(out, key, source, opts, http, err);
	if (file)
		return from_file(out, source, file, err);
	if (url)
		return from_url(out, source, url, http, err);
	if (ap_json_get(source, "executable"))
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"credential_source: programs named by a credential file are not run; use a "
			"file or url source");
	return ap_err_set(err, AP_E_INPUT,
		"\"credential_source\": want \"file\", \"url\" or \"environment_id\"");
}

static char *client_basic(const cJSON *key)
{
	const char *id = ap_json_str(key, "client_id");
	const char *secret = ap_json_str(key, "client_secret");
	ap_auto_free char *plain = NULL;
	char *out;

	if (!id || !secret)
		return NULL;
	plain = ap_xasprintf("%s:%s", id, secret);
	out = ap_xcalloc(1, 6 + 4 * ((strlen(plain) + 2) / 3) + 1);
	memcpy(out, "Basic ", 6);
	EVP_EncodeBlock((unsigned char *)out + 6, (const unsigned char *)plain, (int)strlen(plain));
	return out;
}

static int impersonate_at(struct ap_gcp_grant *out, const char *token, const char *url,
	const cJSON *delegates, struct ap_http *http, struct ap_err *err);

/* Source: RFC 8693; AIP-4117. */
static int external_account(struct ap_gcp_grant *out, const cJSON *key,
	const struct ap_gcp_opts *opts, struct ap_http *http, struct ap_err *err)
{
	const char *act_as = ap_json_str(key, "service_account_impersonation_url");
	const char *project = ap_json_str(key, "workforce_pool_user_project");
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant first = { 0 };
	ap_auto_free char *subject = NULL;
	ap_auto_free char *basic = client_basic(key);
	ap_auto_buf form = AP_BUF_INIT;
	const char *audience;
	const char *type;
	const char *url;

	if (need(&audience, key, "audience", err) < 0 ||
		need(&type, key, "subject_token_type", err) < 0 ||
		need(&url, key, "token_url", err) < 0 || check_url("token_url", url, err) < 0 ||
		(act_as && check_url("service_account_impersonation_url", act_as, err) < 0) ||
		subject_token(&subject, key, opts, http, err) < 0)
		return -1;
	ap_form_add(&form, "grant_type", "urn:ietf:params:oauth:grant-type:token-exchange");
	ap_form_add(&form, "audience", audience);
	ap_form_add(&form, "scope", AP_GCP_SCOPE);
	ap_form_add(&form, "requested_token_type", "urn:ietf:params:oauth:token-type:access_token");
	ap_form_add(&form, "subject_token", subject);
	ap_form_add(&form, "subject_token_type", type);
	if (project && !basic) {
		ap_auto_json options = ap_json_object();
		ap_auto_buf text = AP_BUF_INIT;
		ap_auto_buf quoted = AP_BUF_INIT;

		ap_json_set_str(options, "userProject", project);
		ap_json_print(&text, options, 0);
		ap_url_escape(&quoted, text.p);
		ap_form_add(&form, "options", quoted.p);
	}
	explicit_bzero(subject, strlen(subject));
	if (exchange(&first, url, basic, &form, http, err) < 0)
		return -1;
	if (act_as)
		return impersonate_at(out, first.value, act_as, NULL, http, err);
	*out = first;
	first = (struct ap_gcp_grant){ 0 };
	return 0;
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
static int impersonate_at(struct ap_gcp_grant *out, const char *token, const char *url,
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
	if (check_url("iamcredentials endpoint", url, err) < 0)
		return -1;
	return impersonate_at(out, token, url, delegates->child ? delegates : NULL, http, err);
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
	if (need(&type, key, "type", err) < 0)
		return -1;
	if (strcmp(type, "service_account") == 0)
		return service_account(out, key, http, err);
	if (strcmp(type, "authorized_user") == 0)
		return authorized_user(out, key, "token_uri", http, err);
	if (strcmp(type, "external_account_authorized_user") == 0)
		return authorized_user(out, key, "token_url", http, err);
	if (strcmp(type, "external_account") == 0)
		return external_account(out, key, opts, http, err);
	if (strcmp(type, "impersonated_service_account") == 0) {
		if (need(&url, key, "service_account_impersonation_url", err) < 0 ||
			check_url("service_account_impersonation_url", url, err) < 0 ||
			token_of(&source, ap_json_get(key, "source_credentials"), opts, http,
				depth + 1, err) < 0)
			return -1;
		return impersonate_at(
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
