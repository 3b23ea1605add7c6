#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "registry/answer.h"
#include "registry/challenge.h"
#include "registry/creds.h"
#include "registry/preflight.h"
#include "registry/registry.h"
#include "registry/token.h"
#include "tests/unit/peer.h"

TEST(challenge_prefers_bearer_and_reads_every_way_of_writing_it)
{
	static const struct {
		const char *name, *in;
		enum ap_challenge_kind kind;
		const char *realm, *service, *scope;
	} cases[] = {
		{ "docker hub",
			"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
			"scope=\"repository:a/b:pull,push\"",
			AP_CHALLENGE_BEARER, "https://auth.docker.io/token", "registry.docker.io",
			"repository:a/b:pull,push" },
		{ "spaces and case", " bEARER  Realm = \"https://a/t\" , SERVICE=x",
			AP_CHALLENGE_BEARER, "https://a/t", "x", NULL },
		{ "tokens without quotes", "Bearer realm=https://a/t,service=reg",
			AP_CHALLENGE_BEARER, "https://a/t", "reg", NULL },
		{ "escaped quote", "Bearer realm=\"https://a/t\",service=\"a\\\"b,c\"",
			AP_CHALLENGE_BEARER, "https://a/t", "a\"b,c", NULL },
		{ "basic", "Basic realm=\"r, x\", charset=\"UTF-8\"", AP_CHALLENGE_BASIC, "r, x",
			NULL, NULL },
		{ "basic then bearer", "Basic realm=\"r\", Bearer realm=\"https://a/t\"",
			AP_CHALLENGE_BEARER, "https://a/t", NULL, NULL },
		{ "negotiate then basic", "Negotiate, Basic realm=\"r\"", AP_CHALLENGE_BASIC, "r",
			NULL, NULL },
		{ "token68 then bearer", "NTLM abc==, Bearer realm=\"https://a/t\"",
			AP_CHALLENGE_BEARER, "https://a/t", NULL, NULL },
		{ "the first of two realms counts",
			"Bearer realm=\"https://a/t\",realm=\"https://evil/t\"",
			AP_CHALLENGE_BEARER, "https://a/t", NULL, NULL },
		{ "none", "", AP_CHALLENGE_NONE, NULL, NULL, NULL },
		{ "unknown", "Digest qop=auth", AP_CHALLENGE_NONE, NULL, NULL, NULL },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_challenge_release) struct ap_challenge c = { 0 };

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_challenge_parse(&c, cases[i].in, &err), &err);
		assert_int_equal(c.kind, cases[i].kind);
		if (c.kind == AP_CHALLENGE_NONE)
			continue;
		assert_true(ap_streq(c.realm, cases[i].realm));
		assert_true(ap_streq(c.service, cases[i].service));
		assert_true(ap_streq(c.scope, cases[i].scope));
	}
}

/* The fields of one line of fixtures/http/NAME, separated by " | "; false for a comment. */
static bool fields(struct ap_strv *out, struct ap_str line)
{
	ap_auto_free char *text = ap_xstrndup(line.p, line.n);
	char *at = text;

	if (!*text || *text == '#')
		return false;
	for (char *bar = strstr(at, " | "); bar; bar = strstr(at, " | ")) {
		ap_strv_add_n(out, at, (size_t)(bar - at));
		at = bar + 3;
	}
	ap_strv_add(out, at);
	return true;
}

static void each_line(const char *path, size_t n_fields, void (*fn)(char **f))
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_buf text = AP_BUF_INIT;
	struct ap_str rest;
	struct ap_str line;
	size_t n = 0;

	assert_ok(ap_fs_read(&text, path, &err), &err);
	rest = ap_str_n(text.p, text.len);
	while (ap_str_next(&rest, '\n', &line)) {
		ap_auto_strv f = { 0 };

		if (!fields(&f, line))
			continue;
		print_message("  case: %s\n", f.v[0]);
		assert_int_equal(f.n, n_fields);
		fn(f.v);
		n++;
	}
	assert_true(n >= 10);
}

static bool said(const char *got, const char *want)
{
	return strcmp(want, "-") == 0 ? !got : ap_streq(got, want);
}

static void check_challenge(char **f)
{
	struct ap_err err = AP_ERR_INIT;
	AP_CLEANUP(ap_challenge_release) struct ap_challenge c = { 0 };

	assert_ok(ap_challenge_parse(&c, f[1], &err), &err);
	assert_int_equal(
		c.kind, strcmp(f[2], "bearer") == 0 ? AP_CHALLENGE_BEARER : AP_CHALLENGE_BASIC);
	assert_true(said(c.realm, f[3]));
	assert_true(said(c.service, f[4]));
	assert_true(said(c.scope, f[5]));
}

TEST(challenges_of_real_registries_are_read)
{
	each_line("fixtures/http/challenges.data", 6, check_challenge);
}

static void check_refusal(char **f)
{
	ap_auto_buf b = AP_BUF_INIT;

	ap_answer_text(&b, f[1], strlen(f[1]));
	assert_string_equal(b.p, f[2]);
}

TEST(answers_of_real_registries_keep_their_words)
{
	each_line("fixtures/http/refusals.data", 3, check_refusal);
}

TEST(challenge_that_is_broken_is_refused)
{
	static const char *const cases[] = { "Bearer service=x", "Bearer realm=\"\"",
		"Bearer realm=\"https://a/t", "Bearer" };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		struct ap_challenge c = { 0 };

		print_message("  case: %s\n", cases[i]);
		assert_fails(ap_challenge_parse(&c, cases[i], &err), &err, AP_E_PROTO,
			strstr(cases[i], "/t") ? "www-authenticate: a quoted value does not end"
					       : "www-authenticate: Bearer without a realm");
	}
}

TEST(realm_gets_credentials_only_where_the_registry_may_send_them)
{
	static const struct {
		const char *registry, *realm;
		bool private, google;
		const char *fails_with;
	} cases[] = {
		{ "https://registry-1.docker.io", "https://auth.docker.io/token", false, false,
			NULL },
		{ "https://r.example", "http://r.example/token", false, false, "without TLS" },
		{ "https://r.example", "https://127.0.0.1/token", false, false, "private address" },
		{ "https://r.example", "https://169.254.169.254/", false, false,
			"private address" },
		{ "https://r.example", "https://[::1]/", false, false, "private address" },
		{ "https://r.example", "https://[::ffff:10.0.0.1]/", false, false,
			"private address" },
		{ "https://r.example", "https://localhost/", false, false, "private address" },
		{ "https://r.example", "https://x.localhost/", false, false, "private address" },
		{ "https://r.example", "https://2130706433/", false, false, "legal host" },
		{ "https://r.example", "https://u:p@r.example/", false, false, "user information" },
		{ "https://r.example", "file:///etc/passwd", false, false, "https://" },
		{ "https://10.0.0.5", "https://10.0.0.6/token", true, false, NULL },
		{ "http://127.0.0.1:5000", "http://127.0.0.1:5001/token", true, false, NULL },
		{ "https://gcr.io", "https://gcr.io/v2/token", false, true, NULL },
		{ "https://us-docker.pkg.dev", "https://us-docker.pkg.dev/v2/token", false, true,
			NULL },
		{ "https://gcr.io", "https://evil.example/token", false, true, "not Google's" },
		{ "https://gcr.io", "https://gcr.io.evil.example/token", false, true,
			"not Google's" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *realm = ap_xstrdup(cases[i].realm);
		struct ap_challenge c = { .kind = AP_CHALLENGE_BEARER, .realm = realm };
		struct ap_creds creds = { .google = cases[i].google };
		struct ap_token_server s = { .challenge = &c,
			.creds = &creds,
			.registry = cases[i].registry,
			.registry_private = cases[i].private };

		print_message("  case: %s %s\n", cases[i].registry, cases[i].realm);
		if (cases[i].fails_with)
			assert_fails(
				ap_realm_check(&s, &err), &err, AP_E_AUTH, cases[i].fails_with);
		else
			assert_ok(ap_realm_check(&s, &err), &err);
	}
}

TEST(token_answer_is_read_in_its_forms)
{
	static const struct {
		const char *in, *token;
		int life;
	} cases[] = {
		{ "{\"token\":\"a\",\"expires_in\":300}", "a", 300 },
		{ "{\"access_token\":\"b\"}", "b", 60 },
		{ "{\"token\":\"a\",\"access_token\":\"b\"}", "a", 60 },
		{ "{\"token\":\"\",\"access_token\":\"b\",\"expires_in\":-5}", "b", 60 },
		{ "{\"token\":\"a\",\"expires_in\":1e300}", "a", 86400 },
		{ "{\"token\":\"a\",\"expires_in\":\"300\"}", "a", 60 },
	};
	static const char *const bad[] = { "", "[]", "{}", "{\"token\":3}", "{\"token\":\"a b\"}",
		"{\"token\":\"a\\r\\nb\"}", "{\"token\":\"\\u00e9\"}", "{\"token\":\"\"}" };
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_free char *value = NULL;
		double life = 0;

		assert_ok(ap_token_parse(&value, &life, cases[i].in, strlen(cases[i].in), &err),
			&err);
		assert_string_equal(value, cases[i].token);
		assert_int_equal((int)life, cases[i].life);
	}
	for (size_t i = 0; i < AP_LEN(bad); i++) {
		char *value = NULL;
		double life;

		print_message("  case: %s\n", bad[i]);
		assert_fails(ap_token_parse(&value, &life, bad[i], strlen(bad[i]), &err), &err,
			AP_E_PROTO, "token server");
	}
}

TEST(tokens_are_kept_per_scope_and_dropped_when_refused)
{
	AP_CLEANUP(ap_tokens_release) struct ap_tokens t = { 0 };

	ap_tokens_put(&t, "a", ap_xstrdup("1"), 100);
	ap_tokens_put(&t, "b", ap_xstrdup("2"), 100);
	ap_tokens_put(&t, "c", ap_xstrdup("3"), 0);
	assert_string_equal(ap_tokens_get(&t, "a"), "1");
	assert_string_equal(ap_tokens_get(&t, "b"), "2");
	assert_null(ap_tokens_get(&t, "c"));
	ap_tokens_drop(&t, "a", "older");
	assert_string_equal(ap_tokens_get(&t, "a"), "1");
	ap_tokens_drop(&t, "a", "1");
	assert_null(ap_tokens_get(&t, "a"));
	ap_tokens_put(&t, "b", ap_xstrdup("4"), 100);
	assert_string_equal(ap_tokens_get(&t, "b"), "4");
}

static cJSON *parse(const char *text)
{
	struct ap_err err = AP_ERR_INIT;
	cJSON *j = NULL;

	assert_ok(ap_json_parse(&j, text, strlen(text), &err), &err);
	return j;
}

TEST(creds_are_found_by_the_most_exact_entry)
{
	/* dTpw is u:p, YTpi is a:b */
	static const struct {
		const char *name, *file, *host, *repository, *user;
	} cases[] = {
		{ "host", "{\"auths\":{\"h:5000\":{\"auth\":\"dTpw\"}}}", "h:5000", "x", "u" },
		{ "other port", "{\"auths\":{\"h:5001\":{\"auth\":\"dTpw\"}}}", "h:5000", "x",
			NULL },
		{ "suffix of a name", "{\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}", "evil-h", "x",
			NULL },
		{ "longer name", "{\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}", "h.evil", "x", NULL },
		{ "as a url", "{\"auths\":{\"https://H/v1/\":{\"auth\":\"dTpw\"}}}", "h", "x",
			"u" },
		{ "hub", "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dTpw\"}}}",
			"registry-1.docker.io", "library/x", "u" },
		{ "hub by its name", "{\"auths\":{\"docker.io\":{\"auth\":\"dTpw\"}}}",
			"registry-1.docker.io", "library/x", "u" },
		{ "name space",
			"{\"auths\":{\"h\":{\"auth\":\"dTpw\"},\"h/team\":{\"auth\":\"YTpi\"}}}",
			"h", "team/x", "a" },
		{ "name space by whole parts",
			"{\"auths\":{\"h\":{\"auth\":\"dTpw\"},\"h/team\":{\"auth\":\"YTpi\"}}}",
			"h", "teammate/x", "u" },
		{ "user and password",
			"{\"auths\":{\"h\":{\"username\":\"u\",\"password\":\"p\"}}}", "h", "x",
			"u" },
		{ "empty entry", "{\"auths\":{\"h\":{}}}", "h", "x", NULL },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_creds_release) struct ap_creds c = { 0 };
		ap_auto_json j = parse(cases[i].file);
		ap_auto_free char *helper = NULL;
		ap_auto_free char *server = NULL;

		print_message("  case: %s\n", cases[i].name);
		assert_ok(ap_creds_from_file(&c, &helper, &server, j, cases[i].host,
				  cases[i].repository, &err),
			&err);
		assert_true(ap_streq(c.username, cases[i].user));
		assert_null(helper);
	}
}

TEST(creds_that_are_broken_are_errors_without_the_secret)
{
	static const char *const cases[] = {
		"{\"auths\":{\"h\":{\"auth\":\"c2VjcmV0\"}}}",
		"{\"auths\":{\"h\":{\"auth\":\"!secret!\"}}}",
		"{\"auths\":{\"h\":{\"auth\":\"dTpwCg=\"}}}",
		"{\"auths\":{\"h\":\"secret\"}}",
		"{\"auths\":{\"h\":{\"auth\":\"dTpwDQo=\"}}}",
		"{\"credHelpers\":{\"h\":\"../evil\"}}",
		"{\"credHelpers\":{\"h\":\"a b\"}}",
		"{\"credsStore\":\"x;rm\"}",
		"[{\"auths\":\"secret\"}]",
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_creds_release) struct ap_creds c = { 0 };
		ap_auto_json j = parse(cases[i]);
		ap_auto_free char *helper = NULL;
		ap_auto_free char *server = NULL;

		print_message("  case: %s\n", cases[i]);
		assert_int_equal(ap_creds_from_file(&c, &helper, &server, j, "h", "x", &err), -1);
		assert_int_equal(err.code, AP_E_INPUT);
		assert_null(strstr(err.msg, "secret"));
		assert_null(helper);
		ap_err_clear(&err);
	}
}

TEST(creds_of_a_helper_are_whole_and_plain)
{
	static const struct {
		const char *in, *fails_with;
	} cases[] = {
		{ "secret", "is not JSON" },
		{ "{\"Username\":\"u\"}", "no Username and Secret" },
		{ "{\"Secret\":\"secret\"}", "no Username and Secret" },
		{ "{\"Username\":\"u\",\"Secret\":\"\"}", "no Username and Secret" },
		{ "{\"Username\":\"u\\n\",\"Secret\":\"secret\"}", "control characters" },
		{ "{\"Username\":\"u\",\"Secret\":\"secret\\r\\nX: y\"}", "control characters" },
	};
	struct ap_err err = AP_ERR_INIT;

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_creds_release) struct ap_creds c = { 0 };

		print_message("  case: %s\n", cases[i].in);
		assert_int_equal(
			ap_creds_from_helper(&c, cases[i].in, strlen(cases[i].in), &err), -1);
		assert_null(strstr(err.msg, "secret"));
		assert_false(ap_creds_any(&c));
		assert_fails(-1, &err, AP_E_AUTH, cases[i].fails_with);
	}
}

static void put(const char *dir, const char *name, const char *text, mode_t mode)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_free char *path = ap_fs_join(dir, name);
	char *slash = strrchr(path, '/');

	*slash = '\0';
	assert_ok(ap_fs_mkdirs(path, 0700, &err), &err);
	*slash = '/';
	assert_ok(ap_fs_write(path, text, strlen(text), mode, &err), &err);
}

static int find(struct ap_creds *c, const struct ap_registry_config *config, struct ap_err *err)
{
	ap_creds_release(c);
	return ap_creds_find(c, config, "h", "x", err);
}

TEST(creds_files_come_in_their_order)
{
	ap_auto_free char *home = unit_tmpdir();
	ap_auto_free char *run = unit_tmpdir();
	ap_auto_free char *mine = ap_fs_join(home, "mine.json");
	AP_CLEANUP(ap_creds_release) struct ap_creds c = { 0 };
	struct ap_registry_config config = { .home = home, .runtime_dir = run };
	struct ap_err err = AP_ERR_INIT;

	assert_ok(find(&c, &config, &err), &err);
	assert_false(ap_creds_any(&c));
	put(home, ".config/containers/auth.json",
		"{\"auths\":{\"h\":{\"username\":\"config\",\"password\":\"p\"}}}", 0600);
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "config");
	put(run, "containers/auth.json",
		"{\"auths\":{\"h\":{\"username\":\"run\",\"password\":\"p\"}}}", 0600);
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "run");
	put(home, ".docker/config.json",
		"{\"auths\":{\"h\":{\"username\":\"docker\",\"password\":\"p\"}}}", 0600);
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "docker");
	assert_non_null(strstr(c.source, ".docker/config.json"));
	put(home, "mine.json", "{\"auths\":{\"h\":{\"username\":\"mine\",\"password\":\"p\"}}}",
		0600);
	config.authfile = mine;
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "mine");
	config.username = "flag";
	config.password = "p";
	config.username_host = "other";
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "mine");
	config.username_host = "h";
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "flag");
	/* A file that is named must be there, and a broken one is never passed over. */
	config.username = NULL;
	config.authfile = "/nonexistent/auth.json";
	assert_fails(find(&c, &config, &err), &err, AP_E_IO, "registry credentials");
	config.authfile = NULL;
	put(home, ".docker/config.json", "{\"auths\":", 0600);
	assert_fails(find(&c, &config, &err), &err, AP_E_INPUT, ".docker/config.json");
}

static void helper(const char *dir, const char *name, const char *body)
{
	ap_auto_free char *file = ap_xasprintf("docker-credential-%s", name);
	ap_auto_free char *text = ap_xasprintf("#!/bin/sh\n%s\n", body);

	put(dir, file, text, 0755);
}

TEST(creds_helpers_are_asked_over_stdin_and_their_failure_is_final)
{
	ap_auto_free char *dir = unit_tmpdir();
	ap_auto_free char *old = ap_xstrdup(getenv("PATH"));
	ap_auto_free char *path = ap_xasprintf("%s:%s", dir, old);
	AP_CLEANUP(ap_creds_release) struct ap_creds c = { 0 };
	struct ap_registry_config config = { .docker_config = dir };
	struct ap_err err = AP_ERR_INIT;

	setenv("PATH", path, 1);
	helper(dir, "good",
		"test \"$#:$1\" = 1:get || exit 9; read s; "
		"echo \"{\\\"ServerURL\\\":\\\"$s\\\",\\\"Username\\\":\\\"for-$s\\\",\\\"Secret\\\":\\\"hush\\\"}\"");
	helper(dir, "token", "echo '{\"Username\":\"<token>\",\"Secret\":\"refresh\"}'");
	helper(dir, "none", "echo 'credentials not found in native keychain'; exit 1");
	helper(dir, "fails", "echo 'secret leaks here'; exit 3");
	helper(dir, "noise", "echo 'secret not json'");
	helper(dir, "endless", "while :; do echo 0123456789012345678901234567890123456789; done");

	put(dir, "config.json", "{\"credHelpers\":{\"h\":\"good\"}}", 0600);
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "for-h");
	assert_string_equal(c.password, "hush");
	put(dir, "config.json", "{\"credsStore\":\"token\"}", 0600);
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.identity_token, "refresh");
	put(dir, "config.json", "{\"credsStore\":\"none\",\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}",
		0600);
	assert_ok(find(&c, &config, &err), &err);
	assert_string_equal(c.username, "u");
	for (int i = 0; i < 4; i++) {
		static const char *const names[] = { "fails", "noise", "endless", "missing" };
		ap_auto_free char *text = ap_xasprintf(
			"{\"credsStore\":\"%s\",\"auths\":{\"h\":{\"auth\":\"dTpw\"}}}", names[i]);

		print_message("  case: %s\n", names[i]);
		put(dir, "config.json", text, 0600);
		assert_int_equal(find(&c, &config, &err), -1);
		assert_int_equal(err.code, AP_E_AUTH);
		assert_non_null(strstr(err.msg, names[i]));
		assert_null(strstr(err.msg, "secret"));
		ap_err_clear(&err);
	}
	setenv("PATH", old, 1);
}

TEST(creds_for_google_are_its_own_unless_an_entry_says_otherwise)
{
	static const struct {
		const char *file, *host;
		bool google;
	} cases[] = {
		{ "{}", "gcr.io", true },
		{ "{}", "eu.gcr.io", true },
		{ "{}", "us-docker.pkg.dev", true },
		{ "{}", "notgcr.io", false },
		{ "{}", "gcr.io.evil.example", false },
		{ "{\"credHelpers\":{\"gcr.io\":\"gcloud\"}}", "gcr.io", true },
		{ "{\"auths\":{\"gcr.io\":{\"auth\":\"dTpw\"}}}", "gcr.io", false },
	};
	ap_auto_free char *dir = unit_tmpdir();
	struct ap_http *h;
	struct ap_gcp *g;
	struct ap_err err = AP_ERR_INIT;

	ap_http_new(&h, &(struct ap_http_opts){ 0 });
	ap_gcp_new(&g, &(struct ap_gcp_opts){ 0 }, h);
	for (size_t i = 0; i < AP_LEN(cases); i++) {
		AP_CLEANUP(ap_creds_release) struct ap_creds c = { 0 };
		struct ap_registry_config config = { .docker_config = dir, .gcp = g };

		print_message("  case: %s\n", cases[i].host);
		put(dir, "config.json", cases[i].file, 0600);
		assert_ok(ap_creds_find(&c, &config, cases[i].host, "x", &err), &err);
		assert_int_equal(c.google, cases[i].google);
	}
	ap_gcp_free(g);
	ap_http_free(h);
}

TEST(answers_become_one_printable_line)
{
	static const struct {
		const char *name, *body, *want;
	} cases[] = {
		{ "standard", "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"no\"}]}",
			"DENIED: no" },
		{ "two", "{\"errors\":[{\"code\":\"A\"},{\"message\":\"b\"}]}", "A; b" },
		{ "harbor", "{\"message\":\"gone\"}", "gone" },
		{ "oauth", "{\"error\":\"invalid\",\"error_description\":\"why\"}", "why" },
		{ "html", "<html><head><title>502 Bad</title></head>\n<body> Gate\tway</body>",
			"502 Bad Gate way" },
		{ "escape codes", "{\"errors\":[{\"code\":\"A\\u001b[2J\"}]}", "A\\x1b[2J" },
		{ "text", "  plain \n words ", "plain words" },
		{ "nothing", "", "" },
		{ "odd json", "{\"errors\":3}", "{\"errors\":3}" },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf b = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].name);
		ap_answer_text(&b, cases[i].body, strlen(cases[i].body));
		assert_string_equal(b.p, cases[i].want);
	}
}

TEST(answer_errors_say_what_was_asked_and_no_query)
{
	struct ap_http_req req = { .method = "PUT", .url = "https://h/v2/x?sig=hidden" };
	struct ap_http_resp resp = { .status = 403 };
	struct ap_err err = AP_ERR_INIT;

	assert_int_equal(ap_answer_error(&req, &resp, &err), -1);
	assert_string_equal(err.msg, "PUT https://h/v2/x: HTTP 403");
	assert_int_equal(err.http, 403);
	assert_int_equal(err.code, AP_E_AUTH);
}

TEST(preflight_tells_what_to_do)
{
	static const struct {
		const char *host, *repository;
		enum ap_err_code code;
		const char *part, *other;
		unsigned flags;
	} cases[] = {
		{ "us-central1-docker.pkg.dev", "my-p/my-r/img", AP_E_NOT_FOUND,
			"gcloud artifacts repositories create my-r --repository-format=docker "
			"--location=us-central1 --project=my-p",
			"--output-image-uri", 0 },
		{ "gcr.io", "my-p/cloudai-autogenerated/img", AP_E_NOT_FOUND,
			"gcloud artifacts repositories create gcr.io --repository-format=docker "
			"--location=us --project=my-p",
			"--output-image-uri", 0 },
		{ "eu.gcr.io", "p/x", AP_E_NOT_FOUND, "create eu.gcr.io", "--location=europe", 0 },
		{ "us-docker.pkg.dev", "p/r/x", AP_E_AUTH, "gcloud auth login",
			"GOOGLE_APPLICATION_CREDENTIALS", AP_REMEDY_ANONYMOUS },
		{ "us-docker.pkg.dev", "p/r/x", AP_E_AUTH, "roles/artifactregistry.writer", "", 0 },
		{ "r.example", "x", AP_E_AUTH, "docker login r.example", "--authfile", 0 },
		{ "r.example", "x", AP_E_NOT_FOUND, "create the repository", "--output-image-uri",
			0 },
	};

	for (size_t i = 0; i < AP_LEN(cases); i++) {
		ap_auto_buf b = AP_BUF_INIT;

		print_message("  case: %s\n", cases[i].host);
		ap_preflight_remedy(
			&b, cases[i].host, cases[i].repository, cases[i].code, cases[i].flags);
		assert_non_null(strstr(b.p, cases[i].part));
		assert_non_null(strstr(b.p, cases[i].other));
	}
}

TEST(registry_sink_never_completes_an_upload_of_other_bytes)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_ref ref = { 0 };
	struct ap_descriptor d = { .media_type = NULL, .size = 5 };
	ap_auto_free char *name = NULL;
	ap_auto_reader r = NULL;
	struct ap_registry *reg;
	struct ap_sink *sink;
	struct ap_http *h;
	struct peer *p;

	PEER(p, NULL, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 202 Accepted\r\nLocation: /v2/a/blobs/uploads/1\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n");
	name = ap_xasprintf("%s/a:t", strstr(peer_url(p), "//") + 2);
	assert_ok(ap_ref_parse(&ref, name, &err), &err);
	ap_http_new(&h, &(struct ap_http_opts){ .stall_timeout = 2 });
	ap_registry_new(&reg, &(struct ap_registry_config){ .http = h });
	assert_ok(ap_registry_sink(&sink, &ref, reg, &err), &err);
	ap_sha256_of(&d.digest, "hello", 5);
	ap_mem_reader(&r, "hellO", 5);
	assert_fails(
		sink->ops->put_blob(sink, &d, r, &err), &err, AP_E_DIGEST, "want sha256:2cf24d");
	for (size_t i = 0; i < peer_count(p); i++)
		assert_false(ap_starts_with(peer_request(p, i), "PUT "));
	ap_sink_free(sink);
	ap_registry_free(reg);
	ap_http_free(h);
	ap_ref_release(&ref);
	peer_stop(p);
}
