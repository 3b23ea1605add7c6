#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/cmds.h"
#include "cli/kms_opts.h"
#include "cli/manage.h"
#include "cli/read_text.h"
#include "vertex/pipeline.h"
#include "vertex/storage.h"

#define MAX_PIPELINE (16U << 20)

static const struct ap_collection pipelines = {
	.name = AP_PIPELINE_JOBS,
	.noun = "pipeline job",
	.command = "pipelines",
	.columns = "id=name,name=displayName,state=state,created=createTime,ended=endTime",
};

struct run_opts {
	struct ap_common_opts common;
	char *region, *display_name, *job_id, *root, *parameters_file, *format, *dry_run;
	struct ap_strv parameters, labels;
	char *service_account, *network, *failure_policy;
	struct ap_kms kms;
	char *persistent_resource_id, *wait_time, *on_unavailable;
	int caching, wait;
};

#define AT(field) offsetof(struct run_opts, field)

static const struct ap_opt run_table[] = {
	{ .name = "region",
		.kind = AP_OPT_STR,
		.offset = AT(region),
		.arg = "REGION",
		.hint = AP_HINT_REGION,
		.help = "where the pipeline runs" },
	{ .name = "display-name",
		.kind = AP_OPT_STR,
		.offset = AT(display_name),
		.arg = "NAME",
		.help = "the run's name for people (default: its ID)" },
	{ .name = "job-id",
		.kind = AP_OPT_STR,
		.offset = AT(job_id),
		.arg = "ID",
		.help = "the run's ID (default: the pipeline's name and the time)" },
	{ .name = "parameter",
		.kind = AP_OPT_EACH,
		.offset = AT(parameters),
		.arg = "NAME=VALUE",
		.help = "value of one parameter (repeatable); lists and structs as JSON" },
	{ .name = "parameters-file",
		.kind = AP_OPT_STR,
		.offset = AT(parameters_file),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "values of parameters, as a YAML or JSON mapping" },
	{ .name = "pipeline-root",
		.kind = AP_OPT_STR,
		.offset = AT(root),
		.arg = "gs://...",
		.help = "Cloud Storage directory for artifacts (default: as compiled)" },
	{ .name = "labels",
		.kind = AP_OPT_DICT,
		.offset = AT(labels),
		.arg = "K=V,...",
		.help = "labels of the run" },
	{ .name = "service-account",
		.kind = AP_OPT_STR,
		.offset = AT(service_account),
		.arg = "EMAIL",
		.help = "account that the tasks run as" },
	{ .name = "network",
		.kind = AP_OPT_STR,
		.offset = AT(network),
		.arg = "NETWORK",
		.help = "network that the tasks are peered with" },
	{ .name = "enable-caching",
		.kind = AP_OPT_TRI,
		.offset = AT(caching),
		.help = "reuse results of equal tasks, for all tasks (default: as compiled)" },
	{ .name = "failure-policy",
		.kind = AP_OPT_STR,
		.offset = AT(failure_policy),
		.arg = "slow|fast",
		.help = "after a failed task, go on with what does not need it, or stop" },
	{ .name = "persistent-resource-id",
		.kind = AP_OPT_STR,
		.offset = AT(persistent_resource_id),
		.arg = "ID",
		.help = "persistent resource that the tasks run on" },
	{ .name = "wait-time",
		.kind = AP_OPT_STR,
		.offset = AT(wait_time),
		.arg = "DURATION",
		.help = "how long a task waits for that resource, as in 10m" },
	{ .name = "on-unavailable",
		.kind = AP_OPT_STR,
		.offset = AT(on_unavailable),
		.arg = "fail|fall-back",
		.help = "what a task does after that time: fail, or fall-back to machines on demand" },
	{ .name = "wait",
		.kind = AP_OPT_FLAG,
		.offset = AT(wait),
		.help = "wait for the end; exit status 3 when it failed, 4 when it was cancelled" },
	AP_REQUEST_OPTS(AT(dry_run), AT(format)),
};

static const struct ap_opt_group run_groups[] = {
	{ "pipeline", run_table, AP_LEN(run_table), 0 },
	AP_KMS_GROUP(AT(kms)),
	AP_COMMON_GROUP(AT(common)),
};

/* The compiled pipeline: a file, or an object of Cloud Storage. */
static int read_pipeline(char **out, struct ap_vertex *v, const char *file, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;

	if (!ap_starts_with(file, "gs://"))
		return ap_read_text(out, "pipeline", file, err);
	if (ap_gs_read(&text, v, file, MAX_PIPELINE, err) < 0)
		return -1;
	if (memchr(text.p, 0, text.len))
		return ap_err_set(err, AP_E_INPUT, "%s: holds a NUL byte: no text", file);
	*out = ap_buf_steal(&text);
	return 0;
}

static int fill(struct ap_pipeline_request *q, const struct run_opts *o, const char *file,
	struct ap_vertex *v, const struct ap_env *env, struct ap_err *err)
{
	q->file = ap_xstrdup(strcmp(file, "-") == 0 ? "standard input" : file);
	q->display_name = ap_dup(o->display_name);
	q->job_id = ap_dup(o->job_id);
	q->now = env->epoch >= 0 ? env->epoch : (int64_t)time(NULL);
	q->region = ap_dup(ap_vertex_where(v)->region);
	q->project = ap_dup(ap_vertex_where(v)->project);
	ap_strv_copy(&q->parameters, &o->parameters);
	ap_strv_copy(&q->labels, &o->labels);
	q->parameters_file = ap_dup(o->parameters_file);
	q->root = ap_dup(o->root);
	q->service_account = ap_dup(
		o->service_account ? o->service_account : ap_env_get(env, AP_KEY_SERVICE_ACCOUNT));
	q->network = ap_dup(o->network ? o->network : ap_env_get(env, AP_KEY_NETWORK));
	ap_kms_copy(&q->kms, &o->kms);
	q->enable_caching = o->caching;
	q->failure_policy = ap_dup(o->failure_policy);
	q->persistent_resource_id = ap_dup(o->persistent_resource_id);
	q->wait_time = ap_dup(o->wait_time);
	q->on_unavailable = ap_dup(o->on_unavailable);
	if (read_pipeline(&q->text, v, file, err) < 0)
		return -1;
	return o->parameters_file ? ap_read_text(&q->parameters_text, "--parameters-file",
					    o->parameters_file, err)
				  : 0;
}

static int print_request(const struct ap_vertex *v, const struct ap_pipeline_spec *spec,
	const char *format, struct ap_err *err)
{
	ap_auto_free char *path = ap_pipeline_create_path(v, spec);
	ap_auto_free char *url = ap_vertex_url(v, spec->version, path);

	return ap_manage_print_request(url, spec->body, format, err);
}

static int submit(struct ap_session *s, struct ap_vertex *v, const struct run_opts *o,
	const struct ap_pipeline_request *q, const struct ap_pipeline_spec *spec,
	struct ap_err *err)
{
	ap_auto_job job = { 0 };
	ap_auto_free char *line = NULL;
	int rc;

	if (o->format && strcmp(o->format, "curl") == 0)
		return ap_err_set(err, AP_E_USAGE, "--format=curl needs --dry-run");
	if (ap_pipeline_submit(&job, v, spec, err) < 0) {
		ap_pipeline_explain(q, err);
		return -1;
	}
	ap_say(&s->display, "run      %s is submitted", job.name);
	ap_say(&s->display, "console  %s", job.console_url);
	ap_say(&s->display, "state    autopack pipelines describe %s", job.name);
	line = ap_xasprintf("%s\n", job.name);
	rc = o->format ? ap_manage_print(job.resource, o->format, "name,state", err)
		       : ap_stdout(line, strlen(line), err);
	if (rc == 0 && o->wait)
		rc = ap_manage_wait(s, v, spec->version, &job, err);
	return rc;
}

static int run(struct ap_call *call, struct ap_err *err)
{
	const struct run_opts *o = call->opts;
	AP_CLEANUP(ap_pipeline_spec_release) struct ap_pipeline_spec spec = { 0 };
	struct ap_pipeline_request q;
	struct ap_session s;
	ap_auto_vertex v = NULL;
	int rc;

	ap_pipeline_request_init(&q);
	rc = ap_manage_open(&s, &v, &o->common, o->region, NULL, err);
	if (rc == 0)
		rc = fill(&q, o, call->args->v[0], v, &s.env, err);
	if (rc == 0)
		rc = ap_pipeline_spec(&spec, &q, err);
	for (size_t i = 0; rc == 0 && i < spec.warnings.n; i++)
		ap_emit_warn(&s.display.progress, AP_STEP_SUBMIT, "%s", spec.warnings.v[i]);
	if (rc == 0)
		rc = o->dry_run ? print_request(v, &spec, o->format, err)
				: submit(&s, v, o, &q, &spec, err);
	ap_pipeline_request_release(&q);
	ap_session_close(&s);
	return rc;
}

static const struct ap_cmd run_cmd = {
	.name = "run",
	.summary = "run a compiled pipeline",
	.description =
		"Submits a pipeline that the kfp compiler wrote (YAML or JSON, a file or gs://) as a "
		"PipelineJob. With --persistent-resource-id its tasks run on that resource.",
	.example = "autopack pipelines run pipeline.yaml --region=us-central1 \\\n"
		   "    --parameter=epochs=3 --pipeline-root=gs://bucket/root",
	.groups = run_groups,
	.n_groups = AP_LEN(run_groups),
	.opts_size = sizeof(struct run_opts),
	.args = { "FILE", "compiled pipeline, YAML or JSON: a file, gs://... or -", 1, 1,
		AP_HINT_FILE, NULL },
	.run = run,
};

static const struct ap_cmd describe_cmd = AP_DESCRIBE_CMD(pipelines, "pipeline job");
static const struct ap_cmd list_cmd = AP_LIST_CMD(pipelines, "pipeline jobs");
static const struct ap_cmd cancel_cmd = AP_CANCEL_CMD(pipelines, "pipeline job");

static const struct ap_cmd *const sub[] = { &run_cmd, &describe_cmd, &list_cmd, &cancel_cmd, NULL };

const struct ap_cmd ap_cmd_pipelines = {
	.name = "pipelines",
	.summary = "compiled pipelines as pipeline jobs",
	.sub = sub,
};
