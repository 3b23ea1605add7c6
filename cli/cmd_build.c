#include <string.h>

#include "cli/ask.h"
#include "cli/cmds.h"
#include "cli/moved.h"
#include "cli/outfile.h"
#include "cli/render.h"
#include "cli/summary.h"
#include "vertex/pool_spec.h"

struct build_opts {
	struct ap_common_opts common;
	struct ap_registry_opts registry;
	struct ap_pack_opts pack;
	char *executor_image, *local_package_path, *script, *python_module, *output_image;
	struct ap_strv requirements, extra_packages, extra_dirs, env;
};

#define AT(field) offsetof(struct build_opts, field)

static const struct ap_opt build_table[] = {
	{ .name = "executor-image-uri",
		.kind = AP_OPT_STR,
		.offset = AT(executor_image),
		.arg = "IMAGE",
		.help = "image that runs the code: a registry's, oci:DIR[:TAG] or an archive" },
	{ .name = "local-package-path",
		.kind = AP_OPT_STR,
		.offset = AT(local_package_path),
		.arg = "DIR",
		.hint = AP_HINT_DIR,
		.help = "working directory of the code (default: the current one)" },
	{ .name = "script",
		.kind = AP_OPT_STR,
		.offset = AT(script),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "script to run, .py or shell, below the working directory" },
	{ .name = "python-module",
		.kind = AP_OPT_STR,
		.offset = AT(python_module),
		.arg = "MODULE",
		.help = "module to run with python -m, in place of a script" },
	{ .name = "requirements",
		.kind = AP_OPT_LIST,
		.offset = AT(requirements),
		.arg = "REQ;...",
		.delim = ';',
		.help = "packages to install, as in requirements.txt" },
	{ .name = "extra-packages",
		.kind = AP_OPT_LIST,
		.offset = AT(extra_packages),
		.arg = "PATH,...",
		.hint = AP_HINT_FILE,
		.help = "local wheels, source distributions or projects to install" },
	{ .name = "extra-dirs",
		.kind = AP_OPT_LIST,
		.offset = AT(extra_dirs),
		.arg = "DIR,...",
		.hint = AP_HINT_DIR,
		.help = "more directories of the working directory" },
	{ .name = "output-image-uri",
		.kind = AP_OPT_STR,
		.offset = AT(output_image),
		.arg = "IMAGE",
		.help = "repository, and a second tag, of the new image" },
	{ .name = "env",
		.kind = AP_OPT_DICT,
		.offset = AT(env),
		.arg = "K=V,...",
		.help = "environment variables of the image" },
};

static const struct ap_opt_group groups[] = {
	{ "code", build_table, AP_LEN(build_table), 0 },
	AP_PACK_GROUP(AT(pack)),
	AP_OUTPUT_GROUP(AT(pack)),
	AP_ATTEST_GROUP(AT(pack)),
	AP_REGISTRY_GROUP(AT(registry)),
	AP_COMMON_GROUP(AT(common)),
	AP_MOVED_FROM_BUILD_GROUP,
};

static void fill(struct ap_image_request *q, struct build_opts *o)
{
	ap_strv_copy(&q->extra_packages, &o->extra_packages);
	ap_strv_copy(&q->extra_dirs, &o->extra_dirs);
	ap_strv_copy(&q->env, &o->env);
	ap_requirements_join(&q->requirements, &o->requirements);
	q->executor_image = AP_STEAL(o->executor_image);
	q->local_package_path = AP_STEAL(o->local_package_path);
	q->script = AP_STEAL(o->script);
	q->python_module = AP_STEAL(o->python_module);
	q->output_image = AP_STEAL(o->output_image);
}

static int print_result(const struct ap_run *r, const char *format, struct ap_err *err)
{
	ap_auto_json j = ap_run_metadata(r);
	ap_auto_buf out = AP_BUF_INIT;

	if (!format)
		ap_buf_addf(&out, "%s\n", r->image_uri);
	else if (ap_render(&out, j, format, "image,digest", err) < 0)
		return -1;
	return ap_stdout(out.p, out.len, err);
}

static int build(struct ap_run *r, const struct build_opts *o, struct ap_err *err)
{
	const struct ap_pack_opts *p = &o->pack;
	bool to_stdout = p->dockerfile && strcmp(p->dockerfile, "-") == 0;
	unsigned stages = ap_run_stages(p->dry_run, AP_RUN_IMAGE);
	bool only = false;

	if (ap_ref_is_archive(&r->ask.dest) &&
		ap_outfile_check("--image", r->ask.dest.path, err) < 0)
		return -1;
	if (ap_ask_format(p, false, err) < 0 || ap_run(r, AP_DO_PLAN, err) < 0)
		return -1;
	if (p->dockerfile && ap_ask_dockerfile(r, &only, err) < 0)
		return -1;
	if (to_stdout)
		return 0;
	if (ap_run(r, stages & ~(unsigned)AP_DO_PLAN, err) < 0 || ap_run_write_files(r, err) < 0)
		return -1;
	ap_summary(r);
	return print_result(r, p->format, err);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct build_opts *o = call->opts;
	struct ap_session s;
	struct ap_run r;
	int rc = ap_session_open(&s, &o->common, &o->registry, o->local_package_path, err);

	ap_run_init(&r, &s.world);
	fill(&r.ask.image, o);
	if (rc == 0)
		rc = ap_ask_image(&r.ask, &o->pack, &s.env, NULL, err);
	if (rc == 0)
		rc = build(&r, o, err);
	ap_run_release(&r);
	ap_session_close(&s);
	return rc;
}

const struct ap_cmd ap_cmd_build = {
	.name = "build",
	.summary = "make and push the image of a directory of code",
	.description =
		"Layers the code of a working directory, and what it needs, on an executor image, and "
		"pushes the result. Prints the image's name with its digest.",
	.example = "autopack build --executor-image-uri=python:3.11 --script=train.py \\\n"
		   "    --output-image-uri=us-docker.pkg.dev/PROJECT/REPO/train",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct build_opts),
	.run = run,
};
