#include "vertex/jobspec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vertex/api.h"
#include "vertex/config.h"
#include "vertex/explain.h"
#include "vertex/job_flags.h"
#include "vertex/machine.h"
#include "vertex/worker_pool.h"

struct ap_jobspec {
	enum ap_job_kind kind;
	cJSON *body;
	cJSON *spec; /* the CustomJobSpec within body; borrowed */
	struct ap_worker_words words;
	struct ap_job_pool image;
	struct ap_yaml *file; /* as read; NULL: none */
	bool file_is_spec;    /* the file is the CustomJobSpec alone */
	char *file_name;
	struct ap_strv flags; /* ap_job_flags_apply() */
	struct ap_strv warnings;
	char *version;
};

static const struct {
	const char *message, *spec, *definition;
} kinds[] = {
	[AP_JOB_CUSTOM] = { "CustomJob", "jobSpec", NULL },
	[AP_JOB_TUNING] = { "HyperparameterTuningJob", "trialJobSpec", NULL },
	[AP_JOB_TRAINING] = { "TrainingPipeline", "trainingTaskInputs",
		"gs://google-cloud-aiplatform/schema/trainingjob/definition/custom_task_1.0.0.yaml" },
};

static const struct ap_config_typed typed_inputs[] = { { "trainingTaskInputs", "CustomJobSpec" },
	{ NULL, NULL } };

void ap_job_request_init(struct ap_job_request *r)
{
	*r = (struct ap_job_request){ .enable_web_access = -1,
		.enable_dashboard_access = -1,
		.restart_on_worker_restart = -1 };
}

void ap_job_request_release(struct ap_job_request *r)
{
	cJSON_Delete(r->top);
	free(r->display_name);
	free(r->region);
	free(r->project);
	ap_strv_release(&r->worker_pool_specs);
	free(r->config_file);
	free(r->config_text);
	ap_strv_release(&r->args);
	ap_strv_release(&r->command);
	ap_strv_release(&r->python_package_uris);
	ap_strv_release(&r->labels);
	free(r->service_account);
	free(r->network);
	free(r->persistent_resource_id);
	ap_kms_release(&r->kms);
	free(r->timeout);
	free(r->strategy);
	free(r->base_output_dir);
	ap_job_request_init(r);
}

static void pool_release(struct ap_job_pool *p)
{
	free(p->executor_image_uri);
	free(p->local_package_path);
	free(p->script);
	free(p->python_module);
	ap_strv_release(&p->requirements);
	ap_strv_release(&p->extra_packages);
	ap_strv_release(&p->extra_dirs);
	free(p->output_image_uri);
}

void ap_jobspec_free(struct ap_jobspec *s)
{
	if (!s)
		return;
	cJSON_Delete(s->body);
	ap_worker_words_release(&s->words);
	pool_release(&s->image);
	ap_yaml_free(s->file);
	free(s->file_name);
	ap_strv_release(&s->flags);
	ap_strv_release(&s->warnings);
	free(s->version);
	free(s);
}

void ap_jobspec_freep(struct ap_jobspec **s)
{
	ap_jobspec_free(*s);
	*s = NULL;
}

/* Does the file hold the whole resource, or the CustomJobSpec alone? */
static bool is_whole(const struct ap_yaml *y, const char *spec)
{
	const struct ap_schema_message *m = ap_schema_message("CustomJobSpec");

	if (y->kind != AP_YAML_MAP)
		return false;
	for (size_t i = 0; i < y->n; i++) {
		const char *key = y->keys[i]->text;

		if (ap_config_locate(y, spec) || strcmp(key, "displayName") == 0 ||
			strcmp(key, "display_name") == 0)
			return true;
		if (ap_schema_field(m, key))
			return false;
	}
	return false;
}

static int read_file(struct ap_jobspec *s, const struct ap_job_request *req, struct ap_err *err)
{
	const char *name = ap_config_name(req->config_file);
	struct ap_config_opts opts = { .file = name,
		.typed = s->kind == AP_JOB_TRAINING ? typed_inputs : NULL };
	cJSON *read = NULL;

	s->file_name = ap_xstrdup(name);
	if (!*name)
		return ap_err_set(err, AP_E_USAGE, "--config: want the name of a file");
	if (ap_config_load(&s->file, name, req->config_text ? req->config_text : "", err) < 0)
		return -1;
	if (!s->file)
		return ap_err_set(err, AP_E_INPUT, "%s: empty; want a %s", name,
			s->kind == AP_JOB_CUSTOM ? "CustomJobSpec" : kinds[s->kind].message);
	s->file_is_spec = s->kind == AP_JOB_CUSTOM && !is_whole(s->file, "jobSpec");
	if (ap_config_check(&read, &s->warnings, s->file,
		    ap_schema_message(s->file_is_spec ? "CustomJobSpec" : kinds[s->kind].message),
		    &opts, err) < 0)
		return -1;
	if (s->file_is_spec) {
		ap_json_set(s->body, kinds[s->kind].spec, read);
	} else {
		cJSON_Delete(s->body);
		s->body = read;
	}
	return 0;
}

/* "job_spec.worker_pool_specs" and "jobSpec.workerPoolSpecs" in one form: letters only, lower case. */
static void squeeze(struct ap_buf *out, const char *path)
{
	for (; *path; path++) {
		if (*path != '_')
			ap_buf_addc(out, ap_lower(*path));
	}
}

/* The path below the CustomJobSpec, when it leads there. */
static const char *below_spec(const struct ap_jobspec *s, const char *path)
{
	ap_auto_buf want = AP_BUF_INIT;
	ap_auto_buf have = AP_BUF_INIT;
	const char *dot = strchr(path, '.');

	squeeze(&want, kinds[s->kind].spec);
	squeeze(&have, path);
	if (!dot || !ap_starts_with(have.p, want.p) || have.p[want.len] != '.')
		return path;
	return dot + 1;
}

/* The same path in the file. */
static const char *in_file(const struct ap_jobspec *s, const char *path)
{
	return s->file_is_spec ? below_spec(s, path) : path;
}

/* An error about a field that only the file says: where it stands there. */
static int at_place(const struct ap_jobspec *s, const char *path, struct ap_err *err)
{
	return ap_config_at(s->file, s->file_name, in_file(s, path), err);
}

static int check_pools(struct ap_jobspec *s, const cJSON *pools, struct ap_err *err)
{
	ap_auto_free char *path = NULL;
	size_t bad = 0;

	if (ap_worker_pools_check(pools, &bad, &s->warnings, err) == 0)
		return 0;
	if (bad < s->words.n && s->words.v[bad].n)
		return -1;
	path = ap_xasprintf("%s.workerPoolSpecs[%zu]", kinds[s->kind].spec, bad);
	return at_place(s, path, err);
}

/* The pools: words over the file's, then what goes to all of them. */
static int apply_pools(struct ap_jobspec *s, const struct ap_job_request *req, struct ap_err *err)
{
	struct ap_worker_all all = { .args = &req->args,
		.command = &req->command,
		.package_uris = &req->python_package_uris };
	cJSON *pools = cJSON_GetObjectItemCaseSensitive(s->spec, "workerPoolSpecs");

	if (!pools)
		pools = ap_json_set_array(s->spec, "workerPoolSpecs");
	if (ap_worker_words_parse(&s->words, &req->worker_pool_specs,
		    (size_t)cJSON_GetArraySize(pools), err) < 0 ||
		ap_worker_pools_apply(pools, &s->words, &s->warnings, err) < 0 ||
		ap_worker_pools_all(pools, &all, s->words.packaged, &s->warnings, err) < 0)
		return -1;
	return check_pools(s, pools, err);
}

static int refuse_missing(const struct ap_jobspec *s, const char *path, struct ap_err *err)
{
	bool there = s->file && ap_config_locate(s->file, in_file(s, path));

	ap_err_set(err, AP_E_USAGE, "%s is missing", there ? in_file(s, path) : path);
	return at_place(s, path, err);
}

static int check_body(struct ap_jobspec *s, struct ap_err *err)
{
	const struct ap_schema_message *m = ap_schema_message(kinds[s->kind].message);
	const char *name = ap_json_str(s->body, "displayName");
	const char *network = ap_json_str(s->spec, "network");
	ap_auto_free char *missing = NULL;
	ap_auto_free char *path = NULL;
	unsigned version = ap_schema_version(m, s->body);

	if (!name)
		return ap_err_set(err, AP_E_USAGE, "--display-name: want a name for the job");
	if (ap_display_name_check(name, err) < 0)
		return ap_job_flags_said(&s->flags, "displayName")
			       ? -1
			       : at_place(s, "displayName", err);
	if (ap_labels_check(s->body, err) < 0)
		return at_place(s, "labels", err);
	if (network && ap_network_check(network, err) < 0) {
		path = ap_xasprintf("%s.network", kinds[s->kind].spec);
		return ap_job_flags_said(&s->flags, "network") ? -1 : at_place(s, path, err);
	}
	missing = ap_schema_missing(m, s->body);
	if (!missing && s->kind == AP_JOB_TRAINING) {
		missing = ap_schema_missing(ap_schema_message("CustomJobSpec"), s->spec);
		version = AP_MAX(
			version, ap_schema_version(ap_schema_message("CustomJobSpec"), s->spec));
	}
	if (missing)
		return refuse_missing(s, missing, err);
	s->version = ap_xstrdup(version == AP_SCHEMA_V1 ? "v1" : "v1beta1");
	return 0;
}

static char *dup_text(const struct ap_pool_spec *spec, const char *key)
{
	const char *text = ap_pool_text(spec, key);

	return text ? ap_xstrdup(text) : NULL;
}

static void copy_list(struct ap_strv *out, const struct ap_pool_spec *spec, const char *key)
{
	const struct ap_pool_word *w = ap_pool_word(spec, key);

	for (size_t i = 0; w && i < w->list.n; i++) {
		if (*w->list.v[i])
			ap_strv_add(out, w->list.v[i]);
	}
}

static void read_image(struct ap_job_pool *p, const struct ap_pool_spec *spec)
{
	const struct ap_pool_word *requirements = ap_pool_word(spec, "requirements");

	p->executor_image_uri = dup_text(spec, "executor-image-uri");
	p->local_package_path = dup_text(spec, "local-package-path");
	p->script = dup_text(spec, "script");
	p->python_module = dup_text(spec, "python-module");
	p->output_image_uri = dup_text(spec, "output-image-uri");
	if (requirements)
		ap_requirements_join(&p->requirements, &requirements->list);
	copy_list(&p->extra_packages, spec, "extra-packages");
	copy_list(&p->extra_dirs, spec, "extra-dirs");
}

static int parse(struct ap_jobspec *s, const struct ap_job_request *req, struct ap_err *err)
{
	const char *definition = kinds[s->kind].definition;

	s->body = ap_json_object();
	if (req->display_name)
		ap_json_set_str(s->body, "displayName", req->display_name);
	if (req->config_file && read_file(s, req, err) < 0)
		return -1;
	if (definition && !ap_json_get(s->body, "trainingTaskDefinition"))
		ap_json_set_str(s->body, "trainingTaskDefinition", definition);
	s->spec = ap_json_make_object(s->body, kinds[s->kind].spec);
	if (ap_job_flags_apply(s->body, s->spec, &s->flags, req, err) < 0 ||
		apply_pools(s, req, err) < 0 || check_body(s, err) < 0)
		return -1;
	if (s->words.packaged)
		read_image(&s->image, &s->words.v[0]);
	return 0;
}

int ap_jobspec_parse(struct ap_jobspec **out, const struct ap_job_request *req, struct ap_err *err)
{
	ap_auto_jobspec s = ap_xcalloc(1, sizeof(*s));

	s->kind = req->kind;
	if (parse(s, req, err) < 0)
		return -1;
	*out = AP_STEAL(s);
	return 0;
}

const struct ap_job_pool *ap_jobspec_image_pool(const struct ap_jobspec *s)
{
	return s->words.packaged ? &s->image : NULL;
}

int ap_jobspec_body(
	cJSON **out, const struct ap_jobspec *s, const char *image_uri, struct ap_err *err)
{
	ap_auto_json body = ap_json_dup(s->body);
	cJSON *spec = cJSON_GetObjectItemCaseSensitive(body, kinds[s->kind].spec);
	cJSON *pools = cJSON_GetObjectItemCaseSensitive(spec, "workerPoolSpecs");

	if (s->words.packaged && (!image_uri || !*image_uri))
		return ap_err_set(err, AP_E_USAGE, "the packaged code has no image yet");
	for (cJSON *p = pools->child; s->words.packaged && p; p = p->next) {
		cJSON *c = cJSON_GetObjectItemCaseSensitive(p, "containerSpec");

		if (ap_streq(ap_json_str(c, "imageUri"), ""))
			ap_json_set(c, "imageUri", ap_json_string(image_uri));
	}
	*out = AP_STEAL(body);
	return 0;
}

const char *ap_jobspec_version(const struct ap_jobspec *s)
{
	return s->version;
}

const char *ap_jobspec_display_name(const struct ap_jobspec *s)
{
	return ap_json_str(s->body, "displayName");
}

const struct ap_strv *ap_jobspec_warnings(const struct ap_jobspec *s)
{
	return &s->warnings;
}

const cJSON *ap_jobspec_spec(const struct ap_jobspec *s)
{
	return s->spec;
}

cJSON *ap_jobspec_pools(struct ap_jobspec *s)
{
	return cJSON_GetObjectItemCaseSensitive(s->spec, "workerPoolSpecs");
}

static char *where_snake(const void *ctx, const char *path)
{
	const struct ap_jobspec *s = ctx;
	const char *below = below_spec(s, path);
	size_t i = 0;
	char *flag;

	if (ap_starts_with(below, "worker_pool_specs[")) {
		const char *rest = strchr(below, '.');
		const char *key = rest ? ap_worker_key_of(rest + 1) : NULL;

		i = (size_t)strtoul(below + strlen("worker_pool_specs["), NULL, 10);
		if (i < s->words.n && key) {
			if (strcmp(key, "container-image-uri") == 0 && s->words.packaged)
				key = "output-image-uri";
			if (ap_pool_word(&s->words.v[i], key))
				return ap_xasprintf("%s %s", s->words.flag[i], key);
		}
	}
	flag = ap_job_flags_who(&s->flags, below);
	if (flag)
		return flag;
	return ap_config_where(s->file, s->file_name, in_file(s, path));
}

char *ap_jobspec_where(const struct ap_jobspec *s, const char *path)
{
	ap_auto_free char *snake = ap_explain_path(kinds[s->kind].message, path);

	return where_snake(s, snake);
}

void ap_jobspec_explain(const struct ap_jobspec *s, struct ap_err *err)
{
	ap_explain(err, kinds[s->kind].message, where_snake, s);
}
