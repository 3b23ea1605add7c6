#include "base/gcp_key.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base64.h"
#include "base/fs.h"

#define MAX_TOKEN ((size_t)1 << 20)
#define MAX_WORD  ((size_t)4096) /* a role, a zone, a session */

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

/* The body of an answer, within out->max. */
static int fetch_text(struct ap_buf *out, const char *method, const char *url,
	const struct ap_strv *headers, struct ap_http *http, struct ap_err *err)
{
	ap_auto_http_resp resp = { 0 };

	if (ap_http_do(http,
		    &(struct ap_http_req){ .method = method,
			    .url = url,
			    .headers = headers,
			    .max_body = out->max,
			    .step = AP_STEP_HTTP,
			    .flags = AP_HTTP_RETRY },
		    &resp, err) < 0)
		return ap_err_wrap(err, "credential_source");
	if (resp.status != 200) {
		ap_gcp_refused(url, &resp, err);
		return ap_err_wrap(err, "credential_source");
	}
	ap_buf_add(out, resp.body.p, resp.body.len);
	return 0;
}

static int from_url(
	char **out, const cJSON *source, const char *url, struct ap_http *http, struct ap_err *err)
{
	ap_auto_strv headers = { 0 };
	ap_auto_buf text = AP_BUF_MAX(MAX_TOKEN);
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
	char *region;
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
	ap_auto_buf role = AP_BUF_MAX(MAX_WORD);
	ap_auto_buf text = AP_BUF_MAX(MAX_TOKEN);
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
	ap_auto_buf zone = AP_BUF_MAX(MAX_WORD);
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
	ap_auto_buf session = AP_BUF_MAX(MAX_WORD);

	if (!ap_streq(environment, "aws1"))
		return ap_err_set(err, AP_E_INPUT,
			"credential_source: want environment_id aws1, found %.40s", environment);
	if (ap_gcp_need(&a.verification_url, source, "regional_cred_verification_url", err) < 0 ||
		ap_gcp_need(&a.target, key, "audience", err) < 0)
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

/* Source: RFC 8693; AIP-4117. */
int ap_gcp_external(struct ap_gcp_grant *out, const cJSON *key, const struct ap_gcp_opts *opts,
	struct ap_http *http, struct ap_err *err)
{
	const char *act_as = ap_json_str(key, "service_account_impersonation_url");
	const char *project = ap_json_str(key, "workforce_pool_user_project");
	AP_CLEANUP(ap_gcp_grant_release) struct ap_gcp_grant first = { 0 };
	ap_auto_free char *subject = NULL;
	const char *id = ap_json_str(key, "client_id");
	const char *secret = ap_json_str(key, "client_secret");
	ap_auto_free char *basic = id && secret ? ap_basic_auth(id, secret) : NULL;
	ap_auto_buf form = AP_BUF_INIT;
	const char *audience;
	const char *type;
	const char *url;

	if (ap_gcp_need(&audience, key, "audience", err) < 0 ||
		ap_gcp_need(&type, key, "subject_token_type", err) < 0 ||
		ap_gcp_need(&url, key, "token_url", err) < 0 ||
		ap_gcp_check_url("token_url", url, err) < 0 ||
		(act_as &&
			ap_gcp_check_url("service_account_impersonation_url", act_as, err) < 0) ||
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
	if (ap_gcp_exchange(&first, url, basic, &form, http, err) < 0)
		return -1;
	if (act_as)
		return ap_gcp_impersonate_at(out, first.value, act_as, NULL, http, err);
	*out = first;
	first = (struct ap_gcp_grant){ 0 };
	return 0;
}
