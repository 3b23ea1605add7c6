#include "cli/job_create.h"

#include <string.h>

#include "cli/ask.h"
#include "cli/outfile.h"
#include "cli/packages.h"
#include "cli/render.h"
#include "cli/summary.h"
#include "vertex/fit.h"
#include "vertex/text.h"

#define AT(field) AP_CREATE_AT(field)

const struct ap_opt ap_follow_table[AP_FOLLOW_OPTS_N] = {
	{ .name = "wait",
		.kind = AP_OPT_FLAG,
		.offset = AT(wait),
		.help = "wait for the end; exit status 3 when it failed, 4 when it was cancelled" },
	{ .name = "fit-check",
		.kind = AP_OPT_TRI,
		.offset = AT(fit_check),
		.help = "with --persistent-resource-id, compare the worker pools with the resource's before anything is built (default)" },
	{ .name = "staging-bucket",
		.kind = AP_OPT_STR,
		.offset = AT(staging),
		.arg = "gs://...",
		.help = "where local packages of --python-package-uris are uploaded to (default: the base output directory)" },
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

struct creation {
	struct ap_call *call;
	const struct ap_create_kind *kind;
	const struct ap_create_opts *o;
	struct ap_session s;
	struct ap_run run;
	struct ap_packages packages;
};

static int parse(struct creation *c, struct ap_err *err)
{
	struct ap_job_request q;
	int rc = ap_job_request_fill(&q, &c->o->job, &c->s.env, err);

	if (rc == 0 && c->kind->prepare)
		rc = c->kind->prepare(&q, c->call->opts, err);
	if (rc == 0)
		rc = ap_jobspec_parse(&c->run.ask.job, &q, err);
	if (rc == 0)
		rc = ap_packages_name(&c->packages, c->run.ask.job, c->o->staging,
			q.python_package_uris.n > 0, err);
	ap_job_request_release(&q);
	return rc;
}

static int ask(struct creation *c, struct ap_err *err)
{
	struct ap_run *r = &c->run;
	const struct ap_create_opts *o = c->o;
	const struct ap_env *env = &c->s.env;
	struct ap_vertex_place place = { 0 };
	const struct ap_job_pool *pool;
	const struct ap_strv *warnings;
	int rc;

	if (parse(c, err) < 0)
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
		return o->pack.metadata_file
			       ? ap_outfile_check("--metadata-file", o->pack.metadata_file, err)
			       : 0;
	take_pool(&r->ask.image, pool);
	if (ap_ask_image(&r->ask, &o->pack, env, ap_jobspec_display_name(r->ask.job), err) < 0)
		return -1;
	return ap_ask_runnable(&r->ask.dest, err);
}

static int needs_image(const struct ap_run *r, const struct ap_pack_opts *p, struct ap_err *err)
{
	const struct {
		const char *flag;
		bool given;
	} flags[] = {
		{ "dockerfile", p->dockerfile },
		{ "digest-file", p->digest_file },
		{ "image", p->image },
		{ "platform", p->platform },
		{ "compression", p->compression },
		{ "vcs-labels", p->vcs_labels >= 0 },
		{ "ignore-file", p->ignore_file },
		{ "lock", p->lock },
		{ "lock-out", p->lock_out },
		{ "refresh", p->refresh },
		{ "allow-build", p->allow_build.n },
		{ "compile", p->compile >= 0 },
		{ "inventory", p->inventory },
		{ "verify-cache", p->verify_cache },
		{ "sbom", p->sbom.n },
		{ "sbom-out", p->sbom_out.n },
		{ "provenance", p->provenance },
		{ "builder-id", p->builder_id },
		{ "sign-key", p->sign_key },
	};

	for (size_t i = 0; !r->ask.has_image && i < AP_LEN(flags); i++) {
		if (flags[i].given)
			return ap_err_set(err, AP_E_USAGE,
				"--%s: no worker pool asks for an image to be built (executor-image-uri)",
				flags[i].flag);
	}
	return 0;
}

static int open_vertex(struct creation *c, struct ap_err *err)
{
	struct ap_run *r = &c->run;

	if (r->vertex)
		return 0;
	return ap_world_vertex(&r->vertex, r->world, r->ask.project, r->ask.region, err);
}

static int print_curl(struct ap_buf *out, struct creation *c, struct ap_err *err)
{
	struct ap_run *r = &c->run;
	ap_auto_free char *parent = NULL;
	ap_auto_free char *path = NULL;
	ap_auto_free char *url = NULL;
	ap_auto_free char *build = NULL;
	ap_auto_free char *comment = NULL;

	if (open_vertex(c, err) < 0)
		return -1;
	parent = ap_vertex_parent(r->vertex);
	path = ap_xasprintf("%s/%s", parent, c->kind->of->name);
	url = ap_vertex_url(r->vertex, ap_jobspec_version(r->ask.job), path);
	if (r->ask.has_image && !r->digest.s[0]) {
		build = ap_ask_build_line(&r->ask);
		comment = ap_xasprintf("The image is made and pushed by\n%s", build);
	}
	ap_text_curl(out, "POST", url, r->body, comment);
	return 0;
}

static int print_result(struct creation *c, struct ap_err *err)
{
	struct ap_run *r = &c->run;
	const char *format = c->o->pack.format;
	const cJSON *j = r->submitted.resource ? r->submitted.resource : r->body;
	ap_auto_buf out = AP_BUF_INIT;

	if (r->submitted.name && !format)
		ap_buf_addf(&out, "%s\n", r->submitted.name);
	else if (format && strcmp(format, "curl") == 0) {
		if (print_curl(&out, c, err) < 0)
			return -1;
	} else if (ap_render(&out, j, format ? format : "json", "displayName,name,state", err) < 0)
		return -1;
	return ap_stdout(out.p, out.len, err);
}

static void say_how_to_follow(struct creation *c)
{
	const struct ap_job *job = &c->run.submitted;
	struct ap_display *d = &c->s.display;

	ap_say(d, "job      %s is submitted", job->name);
	ap_say(d, "console  %s", job->console_url);
	ap_say(d, "state    autopack %s describe %s", c->kind->of->command, job->name);
	if (c->kind->of->logs)
		ap_say(d, "logs     autopack %s stream-logs %s", c->kind->of->command, job->name);
}

/* Before anything is built: would the job fit where it is to run? */
static int check_fit(struct creation *c, struct ap_err *err)
{
	const cJSON *spec = ap_jobspec_spec(c->run.ask.job);
	const char *id = ap_json_str(spec, "persistentResourceId");
	AP_CLEANUP(ap_fit_release) struct ap_fit fit = { 0 };
	int rc;

	if (!id || !c->o->fit_check)
		return 0;
	rc = ap_fit_check(&fit, c->run.vertex, spec, id, err);
	for (size_t i = 0; i < fit.table.n && (rc < 0 || fit.warnings.n); i++)
		ap_say(&c->s.display, "fit      %s", fit.table.v[i]);
	for (size_t i = 0; i < fit.warnings.n; i++)
		ap_emit_warn(c->run.progress, AP_STEP_PLAN, "%s", fit.warnings.v[i]);
	return rc;
}

static int submit(struct creation *c, struct ap_err *err)
{
	struct ap_run *r = &c->run;
	const char *cache = c->o->pack.cache_dir;
	struct ap_create how = { .version = ap_jobspec_version(r->ask.job),
		.collection = c->kind->of->name,
		.what = c->kind->of->noun };

	ap_run_begin(r, AP_DO_SUBMIT);
	if (ap_packages_upload(&c->packages, r->vertex,
		    cache ? cache : ap_env_get(&c->s.env, AP_KEY_CACHE_DIR), err) < 0)
		return -1;
	if (ap_job_submit(&r->submitted, r->vertex, &how, r->body, err) < 0) {
		ap_jobspec_explain(r->ask.job, err);
		return -1;
	}
	ap_run_end(r, AP_DO_SUBMIT);
	return 0;
}

static int create(struct creation *c, struct ap_err *err)
{
	struct ap_run *r = &c->run;
	const struct ap_pack_opts *p = &c->o->pack;
	unsigned stages = ap_run_stages(p->dry_run, AP_RUN_FULL);
	bool only = false;
	int rc;

	if (ap_ask_format(p, true, err) < 0 || needs_image(r, p, err) < 0 ||
		ap_run(r, AP_DO_PLAN, err) < 0)
		return -1;
	if (p->dockerfile && ap_ask_dockerfile(r, &only, err) < 0)
		return -1;
	if (only)
		return 0;
	/* The plain dry run asks no network; all others learn early what will not do. */
	if (stages != AP_RUN_PLAN && (open_vertex(c, err) < 0 || check_fit(c, err) < 0))
		return -1;
	if (ap_run(r, stages & ~(unsigned)(AP_DO_PLAN | AP_DO_SUBMIT), err) < 0 ||
		((stages & AP_DO_SUBMIT) && submit(c, err) < 0) || ap_run_write_files(r, err) < 0)
		return -1;
	ap_summary(r);
	if (r->submitted.name)
		say_how_to_follow(c);
	rc = print_result(c, err);
	if (rc == 0 && c->o->wait && r->submitted.name)
		rc = ap_manage_wait(
			&c->s, r->vertex, ap_jobspec_version(r->ask.job), &r->submitted, err);
	return rc;
}

int ap_job_create(struct ap_call *call, struct ap_err *err)
{
	struct ap_create_opts *o = call->opts;
	struct creation c = { .call = call, .kind = call->cmd->of, .o = o };
	ap_auto_free char *workdir = NULL;
	int rc;

	if (ap_job_workdir(&workdir, &o->job, err) < 0)
		return -1;
	rc = ap_session_open(&c.s, &o->common, &o->registry, workdir, err);
	ap_env_flag(&c.s.env, AP_KEY_REGION, o->job.region);
	ap_run_init(&c.run, &c.s.world);
	if (rc == 0)
		rc = ask(&c, err);
	if (rc == 0)
		rc = create(&c, err);
	ap_run_release(&c.run);
	ap_session_close(&c.s);
	ap_packages_release(&c.packages);
	return rc;
}
