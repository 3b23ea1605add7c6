#include "vertex/job_flags.h"

#include <string.h>

#include "vertex/api.h"
#include "vertex/schema.h"

struct laying {
	cJSON *body, *spec;
	struct ap_strv *said;
};

static void said(struct laying *s, const char *field, const char *flag)
{
	ap_strv_addf(s->said, "%s=%s", field, flag);
}

/* A text field of the CustomJobSpec from its flag. */
static void set_text(struct laying *s, const char *field, const char *value, const char *flag)
{
	if (!value || !*value)
		return;
	ap_json_set(s->spec, field, ap_json_string(value));
	said(s, field, flag);
}

static void set_bool(struct laying *s, const char *field, int value, const char *flag)
{
	if (value < 0)
		return;
	/* False is what the service assumes: only said against a file that says true. */
	if (value)
		ap_json_set(s->spec, field, ap_json_bool(1));
	else
		cJSON_DeleteItemFromObjectCaseSensitive(s->spec, field);
	said(s, field, flag);
}

static int scheduling_flags(struct laying *s, const struct ap_job_request *req, struct ap_err *err)
{
	const struct ap_schema_enum *e = ap_schema_enum("Scheduling.Strategy");
	ap_auto_free char *timeout = NULL;
	ap_auto_free char *strategy = NULL;
	cJSON *to;

	if (!req->timeout && !req->strategy && req->restart_on_worker_restart < 0)
		return 0;
	to = ap_json_make_object(s->spec, "scheduling");
	if (req->timeout && !ap_schema_duration(&timeout, req->timeout))
		return ap_err_set(err, AP_E_USAGE,
			"--timeout: want a time such as 3600s, 90m or 1h30m, found \"%.60s\"",
			req->timeout);
	ap_json_set_str(to, "timeout", timeout);
	if (timeout)
		said(s, "scheduling.timeout", "--timeout");
	if (req->restart_on_worker_restart >= 0)
		said(s, "scheduling.restartJobOnWorkerRestart", "--restart-on-worker-restart");
	if (req->restart_on_worker_restart >= 0)
		ap_json_set(to, "restartJobOnWorkerRestart",
			ap_json_bool(req->restart_on_worker_restart));
	if (!req->strategy)
		return 0;
	strategy = ap_xstrdup(req->strategy);
	for (char *p = strategy; *p; p++)
		*p = *p == '-' ? '_' : ap_upper(*p);
	if (!ap_schema_value(e, strategy))
		return ap_err_set(err, AP_E_USAGE,
			"--strategy: want standard, spot, flex-start or on-demand, found \"%.60s\"",
			req->strategy);
	ap_json_set_str(to, "strategy", strategy);
	said(s, "scheduling.strategy", "--strategy");
	return 0;
}

/* The field takes an ID; a full name must be of the job's own project and region. */
static int persistent_resource(
	struct laying *s, const struct ap_job_request *req, struct ap_err *err)
{
	static const char collection[] = "/persistentResources/";
	const char *text = req->persistent_resource_id;
	const char *id = text ? strstr(text, collection) : NULL;
	size_t n;

	if (!text)
		return 0;
	if (id) {
		AP_CLEANUP(ap_vertex_place_release) struct ap_vertex_place of = { 0 };
		ap_auto_free char *parent = ap_xstrndup(text, (size_t)(id - text));

		if (ap_vertex_place(&of, NULL, parent, err) < 0)
			return ap_err_wrap(err, "--persistent-resource-id");
		if (req->region && !ap_starts_with(req->region, "projects/") &&
			strcmp(of.region, req->region) != 0)
			return ap_err_set(err, AP_E_USAGE,
				"--persistent-resource-id: \"%.100s\" is in %s, the job in %s",
				text, of.region, req->region);
		id += sizeof(collection) - 1;
	} else {
		id = text;
	}
	n = strlen(id);
	if (!n || n > 128 ||
		strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != n)
		return ap_err_set(err, AP_E_USAGE,
			"--persistent-resource-id: want an ID of letters, digits and -, found "
			"\"%.100s\"",
			text);
	set_text(s, "persistentResourceId", id, "--persistent-resource-id");
	return 0;
}

static int spec_flags(struct laying *s, const struct ap_job_request *req, struct ap_err *err)
{
	cJSON *out;

	set_text(s, "serviceAccount", req->service_account, "--service-account");
	set_text(s, "network", req->network, "--network");
	set_bool(s, "enableWebAccess", req->enable_web_access, "--enable-web-access");
	set_bool(s, "enableDashboardAccess", req->enable_dashboard_access,
		"--enable-dashboard-access");
	if (req->base_output_dir) {
		if (!ap_starts_with(req->base_output_dir, "gs://"))
			return ap_err_set(err, AP_E_USAGE,
				"--base-output-dir: want gs://BUCKET/PATH, found \"%.100s\"",
				req->base_output_dir);
		out = ap_json_make_object(s->spec, "baseOutputDirectory");
		ap_json_set(out, "outputUriPrefix", ap_json_string(req->base_output_dir));
		said(s, "baseOutputDirectory", "--base-output-dir");
	}
	if (persistent_resource(s, req, err) < 0)
		return -1;
	return scheduling_flags(s, req, err);
}

/* Members of `top` into obj; objects are combined, anything else is replaced. */
static void lay_over(cJSON *obj, const cJSON *top)
{
	for (const cJSON *c = top->child; c; c = c->next) {
		cJSON *have = cJSON_GetObjectItemCaseSensitive(obj, c->string);

		if (cJSON_IsObject(c) && cJSON_IsObject(have))
			lay_over(have, c);
		else
			ap_json_set(obj, c->string, ap_json_dup(c));
	}
}

/* The flags behind what was laid over. */
static void top_said(struct laying *s, const cJSON *top)
{
	static const struct {
		const char *member, *field, *flag;
	} map[] = { { "maxTrialCount", "maxTrialCount", "--max-trial-count" },
		{ "parallelTrialCount", "parallelTrialCount", "--parallel-trial-count" },
		{ "maxFailedTrialCount", "maxFailedTrialCount", "--max-failed-trial-count" },
		{ "studySpec", "studySpec.algorithm", "--algorithm" },
		{ "modelToUpload", "modelToUpload.containerSpec", "--model-container-image-uri" },
		{ "modelToUpload", "modelToUpload.displayName", "--model-display-name" },
		{ "modelId", "modelId", "--model-id" },
		{ "parentModel", "parentModel", "--parent-model" } };

	for (size_t i = 0; i < AP_LEN(map); i++) {
		if (ap_json_get(top, map[i].member))
			said(s, map[i].field, map[i].flag);
	}
}

/* One trial, as gcloud has it, where nobody says how many. */
static void default_trials(cJSON *body)
{
	static const char *const counts[] = { "maxTrialCount", "parallelTrialCount" };

	for (size_t i = 0; i < AP_LEN(counts); i++) {
		if (!ap_json_get(body, counts[i]))
			ap_json_set(body, counts[i], ap_json_number(1));
	}
}

static int body_flags(struct laying *s, const struct ap_job_request *req, struct ap_err *err)
{
	if (req->display_name) {
		ap_json_set_str(s->body, "displayName", req->display_name);
		said(s, "displayName", "--display-name");
	}
	if (req->labels.n)
		said(s, "labels", "--labels");
	if (ap_labels_apply(s->body, &req->labels, err) < 0 ||
		ap_kms_apply(s->body, &req->kms, req->project, req->region, err) < 0)
		return -1;
	if (req->kms.key)
		said(s, "encryptionSpec", "--kms-key");
	if (req->top) {
		lay_over(s->body, req->top);
		top_said(s, req->top);
	}
	if (req->kind == AP_JOB_TUNING)
		default_trials(s->body);
	return 0;
}

int ap_job_flags_apply(cJSON *body, cJSON *spec, struct ap_strv *said,
	const struct ap_job_request *req, struct ap_err *err)
{
	struct laying l = { body, spec, said };

	if (spec_flags(&l, req, err) < 0 || body_flags(&l, req, err) < 0)
		return -1;
	return 0;
}

bool ap_job_flags_said(const struct ap_strv *said, const char *field)
{
	size_t n = strlen(field);

	for (size_t i = 0; i < said->n; i++) {
		if (strncmp(said->v[i], field, n) == 0 && said->v[i][n] == '=')
			return true;
	}
	return false;
}

char *ap_job_flags_who(const struct ap_strv *said, const char *field)
{
	ap_auto_buf want = AP_BUF_INIT;

	for (const char *p = field; *p; p++)
		if (*p != '_')
			ap_buf_addc(&want, ap_lower(*p));
	for (size_t i = said->n; i-- > 0;) {
		const char *eq = strchr(said->v[i], '=');
		ap_auto_buf have = AP_BUF_INIT;

		for (const char *p = said->v[i]; p < eq; p++)
			ap_buf_addc(&have, ap_lower(*p));
		if (ap_starts_with(want.p, have.p) &&
			(want.p[have.len] == '\0' || strchr(".[", want.p[have.len])))
			return ap_xstrdup(eq + 1);
	}
	return NULL;
}
