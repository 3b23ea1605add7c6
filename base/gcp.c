#include "base/gcp.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/gcp_key.h"

#define MAX_FILE       ((size_t)1 << 20)
#define FILE_LIFETIME  60.0  /* a token file is read again that often */
#define CHILD_LIFETIME 300.0 /* gcloud does not say how long its token lives */
#define METADATA_HOST  "169.254.169.254"
#define LOGIN          "log in with `gcloud auth login`, or set GOOGLE_APPLICATION_CREDENTIALS"

enum source { NOT_LOOKED, NOTHING, TOKEN_FILE, KEY_FILE, GCLOUD, METADATA };

struct ap_gcp {
	struct ap_gcp_opts o;
	struct ap_strv kept; /* the strings of o */
	struct ap_http *http;
	pthread_mutex_t lock;
	enum source source;
	char *path;            /* of the token or key file */
	char *account;         /* as far as known */
	char *impersonate;     /* on top of the source */
	char *why;             /* where the source is named, for people */
	struct ap_strv looked; /* what else was looked at, and why it was not used */
	struct ap_gcp_grant grant;
	double fetched, ends; /* monotonic */
};

void ap_gcp_new(struct ap_gcp **out, const struct ap_gcp_opts *opts, struct ap_http *http)
{
	struct ap_gcp *g = ap_xcalloc(1, sizeof(*g));
	const char **const strings[] = { &g->o.access_token_file, &g->o.config_dir,
		&g->o.configuration, &g->o.adc_file, &g->o.account, &g->o.impersonate,
		&g->o.metadata_host, &g->o.iam_endpoint, &g->o.aws_key_id, &g->o.aws_secret,
		&g->o.aws_session_token, &g->o.aws_region };

	g->o = *opts;
	for (size_t i = 0; i < AP_LEN(strings); i++) {
		if (!*strings[i])
			continue;
		ap_strv_add(&g->kept, *strings[i]);
		*strings[i] = g->kept.v[g->kept.n - 1];
	}
	g->http = http;
	pthread_mutex_init(&g->lock, NULL);
	*out = g;
}

void ap_gcp_free(struct ap_gcp *g)
{
	if (!g)
		return;
	ap_strv_release(&g->kept);
	free(g->path);
	free(g->account);
	free(g->impersonate);
	free(g->why);
	ap_strv_release(&g->looked);
	ap_gcp_grant_release(&g->grant);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

bool ap_gcp_url_allowed(const char *url)
{
	struct ap_err err = AP_ERR_INIT;
	ap_auto_url u = { 0 };

	if (ap_url_parse(&u, url, &err) < 0 || strcmp(u.scheme, "https") != 0)
		return false;
	return strcmp(u.host, "gcr.io") == 0 || ap_ends_with(u.host, ".gcr.io") ||
	       ap_ends_with(u.host, ".pkg.dev") || ap_ends_with(u.host, ".googleapis.com");
}

/* ---- choosing a source ---- */

static int read_key(cJSON **out, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(MAX_FILE);
	int rc;

	if (ap_fs_read(&text, path, err) < 0)
		return -1;
	rc = ap_json_parse(out, text.p, text.len, err);
	explicit_bzero(text.p, text.len);
	if (rc < 0) {
		err->code = AP_E_INPUT;
		return ap_err_wrap(err, "%s", path);
	}
	return 0;
}

static void choose(struct ap_gcp *g, enum source source, const char *path, const char *why)
{
	g->source = source;
	free(g->path);
	g->path = ap_dup(path);
	free(g->why);
	g->why = ap_xstrdup(why);
}

static void skipped(struct ap_gcp *g, const char *what, const char *why)
{
	ap_strv_addf(&g->looked, "%s: %s", what, why);
}

/* An account becomes part of a path. */
static bool account_ok(const char *s)
{
	return *s && *s != '.' && strlen(s) < 256 && !strchr(s, '/');
}

static int look_at_gcloud(struct ap_gcp *g, struct ap_err *err)
{
	ap_auto_free char *override = NULL;
	ap_auto_free char *token_file = NULL;
	ap_auto_free char *configured = NULL;
	ap_auto_free char *legacy = NULL;
	ap_auto_free char *program = NULL;
	const char *account;

	if (ap_gcloud_property(&token_file, &g->o, "auth", "access_token_file", err) < 0 ||
		ap_gcloud_property(&override, &g->o, "auth", "credential_file_override", err) < 0 ||
		ap_gcloud_property(&configured, &g->o, "core", "account", err) < 0)
		return -1;
	account = g->o.account ? g->o.account : configured;
	if (token_file) {
		choose(g, TOKEN_FILE, token_file, "gcloud's auth/access_token_file");
		return 0;
	}
	if (override) {
		choose(g, KEY_FILE, override, "gcloud's auth/credential_file_override");
		return 0;
	}
	if (!account) {
		skipped(g, "gcloud",
			g->o.config_dir ? "no account in its active configuration"
					: "no configuration directory");
		return 0;
	}
	if (!account_ok(account))
		return ap_err_set(err, AP_E_INPUT, "\"%.200s\" is not an account", account);
	g->account = ap_xstrdup(account);
	if (g->o.config_dir)
		legacy =
			ap_xasprintf("%s/legacy_credentials/%s/adc.json", g->o.config_dir, account);
	if (legacy && ap_fs_is_file(legacy)) {
		choose(g, KEY_FILE, legacy, "gcloud's login");
		return 0;
	}
	program = ap_child_find("gcloud", NULL);
	if (program) {
		choose(g, GCLOUD, NULL, "gcloud auth print-access-token");
		return 0;
	}
	skipped(g, "gcloud", "its account has no credential file here, and gcloud is not on PATH");
	free(AP_STEAL(g->account));
	return 0;
}

static int look_at_adc(struct ap_gcp *g, struct ap_err *err)
{
	ap_auto_free char *file = NULL;

	if (g->o.adc_file && *g->o.adc_file) {
		if (!ap_fs_is_file(g->o.adc_file))
			return ap_err_set(err, AP_E_INPUT,
				"GOOGLE_APPLICATION_CREDENTIALS: there is no file %s",
				g->o.adc_file);
		choose(g, KEY_FILE, g->o.adc_file, "GOOGLE_APPLICATION_CREDENTIALS");
		return 0;
	}
	skipped(g, "GOOGLE_APPLICATION_CREDENTIALS", "not set");
	if (g->o.config_dir) {
		file = ap_fs_join(g->o.config_dir, "application_default_credentials.json");
		if (ap_fs_is_file(file)) {
			choose(g, KEY_FILE, file, "application default credentials");
			return 0;
		}
	}
	skipped(g, "application default credentials", "no file");
	return 0;
}

/* An address that nobody answers at must not cost more than a second. */
static struct ap_http *metadata_client(void)
{
	struct ap_http *h;

	ap_http_new(&h, &(struct ap_http_opts){ .connect_timeout = 1,
				.stall_timeout = 3,
				.retry_count = 1,
				.no_proxy = true });
	return h;
}

static int metadata_get(
	struct ap_gcp *g, const char *what, struct ap_http_resp *resp, struct ap_err *err)
{
	struct ap_http *h = metadata_client();
	ap_auto_strv headers = { 0 };
	const char *host = g->o.metadata_host ? g->o.metadata_host : METADATA_HOST;
	ap_auto_free char *url = ap_xasprintf(
		"http://%s/computeMetadata/v1/instance/service-accounts/default/%s", host, what);
	int rc;

	ap_strv_add(&headers, "Metadata-Flavor: Google");
	rc = ap_http_do(h,
		&(struct ap_http_req){ .method = "GET",
			.url = url,
			.headers = &headers,
			.max_body = MAX_FILE,
			.step = AP_STEP_HTTP },
		resp, err);
	ap_http_free(h);
	if (rc < 0)
		return -1;
	if (resp->status != 200 || !ap_streq(ap_http_header(resp, "metadata-flavor"), "Google"))
		return ap_err_set(err, AP_E_AUTH, "metadata server: HTTP %d", resp->status);
	return 0;
}

static int look_at_metadata(struct ap_gcp *g, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };

	if (metadata_get(g, "email", &resp, err) < 0) {
		if (err->code == AP_E_CANCELLED)
			return -1;
		ap_err_clear(err);
		skipped(g, "metadata server", "no answer");
		return 0;
	}
	g->account = ap_xstrndup(resp.body.p, strcspn(resp.body.p, "\r\n"));
	choose(g, METADATA, NULL, "the metadata server");
	return 0;
}

/* *out: owned, or NULL: the file does not say, or cannot be read. */
static char *account_of(const char *path)
{
	struct ap_err ignored = AP_ERR_INIT;
	ap_auto_json j = NULL;

	return read_key(&j, path, &ignored) < 0 ? NULL : ap_dup(ap_gcp_key_account(j));
}

/* Two logins that act as different accounts surprise people: say which one acts. */
static void note_other(struct ap_gcp *g, const char *other, const char *where)
{
	if (other && g->account && strcmp(other, g->account) != 0)
		ap_emit_note(g->o.progress, AP_STEP_PLAN, "acting as %s (%s), not as %s of %s",
			g->account, g->why, other, where);
}

static int note_other_accounts(struct ap_gcp *g, struct ap_err *err)
{
	ap_auto_free char *configured = NULL;
	ap_auto_free char *adc = NULL;
	bool is_adc = g->source == KEY_FILE && ap_streq(g->path, g->o.adc_file);

	if (ap_gcloud_property(&configured, &g->o, "core", "account", err) < 0)
		return -1;
	if (g->source == KEY_FILE && !g->account)
		g->account = account_of(g->path);
	note_other(g, g->o.account ? g->o.account : configured, "gcloud's configuration");
	if (!g->o.adc_file || !*g->o.adc_file || is_adc)
		return 0;
	skipped(g, "GOOGLE_APPLICATION_CREDENTIALS", "comes after what is used");
	adc = account_of(g->o.adc_file);
	note_other(g, adc, "GOOGLE_APPLICATION_CREDENTIALS");
	return 0;
}

static int look_at_all(struct ap_gcp *g, struct ap_err *err)
{
	ap_auto_free char *configured = NULL;

	g->source = NOTHING;
	if (g->o.access_token_file && *g->o.access_token_file)
		choose(g, TOKEN_FILE, g->o.access_token_file, "the access token file");
	else
		skipped(g, "access token file", "not given");
	if ((g->source == NOTHING && look_at_gcloud(g, err) < 0) ||
		(g->source == NOTHING && look_at_adc(g, err) < 0) ||
		(g->source == NOTHING && look_at_metadata(g, err) < 0))
		return -1;
	if (g->source == NOTHING)
		return 0;
	if (g->o.impersonate) {
		g->impersonate = ap_xstrdup(g->o.impersonate);
	} else if (ap_gcloud_property(
			   &configured, &g->o, "auth", "impersonate_service_account", err) < 0) {
		return -1;
	} else {
		g->impersonate = AP_STEAL(configured);
	}
	return note_other_accounts(g, err);
}

static int look(struct ap_gcp *g, struct ap_err *err)
{
	/* What an earlier look found, which failed. */
	ap_free_p(&g->account);
	ap_free_p(&g->impersonate);
	ap_strv_release(&g->looked);
	if (look_at_all(g, err) == 0)
		return 0;
	g->source = NOT_LOOKED;
	return -1;
}

/* ---- tokens ---- */

static int from_text(
	struct ap_gcp_grant *out, struct ap_buf *text, double lifetime, struct ap_err *err)
{
	struct ap_str s = ap_str_trim(ap_str_n(text->p, text->len));

	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] <= 0x20 || (unsigned char)s.p[i] >= 0x7f)
			return ap_err_set(err, AP_E_INPUT, "this is no access token");
	}
	if (!s.n)
		return ap_err_set(err, AP_E_INPUT, "the access token is empty");
	out->value = ap_xstrndup(s.p, s.n);
	out->lifetime = lifetime;
	explicit_bzero(text->p, text->len);
	return 0;
}

static int from_token_file(struct ap_gcp_grant *out, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX((size_t)65536);

	if (ap_fs_read_named(&text, path, err) < 0)
		return -1;
	if (from_text(out, &text, FILE_LIFETIME, err) < 0)
		return ap_err_wrap(err, "%s", path);
	return 0;
}

static int from_key_file(struct ap_gcp *g, struct ap_gcp_grant *out, struct ap_err *err)
{
	ap_auto_json key = NULL;

	if (read_key(&key, g->path, err) < 0)
		return -1;
	if (!g->account)
		g->account = ap_dup(ap_gcp_key_account(key));
	if (ap_gcp_key_token(out, key, &g->o, g->http, err) < 0)
		return ap_err_wrap(err, "%s", g->path);
	return 0;
}

/* gcloud impersonates by itself, by the same configuration: fetch() does not do it twice. */
static int from_gcloud(struct ap_gcp *g, struct ap_gcp_grant *out, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX((size_t)65536);
	ap_auto_buf said = AP_BUF_MAX((size_t)65536);
	ap_auto_free char *configuration = NULL;
	ap_auto_free char *act_as = NULL;
	const char *argv[] = { "gcloud", "auth", "print-access-token", g->account, "--quiet", NULL,
		NULL, NULL };
	size_t n = 5;
	int status = 0;

	if (g->o.configuration) {
		configuration = ap_xasprintf("--configuration=%s", g->o.configuration);
		argv[n++] = configuration;
	}
	if (g->impersonate) {
		act_as = ap_xasprintf("--impersonate-service-account=%s", g->impersonate);
		argv[n] = act_as;
	}
	if (ap_child_run(
		    &(struct ap_child_opts){
			    .argv = argv, .out = &text, .errout = &said, .timeout = 60 },
		    &status, err) < 0)
		return ap_err_wrap(err, "gcloud auth print-access-token");
	if (status != 0) {
		ap_auto_buf shown = AP_BUF_INIT;

		ap_buf_add_printable(&shown, said.p, strcspn(said.p, "\n"));
		return ap_err_set(err, AP_E_AUTH,
			"gcloud auth print-access-token: exit status %d: %.400s", status, shown.p);
	}
	return from_text(out, &text, CHILD_LIFETIME, err);
}

static int from_metadata(struct ap_gcp *g, struct ap_gcp_grant *out, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };
	ap_auto_json j = NULL;
	ap_auto_buf token = AP_BUF_INIT;
	const char *value;
	const cJSON *life;

	if (metadata_get(g,
		    "token?scopes="
		    "https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fcloud-platform",
		    &resp, err) < 0 ||
		ap_json_parse(&j, resp.body.p, resp.body.len, err) < 0)
		return ap_err_wrap(err, "metadata server");
	value = ap_json_str(j, "access_token");
	life = ap_json_get(j, "expires_in");
	ap_buf_adds(&token, value ? value : "");
	return from_text(
		out, &token, cJSON_IsNumber(life) ? AP_MAX(life->valuedouble, 0.0) : 300.0, err);
}

static int fetch(struct ap_gcp *g, struct ap_gcp_grant *out, struct ap_err *err)
{
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant first = { 0 };
	int rc = -1;

	switch (g->source) {
	case TOKEN_FILE:
		rc = from_token_file(&first, g->path, err);
		break;
	case KEY_FILE:
		rc = from_key_file(g, &first, err);
		break;
	case GCLOUD:
		rc = from_gcloud(g, &first, err);
		break;
	case METADATA:
		rc = from_metadata(g, &first, err);
		break;
	case NOT_LOOKED:
	case NOTHING:
		return ap_err_set(err, AP_E_AUTH, "none found; " LOGIN);
	}
	if (rc < 0)
		return ap_err_wrap(err, "%s", g->why);
	if (g->impersonate && g->source != GCLOUD)
		return ap_gcp_impersonate(out, first.value, g->impersonate, &g->o, g->http, err);
	*out = first;
	first = (struct ap_gcp_grant){ 0 };
	return 0;
}

static int no_source(struct ap_gcp *g, struct ap_err *err)
{
	ap_auto_free char *looked = ap_strv_join(&g->looked, "; ");

	return ap_err_set(err, AP_E_AUTH, "none found (%s); " LOGIN, looked);
}

static int token_locked(struct ap_gcp *g, unsigned flags, char **token, struct ap_err *err)
{
	struct ap_gcp_grant fresh = { 0 };
	bool again = flags & AP_GCP_REFRESH;

	if (g->source == NOT_LOOKED && look(g, err) < 0)
		return -1;
	if (g->source == NOTHING) {
		*token = NULL;
		return flags & AP_GCP_OPTIONAL ? 0 : no_source(g, err);
	}
	/* Many threads are refused at once: one new token serves them all. */
	if (again && g->grant.value && ap_clock() - g->fetched < 2)
		again = false;
	if (!g->grant.value || again || ap_clock() > g->ends) {
		if (fetch(g, &fresh, err) < 0)
			return -1;
		ap_gcp_grant_release(&g->grant);
		g->grant = fresh;
		g->fetched = ap_clock();
		g->ends = g->fetched + fresh.lifetime - AP_MIN(fresh.lifetime * 0.25, 60.0);
	}
	*token = ap_xstrdup(g->grant.value);
	return 0;
}

int ap_gcp_token(struct ap_gcp *g, unsigned flags, char **token, struct ap_err *err)
{
	int rc;

	pthread_mutex_lock(&g->lock);
	rc = token_locked(g, flags, token, err);
	pthread_mutex_unlock(&g->lock);
	return rc < 0 ? ap_err_wrap(err, "Google credentials") : 0;
}

void ap_gcp_describe(struct ap_gcp *g, struct ap_buf *out)
{
	struct ap_err err = AP_ERR_INIT;

	pthread_mutex_lock(&g->lock);
	if (g->source == NOT_LOOKED && look(g, &err) < 0) {
		ap_buf_addf(out, "google credentials: %s\n", err.msg);
	} else if (g->source == NOTHING) {
		ap_buf_adds(out, "google credentials: none\n");
	} else {
		ap_buf_addf(out, "google credentials: %s%s%s%s\n", g->why, g->path ? " (" : "",
			g->path ? g->path : "", g->path ? ")" : "");
		ap_buf_addf(out, "  account: %s\n", g->account ? g->account : "not said");
		if (g->impersonate)
			ap_buf_addf(out, "  acting as: %s\n", g->impersonate);
		if (g->grant.value)
			ap_buf_addf(out, "  token ends in %.0f s\n",
				AP_MAX(g->fetched + g->grant.lifetime - ap_clock(), 0.0));
	}
	for (size_t i = 0; i < g->looked.n; i++)
		ap_buf_addf(out, "  not used: %s\n", g->looked.v[i]);
	pthread_mutex_unlock(&g->lock);
}
