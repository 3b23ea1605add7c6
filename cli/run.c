#include "cli/run_deps.h"

#include <stdlib.h>
#include <string.h>

#include "base/fs.h"

static int do_plan(struct ap_run *r, struct ap_err *err)
{
	if (!r->ask.has_image)
		return 0;
	if (ap_plan_make(&r->plan, &r->ask.image, r->progress, err) < 0)
		return -1;
	for (size_t i = 0; i < r->plan.deps.notes.n; i++)
		ap_emit_note(r->progress, AP_STEP_PLAN, "%s", r->plan.deps.notes.v[i]);
	r->image_uri = ap_ref_with_tag(&r->ask.dest, r->plan.tag);
	return 0;
}

static int do_spec(struct ap_run *r, struct ap_err *err)
{
	return r->ask.job ? ap_jobspec_body(&r->body, r->ask.job, r->image_uri, err) : 0;
}

static const struct {
	unsigned bit;
	const char *name;
	int (*fn)(struct ap_run *r, struct ap_err *err);
} stages_in_order[] = {
	{ AP_DO_PLAN, "plan", do_plan },
	{ AP_DO_LOOK, "look", ap_run_look },
	{ AP_DO_RESOLVE, "resolve", ap_run_resolve },
	{ AP_DO_LAYERS, "layers", ap_run_layers },
	{ AP_DO_IMAGE, "image", ap_run_image },
	{ AP_DO_PUSH, "push", ap_run_push },
	{ AP_DO_ATTEST, "attest", ap_run_attest },
	{ AP_DO_SPEC, "spec", do_spec },
	/* by the command: what kind of job is its affair */
	{ AP_DO_SUBMIT, "submit", NULL },
};

const char *ap_run_stage(const struct ap_run *r, size_t i)
{
	if (i >= AP_LEN(stages_in_order))
		return NULL;
	return r->done & stages_in_order[i].bit ? stages_in_order[i].name : "";
}

static size_t number_of(unsigned bit)
{
	size_t i = 0;

	while (stages_in_order[i].bit != bit)
		i++;
	return i;
}

void ap_run_begin(struct ap_run *r, unsigned bit)
{
	const char *name = stages_in_order[number_of(bit)].name;

	ap_cost_begin(&r->costs[number_of(bit)], r->world->http);
	ap_emit(r->progress, &(struct ap_event){ .kind = AP_EV_STAGE, .note = name });
}

void ap_run_end(struct ap_run *r, unsigned bit)
{
	ap_cost_end(&r->costs[number_of(bit)], r->world->http);
	ap_emit(r->progress, &(struct ap_event){ .kind = AP_EV_STAGE });
	r->done |= bit;
}

int ap_run(struct ap_run *r, unsigned stages, struct ap_err *err)
{
	for (size_t i = 0; i < AP_LEN(stages_in_order); i++) {
		unsigned bit = stages_in_order[i].bit;

		if (!stages_in_order[i].fn || !(stages & bit & ~r->needless))
			continue;
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "stopped by a signal");
		ap_run_begin(r, bit);
		if (stages_in_order[i].fn(r, err) < 0)
			return -1;
		ap_run_end(r, bit);
	}
	return 0;
}

unsigned ap_run_stages(const char *dry_run, unsigned otherwise)
{
	if (!dry_run)
		return otherwise;
	if (strcmp(dry_run, "check") == 0)
		return AP_RUN_CHECK;
	return strcmp(dry_run, "pushed") == 0 ? AP_RUN_PUSHED : AP_RUN_PLAN;
}

void ap_run_init(struct ap_run *r, struct ap_world *w)
{
	memset(r, 0, sizeof(*r));
	r->world = w;
	r->progress = &w->display->progress;
	r->cache_fd = -1;
	ap_buf_init(&r->there_body, 4 << 20);
	ap_buf_init(&r->named_body, 4 << 20);
}

void ap_run_release(struct ap_run *r)
{
	struct ap_err ignored = AP_ERR_INIT;

	ap_push_free(r->push);
	ap_image_release(&r->image);
	for (size_t i = 0; i < r->n_layers; i++)
		ap_layer_release(&r->layers[i]);
	free(r->layers);
	free(r->keys);
	free(r->layer_of);
	ap_signer_free(r->ask.key);
	ap_inventory_free(r->ask.inventory);
	ap_sink_free(r->cache_sink);
	ap_strv_release(&r->entrypoint);
	ap_strv_release(&r->labels);
	ap_run_deps_release(r);
	ap_base_release(&r->base);
	ap_descriptor_release(&r->there);
	ap_buf_release(&r->there_body);
	ap_descriptor_release(&r->named);
	ap_buf_release(&r->named_body);
	ap_sink_free(r->sink);
	ap_source_free(r->source);
	ap_plan_release(&r->plan);
	ap_image_request_release(&r->ask.image);
	ap_ref_release(&r->ask.dest);
	ap_ref_release(&r->ask.cache);
	ap_jobspec_free(r->ask.job);
	ap_job_release(&r->submitted);
	ap_vertex_free(r->vertex);
	cJSON_Delete(r->body);
	if (r->scratch && ap_fs_remove_tree(r->scratch, &ignored) < 0)
		ap_err_clear(&ignored);
	free(r->scratch);
	ap_close_p(&r->cache_fd);
	free(r->image_uri);
	memset(r, 0, sizeof(*r));
}
