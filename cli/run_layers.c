/* Stage layers: whiteouts, wheels, extra directories, code; each is sent while the next is made. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/run_deps.h"
#include "pack/gzip.h"
#include "pack/layer_key.h"
#include "pack/tar.h"

enum {
	RECORD_FROM = 256 << 10, /* smaller local layers are made as fast as they are looked up */
	LOOKS = 8,               /* at a time */
};

static const char *media_type(const struct ap_run *r)
{
	return ap_layer_media_type((int)r->ask.image.compression, r->base.docker);
}

struct ap_remote_cache ap_run_remote_cache(const struct ap_run *r)
{
	return (struct ap_remote_cache){
		.sink = !r->ask.remote_cache ? NULL
			: r->cache_sink      ? r->cache_sink
					     : r->sink,
		.secret = r->world->env->cache_key,
	};
}

int ap_slot_look(void *arg, struct ap_err *err)
{
	struct ap_slot *s = arg;
	struct ap_run *r = s->run;
	struct ap_remote_cache c = ap_run_remote_cache(r);

	if (s->local)
		c.sink = NULL;
	if (!s->has_key)
		return 0;
	if (r->ask.pack->verify_cache) {
		if (!ap_cache_get(&s->record, r->ask.cache_dir, &s->key))
			(void)ap_remote_cache_get(&s->record, &c, &s->key);
		return 0;
	}
	if (ap_layer_known(s->out, &s->known, r->ask.cache_dir, &c, r->sink, &s->key, s->title,
		    media_type(r), err) < 0)
		return -1;
	if (s->known)
		ap_emit(r->progress, &(struct ap_event){ .step = AP_STEP_LAYER,
					     .kind = AP_EV_SKIP,
					     .id = s->title,
					     .note = "known, and there already" });
	return 0;
}

static int make(struct ap_slot *s, struct ap_err *err)
{
	struct ap_run *r = s->run;
	struct ap_layer_opts o = {
		.epoch = r->plan.epoch,
		.compression = (int)r->ask.image.compression,
		.level = s->local ? AP_GZIP_LEVEL_LOCAL : AP_GZIP_LEVEL,
		.docker = r->base.docker,
		.spool_dir = r->ask.cache_dir,
		.pool = s->pool,
		.progress = r->progress,
	};

	if (ap_push_failed(r->push))
		return ap_err_set(err, AP_E_CANCELLED, "an upload failed");
	if (ap_layer_make(s->out, s->part ? s->part : &s->tree, s->title, &o, err) < 0)
		return -1;
	s->made = true;
	return 0;
}

static int compare_with_record(const struct ap_slot *s, struct ap_err *err)
{
	if (!s->record.digest.s[0] || ap_digest_eq(&s->record.digest, &s->out->desc.digest))
		return 0;
	return ap_err_set(err, AP_E_DIGEST,
		"layer \"%s\": the cache's record says %s, what was made is %s", s->title,
		s->record.digest.s, s->out->desc.digest.s);
}

/* A cache that cannot be written costs time the next time, no more. */
static void keep_record(const struct ap_slot *s)
{
	struct ap_run *r = s->run;
	struct ap_err err = AP_ERR_INIT;
	struct ap_cache_record record = {
		.digest = s->out->desc.digest,
		.diff_id = s->out->diff_id,
		.size = s->out->desc.size,
	};

	if (!s->has_key || !r->ask.cache_dir)
		return;
	if (ap_cache_put(r->ask.cache_dir, &s->key, &record, &err) < 0)
		ap_emit_debug(
			r->progress, AP_STEP_LAYER, "no record of \"%s\": %s", s->title, err.msg);
}

int ap_slot_make(void *arg, struct ap_err *err)
{
	struct ap_slot *s = arg;

	if (make(s, err) < 0 || compare_with_record(s, err) < 0)
		return -1;
	keep_record(s);
	ap_push_layer(s->run->push, s->out);
	return 0;
}

int ap_slot_whiteouts(struct ap_slot *s, const struct ap_strv *removed, struct ap_err *err)
{
	ap_auto_strv paths = { 0 };

	ap_strv_copy(&paths, &s->run->plan.whiteouts);
	ap_strv_copy(&paths, removed);
	ap_strv_sort(&paths);
	return ap_layer_whiteouts(&s->tree, &paths, err);
}

static struct ap_slot *slots_new(struct ap_run *r, size_t n, struct ap_pool *pool)
{
	struct ap_slot *slots = ap_xcalloc(n + 1, sizeof(*slots));

	r->layers = ap_xcalloc(n + 1, sizeof(*r->layers));
	r->n_layers = n;
	for (size_t i = 0; i < n; i++) {
		slots[i].run = r;
		slots[i].out = &r->layers[i];
		slots[i].pool = pool;
	}
	return slots;
}

static void slots_free(struct ap_slot *slots, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		ap_tree_release(&slots[i].tree);
		free(slots[i].title);
	}
	free(slots);
}

static uint64_t bytes_of(const struct ap_tree *t)
{
	uint64_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += AP_TAR_BLOCK + t->v[i].size;
	return n;
}

/* Is it in the destination as it was made the last time?  Else make it; a job, arg: the slot. */
static int look_or_make(void *arg, struct ap_err *err)
{
	struct ap_slot *s = arg;

	if (ap_slot_look(s, err) < 0)
		return -1;
	if (!s->known)
		ap_pool_submit(s->pool, ap_slot_make, s);
	return 0;
}

/* Big parts are looked up first, where this machine made them before: *looks, NULL when none was. */
static void begin_parts(
	struct ap_run *r, struct ap_slot *slots, struct ap_pool *pool, struct ap_pool **looks)
{
	for (size_t i = 0; i < r->plan.n_parts; i++) {
		const struct ap_plan_part *part = &r->plan.parts[i];
		struct ap_slot *s = &slots[i];
		struct ap_cache_record known;

		s->title = ap_xstrdup(part->title);
		s->part = &part->tree;
		s->local = true;
		s->has_key = part->settled && bytes_of(&part->tree) >= RECORD_FROM;
		if (s->has_key)
			ap_layer_key_local(&s->key, &part->content, (int)r->ask.image.compression,
				r->plan.epoch);
		if (!s->has_key || !ap_cache_get(&known, r->ask.cache_dir, &s->key)) {
			ap_pool_submit(pool, ap_slot_make, s);
			continue;
		}
		if (!*looks)
			ap_pool_new(looks, LOOKS);
		ap_pool_submit(*looks, look_or_make, s);
	}
}

/* Layers that were made here become known to other machines once they are pushed. */
static void note_made(struct ap_run *r, const struct ap_slot *slots, size_t n)
{
	r->keys = ap_xcalloc(n + 1, sizeof(*r->keys));
	for (size_t i = 0; i < n; i++)
		if (slots[i].has_key && slots[i].made && !slots[i].local)
			r->keys[i] = slots[i].key;
}

static int begin_removed(struct ap_slot *s, struct ap_err *err)
{
	s->title = ap_xstrdup("removed");
	if (ap_slot_whiteouts(s, &(struct ap_strv){ 0 }, err) < 0)
		return -1;
	ap_pool_submit(s->pool, ap_slot_make, s);
	return 0;
}

/* Of several failures the first one counts; rc: what there was before. */
static int wait_for(struct ap_pool *pool, int rc, struct ap_err *err)
{
	struct ap_err late = AP_ERR_INIT;

	return pool && ap_pool_wait(pool, rc < 0 ? &late : err) < 0 ? -1 : rc;
}

static void begin_push(struct ap_run *r)
{
	ap_push_begin(&r->push, &r->base, r->source, r->sink, &r->named_body, r->progress);
}

static int fill(struct ap_run *r, struct ap_wheels *wheels, struct ap_slot *slots, size_t n,
	struct ap_pool *pool, struct ap_pool **looks, struct ap_err *err)
{
	if (wheels && ap_wheels_ready(wheels, slots, err) < 0)
		return -1;
	if (!r->push)
		begin_push(r);
	begin_parts(r, slots + n, pool, looks);
	if (wheels)
		return ap_wheels_fill(wheels, slots, err);
	return n ? begin_removed(&slots[0], err) : 0;
}

int ap_run_layers(struct ap_run *r, struct ap_err *err)
{
	struct ap_wheels *wheels = NULL;
	struct ap_pool *pool = NULL;
	struct ap_pool *looks = NULL;
	struct ap_slot *slots;
	size_t n = r->plan.whiteouts.n ? 1 : 0;
	int rc;

	if (!r->ask.has_image)
		return 0;
	/* What --compile needs is not known to be there yet: nothing is sent before. */
	if (!r->ask.image.compile)
		begin_push(r);
	if (r->plan.deps.any && ap_wheels_plan(&wheels, &n, r, err) < 0)
		return -1;
	ap_pool_new(&pool, 0);
	slots = slots_new(r, n + r->plan.n_parts, pool);
	rc = fill(r, wheels, slots, n, pool, &looks, err);
	/* Wait even after a failure: jobs look at the slots. */
	rc = wait_for(looks, rc, err);
	rc = wait_for(pool, rc, err);
	if (rc == 0)
		note_made(r, slots, r->n_layers);
	ap_pool_free(looks);
	ap_pool_free(pool);
	ap_wheels_free(wheels);
	slots_free(slots, r->n_layers);
	return rc;
}
