/* Stages look and resolve: the base, what it holds, what to add, and whether all is there already. */
#include <stdlib.h>
#include <string.h>

#include "cli/cache_use.h"
#include "cli/run_deps.h"

#define LABEL_LOCK_DIGEST "dev.autopack.lock.digest"

static int open_sink(struct ap_run *r, struct ap_err *err)
{
	if (r->sink)
		return 0;
	r->world->login_host = r->ask.dest.registry;
	return ap_world_sink(&r->sink, r->world, &r->ask.dest, err);
}

static int open_cache_repository(struct ap_run *r, struct ap_err *err)
{
	if (!r->ask.cache.registry || !r->ask.remote_cache)
		return 0;
	if (ap_world_sink(&r->cache_sink, r->world, &r->ask.cache, err) < 0)
		return ap_err_wrap(err, "--cache-repository");
	return 0;
}

static int job_base(void *arg, struct ap_err *err)
{
	struct ap_run *r = arg;

	if (ap_base_load(&r->base, r->source, r->ask.image.platform, err) < 0)
		return ap_err_wrap(err, "executor image");
	if (ap_base_has_onbuild(&r->base))
		ap_emit_warn(r->progress, AP_STEP_BASE,
			"the executor image has ONBUILD instructions: they are not run, as no "
			"program of it is");
	return 0;
}

static int preflight(struct ap_run *r, struct ap_err *err)
{
	return r->sink->ops->preflight ? r->sink->ops->preflight(r->sink, err) : 0;
}

/* The manifest of a name in the destination; one that is not there, or cannot be read, is no error. */
static int look_for(struct ap_run *r, const char *tag, struct ap_descriptor *d, struct ap_buf *body,
	struct ap_err *err)
{
	if (!r->sink->ops->get_manifest)
		return 0;
	if (r->sink->ops->get_manifest(r->sink, tag, d, body, err) == 0)
		return 0;
	if (err->code == AP_E_CANCELLED)
		return -1;
	/* Whatever else keeps us from reading it will be said when we write. */
	ap_emit_debug(r->progress, AP_STEP_MANIFEST, "%s", err->msg);
	ap_err_clear(err);
	ap_descriptor_release(d);
	ap_buf_reset(body);
	return 0;
}

/* Is it there?  If not, may we push? */
static int job_there(void *arg, struct ap_err *err)
{
	struct ap_run *r = arg;

	if (look_for(r, r->plan.tag, &r->there, &r->there_body, err) < 0)
		return -1;
	return r->there.digest.s[0] ? 0 : preflight(r, err);
}

/* What the second name is of now: most of it will be the new image's, too. */
static int job_named(void *arg, struct ap_err *err)
{
	struct ap_run *r = arg;

	return look_for(r, r->ask.dest.tag, &r->named, &r->named_body, err);
}

/* The job's credentials are of use at the end: better missed before anything is built. */
static int job_credentials(void *arg, struct ap_err *err)
{
	struct ap_run *r = arg;
	char *token = NULL;

	if (ap_gcp_token(ap_world_gcp(r->world), 0, &token, err) < 0)
		return -1;
	explicit_bzero(token, strlen(token));
	free(token);
	return 0;
}

static void set_label(struct ap_run *r, const char *name, const char *value)
{
	ap_strv_addf(&r->labels, "%s=%s", name, value);
}

static void make_labels(struct ap_run *r)
{
	const struct ap_base *b = &r->base;

	ap_strv_copy(&r->labels, &r->plan.labels);
	set_label(r, AP_LABEL_BASE_DIGEST, b->index.s[0] ? b->index.s : b->manifest.digest.s);
	if (b->ref.transport == AP_DOCKER) {
		ap_auto_free char *name = NULL;
		struct ap_ref plain;

		ap_ref_copy(&plain, &b->ref);
		name = plain.tag ? ap_ref_with_tag(&b->ref, plain.tag) : ap_ref_name(&b->ref);
		ap_ref_release(&plain);
		set_label(r, AP_LABEL_BASE_NAME, name);
	}
	if (r->plan.deps.any) {
		struct ap_digest d;

		ap_run_deps_digest(&d, r);
		set_label(r, LABEL_LOCK_DIGEST, d.s);
	}
	ap_strv_sort(&r->labels);
}

/* Has the image there exactly our labels?  They name base, lock and revision. */
static bool same_labels(const struct ap_run *r, const cJSON *config)
{
	const cJSON *inner = ap_json_get(config, "config");
	const cJSON *have = inner ? ap_json_get(inner, "Labels") : NULL;

	for (size_t i = 0; i < r->labels.n; i++) {
		const char *eq = strchr(r->labels.v[i], '=');
		ap_auto_free char *name =
			ap_xstrndup(r->labels.v[i], (size_t)(eq - r->labels.v[i]));
		const char *value = have ? ap_json_str(have, name) : NULL;

		if (!value || strcmp(value, eq + 1) != 0)
			return false;
	}
	return true;
}

/* The configuration of what was found under the request tag; *same false when it cannot be read. */
static void compare_there(struct ap_run *r, bool *same)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_descriptor config = { 0 };
	ap_auto_json manifest = NULL;
	ap_auto_json j = NULL;
	ap_auto_buf text = AP_BUF_MAX(8 << 20);

	*same = false;
	if (ap_json_parse(&manifest, r->there_body.p, r->there_body.len, &err) < 0 ||
		ap_descriptor_from_json(&config, ap_json_get(manifest, "config"), &err) < 0)
		return;
	if (r->sink->ops->get_blob(r->sink, &config, &text, &err) == 0 &&
		ap_json_parse(&j, text.p, text.len, &err) == 0)
		*same = same_labels(r, j);
	ap_descriptor_release(&config);
}

static int use_what_is_there(struct ap_run *r, struct ap_err *err)
{
	bool same;

	if (!r->there.digest.s[0])
		return 0;
	compare_there(r, &same);
	r->name_is_right = !r->ask.dest.tag || ap_digest_eq(&r->named.digest, &r->there.digest);
	/* Nobody was asked whether we may push, since there seemed to be nothing to do. */
	if ((!same || !r->name_is_right || ap_run_attaches(r)) && preflight(r, err) < 0)
		return -1;
	if (!same || ap_run_wants_bom(r))
		return 0;
	ap_emit(r->progress, &(struct ap_event){ .step = AP_STEP_MANIFEST,
				     .kind = AP_EV_SKIP,
				     .id = r->there.digest.s,
				     .note = "already there, made of the same inputs" });
	r->was_there = true;
	r->digest = r->there.digest;
	r->needless |= AP_DO_LAYERS | AP_DO_IMAGE;
	return 0;
}

int ap_run_resolve(struct ap_run *r, struct ap_err *err)
{
	struct ap_ref ref = { 0 };
	struct ap_pool *pool = NULL;
	int rc;

	if (!r->ask.has_image)
		return 0;
	ap_cache_share(&r->cache_fd, r->ask.cache_dir);
	/* Code alone needs no place to work in. */
	if (r->cache_fd < 0 && r->plan.deps.any) {
		if (ap_cache_scratch(&r->scratch, r->ask.cache_dir, r->progress, err) < 0)
			return -1;
		r->ask.cache_dir = r->scratch;
	}
	if (ap_ref_parse(&ref, r->ask.image.executor_image, err) < 0)
		return -1;
	rc = ap_world_source(&r->source, r->world, &ref, err);
	ap_ref_release(&ref);
	if (rc < 0 || open_sink(r, err) < 0 || open_cache_repository(r, err) < 0)
		return -1;
	ap_pool_new(&pool, 4);
	ap_pool_submit(pool, job_there, r);
	ap_pool_submit(pool, job_base, r);
	if (r->ask.dest.transport == AP_DOCKER && r->ask.dest.tag)
		ap_pool_submit(pool, job_named, r);
	if (r->ask.job && !r->ask.pack->dry_run)
		ap_pool_submit(pool, job_credentials, r);
	rc = ap_pool_wait(pool, err);
	ap_pool_free(pool);
	if (rc < 0)
		return -1;
	ap_strv_copy(&r->entrypoint, &r->plan.entrypoint);
	if (r->plan.deps.any && ap_run_deps_resolve(r, err) < 0)
		return -1;
	make_labels(r);
	return use_what_is_there(r, err);
}

int ap_run_look(struct ap_run *r, struct ap_err *err)
{
	if (!r->ask.has_image)
		return 0;
	if (open_sink(r, err) < 0)
		return -1;
	if (r->sink->ops->get_manifest(r->sink, r->plan.tag, &r->there, &r->there_body, err) < 0) {
		if (err->code != AP_E_NOT_FOUND)
			return -1;
		ap_err_clear(err);
		return ap_err_set(err, AP_E_NOT_FOUND,
			"%s is not there: leave out --dry-run=pushed, or push it with \"autopack build\" first",
			r->image_uri);
	}
	r->digest = r->there.digest;
	free(r->image_uri);
	r->image_uri = ap_ref_with_digest(&r->ask.dest, &r->digest);
	return 0;
}
