#include <string.h>

#include "cli/ask.h"
#include "cli/cmds.h"
#include "cli/job_opts.h"
#include "cli/render.h"
#include "cli/summary.h"
#include "vertex/text.h"

struct create_opts {
	struct ap_common_opts common;
	struct ap_registry_opts registry;
	struct ap_pack_opts pack;
	struct ap_job_opts job;
};

#define AT(field) offsetof(struct create_opts, field)

static const struct ap_opt no_table[] = {
	{ .name = "async",
		.kind = AP_OPT_FLAG,
		.help = "",
		.is_not = "create returns as soon as the job is there" },
};

static const struct ap_opt_group groups[] = {
	AP_JOB_GROUP(AT(job)),
	AP_PACK_GROUP(AT(pack)),
	AP_OUTPUT_GROUP(AT(pack)),
	AP_REGISTRY_GROUP(AT(registry)),
	AP_COMMON_GROUP(AT(common)),
	{ "not here", no_table, AP_LEN(no_table), 0 },
};

/* The image keys of the pool that asks for packaging. */
static void take_pool(struct ap_image_request *q, const struct ap_job_pool *pool)
{
	q->executor_image = ap_xstrdup(pool->executor_image_uri);
	q->local_package_path =
		pool->local_package_path ? ap_xstrdup(pool->local_package_path) : NULL;
	q->script = pool->script ? ap_xstrdup(pool->script) : NULL;
	q->python_module = pool->python_module ? ap_xstrdup(pool->python_module) : NULL;
	q->output_image = pool->output_image_uri ? ap_xstrdup(pool->output_image_uri) : NULL;
	ap_strv_copy(&q->requirements, &pool->requirements);
	ap_strv_copy(&q->extra_packages, &pool->extra_packages);
	ap_strv_copy(&q->extra_dirs, &pool->extra_dirs);
}

static int ask(
	struct ap_run *r, struct create_opts *o, const struct ap_env *env, struct ap_err *err)
{
	struct ap_job_request q;
	struct ap_vertex_place place = { 0 };
	const struct ap_job_pool *pool;
	const struct ap_strv *warnings;
	int rc = ap_job_request_fill(&q, &o->job, env, err);

	if (rc == 0)
		rc = ap_jobspec_parse(&r->ask.job, &q, err);
	ap_job_request_release(&q);
	if (rc < 0)
		return -1;
	r->ask.pack = &o->pack;
	r->ask.project = ap_env_get(env, AP_KEY_PROJECT);
	r->ask.region = ap_env_get(env, AP_KEY_REGION);
	rc = ap_vertex_place(&place, r->ask.project, r->ask.region, err);
	ap_vertex_place_release(&place);
	if (rc < 0)
		return -1;
	warnings = ap_jobspec_warnings(r->ask.job);
	for (size_t i = 0; i < warnings->n; i++)
		ap_emit_warn(r->progress, AP_STEP_PLAN, "%s", warnings->v[i]);
	pool = ap_jobspec_image_pool(r->ask.job);
	if (!pool)
		return 0;
	take_pool(&r->ask.image, pool);
	if (ap_ask_image(&r->ask, &o->pack, env, ap_jobspec_display_name(r->ask.job), err) < 0)
		return -1;
	return ap_ask_runnable(&r->ask.dest, err);
}

static int needs_image(const struct ap_run *r, const struct ap_pack_opts *p, struct ap_err *err)
{
	if (r->ask.has_image)
		return 0;
	if (p->dockerfile)
		return ap_err_set(err, AP_E_USAGE,
			"--dockerfile: no worker pool asks for an image to be built (executor-image-uri)");
	if (p->digest_file)
		return ap_err_set(err, AP_E_USAGE,
			"--digest-file: no worker pool asks for an image to be built (executor-image-uri)");
	if (p->image)
		return ap_err_set(err, AP_E_USAGE,
			"--image: no worker pool asks for an image to be built (executor-image-uri)");
	return 0;
}

static int print_curl(struct ap_buf *out, struct ap_run *r, struct ap_err *err)
{
	ap_auto_free char *parent = NULL;
	ap_auto_free char *path = NULL;
	ap_auto_free char *url = NULL;
	ap_auto_free char *build = NULL;
	ap_auto_free char *comment = NULL;

	if (!r->vertex &&
		ap_world_vertex(&r->vertex, r->world, r->ask.project, r->ask.region, err) < 0)
		return -1;
	parent = ap_vertex_parent(r->vertex);
	path = ap_xasprintf("%s/customJobs", parent);
	url = ap_vertex_url(r->vertex, ap_jobspec_version(r->ask.job), path);
	if (r->ask.has_image && !r->digest.s[0]) {
		build = ap_ask_build_line(&r->ask);
		comment = ap_xasprintf("The image is made and pushed by\n%s", build);
	}
	ap_text_curl(out, "POST", url, r->body, comment);
	return 0;
}

static int print_result(struct ap_run *r, const char *format, struct ap_err *err)
{
	bool submitted = r->done & AP_DO_SUBMIT;
	const cJSON *j = submitted ? r->submitted.resource : r->body;
	ap_auto_buf out = AP_BUF_INIT;

	if (submitted && !format)
		ap_buf_addf(&out, "%s\n", r->submitted.name);
	else if (format && strcmp(format, "curl") == 0) {
		if (print_curl(&out, r, err) < 0)
			return -1;
	} else if (ap_render(&out, j, format ? format : "json", "displayName,name,state", err) < 0)
		return -1;
	return ap_stdout(out.p, out.len, err);
}

static void say_how_to_follow(const struct ap_run *r)
{
	struct ap_display *d = r->world->display;

	if (!(r->done & AP_DO_SUBMIT))
		return;
	ap_say(d, "job       %s is submitted", r->submitted.name);
	ap_say(d, "console   %s", r->submitted.console_url);
	ap_say(d, "state     gcloud ai custom-jobs describe %s", r->submitted.name);
	ap_say(d, "logs      gcloud ai custom-jobs stream-logs %s", r->submitted.name);
}

static int create(struct ap_run *r, const struct create_opts *o, struct ap_err *err)
{
	const struct ap_pack_opts *p = &o->pack;
	unsigned stages = ap_run_stages(p->dry_run, AP_RUN_FULL);
	bool only = false;

	if (needs_image(r, p, err) < 0 || ap_run(r, AP_DO_PLAN, err) < 0)
		return -1;
	if (p->dockerfile && ap_ask_dockerfile(r, &only, err) < 0)
		return -1;
	if (only)
		return 0;
	if ((stages & AP_DO_SUBMIT) &&
		ap_world_vertex(&r->vertex, r->world, r->ask.project, r->ask.region, err) < 0)
		return -1;
	if (ap_run(r, stages & ~(unsigned)AP_DO_PLAN, err) < 0 || ap_run_write_files(r, err) < 0)
		return -1;
	ap_summary(r);
	say_how_to_follow(r);
	return print_result(r, p->format, err);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct create_opts *o = call->opts;
	ap_auto_free char *workdir = NULL;
	struct ap_session s;
	struct ap_run r;
	int rc;

	if (ap_job_workdir(&workdir, &o->job, err) < 0)
		return -1;
	rc = ap_session_open(&s, &o->common, &o->registry, workdir, err);
	ap_env_flag(&s.env, AP_KEY_REGION, o->job.region);
	ap_run_init(&r, &s.world);
	if (rc == 0)
		rc = ask(&r, o, &s.env, err);
	if (rc == 0)
		rc = create(&r, o, err);
	ap_run_release(&r);
	ap_session_close(&s);
	return rc;
}

static const struct ap_cmd create_cmd = {
	.name = "create",
	.summary = "package code where asked, and submit a custom job",
	.description =
		"Submits a CustomJob. A worker pool with executor-image-uri has its code packaged first, as "
		"\"gcloud ai custom-jobs create\" does, but without a Docker engine. Prints the job's resource "
		"name.",
	.example =
		"autopack custom-jobs create --region=us-central1 --display-name=train \\\n"
		"    --worker-pool-spec=machine-type=n1-standard-4,\\\nexecutor-image-uri=python:3.11,script=train.py",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct create_opts),
	.run = run,
};

static const struct ap_cmd *const sub[] = { &create_cmd, NULL };

const struct ap_cmd ap_cmd_custom_jobs = {
	.name = "custom-jobs",
	.summary = "custom training jobs",
	.sub = sub,
};
