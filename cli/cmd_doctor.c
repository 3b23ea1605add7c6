#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "cli/ask.h"
#include "cli/cache_use.h"
#include "cli/cmds.h"
#include "cli/mend.h"
#include "cli/render.h"
#include "cli/runtime.h"
#include "deps/uv.h"

struct doctor_opts {
	struct ap_common_opts common;
	struct ap_registry_opts registry;
	char *region, *format, *output_image, *cache_dir;
};

#define AT(field) offsetof(struct doctor_opts, field)

static const struct ap_opt doctor_table[] = {
	{ .name = "region",
		.kind = AP_OPT_STR,
		.offset = AT(region),
		.arg = "REGION",
		.hint = AP_HINT_REGION,
		.help = "region of jobs" },
	{ .name = "output-image-uri",
		.kind = AP_OPT_STR,
		.offset = AT(output_image),
		.arg = "IMAGE",
		.help = "repository to look at (default: as \"build\" would choose)" },
	{ .name = "cache-dir",
		.kind = AP_OPT_STR,
		.offset = AT(cache_dir),
		.arg = "DIR",
		.hint = AP_HINT_DIR,
		.help = "where wheels, locks and records are kept" },
	{ .name = "format",
		.kind = AP_OPT_STR,
		.offset = AT(format),
		.arg = "FORMAT",
		.choices = "json|yaml|table|value(KEY)|table(KEY)",
		.help = "print as json, yaml, table or value(KEY)" },
};

static const struct ap_opt_group groups[] = {
	{ "doctor", doctor_table, AP_LEN(doctor_table), 0 },
	AP_REGISTRY_GROUP(AT(registry)),
	AP_COMMON_GROUP(AT(common)),
};

static const char REPOSITORY[] =
	"export AUTOPACK_REPOSITORY=us-docker.pkg.dev/PROJECT_ID/REPOSITORY";
static const char NETWORK[] = "look at the name, the network and https_proxy";

enum state { GOOD, OPTIONAL, BAD };

struct doctor {
	struct ap_session *s;
	const struct doctor_opts *o;
	cJSON *rows;
	unsigned n_bad;
};

/* One finding; mend: the command or setting that helps, NULL where all is well. */
static void tell(
	struct doctor *d, enum state state, const char *check, const char *found, const char *mend)
{
	static const char *const words[] = { "ok", "optional", "missing" };
	cJSON *j = ap_json_object();

	ap_json_set_str(j, "check", check);
	ap_json_set_str(j, "state", words[state]);
	ap_json_set_str(j, "found", found);
	ap_json_set_str(j, "mend", state == GOOD ? NULL : mend);
	ap_json_push(d->rows, j);
	d->n_bad += state == BAD;
}

/* The command that a message gives, between backticks.  *out: owned, or NULL. */
static char *command_in(const char *text)
{
	const char *from = strchr(text, '`');
	const char *to = from ? strchr(from + 1, '`') : NULL;

	return to ? ap_xstrndup(from + 1, (size_t)(to - from) - 1) : NULL;
}

/* Without the advice at its end, where the command stands below. */
static void cut_advice(struct ap_err *err, const char *advice)
{
	char *at = strstr(err->msg, advice);

	if (at)
		*at = '\0';
}

/* mend: where the message gives no command. */
static void tell_err(
	struct doctor *d, enum state state, const char *check, struct ap_err *err, const char *mend)
{
	ap_auto_free char *command = command_in(err->msg);

	tell(d, state, check, err->msg, command ? command : mend);
	ap_err_clear(err);
}

static void check_setting(struct doctor *d, enum ap_key key, const char *property,
	const char *variable, const char *example)
{
	const struct ap_setting *s = &d->s->env.v[key];
	ap_auto_free char *mend = ap_mend_setting(property, variable, example);
	ap_auto_free char *found =
		s->value ? ap_xasprintf("%s (%s)", s->value, s->where) : ap_xstrdup("not set");
	struct ap_vertex_place place = { 0 };
	struct ap_err err = AP_ERR_INIT;
	int rc = !s->value ? 0
			   : ap_vertex_place(&place,
				     key == AP_KEY_PROJECT ? s->value : "my-project-1",
				     key == AP_KEY_REGION ? s->value : "us-central1", &err);

	ap_vertex_place_release(&place);
	tell(d, s->value && rc == 0 ? GOOD : BAD, ap_env_key_name(key), rc < 0 ? err.msg : found,
		mend);
	ap_err_clear(&err);
}

/* Lines of "WHAT: it is" with more of it set in, as one. */
static void tell_lines(struct doctor *d, const char *check, const char *text)
{
	ap_auto_buf out = AP_BUF_INIT;
	struct ap_str rest = ap_str(strstr(text, ": ") ? strstr(text, ": ") + 2 : text);
	struct ap_str line;

	while (ap_str_next(&rest, '\n', &line)) {
		line = ap_str_trim(line);
		if (line.n)
			ap_buf_addf(&out, "%s%.*s", out.len ? "; " : "", (int)line.n, line.p);
	}
	tell(d, GOOD, check, out.p, NULL);
}

static bool check_credentials(struct doctor *d, struct ap_err *err)
{
	struct ap_gcp *g = ap_world_gcp(&d->s->world);
	ap_auto_buf text = AP_BUF_INIT;
	char *token = NULL;

	if (ap_gcp_token(g, 0, &token, err) < 0) {
		ap_auto_free char *mend = ap_mend_login();
		static const char said[] = "Google credentials: ";
		const char *found = err->msg;

		cut_advice(err, "; log in with");
		if (ap_starts_with(found, said))
			found += strlen(said);
		tell(d, BAD, "credentials", found, mend);
		ap_err_clear(err);
		return false;
	}
	explicit_bzero(token, strlen(token));
	free(token);
	ap_gcp_describe(g, &text);
	tell_lines(d, "credentials", text.p);
	return true;
}

static void check_service(struct doctor *d, struct ap_err *err)
{
	const struct ap_vertex_list how = { .page_size = 1, .limit = 1 };
	struct ap_vertex *v = NULL;
	cJSON *jobs = NULL;
	ap_auto_free char *role = ap_mend_grant(&d->s->env, "roles/aiplatform.user");
	const char *project = ap_env_get(&d->s->env, AP_KEY_PROJECT);
	const char *region = ap_env_get(&d->s->env, AP_KEY_REGION);

	if (!project || !region)
		return;
	if (ap_world_vertex(&v, &d->s->world, project, region, err) < 0 ||
		ap_vertex_list(&jobs, v, "v1", "customJobs", &how, err) < 0)
		tell_err(d, BAD, "vertex ai", err, err->http == 403 ? role : NETWORK);
	else
		tell(d, GOOD, "vertex ai", "answers, and custom jobs may be listed", NULL);
	cJSON_Delete(jobs);
	ap_vertex_free(v);
}

/* The repository that `build` would push to in this directory. */
static char *repository(struct doctor *d)
{
	const struct ap_env *env = &d->s->env;
	const char *given = ap_env_get(env, AP_KEY_REPOSITORY);
	const char *project = ap_env_get(env, AP_KEY_PROJECT);
	ap_auto_free char *path = project ? ap_ask_gcr_project(project) : NULL;

	if (d->o->output_image)
		return ap_xstrdup(d->o->output_image);
	if (given)
		return ap_xasprintf("%s/autopack-doctor", given);
	return path ? ap_xasprintf("gcr.io/%s/cloudai-autogenerated/autopack-doctor", path) : NULL;
}

static void check_registry(struct doctor *d, struct ap_err *err)
{
	ap_auto_free char *name = repository(d);
	ap_auto_free char *good = NULL;
	struct ap_ref ref = { 0 };
	ap_auto_free char *role = ap_mend_grant(&d->s->env, "roles/artifactregistry.writer");
	struct ap_sink *sink = NULL;
	int rc;

	if (!name) {
		tell(d, BAD, "registry", "no repository to look at", REPOSITORY);
		return;
	}
	rc = ap_ref_parse(&ref, name, err);
	if (rc == 0 && ref.transport != AP_DOCKER)
		rc = ap_err_set(err, AP_E_USAGE, "\"%s\" is on this machine, in no registry", name);
	if (rc == 0) {
		d->s->world.login_host = ref.registry;
		rc = ap_world_sink(&sink, &d->s->world, &ref, err);
	}
	if (rc == 0 && sink->ops->preflight)
		rc = sink->ops->preflight(sink, err);
	good = ap_xasprintf("%s may be pushed to", name);
	if (rc < 0)
		tell_err(d, BAD, "registry", err,
			ap_err_exit_status(err) == 2 ? REPOSITORY
			: err->http == 403           ? role
						     : NETWORK);
	else
		tell(d, GOOD, "registry", good, NULL);
	ap_sink_free(sink);
	ap_ref_release(&ref);
}

static void check_uv(struct doctor *d, const char *cache_dir, struct ap_err *err)
{
	struct ap_uv uv = { 0 };
	struct ap_index_config index = { 0 };
	struct ap_uv_opts o = {
		.cache_dir = cache_dir,
		.index = &index,
		.env = ap_env_lookup,
	};
	ap_auto_free char *command = NULL;
	ap_auto_free char *found = NULL;

	if (ap_uv_open(&uv, &o, err) < 0) {
		ap_auto_free char *mend = ap_mend_uv();

		cut_advice(err, ": \"autopack doctor\"");
		tell(d, OPTIONAL, "uv", err->msg, mend);
		ap_err_clear(err);
		return;
	}
	command = ap_strv_join(&uv.command, " ");
	found = ap_xasprintf("%s (%s)", uv.version, command);
	tell(d, GOOD, "uv", found, NULL);
	ap_uv_release(&uv);
}

static void check_python(struct doctor *d, struct ap_err *err)
{
	static const char *const argv[] = { "python3", "-c",
		"import sys; print('%d.%d.%d' % sys.version_info[:3]); sys.exit(sys.version_info < (3, 9))",
		NULL };
	ap_auto_buf out = AP_BUF_MAX(4096);
	ap_auto_buf errout = AP_BUF_MAX(4096);
	struct ap_child_opts o = { .argv = argv, .out = &out, .errout = &errout, .timeout = 20 };
	ap_auto_free char *mend = ap_mend_package("python3");
	int status = 0;

	if (ap_child_run(&o, &status, err) < 0) {
		tell_err(d, OPTIONAL, "python", err, mend);
		return;
	}
	while (out.len && out.p[out.len - 1] == '\n')
		ap_buf_truncate(&out, out.len - 1);
	if (status != 0)
		ap_buf_adds(&out, "; 3.9 or newer is needed where packages are installed");
	tell(d, status == 0 ? GOOD : OPTIONAL, "python", out.p, mend);
}

static void check_containers(struct doctor *d)
{
	ap_auto_buf found = AP_BUF_INIT;
	ap_auto_free char *mend = ap_mend_package("podman");
	const char *const *names = ap_runtime_names();

	for (size_t i = 0; names[i]; i++) {
		ap_auto_free char *path = ap_child_find(names[i], NULL);

		if (path)
			ap_buf_addf(&found, "%s%s", found.len ? ", " : "", names[i]);
	}
	if (found.len)
		tell(d, GOOD, "containers", found.p, NULL);
	else
		tell(d, OPTIONAL, "containers",
			"no podman, docker, buildah or crun on PATH: for --compile, local-run, and "
			"builds inside the executor image",
			mend);
}

static void check_cache(struct doctor *d, const char *dir, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;
	struct statvfs fs;
	uint64_t free_bytes;

	if (!dir) {
		tell(d, OPTIONAL, "cache", "none: HOME is not set",
			"export AUTOPACK_CACHE_DIR=DIRECTORY");
		return;
	}
	if (ap_fs_mkdirs(dir, 0700, err) < 0 || access(dir, W_OK) != 0 || statvfs(dir, &fs) != 0) {
		if (!err->code)
			(void)ap_err_sys(err, "%s", dir);
		tell_err(d, OPTIONAL, "cache", err, "export AUTOPACK_CACHE_DIR=DIRECTORY");
		return;
	}
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	ap_buf_addf(&text, "%s, ", dir);
	ap_buf_add_bytes(&text, free_bytes);
	ap_buf_adds(&text, " free");
	tell(d, free_bytes < UINT64_C(2000000000) ? OPTIONAL : GOOD, "cache", text.p,
		"autopack cache prune --older-than=7");
}

enum { FOUND_COLUMN = 23 };

static void add_lines(struct ap_buf *out, const cJSON *rows)
{
	const cJSON *j;

	cJSON_ArrayForEach(j, rows)
	{
		const char *mend = ap_json_str(j, "mend");
		const char *found = ap_json_str(j, "found");

		ap_auto_buf text = AP_BUF_INIT;

		ap_buf_addf(out, "%-9s %-12s ", ap_json_str(j, "state"), ap_json_str(j, "check"));
		ap_buf_add_printable(&text, found ? found : "", found ? strlen(found) : 0);
		ap_opt_wrap(out, text.p, FOUND_COLUMN, FOUND_COLUMN);
		if (mend)
			ap_buf_addf(out, "%-9s -> %s\n", "", mend);
	}
}

static void stage(struct doctor *d, const char *name)
{
	ap_emit(&d->s->display.progress, &(struct ap_event){ .kind = AP_EV_STAGE, .note = name });
}

static int examine(struct doctor *d, struct ap_err *err)
{
	const char *cache =
		d->o->cache_dir ? d->o->cache_dir : ap_env_get(&d->s->env, AP_KEY_CACHE_DIR);
	ap_auto_free char *scratch = NULL;
	ap_auto_fd int shared = -1;
	ap_auto_buf out = AP_BUF_INIT;

	check_setting(d, AP_KEY_PROJECT, "project", "AUTOPACK_PROJECT", "PROJECT_ID");
	check_setting(d, AP_KEY_REGION, "ai/region", "AUTOPACK_REGION", "us-central1");
	stage(d, "credentials");
	if (check_credentials(d, err)) {
		stage(d, "vertex ai");
		check_service(d, err);
	}
	stage(d, "registry");
	check_registry(d, err);
	stage(d, "tools");
	ap_cache_share(&shared, cache);
	if (shared < 0 && ap_cache_scratch(&scratch, NULL, NULL, err) < 0)
		return -1;
	check_uv(d, scratch ? scratch : cache, err);
	if (scratch && ap_fs_remove_tree(scratch, err) < 0)
		return -1;
	check_python(d, err);
	check_containers(d);
	check_cache(d, cache, err);
	ap_display_settle(&d->s->display);
	if (!d->o->format)
		add_lines(&out, d->rows);
	else if (ap_render(&out, d->rows, d->o->format, "state,check,found,mend", err) < 0)
		return -1;
	return ap_stdout(out.p, out.len, err);
}

static int run(struct ap_call *call, struct ap_err *err)
{
	struct doctor_opts *o = call->opts;
	struct ap_session s;
	struct doctor d = { .s = &s, .o = o, .rows = ap_json_array() };
	int rc = ap_session_open(&s, &o->common, &o->registry, NULL, err);

	if (rc == 0) {
		ap_env_flag(&s.env, AP_KEY_REGION, o->region);
		rc = examine(&d, err);
	}
	call->status = d.n_bad ? 1 : 0;
	cJSON_Delete(d.rows);
	ap_session_close(&s);
	return rc;
}

const struct ap_cmd ap_cmd_doctor = {
	.name = "doctor",
	.summary = "what is missing on this machine, and how to mend it",
	.description =
		"Looks at everything that a build and a job need, and for what is missing says the command that "
		"mends it. Exit status 1 when something needed is missing.",
	.example = "autopack doctor",
	.groups = groups,
	.n_groups = AP_LEN(groups),
	.opts_size = sizeof(struct doctor_opts),
	.run = run,
};
