#include "tests/unit/unit.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>

#include "base/fs.h"
#include "base/gcp_key.h"
#include "tests/unit/peer.h"

#define JSON(body) \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" body
#define TOKEN JSON("{\"access_token\":\"ya29.t\",\"expires_in\":3599,\"token_type\":\"Bearer\"}")

static struct ap_http *client(void)
{
	struct ap_http *h;

	ap_http_new(&h, &(struct ap_http_opts){ .stall_timeout = 2, .retry_count = 1 });
	return h;
}

/* A key pair, and its private half as PEM. */
static EVP_PKEY *new_key(char **pem)
{
	EVP_PKEY *k = EVP_RSA_gen(2048);
	BIO *b = BIO_new(BIO_s_mem());
	char *p;
	long n;

	assert_non_null(k);
	assert_int_equal(PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL), 1);
	n = BIO_get_mem_data(b, &p);
	*pem = ap_xstrndup(p, (size_t)n);
	BIO_free(b);
	return k;
}

static size_t decode(const char *s, size_t n, unsigned char **out)
{
	ap_auto_free char *padded = ap_xcalloc(1, n + 4);
	size_t pad = (4 - n % 4) % 4;
	int len;

	memcpy(padded, s, n);
	memset(padded + n, '=', pad);
	for (char *c = padded; *c; c++)
		*c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
	*out = ap_xcalloc(1, n + 4);
	len = EVP_DecodeBlock(*out, (unsigned char *)padded, (int)(n + pad));
	assert_true(len > 0);
	return (size_t)len - pad;
}

/* The form field of a recorded request, still percent-encoded; owned. */
static char *field(const char *request, const char *name)
{
	const char *body = strstr(request, "\r\n\r\n");
	ap_auto_free char *key = ap_xasprintf("%s=", name);
	const char *at;

	assert_non_null(body);
	at = strstr(body, key);
	if (!at)
		return ap_xstrdup("");
	at += strlen(key);
	return ap_xstrndup(at, strcspn(at, "&"));
}

static cJSON *parse(const char *text)
{
	struct ap_err err = AP_ERR_INIT;
	cJSON *j = NULL;

	assert_ok(ap_json_parse(&j, text, strlen(text), &err), &err);
	return j;
}

static void check_jwt(const char *assertion, EVP_PKEY *key, const char *audience)
{
	const char *dot1 = strchr(assertion, '.');
	const char *dot2 = strrchr(assertion, '.');
	unsigned char *claims;
	unsigned char *sig;
	size_t n;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ap_auto_json j = NULL;

	n = decode(dot1 + 1, (size_t)(dot2 - dot1 - 1), &claims);
	claims[n] = '\0';
	j = parse((char *)claims);
	assert_string_equal(ap_json_str(j, "iss"), "sa@p.iam.gserviceaccount.com");
	assert_string_equal(ap_json_str(j, "aud"), audience);
	assert_string_equal(ap_json_str(j, "scope"), AP_GCP_SCOPE);
	assert_true(
		ap_json_get(j, "exp")->valuedouble - ap_json_get(j, "iat")->valuedouble == 3600);
	n = decode(dot2 + 1, strlen(dot2 + 1), &sig);
	assert_int_equal(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key), 1);
	assert_int_equal(EVP_DigestVerify(ctx, sig, n, (const unsigned char *)assertion,
				 (size_t)(dot2 - assertion)),
		1);
	EVP_MD_CTX_free(ctx);
	free(claims);
	free(sig);
}

TEST(gcp_service_account_signs_its_request)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant g = { 0 };
	ap_auto_free char *pem = NULL;
	ap_auto_free char *assertion = NULL;
	ap_auto_free char *url = NULL;
	ap_auto_json key = ap_json_object();
	EVP_PKEY *pair = new_key(&pem);
	struct peer *p;

	PEER(p, NULL, TOKEN);
	url = ap_xasprintf("%s/token", peer_url(p));
	ap_json_set_str(key, "type", "service_account");
	ap_json_set_str(key, "client_email", "sa@p.iam.gserviceaccount.com");
	ap_json_set_str(key, "private_key", pem);
	ap_json_set_str(key, "private_key_id", "k1");
	ap_json_set_str(key, "token_uri", url);
	assert_ok(ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), &err);
	assert_string_equal(g.value, "ya29.t");
	assert_int_equal((int)g.lifetime, 3599);
	assertion = field(peer_request(p, 0), "assertion");
	check_jwt(assertion, pair, url);
	assert_null(strstr(peer_request(p, 0), "PRIVATE"));
	EVP_PKEY_free(pair);
	peer_stop(p);
	ap_http_free(h);
}

TEST(gcp_keys_are_sent_to_google_only)
{
	static const char *const urls[] = { "https://evil.example/token",
		"http://oauth2.googleapis.com/token", "https://oauth2.googleapis.com.evil.example/",
		"https://evilgoogleapis.com/", "https://169.254.169.254/" };
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(urls); i++) {
		struct ap_gcp_grant g = { 0 };
		ap_auto_json key = ap_json_object();

		print_message("  case: %s\n", urls[i]);
		ap_json_set_str(key, "type", "authorized_user");
		ap_json_set_str(key, "client_id", "id");
		ap_json_set_str(key, "client_secret", "s3cret");
		ap_json_set_str(key, "refresh_token", "r3fresh");
		ap_json_set_str(key, "token_uri", urls[i]);
		assert_false(ap_gcp_token_url_allowed(urls[i]));
		assert_int_equal(
			ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), -1);
		assert_int_equal(err.code, AP_E_INPUT);
		assert_null(strstr(err.msg, "s3cret"));
		assert_null(strstr(err.msg, "r3fresh"));
		ap_err_clear(&err);
	}
	ap_http_free(h);
}

TEST(gcp_tokens_are_meant_for_googles_hosts_over_tls)
{
	static const struct {
		const char *url;
		bool ok;
	} cases[] = {
		{ "https://gcr.io/v2/token", true },
		{ "https://eu.gcr.io/", true },
		{ "https://us-docker.pkg.dev/v2/", true },
		{ "https://us-central1-aiplatform.googleapis.com/v1", true },
		{ "http://gcr.io/", false },
		{ "https://notgcr.io/", false },
		{ "https://gcr.io.evil.example/", false },
		{ "https://evilpkg.dev/", false },
		{ "https://googleapis.com.evil/", false },
		{ "https://127.0.0.1/", false },
		{ "https://gcr.io@evil.example/", false },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		print_message("  case: %s\n", cases[i].url);
		assert_int_equal(ap_gcp_url_allowed(cases[i].url), cases[i].ok);
	}
}

TEST(gcp_external_account_of_a_file_is_exchanged_and_impersonates)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant g = { 0 };
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *file = ap_fs_join(dir, "oidc");
	ap_auto_free char *text = NULL;
	ap_auto_free char *subject = NULL;
	ap_auto_json key = NULL;
	struct peer *p;

	assert_ok(ap_fs_write(file, "{\"t\":\"oidc+token\"}", 18, 0600, &err), &err);
	PEER(p, NULL, TOKEN,
		JSON("{\"accessToken\":\"sa.token\",\"expireTime\":\"2199-01-01T00:00:00Z\"}"));
	text = ap_xasprintf(
		"{\"type\":\"external_account\",\"audience\":\"//iam/pool\",\"subject_token_type\":"
		"\"urn:jwt\",\"token_url\":\"%s/sts\",\"service_account_impersonation_url\":"
		"\"%s/sa:generateAccessToken\",\"credential_source\":{\"file\":\"%s\",\"format\":"
		"{\"type\":\"json\",\"subject_token_field_name\":\"t\"}}}",
		peer_url(p), peer_url(p), file);
	key = parse(text);
	assert_ok(ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), &err);
	assert_string_equal(g.value, "sa.token");
	assert_true(g.lifetime > 1e6);
	subject = field(peer_request(p, 0), "subject_token");
	assert_string_equal(subject, "oidc%2Btoken");
	assert_non_null(strstr(peer_request(p, 0), "token-exchange"));
	assert_non_null(strstr(peer_request(p, 0), "audience=%2F%2Fiam%2Fpool"));
	assert_non_null(strstr(peer_request(p, 1), "Authorization: Bearer ya29.t"));
	assert_non_null(strstr(peer_request(p, 1), "\"lifetime\":\"3600s\""));
	peer_stop(p);
	ap_http_free(h);
}

TEST(gcp_external_account_of_a_url_sends_its_headers)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant g = { 0 };
	ap_auto_free char *text = NULL;
	ap_auto_free char *subject = NULL;
	ap_auto_json key = NULL;
	struct peer *p;

	PEER(p, NULL, JSON("{\"value\":\"ci\"}"), TOKEN);
	text = ap_xasprintf(
		"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"u\","
		"\"token_url\":\"%s/sts\",\"credential_source\":{\"url\":\"%s/id?x=1\",\"headers\":"
		"{\"Authorization\":\"bearer ci-secret\"},\"format\":{\"type\":\"json\","
		"\"subject_token_field_name\":\"value\"}}}",
		peer_url(p), peer_url(p));
	key = parse(text);
	assert_ok(ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), &err);
	assert_string_equal(g.value, "ya29.t");
	assert_true(ap_starts_with(peer_request(p, 0), "GET /id?x=1 "));
	assert_non_null(strstr(peer_request(p, 0), "Authorization: bearer ci-secret"));
	assert_null(strstr(peer_request(p, 1), "ci-secret"));
	subject = field(peer_request(p, 1), "subject_token");
	assert_string_equal(subject, "ci");
	peer_stop(p);
	ap_http_free(h);
}

/* The expected signature was computed by a program of its own, from AWS's description. */
TEST(gcp_aws_request_is_signed_as_aws_does_it)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_aws a = { "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "session",
		"us-east-2",
		"https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15",
		"//iam/pool", 1440938160 };
	ap_auto_free char *out = NULL;

	assert_ok(ap_aws_subject_token(&out, &a, &err), &err);
	assert_non_null(strstr(out, "20150830T123600Z"));
	assert_non_null(strstr(out, "AKIDEXAMPLE%2F20150830%2Fus-east-2%2Fsts%2Faws4_request"));
	assert_non_null(
		strstr(out, "d7f6d8b3aaf0acbbf3bade9e4c9763def04cfc0eb430f3ee29a2ecb6e02ea97f"));
	assert_null(strstr(out, "wJalr"));
}

TEST(gcp_impersonation_goes_through_its_delegates)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant g = { 0 };
	struct ap_gcp_opts o = { 0 };
	struct peer *p;

	PEER(p, NULL, JSON("{\"accessToken\":\"x\",\"expireTime\":\"2199-01-01T00:00:00Z\"}"));
	o.iam_endpoint = peer_url(p);
	assert_ok(ap_gcp_impersonate(&g, "first", "a@p,b@p", &o, h, &err), &err);
	assert_true(ap_starts_with(peer_request(p, 0),
		"POST /v1/projects/-/serviceAccounts/b@p:generateAccessToken "));
	assert_non_null(
		strstr(peer_request(p, 0), "\"delegates\":[\"projects/-/serviceAccounts/a@p\"]"));
	assert_non_null(strstr(peer_request(p, 0), "Bearer first"));
	assert_fails(ap_gcp_impersonate(&g, "first", "a/../b", &o, h, &err), &err, AP_E_INPUT,
		"not an account");
	assert_int_equal(peer_count(p), 1);
	peer_stop(p);
	ap_http_free(h);
}

static void put(const char *dir, const char *name, const char *text)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = ap_fs_join(dir, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	assert_ok(ap_fs_mkdirs(path, 0700, &err), &err);
	*slash = '/';
	assert_ok(ap_fs_write(path, text, strlen(text), 0600, &err), &err);
}

static char *user_key(const char *url, const char *who)
{
	return ap_xasprintf("{\"type\":\"authorized_user\",\"client_id\":\"%s\",\"client_secret\":"
			    "\"s\",\"refresh_token\":\"r\",\"token_uri\":\"%s\"}",
		who, url);
}

/* Which key was used: the client_id that reached the token server. */
static char *used(const struct ap_gcp_opts *o, struct peer *p, size_t i)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *token = NULL;
	struct ap_gcp *g;

	ap_gcp_new(&g, o, h);
	assert_ok(ap_gcp_token(g, 0, &token, &err), &err);
	ap_gcp_free(g);
	ap_http_free(h);
	return field(peer_request(p, i), "client_id");
}

TEST(gcp_sources_come_in_gclouds_order)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *adc = ap_fs_join(dir, "adc-env.json");
	ap_auto_free char *file = ap_fs_join(dir, "token");
	ap_auto_free char *over = ap_fs_join(dir, "over.json");
	ap_auto_free char *config = NULL;
	struct ap_gcp_opts o = { .config_dir = dir };
	struct peer *p;
	static const char *const names[] = { "adc-env.json", "over.json",
		"application_default_credentials.json", "legacy_credentials/me@x/adc.json" };
	static const char *const ids[] = { "env", "override", "default", "login" };
	static const char *const want[] = { "default", "env", "login", "override" };

	PEER(p, NULL, TOKEN);
	for (size_t i = 0; i < AP_LEN(names); i++) {
		ap_auto_free char *key = user_key(peer_url(p), ids[i]);

		put(dir, names[i], key);
	}
	put(dir, "token", " file.token\n");
	config = ap_xasprintf(
		"[core]\naccount = me@x\n[auth]\ncredential_file_override = %s\n", over);
	for (size_t i = 0; i < AP_LEN(want); i++) {
		ap_auto_free char *got = NULL;

		print_message("  case: %s\n", want[i]);
		if (i == 1)
			o.adc_file = adc;
		if (i == 2)
			put(dir, "configurations/config_default", "[core]\naccount = me@x\n");
		if (i == 3)
			put(dir, "configurations/config_default", config);
		got = used(&o, p, i);
		assert_string_equal(got, want[i]);
	}
	{
		struct ap_http *h = client();
		struct ap_err err = AP_ERR_INIT;
		ap_auto_free char *token = NULL;
		struct ap_gcp *g;

		o.access_token_file = file;
		ap_gcp_new(&g, &o, h);
		assert_ok(ap_gcp_token(g, 0, &token, &err), &err);
		assert_string_equal(token, "file.token");
		ap_gcp_free(g);
		ap_http_free(h);
	}
	peer_stop(p);
}

static void keep_note(void *ctx, const struct ap_event *ev)
{
	if (ev->kind == AP_EV_NOTE)
		ap_strv_add(ctx, ev->note);
}

TEST(gcp_says_which_of_two_accounts_acts)
{
	static const struct {
		const char *name, *config, *adc, *note, *not_used;
	} cases[] = {
		{ "login and variable", "[core]\naccount = me@x\n", "sa@p",
			"acting as me@x (gcloud's login), not as sa@p of "
			"GOOGLE_APPLICATION_CREDENTIALS",
			"GOOGLE_APPLICATION_CREDENTIALS: comes after" },
		{ "override and login", "[core]\naccount = me@x\n[auth]\n", NULL,
			"acting as over@p (gcloud's auth/credential_file_override), not as me@x of "
			"gcloud's configuration",
			"access token file: not given" },
		{ "the same twice", "[core]\naccount = me@x\n", "me@x", NULL,
			"GOOGLE_APPLICATION_CREDENTIALS: comes after" },
		{ "only the variable", "[core]\nproject = p\n", "sa@p", NULL,
			"gcloud: no account in its active configuration" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *adc = ap_fs_join(dir, "adc.json");
		ap_auto_free char *config = ap_xasprintf(
			"%scredential_file_override = %s/over\n", cases[i].config, dir);
		ap_auto_strv notes = { 0 };
		ap_auto_buf said = AP_BUF_INIT;
		struct ap_progress progress;
		struct ap_gcp_opts o = { .config_dir = dir, .progress = &progress };
		struct ap_http *h = client();
		struct ap_gcp *g;

		print_message("  case: %s\n", cases[i].name);
		ap_progress_init(&progress, keep_note, &notes);
		put(dir, "over", "{\"type\":\"service_account\",\"client_email\":\"over@p\"}");
		put(dir, "legacy_credentials/me@x/adc.json", "{\"type\":\"authorized_user\"}");
		put(dir, "configurations/config_default",
			strstr(config, "[auth]") ? config : cases[i].config);
		if (cases[i].adc) {
			ap_auto_free char *key = ap_xasprintf(
				"{\"type\":\"service_account\",\"client_email\":\"%s\"}",
				cases[i].adc);

			put(dir, "adc.json", key);
			o.adc_file = adc;
		}
		ap_gcp_new(&g, &o, h);
		ap_gcp_describe(g, &said);
		assert_int_equal(notes.n, cases[i].note ? 1 : 0);
		if (cases[i].note)
			assert_string_equal(notes.v[0], cases[i].note);
		assert_non_null(strstr(said.p, cases[i].not_used));
		ap_gcp_free(g);
		ap_http_free(h);
		ap_progress_release(&progress);
	}
}

TEST(gcp_token_is_kept_until_it_is_refused_or_ends)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *adc = ap_fs_join(dir, "k.json");
	ap_auto_free char *key = NULL;
	struct ap_gcp *g;
	struct peer *p;
	ap_auto_buf said = AP_BUF_INIT;

	PEER(p, NULL, TOKEN);
	key = user_key(peer_url(p), "id");
	put(dir, "k.json", key);
	ap_gcp_new(&g, &(struct ap_gcp_opts){ .adc_file = adc }, h);
	for (int i = 0; i < 3; i++) {
		ap_auto_free char *token = NULL;

		assert_ok(ap_gcp_token(g, 0, &token, &err), &err);
		assert_string_equal(token, "ya29.t");
	}
	assert_int_equal(peer_count(p), 1);
	ap_gcp_describe(g, &said);
	assert_non_null(strstr(said.p, "GOOGLE_APPLICATION_CREDENTIALS"));
	assert_null(strstr(said.p, "ya29"));
	ap_gcp_free(g);
	peer_stop(p);
	ap_http_free(h);
}

TEST(gcp_what_was_looked_at_in_vain_is_looked_at_anew)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf said = AP_BUF_INIT;
	char *token = NULL;
	const char *at;
	struct ap_gcp *g;

	ap_gcp_new(&g, &(struct ap_gcp_opts){ .adc_file = "/nonexistent" }, h);
	assert_fails(ap_gcp_token(g, 0, &token, &err), &err, AP_E_INPUT, "there is no file");
	ap_gcp_describe(g, &said);
	at = strstr(said.p, "access token file: not given");
	assert_non_null(at);
	assert_null(strstr(at + 1, "access token file: not given"));
	ap_gcp_free(g);
	ap_http_free(h);
}

TEST(gcp_refusal_shows_the_servers_words_and_no_secret)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct ap_gcp_grant g = { 0 };
	ap_auto_free char *text = NULL;
	ap_auto_json key = NULL;
	struct peer *p;

	PEER(p, NULL,
		"HTTP/1.1 400 Bad\r\nConnection: close\r\n\r\n"
		"{\"error\":\"invalid_grant\",\"error_description\":\"Token has been expired\"}");
	text = user_key(peer_url(p), "id");
	key = parse(text);
	assert_fails(ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), &err,
		AP_E_AUTH, "invalid_grant: Token has been expired");
	peer_stop(p);
	ap_http_free(h);
}

TEST(gcp_metadata_server_must_say_that_it_is_one)
{
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct peer *p;

	for (int real = 0; real < 2; real++) {
		ap_auto_free char *token = NULL;
		struct ap_gcp *g;

		PEER(p, NULL,
			real ? "HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nConnection: close\r\n\r\nsa@p"
			     : JSON("sa@p"),
			"HTTP/1.1 200 OK\r\nMetadata-Flavor: Google\r\nConnection: close\r\n\r\n"
			"{\"access_token\":\"meta\",\"expires_in\":100}");
		ap_gcp_new(&g,
			&(struct ap_gcp_opts){ .metadata_host = strstr(peer_url(p), "//") + 2 }, h);
		assert_ok(ap_gcp_token(g, AP_GCP_OPTIONAL, &token, &err), &err);
		if (real) {
			assert_string_equal(token, "meta");
			assert_non_null(strstr(peer_request(p, 1), "Metadata-Flavor: Google"));
		} else {
			assert_null(token);
			assert_fails(ap_gcp_token(g, 0, &token, &err), &err, AP_E_AUTH,
				"gcloud auth login");
		}
		ap_gcp_free(g);
		peer_stop(p);
	}
	ap_http_free(h);
}

TEST(gcloud_properties_are_those_of_the_active_configuration)
{
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_gcp_opts o = { .config_dir = dir };
	struct ap_err err = AP_ERR_INIT;
	static const struct {
		const char *name, *configuration, *want;
	} cases[] = {
		{ "active_config", NULL, "p-work" },
		{ "by name", "default", "p-default" },
		{ "none", "NONE", NULL },
	};
	char *v = NULL;

	put(dir, "active_config", "work\n");
	put(dir, "configurations/config_work",
		"# c\n[compute]\nproject = no\n[core]\nproject = p-work\n");
	put(dir, "configurations/config_default", "[core]\nproject=p-default\n");
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *got = NULL;

		print_message("  case: %s\n", cases[i].name);
		o.configuration = cases[i].configuration;
		assert_ok(ap_gcloud_property(&got, &o, "core", "project", &err), &err);
		assert_true(ap_streq(got, cases[i].want));
	}
	o.configuration = "../../x";
	assert_fails(ap_gcloud_property(&v, &o, "core", "project", &err), &err, AP_E_INPUT,
		"not a name");
	o.configuration = "gone";
	assert_fails(ap_gcloud_property(&v, &o, "core", "project", &err), &err, AP_E_INPUT,
		"no configuration \"gone\"");
}

/* An external account whose credential_source is `source`; %P in it is the peer's address. */
static cJSON *external(struct peer *p, const char *source)
{
	ap_auto_buf text = AP_BUF_INIT;
	const char *at = source;

	ap_buf_addf(&text,
		"{\"type\":\"external_account\",\"audience\":\"a\",\"subject_token_type\":\"u\","
		"\"token_url\":\"%s/sts\",\"credential_source\":",
		peer_url(p));
	for (const char *hole = strstr(at, "%P"); hole; hole = strstr(at, "%P")) {
		ap_buf_add(&text, at, (size_t)(hole - at));
		ap_buf_adds(&text, peer_url(p));
		at = hole + 2;
	}
	ap_buf_adds(&text, at);
	ap_buf_addc(&text, '}');
	return parse(text.p);
}

TEST(gcp_external_account_that_is_broken_is_refused)
{
	static const struct {
		const char *source, *answer, *fails_with;
	} cases[] = {
		{ "{\"url\":\"%P/id\"}", JSON(" \n"), "the token is empty" },
		{ "{\"url\":\"%P/id\",\"format\":{\"type\":\"xml\"}}", JSON("s3cret"),
			"want format \"text\"" },
		{ "{\"url\":\"%P/id\",\"format\":{\"type\":\"json\"}}", JSON("{\"t\":\"s3cret\"}"),
			"\"subject_token_field_name\"" },
		{ "{\"url\":\"%P/id\",\"format\":{\"type\":\"json\",\"subject_token_field_name\":"
		  "\"x\"}}",
			JSON("{\"t\":\"s3cret\"}"), "no string \"x\"" },
		{ "{\"environment_id\":\"aws2\"}", JSON(""),
			"want environment_id aws1, found aws2" },
		{ "{\"environment_id\":\"aws1\",\"regional_cred_verification_url\":\"https://x\"}",
			JSON(""), "no AWS_REGION in the environment" },
		{ "{\"environment_id\":\"aws1\",\"regional_cred_verification_url\":\"https://x\","
		  "\"region_url\":\"%P/zone\"}",
			JSON("us-east-2b"), "no AWS_ACCESS_KEY_ID in the environment" },
		{ "{\"environment_id\":\"aws1\",\"regional_cred_verification_url\":\"https://x\","
		  "\"region_url\":\"%P/zone\"}",
			JSON(X10(X10(X10("us-east")))), "over the limit of 4096 bytes" },
		{ "{\"environment_id\":\"aws1\",\"regional_cred_verification_url\":\"https://x\","
		  "\"region_url\":\"%P/zone\",\"url\":\"%P/role\"}",
			JSON("{\"AccessKeyId\":\"s3cret\"}"), "the role has no keys" },
		{ "{\"executable\":{\"command\":\"/bin/id\"}}", JSON(""),
			"programs named by a credential file are not run" },
		{ "{}", JSON(""), "want \"file\", \"url\" or \"environment_id\"" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_http *h = client();
		struct ap_err err = AP_ERR_INIT;
		struct ap_gcp_grant g = { 0 };
		ap_auto_json key = NULL;
		struct peer *p;

		print_message("  case: %s\n", cases[i].source);
		PEER(p, NULL, cases[i].answer);
		key = external(p, cases[i].source);
		assert_int_equal(
			ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), -1);
		assert_null(strstr(err.msg, "s3cret"));
		assert_fails(-1, &err, err.code, cases[i].fails_with);
		assert_null(g.value);
		peer_stop(p);
		ap_http_free(h);
	}
}

TEST(gcp_answers_without_a_token_are_refused)
{
	static const char *const answers[] = { JSON("{}"), JSON("{\"access_token\":\"\"}"),
		JSON("{\"access_token\":\"a b\"}"), JSON("{\"access_token\":\"a\\r\\nX: y\"}"),
		JSON("{\"access_token\":\"\\u00e9\"}") };

	for (size_t i = 0; i < AP_LEN(answers); i++) {
		struct ap_http *h = client();
		struct ap_err err = AP_ERR_INIT;
		struct ap_gcp_grant g = { 0 };
		ap_auto_free char *text = NULL;
		ap_auto_json key = NULL;
		struct peer *p;

		PEER(p, NULL, answers[i]);
		text = user_key(peer_url(p), "id");
		key = parse(text);
		assert_fails(ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), &err,
			AP_E_PROTO, "no usable token");
		peer_stop(p);
		ap_http_free(h);
	}
}

TEST(gcp_token_files_hold_a_token)
{
	static const struct {
		const char *text, *fails_with;
	} cases[] = { { "", "the access token is empty" }, { " \n", "the access token is empty" },
		{ "a b", "this is no access token" }, { "a\r\nX: y", "this is no access token" } };

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *dir = unit_tmpdir();
		ap_auto_free char *file = ap_fs_join(dir, "token");
		struct ap_http *h = client();
		struct ap_err err = AP_ERR_INIT;
		char *token = NULL;
		struct ap_gcp *g;

		put(dir, "token", cases[i].text);
		ap_gcp_new(&g, &(struct ap_gcp_opts){ .access_token_file = file }, h);
		assert_fails(
			ap_gcp_token(g, 0, &token, &err), &err, AP_E_INPUT, cases[i].fails_with);
		ap_gcp_free(g);
		ap_http_free(h);
	}
}

TEST(gcp_names_of_accounts_and_files_are_checked_before_use)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *gone = ap_fs_join(dir, "gone.json");
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	char *token = NULL;
	struct ap_gcp *g;

	put(dir, "configurations/config_default", "[core]\naccount = ../../me\n");
	ap_gcp_new(&g, &(struct ap_gcp_opts){ .config_dir = dir }, h);
	assert_fails(ap_gcp_token(g, 0, &token, &err), &err, AP_E_INPUT, "is not an account");
	ap_gcp_free(g);
	ap_gcp_new(&g, &(struct ap_gcp_opts){ .adc_file = gone }, h);
	assert_fails(ap_gcp_token(g, 0, &token, &err), &err, AP_E_INPUT, "gone.json");
	ap_gcp_free(g);
	ap_http_free(h);
}

TEST(gcp_credentials_inside_credentials_end)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_http *h = client();
	struct ap_err err = AP_ERR_INIT;
	struct ap_gcp_grant g = { 0 };
	ap_auto_json key = NULL;

	for (int i = 0; i < 20; i++)
		ap_buf_adds(&text,
			"{\"type\":\"impersonated_service_account\","
			"\"service_account_impersonation_url\":\"https://iamcredentials.googleapis.com/"
			"v1/projects/-/serviceAccounts/a@p:generateAccessToken\","
			"\"source_credentials\":");
	ap_buf_adds(&text, "{}");
	for (int i = 0; i < 20; i++)
		ap_buf_addc(&text, '}');
	key = parse(text.p);
	assert_fails(ap_gcp_key_token(&g, key, &(struct ap_gcp_opts){ 0 }, h, &err), &err,
		AP_E_LIMIT, "nested deeper than");
	ap_http_free(h);
}
