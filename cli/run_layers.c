/* Stage layers: whiteouts, wheels, extra directories, code; each is sent while the next is made. */
#include <stdlib.h>
#include <string.h>

#include "cli/run_deps.h"

/* A layer to be made; its place in the image is its place in the list. */
struct making {
	struct ap_run *run;
	struct ap_pool *pool;
	const char *title;          /* borrowed */
	const struct ap_tree *tree; /* borrowed */
	struct ap_layer *out;
};

static int make_layer(void *arg, struct ap_err *err)
{
	struct making *m = arg;
	struct ap_run *r = m->run;
	struct ap_layer_opts o = {
		.epoch = r->plan.epoch,
		.compression = (int)r->ask.image.compression,
		.docker = r->base.docker,
		.spool_dir = r->ask.cache_dir,
		.pool = m->pool,
		.progress = r->progress,
	};

	if (ap_push_failed(r->push))
		return ap_err_set(err, AP_E_CANCELLED, "an upload failed");
	if (ap_layer_make(m->out, m->tree, m->title, &o, err) < 0)
		return -1;
	ap_push_layer(r->push, m->out);
	return 0;
}

void ap_layer_list_release(struct ap_layer_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		ap_tree_release(&l->trees[i]);
		free(l->titles[i]);
	}
	free(l->trees);
	free(l->titles);
}

/* Takes tree. */
void ap_layer_list_add(struct ap_layer_list *l, const char *title, struct ap_tree *tree)
{
	if (!tree->n)
		return;
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 16;
		l->trees = ap_xreallocarray(l->trees, l->cap, sizeof(*l->trees));
		l->titles = ap_xreallocarray(l->titles, l->cap, sizeof(*l->titles));
	}
	l->trees[l->n] = *tree;
	l->titles[l->n++] = ap_xstrdup(title);
	*tree = (struct ap_tree){ 0 };
}

int ap_layer_list_whiteouts(struct ap_layer_list *l, struct ap_run *r,
	const struct ap_strv *removed, struct ap_err *err)
{
	ap_auto_strv paths = { 0 };
	ap_auto_tree tree = { 0 };

	ap_strv_copy(&paths, &r->plan.whiteouts);
	ap_strv_copy(&paths, removed);
	ap_strv_sort(&paths);
	if (!paths.n)
		return 0;
	if (ap_layer_whiteouts(&tree, &paths, err) < 0)
		return -1;
	ap_layer_list_add(l, "replaced", &tree);
	return 0;
}

static int make_all(
	struct ap_run *r, const struct ap_layer_list *l, struct ap_pool *pool, struct ap_err *err)
{
	size_t n = l->n + r->plan.n_parts;
	struct making *jobs = ap_xcalloc(n + 1, sizeof(*jobs));
	int rc;

	r->layers = ap_xcalloc(n + 1, sizeof(*r->layers));
	r->n_layers = n;
	for (size_t i = 0; i < n; i++) {
		const struct ap_plan_part *part = i < l->n ? NULL : &r->plan.parts[i - l->n];

		jobs[i] = (struct making){
			.run = r,
			.pool = pool,
			.title = part ? part->title : l->titles[i],
			.tree = part ? &part->tree : &l->trees[i],
			.out = &r->layers[i],
		};
		ap_pool_submit(pool, make_layer, &jobs[i]);
	}
	rc = ap_pool_wait(pool, err);
	free(jobs);
	return rc;
}

int ap_run_layers(struct ap_run *r, struct ap_err *err)
{
	struct ap_layer_list list = { 0 };
	struct ap_pool *pool = NULL;
	int rc = 0;

	if (!r->ask.has_image)
		return 0;
	ap_push_begin(&r->push, &r->base, r->source, r->sink, r->progress);
	ap_pool_new(&pool, 0);
	if (r->plan.deps.any)
		rc = ap_run_deps_layers(&list, r, pool, err);
	else
		rc = ap_layer_list_whiteouts(&list, r, &(struct ap_strv){ 0 }, err);
	if (rc == 0)
		rc = make_all(r, &list, pool, err);
	ap_pool_free(pool);
	ap_layer_list_release(&list);
	return rc;
}
