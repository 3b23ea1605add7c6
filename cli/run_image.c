/* Stages image and push, and the files that tell what was made. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/outfile.h"
#include "cli/run_deps.h"
#include "pack/remote_inventory.h"

int ap_run_image(struct ap_run *r, struct ap_err *err)
{
	struct ap_image_opts o = {
		.labels = &r->labels,
		.entrypoint = &r->entrypoint,
		.env = &r->plan.env,
		.epoch = r->plan.epoch,
		.oci = r->ask.dest.transport == AP_OCI || r->ask.dest.transport == AP_OCI_ARCHIVE,
	};

	if (!r->ask.has_image)
		return 0;
	if (ap_image_assemble(&r->image, &r->base, r->layers, r->n_layers, &o, err) < 0)
		return -1;
	r->digest = r->image.manifest.digest;
	return 0;
}

/* A registry has the request tag as well; a directory or file only the name that was asked for. */
static void names(struct ap_strv *out, const struct ap_run *r)
{
	if (r->ask.dest.transport == AP_DOCKER)
		ap_strv_add(out, r->plan.tag);
	if (r->ask.dest.tag)
		ap_strv_add(out, r->ask.dest.tag);
	else if (r->ask.dest.transport != AP_DOCKER)
		ap_strv_add(out, "latest");
}

static int put_second_name(struct ap_run *r, struct ap_err *err)
{
	struct ap_sink *s = r->sink;

	if (r->name_is_right)
		return 0;
	if (s->ops->put_manifest(s, &r->there, r->there_body.p, r->ask.dest.tag, err) < 0)
		return -1;
	return ap_sink_finish(s, err);
}

struct publishing {
	struct ap_run *run;
	size_t i;
};

/* Not to be able to is no failure of the image, which is there already. */
static int publish_record(void *arg, struct ap_err *err)
{
	const struct publishing *p = arg;
	struct ap_run *r = p->run;
	struct ap_remote_cache c = ap_run_remote_cache(r);

	if (ap_remote_cache_put(&c, &r->keys[p->i], &r->layers[p->i], &r->sink->ref, err) == 0)
		return 0;
	if (err->code == AP_E_CANCELLED)
		return -1;
	ap_emit_debug(r->progress, AP_STEP_UPLOAD, "no record of \"%s\": %s", r->layers[p->i].title,
		err->msg);
	ap_err_clear(err);
	return 0;
}

/* Records of the layers made here, for other machines. */
static int publish_records(struct ap_run *r, struct ap_err *err)
{
	struct publishing *jobs = ap_xcalloc(r->n_layers + 1, sizeof(*jobs));
	struct ap_pool *pool = NULL;
	unsigned first = 0;
	int rc = 0;

	ap_pool_new(&pool, 4);
	for (size_t i = 0; i < r->n_layers && rc == 0; i++) {
		jobs[i] = (struct publishing){ r, i };
		if (!r->keys[i].s[0])
			continue;
		ap_pool_submit(pool, publish_record, &jobs[i]);
		/* They share an empty blob, and a registry may stumble over two who put it at once. */
		if (!first++)
			rc = ap_pool_wait(pool, err);
	}
	if (rc == 0)
		rc = ap_pool_wait(pool, err);
	ap_pool_free(pool);
	free(jobs);
	return rc;
}

static int publish_inventory(struct ap_run *r, struct ap_err *err)
{
	struct ap_remote_cache c = ap_run_remote_cache(r);

	for (size_t i = 0; i < r->base.n_layers && r->inventory_is_new; i++) {
		if (ap_remote_inventory_put(&c, r->ask.cache_dir, &r->base.layers[i], err) == 0)
			continue;
		if (err->code == AP_E_CANCELLED)
			return -1;
		ap_emit_debug(r->progress, AP_STEP_UPLOAD, "%s", err->msg);
		ap_err_clear(err);
	}
	return 0;
}

int ap_run_push(struct ap_run *r, struct ap_err *err)
{
	ap_auto_strv tags = { 0 };

	if (!r->ask.has_image)
		return 0;
	names(&tags, r);
	if (r->was_there && put_second_name(r, err) < 0)
		return ap_err_wrap(err, "push %s", r->image_uri);
	if (!r->was_there && ap_push_finish(&r->stats, r->push, &r->image, &tags, err) < 0)
		return -1;
	free(r->image_uri);
	r->image_uri = ap_ref_with_digest(&r->ask.dest, &r->digest);
	if (r->ask.remote_cache && r->keys && publish_records(r, err) < 0)
		return -1;
	return publish_inventory(r, err);
}

static void add_layers(cJSON *j, const struct ap_run *r)
{
	cJSON *list = ap_json_set_array(j, "layers");

	for (size_t i = 0; i < r->n_layers; i++) {
		cJSON *one = ap_json_object();

		ap_json_set_str(one, "title", r->layers[i].title);
		ap_json_set_str(one, "digest", r->layers[i].desc.digest.s);
		ap_json_set(one, "size", ap_json_number((double)r->layers[i].desc.size));
		ap_json_push(list, one);
	}
}

cJSON *ap_run_metadata(const struct ap_run *r)
{
	cJSON *j = ap_json_object();

	if (r->ask.has_image) {
		cJSON *base = NULL;

		ap_json_set_str(j, "image", r->image_uri);
		if (r->digest.s[0])
			ap_json_set_str(j, "digest", r->digest.s);
		ap_json_set_str(j, "tag", r->plan.tag);
		base = ap_json_set_object(j, "base");
		ap_json_set_str(base, "name", r->ask.image.executor_image);
		if (r->base.manifest.digest.s[0])
			ap_json_set_str(base, "digest", r->base.manifest.digest.s);
	}
	if (r->done & AP_DO_PUSH) {
		add_layers(j, r);
		ap_json_set(j, "alreadyThere", ap_json_bool(r->was_there));
		ap_json_set(j, "sentBytes", ap_json_number((double)r->stats.sent_bytes));
		ap_json_set(j, "totalBytes", ap_json_number((double)r->stats.total_bytes));
	}
	if (r->submitted.name)
		ap_json_set_str(j, "job", r->submitted.name);
	return j;
}

int ap_run_write_files(const struct ap_run *r, struct ap_err *err)
{
	const struct ap_pack_opts *p = r->ask.pack;

	if (p->digest_file && r->digest.s[0]) {
		ap_auto_free char *line = ap_xasprintf("%s\n", r->digest.s);

		if (ap_outfile_write("--digest-file", p->digest_file, line, strlen(line), err) < 0)
			return -1;
	}
	if (p->lock_out && (r->done & AP_DO_RESOLVE) &&
		ap_run_deps_write_lock(r, p->lock_out, err) < 0)
		return -1;
	if (p->metadata_file) {
		ap_auto_buf text = AP_BUF_INIT;
		ap_auto_json j = ap_run_metadata(r);

		ap_json_print(&text, j, AP_JSON_PRETTY);
		return ap_outfile_write("--metadata-file", p->metadata_file, text.p, text.len, err);
	}
	return 0;
}
