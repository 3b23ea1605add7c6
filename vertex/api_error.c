/*
 * Error answers of Google services as messages with what helps.
 */
#include <stdlib.h>
#include <string.h>

#include "vertex/api.h"

/* Source: google.rpc.Status in its JSON form. */
static const cJSON *status_of(const cJSON *j)
{
	const cJSON *e = ap_json_get(j, "error");

	if (cJSON_IsArray(j) && j->child)
		e = ap_json_get(j->child, "error");
	return cJSON_IsObject(e) ? e : NULL;
}

static void add_clean(struct ap_buf *out, const char *s)
{
	struct ap_str t = ap_str_trim(ap_str(s));

	for (size_t i = 0; i < t.n; i++)
		ap_buf_addc(out, t.p[i] == '\t' || t.p[i] == '\n' || t.p[i] == '\r' ? ' ' : t.p[i]);
}

static const cJSON *detail(const cJSON *error, const char *type)
{
	const cJSON *d = ap_json_get(error, "details");

	for (d = d ? d->child : NULL; d; d = d->next) {
		const char *t = ap_json_str(d, "@type");

		if (t && ap_ends_with(t, type))
			return d;
	}
	return NULL;
}

static void add_violations(struct ap_buf *out, const cJSON *error)
{
	const cJSON *v = ap_json_get(detail(error, "google.rpc.BadRequest"), "fieldViolations");

	for (v = v ? v->child : NULL; v; v = v->next) {
		const char *field = ap_json_str(v, "field");
		const char *text = ap_json_str(v, "description");

		ap_buf_addf(out, "; %s: ", field ? field : "a field");
		add_clean(out, text ? text : "");
	}
}

/* Which roles the documentation names for a permission. */
static const char *role_for(const char *text)
{
	static const struct {
		const char *permission, *role;
	} roles[] = { { "aiplatform.persistentResources.create", "roles/aiplatform.admin" },
		{ "aiplatform.persistentResources.delete", "roles/aiplatform.admin" },
		{ "aiplatform.persistentResources.update", "roles/aiplatform.admin" },
		{ "aiplatform.persistentResources.reboot", "roles/aiplatform.admin" },
		{ "iam.serviceAccounts.actAs", "roles/iam.serviceAccountUser" },
		{ "logging.", "roles/logging.viewer" }, { "storage.", "roles/storage.objectAdmin" },
		{ "aiplatform.", "roles/aiplatform.user" } };

	for (size_t i = 0; i < AP_LEN(roles); i++) {
		if (strstr(text, roles[i].permission))
			return roles[i].role;
	}
	return "roles/aiplatform.user";
}

/* The service that is switched off, or NULL.  borrowed from error. */
static const char *disabled_service(const cJSON *error)
{
	const cJSON *info = detail(error, "google.rpc.ErrorInfo");
	const char *reason = ap_json_str(info, "reason");
	const char *text = ap_json_str(error, "message");
	const char *service = ap_json_str(ap_json_get(info, "metadata"), "service");

	if (ap_streq(reason, "SERVICE_DISABLED"))
		return service ? service : "aiplatform.googleapis.com";
	if (text &&
		(strstr(text, "it is disabled") || strstr(text, "has not been used in project")))
		return strstr(text, "logging.googleapis.com") || strstr(text, "Cloud Logging")
			       ? "logging.googleapis.com"
			       : "aiplatform.googleapis.com";
	return NULL;
}

static void add_help(struct ap_buf *out, int status, const cJSON *error, const char *project)
{
	const char *service = error ? disabled_service(error) : NULL;
	const char *text = error ? ap_json_str(error, "message") : NULL;
	const char *where = project ? project : "PROJECT";

	if (service)
		ap_buf_addf(out, " (enable it: `gcloud services enable %s --project=%s`)", service,
			where);
	else if (status == 403)
		ap_buf_addf(out, " (%s on project %s has this permission)",
			role_for(text ? text : ""), where);
	else if (status == 401)
		ap_buf_adds(out,
			" (log in: `gcloud auth login`, or `gcloud auth application-default "
			"login`)");
	else if (status == 429)
		ap_buf_adds(out, " (quotas: https://console.cloud.google.com/iam-admin/quotas)");
}

static enum ap_err_code code_of(int status)
{
	if (status == 401 || status == 403)
		return AP_E_AUTH;
	return status == 404 ? AP_E_NOT_FOUND : AP_E_HTTP;
}

int ap_vertex_error(int status, const char *content_type, const void *body, size_t n,
	const char *what, const char *project, struct ap_err *err)
{
	struct ap_err ignored = AP_ERR_INIT;
	ap_auto_json j = NULL;
	ap_auto_buf text = AP_BUF_MAX(900);
	ap_auto_buf shown = AP_BUF_INIT;
	const cJSON *e = NULL;
	const char *name, *message;

	if ((!content_type || strstr(content_type, "json")) && n)
		(void)!ap_json_parse(&j, body, n, &ignored);
	e = j ? status_of(j) : NULL;
	name = ap_json_str(e, "status");
	message = ap_json_str(e, "message");
	ap_buf_addf(&text, "HTTP %d: %s%s", status, name ? name : "", name && message ? ": " : "");
	if (message)
		add_clean(&text, message);
	else if (!name)
		ap_buf_adds(&text, "no explanation");
	if (e)
		add_violations(&text, e);
	add_help(&text, status, e, project);
	ap_buf_add_printable(&shown, text.p, text.len);
	ap_err_set(err, code_of(status), "%s: %s", what, shown.p);
	err->http = status;
	return -1;
}
