#include "vertex/pipeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vertex/config.h"
#include "vertex/create.h"
#include "vertex/explain.h"
#include "vertex/machine.h"
#include "vertex/parameters.h"

#define ID_MAX 128

void ap_pipeline_request_init(struct ap_pipeline_request *r)
{
	*r = (struct ap_pipeline_request){ .enable_caching = -1 };
}

void ap_pipeline_request_release(struct ap_pipeline_request *r)
{
	free(r->file);
	free(r->text);
	free(r->display_name);
	free(r->job_id);
	free(r->region);
	free(r->project);
	ap_strv_release(&r->parameters);
	free(r->parameters_file);
	free(r->parameters_text);
	free(r->root);
	free(r->service_account);
	free(r->network);
	ap_kms_release(&r->kms);
	ap_strv_release(&r->labels);
	free(r->failure_policy);
	free(r->persistent_resource_id);
	free(r->wait_time);
	free(r->on_unavailable);
	ap_pipeline_request_init(r);
}

void ap_pipeline_spec_release(struct ap_pipeline_spec *s)
{
	free(s->job_id);
	cJSON_Delete(s->body);
	ap_strv_release(&s->warnings);
	*s = (struct ap_pipeline_spec){ 0 };
}

/* A file as a JSON tree, whatever it holds. */
static int read_tree(cJSON **out, const char *file, const char *text, struct ap_err *err)
{
	ap_auto_yaml y = NULL;

	if (ap_config_load(&y, file, text, err) < 0)
		return -1;
	if (!y || y->kind != AP_YAML_MAP)
		return ap_err_set(err, AP_E_INPUT, "%s: want a mapping, found %s", file,
			y ? "something else" : "an empty file");
	return ap_config_any(out, y, file, err);
}

/*
 * The pipeline itself: the file is it, or a PipelineJob that holds it (the
 * form of kfp 1.8).
 */
static int read_pipeline(cJSON *body, const struct ap_pipeline_request *req, struct ap_err *err)
{
	ap_auto_json tree = NULL;
	const cJSON *spec;
	const cJSON *config;

	if (read_tree(&tree, req->file, req->text, err) < 0)
		return -1;
	spec = ap_json_get(tree, "pipelineSpec");
	config = ap_json_get(tree, "runtimeConfig");
	if (!spec)
		spec = tree;
	if (!cJSON_IsObject(ap_json_get(spec, "root")) ||
		!ap_json_str(ap_json_get(spec, "pipelineInfo"), "name"))
		return ap_err_set(err, AP_E_INPUT,
			"%s: no compiled pipeline: want pipelineInfo.name and root, as `kfp dsl "
			"compile` writes them",
			req->file);
	ap_json_set(body, "pipelineSpec", ap_json_dup(spec));
	if (spec != tree && cJSON_IsObject(config))
		ap_json_set(body, "runtimeConfig", ap_json_dup(config));
	return 0;
}

static const cJSON *inputs_of(const cJSON *spec)
{
	return ap_json_get(
		ap_json_get(ap_json_get(spec, "root"), "inputDefinitions"), "parameters");
}

static int set_parameters(
	cJSON *config, const cJSON *spec, const struct ap_pipeline_request *req, struct ap_err *err)
{
	const cJSON *inputs = inputs_of(spec);
	const char *schema = ap_json_str(spec, "schemaVersion");
	ap_auto_json values = ap_json_object();
	cJSON *old = NULL;

	if (req->parameters_file) {
		cJSON_Delete(values);
		values = NULL;
		if (read_tree(&values, req->parameters_file,
			    req->parameters_text ? req->parameters_text : "", err) < 0 ||
			ap_parameters_check(values, inputs, req->parameters_file, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < req->parameters.n; i++) {
		if (ap_parameter_set(values, inputs, req->parameters.v[i], err) < 0)
			return -1;
	}
	if (ap_streq(schema, "2.0.0")) {
		/* The file's runtimeConfig has the defaults of this form. */
		const cJSON *defaults = ap_json_get(config, "parameters");

		if (values->child && ap_parameters_old(&old, values, inputs, err) < 0)
			return -1;
		if (old && defaults) {
			for (const cJSON *d = defaults->child; d; d = d->next) {
				if (!ap_json_get(old, d->string))
					ap_json_set(old, d->string, ap_json_dup(d));
			}
		}
		if (old)
			ap_json_set(config, "parameters", old);
		return 0;
	}
	if (ap_parameters_complete(values, inputs, err) < 0)
		return -1;
	if (values->child)
		ap_json_set(config, "parameterValues", AP_STEAL(values));
	return 0;
}

static int set_root(
	cJSON *config, const cJSON *spec, const struct ap_pipeline_request *req, struct ap_err *err)
{
	const char *root = req->root;

	if (!root)
		root = ap_json_str(config, "gcsOutputDirectory");
	if (!root)
		root = ap_json_str(spec, "defaultPipelineRoot");
	if (!root)
		return ap_err_set(err, AP_E_USAGE,
			"--pipeline-root: want gs://BUCKET/PATH; the pipeline has no default");
	if (!ap_starts_with(root, "gs://") || !root[5])
		return ap_err_set(err, AP_E_USAGE,
			"--pipeline-root: want gs://BUCKET/PATH, found \"%.100s\"", root);
	ap_json_set(config, "gcsOutputDirectory", ap_json_string(root));
	return 0;
}

static int set_policy(cJSON *config, const struct ap_pipeline_request *req, struct ap_err *err)
{
	const char *p = req->failure_policy;

	if (!p)
		return 0;
	if (strcmp(p, "slow") != 0 && strcmp(p, "fast") != 0)
		return ap_err_set(
			err, AP_E_USAGE, "--failure-policy: want slow or fast, found \"%.60s\"", p);
	ap_json_set_str(config, "failurePolicy",
		*p == 's' ? "PIPELINE_FAILURE_POLICY_FAIL_SLOW"
			  : "PIPELINE_FAILURE_POLICY_FAIL_FAST");
	return 0;
}

/* The caching option of every task of a DAG. */
static void cache_tasks(cJSON *component, int enable)
{
	cJSON *dag = cJSON_GetObjectItemCaseSensitive(component, "dag");
	cJSON *tasks = cJSON_GetObjectItemCaseSensitive(dag, "tasks");

	for (cJSON *t = tasks ? tasks->child : NULL; t; t = t->next)
		ap_json_set(ap_json_make_object(t, "cachingOptions"), "enableCache",
			ap_json_bool(enable));
}

static void set_caching(cJSON *spec, int enable)
{
	cJSON *components = cJSON_GetObjectItemCaseSensitive(spec, "components");

	cache_tasks(cJSON_GetObjectItemCaseSensitive(spec, "root"), enable);
	for (cJSON *c = components ? components->child : NULL; c; c = c->next)
		cache_tasks(c, enable);
}

/* An ID becomes the full name of a resource of the job's project and region. */
static int resource_name(char **out, const struct ap_pipeline_request *req, struct ap_err *err)
{
	const char *id = req->persistent_resource_id;
	struct ap_vertex_place place = { 0 };

	if (ap_starts_with(id, "projects/") && strstr(id, "/persistentResources/")) {
		*out = ap_xstrdup(id);
		return 0;
	}
	if (!*id || strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(id))
		return ap_err_set(err, AP_E_USAGE,
			"--persistent-resource-id: want an ID of a-z, 0-9 and -, or a full name, "
			"found \"%.100s\"",
			id);
	if (ap_vertex_place(&place, req->project, req->region, err) < 0)
		return -1;
	*out = ap_xasprintf(
		"projects/%s/locations/%s/persistentResources/%s", place.project, place.region, id);
	ap_vertex_place_release(&place);
	return 0;
}

static int set_runtime(cJSON *config, const struct ap_pipeline_request *req, struct ap_err *err)
{
	ap_auto_free char *name = NULL;
	ap_auto_free char *seconds = NULL;
	ap_auto_free char *ms = NULL;
	cJSON *detail;

	if (!req->persistent_resource_id) {
		if (req->wait_time || req->on_unavailable)
			return ap_err_set(err, AP_E_USAGE, "%s needs --persistent-resource-id",
				req->wait_time ? "--wait-time" : "--on-unavailable");
		return 0;
	}
	if (resource_name(&name, req, err) < 0)
		return -1;
	detail = ap_json_set_object(
		ap_json_make_object(config, "defaultRuntime"), "persistentResourceRuntimeDetail");
	ap_json_set_str(detail, "persistentResourceName", name);
	if (req->wait_time) {
		if (!ap_schema_duration(&seconds, req->wait_time) || strchr(seconds, '.'))
			return ap_err_set(err, AP_E_USAGE,
				"--wait-time: want a time such as 600s or 10m, found \"%.60s\"",
				req->wait_time);
		ms = ap_xasprintf("%llu", strtoull(seconds, NULL, 10) * 1000);
		ap_json_set_str(detail, "taskResourceUnavailableWaitTimeMs", ms);
	}
	if (!req->on_unavailable)
		return 0;
	if (strcmp(req->on_unavailable, "fail") != 0 &&
		strcmp(req->on_unavailable, "fall-back") != 0)
		return ap_err_set(err, AP_E_USAGE,
			"--on-unavailable: want fail or fall-back, found \"%.60s\"",
			req->on_unavailable);
	ap_json_set_str(detail, "taskResourceUnavailableTimeoutBehavior",
		strcmp(req->on_unavailable, "fail") == 0 ? "FAIL" : "FALL_BACK_TO_ON_DEMAND");
	return 0;
}

/* Source: CreatePipelineJobRequest.pipeline_job_id: ^[a-z][-a-z0-9]{0,127}$ */
static int set_id(struct ap_pipeline_spec *s, const struct ap_pipeline_request *req,
	const char *name, struct ap_err *err)
{
	ap_auto_buf id = AP_BUF_INIT;
	time_t now = (time_t)req->now;
	struct tm tm = { 0 };
	size_t n;

	if (req->job_id) {
		n = strlen(req->job_id);
		if (!n || n > ID_MAX || !(*req->job_id >= 'a' && *req->job_id <= 'z') ||
			strspn(req->job_id, "abcdefghijklmnopqrstuvwxyz0123456789-") != n)
			return ap_err_set(err, AP_E_USAGE,
				"--job-id: want 1 to %d of a-z, 0-9 and -, beginning with a letter, "
				"found \"%.100s\"",
				ID_MAX, req->job_id);
		s->job_id = ap_xstrdup(req->job_id);
		return 0;
	}
	for (; *name && id.len < ID_MAX - 15; name++) {
		char c = ap_lower(*name);

		if ((c >= 'a' && c <= 'z') || (id.len && (ap_is_digit(c) || c == '-')))
			ap_buf_addc(&id, c);
		else if (id.len && id.p[id.len - 1] != '-')
			ap_buf_addc(&id, '-');
	}
	gmtime_r(&now, &tm);
	ap_buf_addf(&id, "%s%04d%02d%02d%02d%02d%02d", id.len ? "-" : "p", tm.tm_year + 1900,
		tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
	s->job_id = ap_buf_steal(&id);
	return 0;
}

static int set_rest(struct ap_pipeline_spec *s, const struct ap_pipeline_request *req,
	const char *name, struct ap_err *err)
{
	if (set_id(s, req, name, err) < 0)
		return -1;
	ap_json_set_str(s->body, "displayName", req->display_name ? req->display_name : s->job_id);
	ap_json_set_str(s->body, "serviceAccount", req->service_account);
	ap_json_set_str(s->body, "network", req->network);
	if (ap_display_name_check(ap_json_str(s->body, "displayName"), err) < 0 ||
		(req->network && ap_network_check(req->network, err) < 0) ||
		ap_labels_apply(s->body, &req->labels, err) < 0 ||
		ap_kms_apply(s->body, &req->kms, req->project, req->region, err) < 0)
		return -1;
	return 0;
}

static int make_spec(
	struct ap_pipeline_spec *s, const struct ap_pipeline_request *req, struct ap_err *err)
{
	cJSON *spec, *config;

	s->body = ap_json_object();
	if (read_pipeline(s->body, req, err) < 0)
		return -1;
	spec = cJSON_GetObjectItemCaseSensitive(s->body, "pipelineSpec");
	config = ap_json_make_object(s->body, "runtimeConfig");
	if (set_rest(s, req, ap_json_str(ap_json_get(spec, "pipelineInfo"), "name"), err) < 0 ||
		set_root(config, spec, req, err) < 0 ||
		set_parameters(config, spec, req, err) < 0 || set_policy(config, req, err) < 0 ||
		set_runtime(config, req, err) < 0)
		return -1;
	if (req->enable_caching >= 0)
		set_caching(spec, req->enable_caching);
	s->version = ap_schema_version(ap_schema_message("PipelineJob"), s->body) == AP_SCHEMA_V1
			     ? "v1"
			     : "v1beta1";
	return 0;
}

int ap_pipeline_spec(
	struct ap_pipeline_spec *out, const struct ap_pipeline_request *req, struct ap_err *err)
{
	AP_CLEANUP(ap_pipeline_spec_release) struct ap_pipeline_spec s = { 0 };

	if (make_spec(&s, req, err) < 0)
		return -1;
	*out = s;
	s = (struct ap_pipeline_spec){ 0 };
	return 0;
}

/* "runtime_config.parameter_values.NAME": its flag, or the file of values. */
static char *where_parameter(const struct ap_pipeline_request *req, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < req->parameters.n; i++) {
		if (strncmp(req->parameters.v[i], name, n) == 0 && req->parameters.v[i][n] == '=')
			return ap_xasprintf("--parameter=%s", name);
	}
	return req->parameters_file ? ap_xstrdup(req->parameters_file) : NULL;
}

static char *where(const void *ctx, const char *path)
{
	static const char values[] = "runtime_config.parameter_values.";
	const struct ap_pipeline_request *req = ctx;
	const struct {
		const char *field, *flag, *said;
	} flags[] = { { "runtime_config.gcs_output_directory", "--pipeline-root", req->root },
		{ "runtime_config.failure_policy", "--failure-policy", req->failure_policy },
		{ "runtime_config.default_runtime", "--persistent-resource-id",
			req->persistent_resource_id },
		{ "labels", "--labels", req->labels.n ? req->labels.v[0] : NULL },
		{ "display_name", "--display-name", req->display_name },
		{ "service_account", "--service-account", req->service_account },
		{ "network", "--network", req->network },
		{ "encryption_spec", "--kms-key", req->kms.key },
		{ "pipeline_job_id", "--job-id", req->job_id },
		{ "pipeline_spec", req->file, req->file } };

	if (ap_starts_with(path, values))
		return where_parameter(req, path + strlen(values));
	for (size_t i = 0; i < AP_LEN(flags); i++) {
		if (flags[i].said && ap_starts_with(path, flags[i].field))
			return ap_xstrdup(flags[i].flag);
	}
	return NULL;
}

void ap_pipeline_explain(const struct ap_pipeline_request *req, struct ap_err *err)
{
	ap_explain(err, "PipelineJob", where, req);
}

char *ap_pipeline_create_path(const struct ap_vertex *v, const struct ap_pipeline_spec *s)
{
	ap_auto_free char *parent = ap_vertex_parent(v);

	return ap_xasprintf("%s/" AP_PIPELINE_JOBS "?pipelineJobId=%s", parent, s->job_id);
}

int ap_pipeline_submit(struct ap_job *out, struct ap_vertex *v, const struct ap_pipeline_spec *s,
	struct ap_err *err)
{
	ap_auto_free char *query = ap_xasprintf("pipelineJobId=%s", s->job_id);
	struct ap_create c = { .version = s->version,
		.collection = AP_PIPELINE_JOBS,
		.query = query,
		.id = s->job_id,
		.what = "pipeline job" };

	return ap_job_submit(out, v, &c, s->body, err);
}
