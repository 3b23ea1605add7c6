#include "registry/creds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/child.h"
#include "base/fs.h"

#define MAX_FILE       ((size_t)1 << 20)
#define MAX_HELPER_OUT ((size_t)64 << 10)
#define HELPER_TIMEOUT 60

static void wipe(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

void ap_creds_release(struct ap_creds *c)
{
	free(c->username);
	wipe(c->password);
	wipe(c->identity_token);
	wipe(c->bearer);
	free(c->source);
	*c = (struct ap_creds){ 0 };
}

bool ap_creds_any(const struct ap_creds *c)
{
	return c->username || c->identity_token || c->bearer || c->google;
}

static int bad_entry(const char *key, const char *why, struct ap_err *err)
{
	ap_auto_buf shown = AP_BUF_INIT;

	ap_buf_add_printable(&shown, key, strnlen(key, 200));
	return ap_err_set(err, AP_E_INPUT, "auths \"%s\": %s", shown.p, why);
}

static bool has_control(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

static int decode_auth(struct ap_creds *out, const char *key, const char *text, struct ap_err *err)
{
	ap_auto_buf plain = AP_BUF_MAX((size_t)65536);
	char *colon = ap_base64_decode(&plain, text) ? strchr(plain.p, ':') : NULL;
	bool ok = colon && !has_control(plain.p);

	if (ok) {
		*colon = '\0';
		out->username = ap_xstrdup(plain.p);
		out->password = ap_xstrdup(colon + 1);
	}
	explicit_bzero(plain.p, plain.len);
	return ok ? 0 : bad_entry(key, "\"auth\" is not base64 of user:password", err);
}

static int from_entry(struct ap_creds *out, const char *key, const cJSON *e, struct ap_err *err)
{
	const char *auth = ap_json_str(e, "auth");
	const char *identity = ap_json_str(e, "identitytoken");
	const char *bearer = ap_json_str(e, "registrytoken");
	const char *user = ap_json_str(e, "username");
	const char *password = ap_json_str(e, "password");

	if (!cJSON_IsObject(e))
		return bad_entry(key, "want an object", err);
	if (auth && *auth && decode_auth(out, key, auth, err) < 0)
		return -1;
	if (!out->username && user && password) {
		out->username = ap_xstrdup(user);
		out->password = ap_xstrdup(password);
	}
	if (identity && *identity)
		out->identity_token = ap_xstrdup(identity);
	if (bearer && *bearer)
		out->bearer = ap_xstrdup(bearer);
	return 0;
}

static bool is_hub(const char *host)
{
	return strcmp(host, "docker.io") == 0 || strcmp(host, "index.docker.io") == 0 ||
	       strcmp(host, "registry-1.docker.io") == 0;
}

/* "https://Host/v1/" and the like as "host", "host/ns" stays. */
static char *normal_key(const char *key)
{
	const char *at = strstr(key, "://");
	char *k = ap_xstrdup(at ? at + 3 : key);
	size_t n = strlen(k);

	while (n && k[n - 1] == '/')
		k[--n] = '\0';
	if (n > 3 && (strcmp(k + n - 3, "/v1") == 0 || strcmp(k + n - 3, "/v2") == 0))
		k[n - 3] = '\0';
	for (char *c = k; *c && *c != '/'; c++)
		*c = ap_lower(*c);
	return k;
}

/* How well a key fits: its length, 0 for not at all. */
static size_t fit(const char *key, const char *host, const char *repository)
{
	ap_auto_free char *k = normal_key(key);
	char *slash = strchr(k, '/');
	const char *rest = slash ? slash + 1 : "";
	size_t n = strlen(rest);

	if (slash)
		*slash = '\0';
	if (strcmp(k, host) != 0 && !(is_hub(k) && is_hub(host)))
		return 0;
	if (!n)
		return 1;
	if (!repository || strncmp(repository, rest, n) != 0 ||
		(repository[n] && repository[n] != '/'))
		return 0;
	return 1 + n;
}

static const cJSON *best_of(const cJSON *object, const char *host, const char *repository)
{
	const cJSON *best = NULL;
	size_t best_fit = 0;
	const cJSON *e;

	cJSON_ArrayForEach(e, object)
	{
		size_t f = e->string ? fit(e->string, host, repository) : 0;

		if (f > best_fit) {
			best = e;
			best_fit = f;
		}
	}
	return best;
}

static int check_helper(const char *name, struct ap_err *err)
{
	bool ok = *name != '\0' && strlen(name) < 100;

	for (const char *c = name; *c; c++)
		ok = ok && (ap_is_alnum(*c) || *c == '.' || *c == '_' || *c == '-');
	if (!ok)
		return ap_err_set(err, AP_E_INPUT,
			"credential helper: its name is not of letters, digits, '.', '_', '-'");
	return 0;
}

int ap_creds_from_file(struct ap_creds *out, char **helper, char **server, const cJSON *file,
	const char *host, const char *repository, struct ap_err *err)
{
	const cJSON *own = best_of(ap_json_get(file, "credHelpers"), host, NULL);
	const cJSON *entry = best_of(ap_json_get(file, "auths"), host, repository);
	const char *name = cJSON_IsString(own) ? own->valuestring : NULL;

	if (!cJSON_IsObject(file))
		return ap_err_set(err, AP_E_INPUT, "want a JSON object");
	if (!name)
		name = ap_json_str(file, "credsStore");
	if (name && *name) {
		if (check_helper(name, err) < 0)
			return -1;
		*helper = ap_xstrdup(name);
		if (is_hub(host))
			*server = ap_xstrdup("https://index.docker.io/v1/");
		else
			*server = ap_xstrdup(cJSON_IsString(own) ? own->string : host);
	}
	return entry ? from_entry(out, entry->string, entry, err) : 0;
}

int ap_creds_from_helper(struct ap_creds *out, const void *p, size_t n, struct ap_err *err)
{
	ap_auto_json j = NULL;
	const char *user;
	const char *secret;

	if (ap_json_parse(&j, p, n, err) < 0) {
		/* What it printed may be a secret: only our own words. */
		ap_err_clear(err);
		return ap_err_set(err, AP_E_AUTH, "its output is not JSON");
	}
	user = ap_json_str(j, "Username");
	secret = ap_json_str(j, "Secret");
	if (!user || !secret || !*secret)
		return ap_err_set(err, AP_E_AUTH, "its output has no Username and Secret");
	if (has_control(user) || has_control(secret))
		return ap_err_set(err, AP_E_AUTH, "its output has control characters");
	if (strcmp(user, "<token>") == 0) {
		out->identity_token = ap_xstrdup(secret);
	} else {
		out->username = ap_xstrdup(user);
		out->password = ap_xstrdup(secret);
	}
	return 0;
}

/* Helpers say so in words, on stdout. */
static bool says_not_found(const struct ap_buf *out)
{
	return strstr(out->p, "credentials not found") != NULL;
}

static int ask_helper(
	struct ap_creds *out, const char *helper, const char *server, struct ap_err *err)
{
	ap_auto_free char *program = ap_xasprintf("docker-credential-%s", helper);
	const char *const argv[] = { program, "get", NULL };
	ap_auto_buf answer = AP_BUF_MAX(MAX_HELPER_OUT);
	ap_auto_buf said = AP_BUF_MAX(MAX_HELPER_OUT);
	struct ap_child_opts o = { .argv = argv,
		.input = server,
		.input_len = strlen(server),
		.out = &answer,
		.errout = &said,
		.timeout = HELPER_TIMEOUT };
	int status = 0;
	int rc = 0;

	if (ap_child_run(&o, &status, err) < 0) {
		if (err->code != AP_E_CANCELLED)
			err->code = AP_E_AUTH;
		return ap_err_wrap(err, "credential helper %s for %s", program, server);
	}
	if (status == 0)
		rc = ap_creds_from_helper(out, answer.p, answer.len, err);
	else if (!says_not_found(&answer))
		rc = ap_err_set(err, AP_E_AUTH, "exit status %d", status);
	explicit_bzero(answer.p, answer.len);
	if (rc < 0)
		return ap_err_wrap(err, "credential helper %s for %s", program, server);
	if (ap_creds_any(out)) {
		out->source = ap_xasprintf("credential helper %s", program);
		out->host_wide = true;
	}
	return 0;
}

/* gcloud's helpers give the token that we get ourselves, only slower. */
static bool helper_is_googles(const char *helper)
{
	return strcmp(helper, "gcloud") == 0 || strcmp(helper, "gcr") == 0;
}

static int from_path(struct ap_creds *out, const char *path, bool must, const char *host,
	const char *repository, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_FILE);
	ap_auto_free char *helper = NULL;
	ap_auto_free char *server = NULL;
	AP_CLEANUP(ap_creds_release) struct ap_creds listed = { 0 };
	ap_auto_json j = NULL;

	if (ap_fs_read(&text, path, err) < 0) {
		if (must || (err->sys != ENOENT && err->sys != ENOTDIR && err->sys != EACCES))
			return ap_err_wrap(err, "registry credentials");
		ap_err_clear(err);
		return 0;
	}
	if (!text.len && !must)
		return 0;
	if (ap_json_parse(&j, text.p, text.len, err) < 0) {
		err->code = AP_E_INPUT;
		return ap_err_wrap(err, "%s", path);
	}
	if (ap_creds_from_file(&listed, &helper, &server, j, host, repository, err) < 0)
		return ap_err_wrap(err, "%s", path);
	if (helper && helper_is_googles(helper) && ap_registry_is_google(host))
		return 0;
	if (helper && ask_helper(out, helper, server, err) < 0)
		return ap_err_wrap(err, "%s", path);
	if (ap_creds_any(out) || !ap_creds_any(&listed))
		return 0;
	*out = listed;
	listed = (struct ap_creds){ 0 };
	out->source = ap_xstrdup(path);
	return 0;
}

static int from_default_paths(struct ap_creds *out, const struct ap_registry_config *c,
	const char *host, const char *repository, struct ap_err *err)
{
	ap_auto_strv paths = { 0 };

	if (c->docker_config)
		ap_strv_addf(&paths, "%s/config.json", c->docker_config);
	else if (c->home)
		ap_strv_addf(&paths, "%s/.docker/config.json", c->home);
	if (c->runtime_dir)
		ap_strv_addf(&paths, "%s/containers/auth.json", c->runtime_dir);
	if (c->config_home)
		ap_strv_addf(&paths, "%s/containers/auth.json", c->config_home);
	else if (c->home)
		ap_strv_addf(&paths, "%s/.config/containers/auth.json", c->home);
	for (size_t i = 0; i < paths.n && !ap_creds_any(out); i++) {
		if (from_path(out, paths.v[i], false, host, repository, err) < 0)
			return -1;
	}
	return 0;
}

int ap_creds_find(struct ap_creds *out, const struct ap_registry_config *c, const char *host,
	const char *repository, struct ap_err *err)
{
	AP_CLEANUP(ap_creds_release) struct ap_creds found = { 0 };

	if (c->username && ap_streq(c->username_host, host)) {
		found.username = ap_xstrdup(c->username);
		found.password = ap_xstrdup(c->password ? c->password : "");
		found.source = ap_xstrdup("--username");
		found.host_wide = true;
	} else if (c->authfile) {
		if (from_path(&found, c->authfile, true, host, repository, err) < 0)
			return -1;
	} else if (from_default_paths(&found, c, host, repository, err) < 0) {
		return -1;
	}
	if (!ap_creds_any(&found) && c->gcp && ap_registry_is_google(host)) {
		found.google = true;
		found.source = ap_xstrdup("Google credentials");
	}
	*out = found;
	found = (struct ap_creds){ 0 };
	return 0;
}
