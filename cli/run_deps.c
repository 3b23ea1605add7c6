/* Dependencies: what the base holds, what is to be added, and the wheels as layers. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/run_deps.h"
#include "deps/fetch.h"
#include "deps/index_config.h"

struct stream {
	struct ap_run *run;
	const struct ap_descriptor *desc;
};

static int open_layer(void *ctx, struct ap_reader **out, struct ap_err *err)
{
	struct stream *s = ctx;

	return s->run->source->ops->open_blob(s->run->source, s->desc, out, err);
}

static const char *config_text(const cJSON *config, const char *name)
{
	return ap_json_str(config, name);
}

static int read_inventory_file(struct ap_run *r, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(256 << 20);
	ap_auto_json j = NULL;

	if (ap_fs_read(&text, path, err) < 0 || ap_json_parse(&j, text.p, text.len, err) < 0 ||
		ap_inventory_from_json(&r->inventory, j, err) < 0) {
		if (err->code != AP_E_IO)
			err->code = AP_E_INPUT;
		return ap_err_wrap(err, "--inventory=%s", path);
	}
	return 0;
}

static int read_inventory(struct ap_run *r, struct ap_err *err)
{
	const struct ap_base *b = &r->base;
	struct ap_layer_stream *layers = ap_xcalloc(b->n_layers + 1, sizeof(*layers));
	struct stream *streams = ap_xcalloc(b->n_layers + 1, sizeof(*streams));
	struct ap_inventory_opts o = {
		.env_path = ap_base_env(b, "PATH"),
		.interpreter = r->plan.runs_python ? r->plan.entrypoint.v[0] : "python3",
		.os = config_text(b->config, "os"),
		.arch = config_text(b->config, "architecture"),
		.cache_dir = r->ask.cache_dir,
		.progress = r->progress,
	};
	int rc;

	for (size_t i = 0; i < b->n_layers; i++) {
		streams[i] = (struct stream){ r, &b->layers[i] };
		layers[i] = (struct ap_layer_stream){
			.digest = b->layers[i].digest.s,
			.media_type = b->layers[i].media_type,
			.size = b->layers[i].size,
			.open = open_layer,
			.ctx = &streams[i],
		};
	}
	rc = ap_inventory_read(&r->inventory, layers, b->n_layers, &o, err);
	free(layers);
	free(streams);
	return rc < 0 ? ap_err_wrap(err, "inventory of %s", r->ask.image.executor_image) : 0;
}

/* The base's PATH may know Python by its other name only. */
static int choose_python(struct ap_run *r, struct ap_err *err)
{
	const struct ap_inventory *i = r->inventory;
	const char *word = r->entrypoint.v[0];
	const char *other;
	bool has_it;

	if (ap_inventory_need_python(i, err) < 0)
		return ap_err_wrap(err, "executor image %s", r->ask.image.executor_image);
	if (!r->plan.runs_python)
		return 0;
	has_it = strcmp(word, "python") == 0 ? i->has_python : i->has_python3;
	other = strcmp(word, "python") == 0 ? "python3" : "python";
	if (has_it || !(strcmp(other, "python") == 0 ? i->has_python : i->has_python3))
		return 0;
	ap_emit_note(r->progress, AP_STEP_INVENTORY,
		"the executor image has no \"%s\" on its PATH: the entry point uses \"%s\"", word,
		other);
	free(r->entrypoint.v[0]);
	r->entrypoint.v[0] = ap_xstrdup(other);
	return 0;
}

static void say_notes(struct ap_run *r)
{
	for (size_t i = 0; i < r->plan.deps.notes.n; i++)
		ap_emit_note(r->progress, AP_STEP_RESOLVE, "%s", r->plan.deps.notes.v[i]);
}

int ap_run_deps_resolve(struct ap_run *r, struct ap_err *err)
{
	const struct ap_pack_opts *p = r->ask.pack;
	struct ap_resolve_opts o = {
		.cache_dir = r->ask.cache_dir,
		.allow_build = &r->ask.image.allow_build,
		.progress = r->progress,
		.refresh = p->refresh,
	};

	say_notes(r);
	if ((p->inventory ? read_inventory_file(r, p->inventory, err) : read_inventory(r, err)) < 0)
		return -1;
	if (choose_python(r, err) < 0)
		return -1;
	return ap_resolve(&r->lock, &r->plan.deps, r->inventory, &o, err);
}

void ap_run_deps_digest(struct ap_digest *out, const struct ap_run *r)
{
	ap_lock_digest(out, &r->lock);
}

/* A wheel as entries, before wheels are put together. */
struct wheel {
	struct ap_run *run;
	struct ap_tree tree;
};

static int removals(
	struct ap_run *r, const struct wheel *wheels, struct ap_strv *paths, struct ap_err *err)
{
	const struct ap_tree **added = ap_xcalloc(r->lock.n + 1, sizeof(const struct ap_tree *));
	int rc;

	for (size_t i = 0; i < r->lock.n; i++)
		added[i] = &wheels[i].tree;
	rc = ap_install_removals(paths, &r->lock, r->inventory, added, r->lock.n, err);
	free(added);
	return rc;
}

/* The size of each wheel, for grouping: what the lock says, else the file's. */
static uint64_t *wheel_sizes(const struct ap_run *r, const struct ap_strv *paths)
{
	uint64_t *sizes = ap_xcalloc(r->lock.n + 1, sizeof(*sizes));

	for (size_t i = 0; i < r->lock.n; i++) {
		struct stat st;

		sizes[i] = r->lock.v[i].size;
		if (!sizes[i] && stat(paths->v[i], &st) == 0)
			sizes[i] = (uint64_t)st.st_size;
	}
	return sizes;
}

static int add_groups(struct ap_layer_list *l, struct ap_run *r, struct wheel *wheels,
	const struct ap_strv *paths, struct ap_err *err)
{
	size_t others = r->base.n_layers + r->plan.n_parts + 1;
	size_t room = others < AP_LAYERS_MAX ? AP_LAYERS_MAX - others : 0;
	struct ap_groups groups = { 0 };
	uint64_t *sizes = wheel_sizes(r, paths);
	int rc = ap_groups_make(&groups, &r->lock, sizes, room, err);

	free(sizes);
	if (rc < 0)
		return -1;
	for (size_t g = 0; g < groups.n; g++) {
		ap_auto_tree tree = { 0 };

		for (size_t k = 0; k < groups.v[g].n; k++)
			ap_tree_move(&tree, &wheels[groups.v[g].members[k]].tree);
		ap_tree_sort(&tree);
		ap_tree_unique(&tree);
		ap_layer_list_add(l, groups.v[g].title, &tree);
	}
	ap_groups_release(&groups);
	return 0;
}

static const char *from_environment(const char *name)
{
	return getenv(name);
}

/* Passwords of index URLs and of netrc; Google's tokens where the host is theirs. */
static int index_auth(struct ap_index_auth **out, struct ap_run *r, struct ap_err *err)
{
	const struct ap_env *env = r->world->env;
	struct ap_index_config c = { 0 };
	ap_auto_buf netrc = AP_BUF_MAX(1 << 20);
	int rc = 0;

	ap_index_auth_new(out, ap_world_gcp(r->world));
	ap_index_config_read(&c, &r->plan.deps.index, from_environment);
	if (c.index_url)
		rc = ap_index_auth_add_url(NULL, *out, c.index_url, err);
	for (size_t i = 0; rc == 0 && i < c.extra_index_urls.n; i++)
		rc = ap_index_auth_add_url(NULL, *out, c.extra_index_urls.v[i], err);
	ap_index_config_release(&c);
	if (rc < 0 || !env->netrc || !ap_fs_is_file(env->netrc))
		return rc;
	if (ap_fs_read(&netrc, env->netrc, err) < 0 ||
		ap_index_auth_add_netrc(*out, netrc.p, netrc.len, err) < 0)
		return ap_err_wrap(err, "%s", env->netrc);
	return 0;
}

/* The wheels' trees in lock->v's order; those that collide are refused. */
static int check_conflicts(struct ap_run *r, const struct wheel *wheels, struct ap_err *err)
{
	const struct ap_tree **trees = ap_xcalloc(r->lock.n + 1, sizeof(const struct ap_tree *));
	const char **names = ap_xcalloc(r->lock.n + 1, sizeof(const char *));
	int rc;

	for (size_t i = 0; i < r->lock.n; i++) {
		trees[i] = &wheels[i].tree;
		names[i] = r->lock.v[i].filename;
	}
	rc = ap_install_conflicts(trees, names, r->lock.n, err);
	free(trees);
	free(names);
	return rc;
}

static int on_wheel(void *ctx, size_t i, const char *path, struct ap_err *err)
{
	struct wheel *w = (struct wheel *)ctx + i;

	return ap_install_wheel(&w->tree, path, &w->run->lock.v[i], w->run->inventory, err);
}

static int fetch(struct ap_run *r, struct wheel *wheels, struct ap_strv *paths,
	struct ap_pool *pool, struct ap_err *err)
{
	struct ap_fetch_opts o = {
		.cache_dir = r->ask.cache_dir,
		.http = ap_world_http(r->world),
		.pool = pool,
		.progress = r->progress,
		.on_wheel = on_wheel,
		.ctx = wheels,
	};
	int rc = index_auth(&o.auth, r, err);

	if (rc == 0)
		rc = ap_fetch_wheels(paths, &r->lock, &o, err);
	ap_index_auth_free(o.auth);
	return rc;
}

int ap_run_deps_layers(
	struct ap_layer_list *l, struct ap_run *r, struct ap_pool *pool, struct ap_err *err)
{
	struct wheel *wheels = ap_xcalloc(r->lock.n + 1, sizeof(*wheels));
	ap_auto_strv paths = { 0 };
	ap_auto_strv removed = { 0 };
	int rc;

	for (size_t i = 0; i < r->lock.n; i++)
		wheels[i].run = r;
	rc = fetch(r, wheels, &paths, pool, err);
	if (rc == 0)
		rc = check_conflicts(r, wheels, err);
	if (rc == 0)
		rc = removals(r, wheels, &removed, err);
	if (rc == 0)
		rc = ap_layer_list_whiteouts(l, r, &removed, err);
	if (rc == 0)
		rc = add_groups(l, r, wheels, &paths, err);
	for (size_t i = 0; i < r->lock.n; i++)
		ap_tree_release(&wheels[i].tree);
	free(wheels);
	return rc;
}

int ap_run_deps_write_lock(const struct ap_run *r, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_lock_print(&text, &r->lock);
	if (ap_fs_write(path, text.p, text.len, 0644, err) < 0)
		return ap_err_wrap(err, "--lock-out");
	return 0;
}

int ap_run_deps_read_lock(struct ap_lock *out, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(16 << 20);

	if (ap_fs_read(&text, path, err) < 0 || ap_lock_parse(out, text.p, text.len, NULL, err) < 0)
		return ap_err_wrap(err, "--lock=%s", path);
	return 0;
}

void ap_run_deps_release(struct ap_run *r)
{
	ap_lock_release(&r->lock);
	ap_inventory_free(r->inventory);
	r->inventory = NULL;
}
