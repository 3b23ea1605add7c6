#include "cli/env.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/toml.h"

enum kind { TEXT, BOOL, LIST, SECONDS };
enum { NOT_PROJECT = 1 << 0 }; /* not from pyproject.toml: it comes with the code */

static const struct key {
	const char *name;
	enum kind kind;
	unsigned flags;
	const char *env;              /* besides AUTOPACK_NAME, or NULL */
	const char *section, *gcloud; /* gcloud's property, or NULL */
	const char *choices;          /* or NULL: any */
	const char *help;
} keys[AP_KEY_COUNT] = {
	[AP_KEY_PROJECT] = { "project", TEXT, 0, "CLOUDSDK_CORE_PROJECT", "core", "project", NULL,
		"Google Cloud project" },
	[AP_KEY_REGION] = { "region", TEXT, 0, "CLOUDSDK_AI_REGION", "ai", "region", NULL,
		"region of jobs" },
	[AP_KEY_ACCOUNT] = { "account", TEXT, NOT_PROJECT, "CLOUDSDK_CORE_ACCOUNT", "core",
		"account", NULL, "the account that acts" },
	[AP_KEY_CONFIGURATION] = { "configuration", TEXT, NOT_PROJECT,
		"CLOUDSDK_ACTIVE_CONFIG_NAME", NULL, NULL, NULL, "gcloud configuration to read" },
	[AP_KEY_BILLING_PROJECT] = { "billing-project", TEXT, 0, "CLOUDSDK_BILLING_QUOTA_PROJECT",
		"billing", "quota_project", NULL, "project whose quota the calls use" },
	[AP_KEY_ACCESS_TOKEN_FILE] = { "access-token-file", TEXT, NOT_PROJECT,
		"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE", "auth", "access_token_file", NULL,
		"file that holds an access token" },
	[AP_KEY_IMPERSONATE] = { "impersonate-service-account", TEXT, NOT_PROJECT,
		"CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT", "auth", "impersonate_service_account",
		NULL, "service account to act as" },
	[AP_KEY_REPOSITORY] = { "repository", TEXT, 0, NULL, NULL, NULL, NULL,
		"where images go: HOST/PATH, to which the job's name is added" },
	[AP_KEY_EXECUTOR_IMAGE] = { "executor-image-uri", TEXT, 0, NULL, NULL, NULL, NULL,
		"image that runs the code" },
	[AP_KEY_PLATFORM] = { "platform", TEXT, 0, NULL, NULL, NULL, NULL,
		"platform of the image" },
	[AP_KEY_COMPRESSION] = { "compression", TEXT, 0, NULL, NULL, NULL, "gzip|zstd",
		"compression of layers" },
	[AP_KEY_IGNORE_FILE] = { "ignore-file", TEXT, 0, NULL, NULL, NULL, NULL,
		"ignore file in place of .dockerignore" },
	[AP_KEY_VCS_LABELS] = { "vcs-labels", BOOL, 0, NULL, NULL, NULL, NULL,
		"label images with revision and source" },
	[AP_KEY_ALLOW_BUILD] = { "allow-build", LIST, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"source distributions whose code may run here" },
	[AP_KEY_COMPILE] = { "compile", BOOL, 0, NULL, NULL, NULL, NULL,
		"add bytecode of what is installed" },
	[AP_KEY_SERVICE_ACCOUNT] = { "service-account", TEXT, 0, NULL, NULL, NULL, NULL,
		"account that jobs run as" },
	[AP_KEY_NETWORK] = { "network", TEXT, 0, NULL, NULL, NULL, NULL, "network of jobs" },
	[AP_KEY_CACHE_DIR] = { "cache-dir", TEXT, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"where wheels, locks and records are kept" },
	[AP_KEY_CACHE_REPOSITORY] = { "cache-repository", TEXT, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"repository of shared records" },
	[AP_KEY_REMOTE_CACHE] = { "remote-cache", BOOL, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"read and write records beside the image" },
	[AP_KEY_AUTHFILE] = { "authfile", TEXT, NOT_PROJECT, "REGISTRY_AUTH_FILE", NULL, NULL, NULL,
		"registry credentials" },
	[AP_KEY_INSECURE] = { "insecure-registry", LIST, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"hosts to speak to without TLS" },
	[AP_KEY_STALL_TIMEOUT] = { "stall-timeout", SECONDS, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"seconds without a byte after which a transfer is tried again (30)" },
	[AP_KEY_RETRY_TIME] = { "retry-time", SECONDS, NOT_PROJECT, NULL, NULL, NULL, NULL,
		"seconds for which one request is tried again (120)" },
	[AP_KEY_ENDPOINT] = { "aiplatform-endpoint", TEXT, NOT_PROJECT,
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_AIPLATFORM", "api_endpoint_overrides",
		"aiplatform", NULL, "address of the Vertex AI service" },
	[AP_KEY_VERBOSITY] = { "verbosity", TEXT, 0, "CLOUDSDK_CORE_VERBOSITY", "core", "verbosity",
		"debug|info|warning|error|critical|none", "how much is said" },
	[AP_KEY_PROGRESS] = { "progress", TEXT, 0, NULL, NULL, NULL, "auto|tty|plain|json|none",
		"how progress is shown" },
	[AP_KEY_USER_OUTPUT] = { "user-output-enabled", BOOL, 0,
		"CLOUDSDK_CORE_USER_OUTPUT_ENABLED", "core", "user_output_enabled", NULL,
		"print messages" },
	[AP_KEY_LOG_HTTP] = { "log-http", BOOL, 0, "CLOUDSDK_CORE_LOG_HTTP", "core", "log_http",
		NULL, "show every request" },
};

static void set(struct ap_setting *s, const char *value, enum ap_origin origin, const char *where)
{
	free(s->value);
	free(s->where);
	s->value = ap_xstrdup(value);
	s->where = ap_xstrdup(where);
	s->origin = origin;
}

/* gcloud writes True and False; both its and our own words are fine. */
static const char *bool_word(const char *text)
{
	static const char *const yes[] = { "true", "1", "yes", "on", "True", "TRUE" };
	static const char *const no[] = { "false", "0", "no", "off", "False", "FALSE" };

	if (ap_one_of(text, yes, AP_LEN(yes)))
		return "true";
	return ap_one_of(text, no, AP_LEN(no)) ? "false" : NULL;
}

/* A text from the environment, a flag or gcloud. */
static int take_text(struct ap_env *e, enum ap_key k, const char *text, enum ap_origin origin,
	const char *where, struct ap_err *err)
{
	const struct key *key = &keys[k];
	struct ap_setting *s = &e->v[k];
	struct ap_str rest = ap_str(text);
	struct ap_str part;
	uint64_t seconds;

	if (key->kind == BOOL) {
		const char *word = bool_word(text);

		if (!word)
			return ap_err_set(err, AP_E_INPUT,
				"%s: \"%.80s\" is neither true nor false", where, text);
		text = word;
	}
	if (key->kind == SECONDS && (!ap_parse_u64(text, 86400, &seconds) || !seconds))
		return ap_err_set(err, AP_E_INPUT,
			"%s: \"%.80s\" is not a number of seconds from 1 to 86400", where, text);
	if (key->choices && !ap_opt_choice_ok(key->choices, text))
		return ap_err_set(err, AP_E_INPUT, "%s: \"%.80s\" is not one of %s", where, text,
			key->choices);
	while (key->kind == LIST && ap_str_next(&rest, ',', &part))
		ap_strv_add_n(&s->list, part.p, part.n);
	set(s, text, origin, where);
	return 0;
}

static char *env_name(enum ap_key k)
{
	char *name = ap_xasprintf("AUTOPACK_%s", keys[k].name);

	for (char *c = name; *c; c++)
		*c = *c == '-' ? '_' : (char)(*c >= 'a' && *c <= 'z' ? *c - 32 : *c);
	return name;
}

static const char *env_text(const char *name)
{
	const char *text = name ? getenv(name) : NULL;

	return text && *text ? text : NULL;
}

static int take_env(struct ap_env *e, enum ap_key k, struct ap_err *err)
{
	ap_auto_free char *own = env_name(k);
	const char *name = own;
	const char *text = env_text(name);

	if (!text) {
		name = keys[k].env;
		text = env_text(name);
	}
	if (!text)
		return 0;
	return take_text(e, k, text, AP_FROM_ENV, name, err);
}

static int wrong_type(
	const char *where, const char *name, const char *want, const cJSON *j, struct ap_err *err)
{
	return ap_err_set(err, AP_E_INPUT, "%s: %s: wants %s, found a %s", where, name, want,
		ap_json_type(j));
}

static int take_toml(struct ap_env *e, enum ap_key k, const cJSON *j, enum ap_origin origin,
	const char *where, struct ap_err *err)
{
	const struct key *key = &keys[k];
	struct ap_setting *s = &e->v[k];
	ap_auto_free char *at = ap_xasprintf("%s: %s", where, key->name);
	const cJSON *item;

	if (key->kind == BOOL) {
		if (!cJSON_IsBool(j))
			return wrong_type(where, key->name, "true or false", j, err);
		set(s, cJSON_IsTrue(j) ? "true" : "false", origin, where);
		return 0;
	}
	if (key->kind == SECONDS) {
		ap_auto_buf text = AP_BUF_INIT;

		if (!cJSON_IsNumber(j))
			return wrong_type(where, key->name, "a number", j, err);
		ap_json_print(&text, j, 0);
		if (take_text(e, k, text.p, origin, at, err) < 0)
			return -1;
		set(s, text.p, origin, where);
		return 0;
	}
	if (key->kind == TEXT) {
		if (!cJSON_IsString(j))
			return wrong_type(where, key->name, "a string", j, err);
		if (take_text(e, k, j->valuestring, origin, at, err) < 0)
			return -1;
		set(s, j->valuestring, origin, where);
		return 0;
	}
	if (!cJSON_IsArray(j))
		return wrong_type(where, key->name, "an array of strings", j, err);
	cJSON_ArrayForEach(item, j)
	{
		if (!cJSON_IsString(item))
			return wrong_type(where, key->name, "an array of strings", item, err);
		ap_strv_add(&s->list, item->valuestring);
	}
	ap_auto_free char *joined = ap_strv_join(&s->list, ",");
	set(s, joined, origin, where);
	return 0;
}

static int unknown_key(const char *where, const char *name, struct ap_err *err)
{
	const char *names[AP_KEY_COUNT];
	const char *near;

	for (size_t i = 0; i < AP_KEY_COUNT; i++)
		names[i] = keys[i].name;
	near = ap_did_you_mean(name, names, AP_KEY_COUNT);
	if (near)
		return ap_err_set(err, AP_E_INPUT,
			"%s: unknown key \"%.60s\"; did you mean \"%s\"?", where, name, near);
	return ap_err_set(err, AP_E_INPUT,
		"%s: unknown key \"%.60s\"; \"autopack config\" lists the keys", where, name);
}

/* One table of settings; those that are set already stay. */
static int take_table(struct ap_env *e, const cJSON *table, enum ap_origin origin,
	const char *where, struct ap_err *err)
{
	const cJSON *j;

	if (!cJSON_IsObject(table))
		return ap_err_set(err, AP_E_INPUT, "%s: wants a table, found a %s", where,
			ap_json_type(table));
	cJSON_ArrayForEach(j, table)
	{
		enum ap_key k = 0;

		while (k < AP_KEY_COUNT && strcmp(keys[k].name, j->string) != 0)
			k++;
		if (k == AP_KEY_COUNT)
			return unknown_key(where, j->string, err);
		if (origin == AP_FROM_PROJECT && (keys[k].flags & NOT_PROJECT))
			return ap_err_set(err, AP_E_INPUT,
				"%s: \"%s\" is not taken from there, since the file comes with the code; "
				"set it in the environment or in config.toml",
				where, j->string);
		if (!e->v[k].value && take_toml(e, k, j, origin, where, err) < 0)
			return -1;
	}
	return 0;
}

/* False when there is no such file. */
static int read_toml(cJSON **out, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(4 << 20);

	if (access(path, F_OK) != 0)
		return 0;
	if (ap_fs_read(&text, path, err) < 0)
		return -1;
	if (ap_toml_parse(out, text.p, text.len, err) < 0)
		return ap_err_wrap(err, "%s", path);
	return 0;
}

static int take_files(struct ap_env *e, const char *workdir, struct ap_err *err)
{
	ap_auto_free char *pyproject = ap_fs_join(workdir ? workdir : ".", "pyproject.toml");
	ap_auto_json project = NULL;
	ap_auto_json user = NULL;
	const cJSON *tool;

	if (read_toml(&project, pyproject, err) < 0)
		return -1;
	tool = project ? ap_json_get(project, "tool") : NULL;
	tool = tool ? ap_json_get(tool, "autopack") : NULL;
	if (tool) {
		ap_auto_free char *where = ap_xasprintf("%s: [tool.autopack]", pyproject);

		if (take_table(e, tool, AP_FROM_PROJECT, where, err) < 0)
			return -1;
	}
	if (!e->config_home)
		return 0;
	ap_auto_free char *path = ap_xasprintf("%s/autopack/config.toml", e->config_home);
	if (read_toml(&user, path, err) < 0)
		return -1;
	return user ? take_table(e, user, AP_FROM_USER, path, err) : 0;
}

static int take_gcloud(struct ap_env *e, struct ap_err *err)
{
	struct ap_gcp_opts opts = { 0 };

	ap_env_gcp(&opts, e);
	/* Only what stands in gcloud's files is asked for here. */
	opts.account = NULL;
	opts.impersonate = NULL;
	for (enum ap_key k = 0; k < AP_KEY_COUNT; k++) {
		ap_auto_free char *text = NULL;
		ap_auto_free char *where = NULL;

		if (!keys[k].section || e->v[k].value)
			continue;
		if (ap_gcloud_property(&text, &opts, keys[k].section, keys[k].gcloud, err) < 0)
			return -1;
		if (!text || !*text)
			continue;
		/* Words of gcloud's that name no project. */
		if (k == AP_KEY_BILLING_PROJECT && strncmp(text, "CURRENT_PROJECT", 15) == 0)
			continue;
		if (k == AP_KEY_BILLING_PROJECT && strcmp(text, "LEGACY") == 0)
			continue;
		where = ap_xasprintf("gcloud %s/%s", keys[k].section, keys[k].gcloud);
		if (take_text(e, k, text, AP_FROM_GCLOUD, where, err) < 0)
			return -1;
	}
	return 0;
}

/* An empty one is a password too: cosign writes keys with it. */
static char *key_password(void)
{
	const char *own = getenv("AUTOPACK_KEY_PASSWORD");
	const char *cosign = getenv("COSIGN_PASSWORD");

	return own || cosign ? ap_xstrdup(own ? own : cosign) : NULL;
}

static char *dup_env(const char *name)
{
	const char *text = env_text(name);

	return text ? ap_xstrdup(text) : NULL;
}

static char *home_path(const struct ap_env *e, const char *name, const char *below)
{
	char *text = dup_env(name);

	if (text || !e->home)
		return text;
	return ap_fs_join(e->home, below);
}

static int take_surroundings(struct ap_env *e, struct ap_err *err)
{
	const char *epoch = env_text("SOURCE_DATE_EPOCH");
	const char *term = getenv("TERM");
	uint64_t seconds;

	e->home = dup_env("HOME");
	e->config_home = home_path(e, "XDG_CONFIG_HOME", ".config");
	e->runtime_dir = dup_env("XDG_RUNTIME_DIR");
	e->gcloud_dir = home_path(e, "CLOUDSDK_CONFIG", ".config/gcloud");
	e->docker_config = dup_env("DOCKER_CONFIG");
	e->adc_file = dup_env("GOOGLE_APPLICATION_CREDENTIALS");
	e->metadata_host = dup_env("GCE_METADATA_HOST");
	e->ca_file = dup_env("SSL_CERT_FILE");
	e->logging_endpoint = dup_env("CLOUDSDK_API_ENDPOINT_OVERRIDES_LOGGING");
	e->storage_endpoint = dup_env("CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE");
	e->iam_endpoint = dup_env("CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS");
	e->aws_key_id = dup_env("AWS_ACCESS_KEY_ID");
	e->aws_secret = dup_env("AWS_SECRET_ACCESS_KEY");
	e->aws_session_token = dup_env("AWS_SESSION_TOKEN");
	e->aws_region = dup_env(getenv("AWS_REGION") ? "AWS_REGION" : "AWS_DEFAULT_REGION");
	e->netrc = home_path(e, "NETRC", ".netrc");
	e->cache_key = dup_env("AUTOPACK_CACHE_KEY");
	e->key_password = key_password();
	e->ci = env_text("CI") && strcmp(getenv("CI"), "false") != 0;
	e->no_color = env_text("NO_COLOR") != NULL;
	e->dumb_terminal = !term || strcmp(term, "dumb") == 0;
	e->epoch = -1;
	/* 2^33: the end of what a ustar header holds. */
	if (epoch && !ap_parse_u64(epoch, UINT64_C(8589934591), &seconds))
		return ap_err_set(err, AP_E_INPUT,
			"SOURCE_DATE_EPOCH: \"%.40s\" is not a number of seconds below 2^33",
			epoch);
	if (epoch)
		e->epoch = (int64_t)seconds;
	return 0;
}

static void take_flags(struct ap_env *e, const struct ap_common_opts *f)
{
	ap_env_flag(e, AP_KEY_PROJECT, f->project);
	ap_env_flag(e, AP_KEY_ACCOUNT, f->account);
	ap_env_flag(e, AP_KEY_CONFIGURATION, f->configuration);
	ap_env_flag(e, AP_KEY_BILLING_PROJECT, f->billing_project);
	ap_env_flag(e, AP_KEY_ACCESS_TOKEN_FILE, f->access_token_file);
	ap_env_flag(e, AP_KEY_IMPERSONATE, f->impersonate);
	ap_env_flag(e, AP_KEY_VERBOSITY, f->verbosity);
	ap_env_flag(e, AP_KEY_PROGRESS, f->progress);
	if (f->user_output >= 0)
		ap_env_flag(e, AP_KEY_USER_OUTPUT, f->user_output ? "true" : "false");
	if (f->log_http)
		ap_env_flag(e, AP_KEY_LOG_HTTP, "true");
}

static void take_defaults(struct ap_env *e)
{
	struct ap_setting *cache = &e->v[AP_KEY_CACHE_DIR];
	ap_auto_free char *dir = NULL;

	if (cache->value)
		return;
	dir = home_path(e, "XDG_CACHE_HOME", ".cache");
	if (!dir)
		return;
	ap_auto_free char *ours = ap_fs_join(dir, "autopack");
	set(cache, ours, AP_FROM_DEFAULT, "XDG_CACHE_HOME");
}

int ap_env_load(struct ap_env *out, const struct ap_common_opts *flags, const char *workdir,
	struct ap_err *err)
{
	memset(out, 0, sizeof(*out));
	if (take_surroundings(out, err) < 0)
		return -1;
	take_flags(out, flags);
	for (enum ap_key k = 0; k < AP_KEY_COUNT; k++)
		if (!out->v[k].value && take_env(out, k, err) < 0)
			return -1;
	if (take_files(out, workdir, err) < 0 || take_gcloud(out, err) < 0)
		return -1;
	take_defaults(out);
	return 0;
}

void ap_env_release(struct ap_env *e)
{
	for (size_t k = 0; k < AP_KEY_COUNT; k++) {
		free(e->v[k].value);
		free(e->v[k].where);
		ap_strv_release(&e->v[k].list);
	}
	free(e->home);
	free(e->config_home);
	free(e->runtime_dir);
	free(e->gcloud_dir);
	free(e->docker_config);
	free(e->adc_file);
	free(e->metadata_host);
	free(e->ca_file);
	free(e->logging_endpoint);
	free(e->storage_endpoint);
	free(e->iam_endpoint);
	free(e->aws_key_id);
	free(e->aws_secret);
	free(e->aws_session_token);
	free(e->aws_region);
	free(e->netrc);
	free(e->cache_key);
	free(e->key_password);
	memset(e, 0, sizeof(*e));
}

const char *ap_env_get(const struct ap_env *e, enum ap_key key)
{
	return e->v[key].value;
}

const struct ap_strv *ap_env_list(const struct ap_env *e, enum ap_key key)
{
	return &e->v[key].list;
}

bool ap_env_bool(const struct ap_env *e, enum ap_key key, bool otherwise)
{
	return e->v[key].value ? strcmp(e->v[key].value, "true") == 0 : otherwise;
}

void ap_env_flag(struct ap_env *e, enum ap_key key, const char *value)
{
	ap_auto_free char *where = NULL;

	if (!value)
		return;
	where = ap_xasprintf("--%s", keys[key].name);
	set(&e->v[key], value, AP_FROM_FLAG, where);
}

const char *ap_env_key_name(enum ap_key key)
{
	return keys[key].name;
}

const char *ap_env_key_help(enum ap_key key)
{
	return keys[key].help;
}

const char *ap_origin_name(enum ap_origin origin)
{
	static const char *const names[] = { "not set", "flag", "environment", "pyproject.toml",
		"config.toml", "gcloud", "default" };

	return names[origin];
}

unsigned ap_env_seconds(const struct ap_env *e, enum ap_key key)
{
	const char *text = ap_env_get(e, key);
	uint64_t n = 0;

	return text && ap_parse_u64(text, 86400, &n) ? (unsigned)n : 0;
}

const char *ap_env_lookup(const char *name)
{
	return getenv(name);
}

void ap_env_gcp(struct ap_gcp_opts *out, const struct ap_env *e)
{
	out->access_token_file = ap_env_get(e, AP_KEY_ACCESS_TOKEN_FILE);
	out->config_dir = e->gcloud_dir;
	out->configuration = ap_env_get(e, AP_KEY_CONFIGURATION);
	out->adc_file = e->adc_file;
	out->account = ap_env_get(e, AP_KEY_ACCOUNT);
	out->impersonate = ap_env_get(e, AP_KEY_IMPERSONATE);
	out->metadata_host = e->metadata_host;
	out->iam_endpoint = e->iam_endpoint;
	out->aws_key_id = e->aws_key_id;
	out->aws_secret = e->aws_secret;
	out->aws_session_token = e->aws_session_token;
	out->aws_region = e->aws_region;
}
