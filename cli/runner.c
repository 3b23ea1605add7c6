#include "cli/runner.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/child.h"
#include "cli/bundle.h"
#include "cli/runtime.h"
#include "vertex/text.h"

static bool is_crun(const char *runner)
{
	return strcmp(runner, "crun") == 0;
}

int ap_runner_find(const char **out, const char *wanted, struct ap_err *err)
{
	ap_auto_free char *umoci = NULL;
	const char *const *runners = ap_runtime_names();

	for (size_t i = 0; runners[i]; i++) {
		ap_auto_free char *path = NULL;

		if (wanted && strcmp(wanted, runners[i]) != 0)
			continue;
		path = ap_child_find(runners[i], NULL);
		if (!path)
			continue;
		*out = runners[i];
		umoci = is_crun(*out) ? ap_child_find("umoci", NULL) : NULL;
		if (is_crun(*out) && !umoci)
			return ap_err_set(err, AP_E_NOT_FOUND,
				"crun needs umoci to unpack the image, which is not on PATH");
		return 0;
	}
	return ap_err_set(err, AP_E_NOT_FOUND,
		wanted ? "%s is not on PATH"
		       : "%snone of podman, docker, buildah and crun is on PATH",
		wanted ? wanted : "");
}

static bool is_buildah(const char *runner)
{
	return strcmp(runner, "buildah") == 0;
}

void ap_runner_argv(
	struct ap_strv *out, const char *runner, const struct ap_local_run *r, const char *image)
{
	ap_strv_add(out, runner);
	ap_strv_add(out, "run");
	if (is_crun(runner)) {
		ap_strv_add(out, "--bundle");
		ap_strv_add(out, image);
		ap_strv_add(out, r->id);
		return;
	}
	if (is_buildah(runner))
		ap_strv_add(out, "--isolation=chroot");
	else
		ap_strv_add(out, "--rm");
	if (r->key) {
		ap_strv_add(out, "-v");
		ap_strv_addf(
			out, "%s:%s%s", r->key, AP_RUNNER_KEY, is_buildah(runner) ? ":ro" : "");
		ap_strv_add(out, "-e");
		ap_strv_add(out, "GOOGLE_APPLICATION_CREDENTIALS=" AP_RUNNER_KEY);
	}
	if (r->gpu && strcmp(runner, "docker") == 0)
		ap_strv_add(out, "--gpus=all");
	else if (r->gpu)
		ap_strv_add(out, "--device=nvidia.com/gpu=all");
	if (!is_buildah(runner)) {
		ap_strv_add(out, "--ipc");
		ap_strv_add(out, "host");
	}
	ap_strv_add(out, image);
	if (is_buildah(runner)) {
		ap_strv_add(out, "--");
		if (r->entrypoint)
			ap_strv_copy(out, r->entrypoint);
	}
	if (r->args)
		ap_strv_copy(out, r->args);
}

/* Run to the end with our own streams. */
static int run_ours(int *status, const struct ap_strv *argv, struct ap_err *err)
{
	ap_auto_strv env = { 0 };
	pid_t pid;
	int st = 0;
	int rc;

	ap_runtime_env(&env, true);
	rc = posix_spawnp(&pid, argv->v[0], NULL, NULL, argv->v, env.v);
	if (rc) {
		errno = rc;
		return ap_err_sys(err, "%s", argv->v[0]);
	}
	/* A signal of the terminal reached it as well; it decides when to end. */
	while (waitpid(pid, &st, 0) < 0) {
		if (errno != EINTR)
			return ap_err_sys(err, "%s", argv->v[0]);
	}
	*status = WIFSIGNALED(st) ? 128 + WTERMSIG(st) : WEXITSTATUS(st);
	return 0;
}

static int load(char **image, const char *runner, const struct ap_local_run *r, struct ap_err *err)
{
	ap_auto_free char *line = NULL;
	ap_auto_free char *from = NULL;
	ap_auto_free char *tagged = NULL;
	const char *name;

	if (is_crun(runner)) {
		*image = ap_xstrdup(r->bundle);
		return ap_bundle_make(r, err);
	}
	if (is_buildah(runner)) {
		from = r->archive ? ap_xasprintf("docker-archive:%s", r->archive)
				  : ap_xstrdup(r->image);
		return AP_ASK(image, AP_RUNTIME_SHOWS, err, "buildah", "from", from);
	}
	if (!r->archive) {
		*image = ap_xstrdup(r->image);
		return 0;
	}
	if (AP_ASK(&line, AP_RUNTIME_SHOWS, err, runner, "load", "-i", r->archive) < 0)
		return -1;
	name = ap_runtime_loaded(line);
	if (r->name && AP_ASK(&tagged, AP_RUNTIME_SHOWS, err, runner, "tag", name, r->name) < 0)
		return -1;
	*image = ap_xstrdup(r->name ? r->name : name);
	return 0;
}

static int entrypoint_of(struct ap_strv *out, const char *container, struct ap_err *err)
{
	ap_auto_free char *text = NULL;
	ap_auto_json j = NULL;

	if (AP_ASK(&text, AP_RUNTIME_SHOWS, err, "buildah", "inspect", "--format",
		    "{{json .OCIv1.Config}}", container) < 0 ||
		ap_json_parse(&j, text, strlen(text), err) < 0)
		return -1;
	for (int part = 0; part < 2; part++) {
		const cJSON *words = ap_json_get(j, part ? "Cmd" : "Entrypoint");

		for (words = words ? words->child : NULL; words; words = words->next) {
			if (cJSON_IsString(words))
				ap_strv_add(out, words->valuestring);
		}
	}
	return 0;
}

/* Also after Ctrl-C, which ended the program. */
static void remove_container(const char *container)
{
	struct ap_err ignored = AP_ERR_INIT;

	(void)!AP_ASK(NULL, AP_RUNTIME_SHOWS | AP_RUNTIME_CLEANS_UP, &ignored, "buildah", "rm",
		container);
}

int ap_runner_run(
	int *status, const struct ap_local_run *given, struct ap_display *d, struct ap_err *err)
{
	struct ap_local_run r = *given;
	ap_auto_strv argv = { 0 };
	ap_auto_strv entrypoint = { 0 };
	ap_auto_free char *image = NULL;
	ap_auto_buf line = AP_BUF_INIT;
	const char *runner = r.runner;
	int rc = 0;

	if (load(&image, runner, &r, err) < 0)
		return -1;
	if (is_buildah(runner) && !r.entrypoint) {
		rc = entrypoint_of(&entrypoint, image, err);
		r.entrypoint = &entrypoint;
	}
	if (rc == 0) {
		ap_runner_argv(&argv, runner, &r, image);
		for (size_t i = 0; i < argv.n; i++) {
			ap_buf_adds(&line, i ? " " : "");
			ap_text_shell_word(&line, argv.v[i]);
		}
		ap_say(d, "run      %s", line.p);
		ap_display_settle(d);
		rc = run_ours(status, &argv, err);
	}
	if (is_buildah(runner))
		remove_container(image);
	return rc;
}
