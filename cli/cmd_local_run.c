#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/ask.h"
#include "cli/cmds.h"
#include "cli/runner.h"
#include "cli/summary.h"
#include "vertex/text.h"

struct local_opts {
	struct ap_common_opts common;
	struct ap_registry_opts registry;
	struct ap_pack_opts pack;
	char *executor_image, *local_package_path, *script, *python_module, *output_image;
	struct ap_strv requirements, extra_packages, extra_dirs;
	char *key_file, *runner;
	int gpu;
};

#define AT(field) offsetof(struct local_opts, field)

static const struct ap_opt local_table[] = {
	{ .name = "executor-image-uri",
		.kind = AP_OPT_STR,
		.offset = AT(executor_image),
		.arg = "IMAGE",
		.help = "image that runs the code; without a script or module it is run as it is" },
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
		.help = "script to run, below the working directory" },
	{ .name = "python-module",
		.kind = AP_OPT_STR,
		.offset = AT(python_module),
		.arg = "MODULE",
		.help = "module to run with python -m, in place of a script" },
	{ .name = "requirements",
		.kind = AP_OPT_LIST,
		.offset = AT(requirements),
		.arg = "REQ,...",
		.help = "packages to install" },
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
		.help = "name of the image on this machine" },
	{ .name = "gpu",
		.kind = AP_OPT_FLAG,
		.offset = AT(gpu),
		.help = "let the program use the machine's GPUs" },
	{ .name = "service-account-key-file",
		.kind = AP_OPT_STR,
		.offset = AT(key_file),
		.arg = "FILE",
		.hint = AP_HINT_FILE,
		.help = "Google credentials for the program (default: application default credentials)" },
	{ .name = "runner",
		.kind = AP_OPT_STR,
		.offset = AT(runner),
		.arg = "NAME",
		.choices = "podman|docker|buildah|crun",
		.help = "what runs the image: podman, docker, buildah or crun (default: the first on PATH)" },
	{ .name = "dry-run",
		.kind = AP_OPT_OPT,
		.offset = AT(pack) + offsetof(struct ap_pack_opts, dry_run),
		.arg = "HOW",
		.implied = "plan",
		.choices = "plan",
		.help = "check, print the command that would run, and do nothing" },
};

static const struct ap_opt_group groups[] = {
	{ "code", local_table, AP_LEN(local_table), 0 },
	AP_PACK_GROUP(AT(pack)),
	AP_REGISTRY_GROUP(AT(registry)),
	AP_COMMON_GROUP(AT(common)),
};

struct local {
	struct local_opts *o;
	struct ap_call *call;
	struct ap_session s;
	struct ap_run run;
	char *dir, *image_flag, *archive, *bundle; /* where the image is put together */
	char *key;                                 /* credentials for the program, or NULL */
	const char *runner;
};

static bool has_code(const struct local_opts *o)
{
	return (o->script && *o->script) || (o->python_module && *o->python_module);
}

static int check(struct local *l, struct ap_err *err)
{
	const struct local_opts *o = l->o;
	struct ap_ref ref = { 0 };

	if (!o->executor_image || !*o->executor_image)
		return ap_err_set(err, AP_E_USAGE, "--executor-image-uri is missing");
	if (o->pack.image)
		return ap_err_set(
			err, AP_E_USAGE, "--image: local-run keeps its image on this machine");
	if (!has_code(o) && (o->requirements.n || o->extra_packages.n || o->extra_dirs.n ||
				    o->output_image || o->local_package_path))
		return ap_err_set(err, AP_E_USAGE,
			"--script or --python-module is missing: there is nothing to package");
	if (o->output_image) {
		if (ap_ref_parse(&ref, o->output_image, err) < 0)
			return ap_err_wrap(err, "--output-image-uri");
		ap_ref_release(&ref);
	}
	if (o->key_file && !ap_fs_is_file(o->key_file))
		return ap_err_set(err, AP_E_USAGE,
			"--service-account-key-file: no such file \"%.200s\"", o->key_file);
	return 0;
}

static void choose_key(struct local *l)
{
	const char *dir = l->s.env.gcloud_dir;
	ap_auto_free char *adc =
		dir ? ap_fs_join(dir, "application_default_credentials.json") : NULL;
	const char *file = l->o->key_file;
	char *full;

	if (!file && l->s.env.adc_file)
		file = l->s.env.adc_file;
	if (!file && adc && ap_fs_is_file(adc))
		file = adc;
	full = file ? realpath(file, NULL) : NULL;
	l->key = full;
}

static void fill(struct local *l)
{
	struct ap_image_request *q = &l->run.ask.image;
	struct local_opts *o = l->o;

	ap_strv_copy(&q->requirements, &o->requirements);
	ap_strv_copy(&q->extra_packages, &o->extra_packages);
	ap_strv_copy(&q->extra_dirs, &o->extra_dirs);
	q->executor_image = ap_xstrdup(o->executor_image);
	q->local_package_path = o->local_package_path ? ap_xstrdup(o->local_package_path) : NULL;
	q->script = o->script && *o->script ? ap_xstrdup(o->script) : NULL;
	q->python_module =
		o->python_module && *o->python_module ? ap_xstrdup(o->python_module) : NULL;
}

static int choose_runner(struct local *l, struct ap_err *err)
{
	const struct local_opts *o = l->o;

	l->runner = o->runner ? o->runner : "podman";
	if (!o->pack.dry_run && ap_runner_find(&l->runner, o->runner, err) < 0)
		return -1;
	if (strcmp(l->runner, "crun") != 0)
		return 0;
	if (!has_code(o))
		return ap_err_set(err, AP_E_USAGE,
			"--script or --python-module is missing: crun keeps no images to run as they "
			"are; podman, docker and buildah do");
	if (o->gpu)
		return ap_err_set(err, AP_E_USAGE,
			"--gpu: crun alone does not bring a GPU into a container; podman and docker "
			"do");
	return 0;
}

/* A directory of our own for the image, gone at the end. */
static int prepare(struct local *l, struct ap_err *err)
{
	const char *tmp = getenv("TMPDIR");

	l->dir = ap_xasprintf("%s/autopack-run-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!l->o->pack.dry_run && !mkdtemp(l->dir)) {
		ap_err_sys(err, "%s", l->dir);
		free(l->dir);
		l->dir = NULL;
		return -1;
	}
	if (strcmp(l->runner, "crun") == 0) {
		l->archive = ap_xasprintf("%s/image:run", l->dir);
		l->bundle = ap_fs_join(l->dir, "bundle");
		l->image_flag = ap_xasprintf("oci:%s", l->archive);
	} else {
		l->archive = ap_fs_join(l->dir, "image.tar");
		l->image_flag = ap_xasprintf("docker-archive:%s", l->archive);
	}
	l->o->pack.image = ap_xstrdup(l->image_flag);
	fill(l);
	return ap_ask_image(&l->run.ask, &l->o->pack, &l->s.env, NULL, err);
}

static int print_command(struct local *l, const struct ap_local_run *how, struct ap_err *err)
{
	ap_auto_buf out = AP_BUF_INIT;
	ap_auto_strv argv = { 0 };

	ap_runner_argv(&argv, how->runner, how,
		how->image    ? how->image
		: how->bundle ? how->bundle
		: how->name   ? how->name
			      : l->run.plan.tag);
	for (size_t i = 0; i < argv.n; i++) {
		ap_buf_adds(&out, i ? " " : "");
		ap_text_shell_word(&out, argv.v[i]);
	}
	ap_buf_addc(&out, '\n');
	return ap_stdout(out.p, out.len, err);
}

static int go(struct local *l, struct ap_err *err)
{
	struct local_opts *o = l->o;
	struct ap_local_run how = { .name = o->output_image, .gpu = o->gpu, .args = l->call->args };
	bool dry = o->pack.dry_run != NULL;

	if (check(l, err) < 0 || choose_runner(l, err) < 0)
		return -1;
	how.runner = l->runner;
	choose_key(l);
	how.key = l->key;
	if (has_code(o)) {
		if (prepare(l, err) < 0 || ap_run(&l->run, AP_DO_PLAN, err) < 0)
			return -1;
		how.archive = how.layout = l->archive;
		how.bundle = l->bundle;
		how.id = strrchr(l->dir, '/') + 1;
		how.entrypoint = &l->run.plan.entrypoint;
	} else {
		how.image = o->executor_image;
	}
	if (dry)
		return print_command(l, &how, err);
	if (has_code(o)) {
		if (ap_run(&l->run, AP_RUN_IMAGE & ~(unsigned)AP_DO_PLAN, err) < 0)
			return -1;
		if (l->run.entrypoint.n)
			how.entrypoint = &l->run.entrypoint;
		ap_summary(&l->run);
	}
	return ap_runner_run(&l->call->status, &how, &l->s.display, err);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct local l = { .o = call->opts, .call = call };
	struct ap_err ignored = AP_ERR_INIT;
	int rc = ap_session_open(&l.s, &l.o->common, &l.o->registry, l.o->local_package_path, err);

	ap_run_init(&l.run, &l.s.world);
	if (rc == 0)
		rc = go(&l, err);
	ap_run_release(&l.run);
	ap_session_close(&l.s);
	if (l.dir && !l.o->pack.dry_run)
		(void)!ap_fs_remove_tree(l.dir, &ignored);
	free(l.dir);
	free(l.archive);
	free(l.bundle);
	free(l.image_flag);
	free(l.key);
	return rc;
}

const struct ap_cmd ap_cmd_local_run = {
	.name = "local-run",
	.summary = "package code and run it on this machine",
	.description =
		"Makes the image that custom-jobs create would push, and runs it here with podman, "
		"docker, buildah or crun. Words after -- go to the program; its exit status is ours. Without a script "
		"or module the executor image is run as it is.",
	.example = "autopack custom-jobs local-run --executor-image-uri=python:3.11 \\\n"
		   "    --script=train.py -- --epochs=1",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct local_opts),
	.args = { "ARG", "argument of the program", 0, 10000, AP_HINT_NONE, NULL },
	.run = run,
};
