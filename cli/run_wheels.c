/* Wheels as layers: which group needs making, fetching, whiteouts. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/child.h"
#include "base/fs.h"
#include "cli/run_deps.h"
#include "deps/compile.h"
#include "deps/fetch.h"
#include "deps/index_config.h"
#include "pack/layer_key.h"

struct wheel {
	struct ap_wheels *all;
	size_t i;     /* in the lock */
	size_t group; /* in groups */
	struct ap_tree tree;
	char *path; /* of a wheel that waits for its bytecode; NULL: it does not */
};

struct ap_wheels {
	struct ap_run *run;
	struct ap_groups groups;
	bool removes; /* the first slot is for whiteouts */
	struct wheel *v;
	size_t *left; /* for each group: wheels that are not there yet */
	pthread_mutex_t lock;
	struct ap_slot *slots;      /* of the groups, borrowed */
	size_t *wanted;             /* for each wheel of the fetched lock: its index */
	bool looked;                /* the slots have keys, and what is known is known */
	struct ap_compile *compile; /* NULL: no bytecode */
	struct ap_strv extra;       /* of the slots' keys */
};

/* Does the lock replace something that is to be removed?  What is only shadowed stays. */
static bool replaces(const struct ap_run *r)
{
	for (size_t i = 0; i < r->lock.removes.n; i++) {
		const struct ap_dist *d = ap_inventory_dist(r->inventory, r->lock.removes.v[i]);

		if (d && d->removable)
			return true;
	}
	return false;
}

/* What the lock says, else the file's, where it is here already; 0: not known. */
static uint64_t size_of(const struct ap_run *r, const struct ap_locked *l)
{
	ap_auto_free char *cached = NULL;
	struct stat st;

	if (l->size)
		return l->size;
	if (!l->local && r->ask.cache_dir)
		cached = ap_fetch_cache_path(r->ask.cache_dir, &l->digest);
	if ((l->local || cached) && stat(l->local ? l->local : cached, &st) == 0)
		return (uint64_t)st.st_size;
	return 0;
}

/* The keyring is asked only where pip or uv was told to ask it. */
static void use_keyring(struct ap_index_auth *a, const struct ap_index_config *c)
{
	ap_auto_free char *program = c->keyring ? ap_child_find("keyring", NULL) : NULL;

	if (program)
		ap_index_auth_use_keyring(a, program);
}

static int auth_of_url(struct ap_index_auth *a, const char *url, struct ap_err *err)
{
	ap_auto_free char *bare = url ? ap_xstrndup(url, strcspn(url, "#")) : NULL;

	return bare && ap_starts_with(bare, "http") ? ap_index_auth_add_url(NULL, a, bare, err) : 0;
}

/* Indexes first, then pages of links, then archives that are named by their address. */
static int auth_of_urls(struct ap_index_auth *a, const struct ap_index_config *c,
	const struct ap_dep_request *req, struct ap_err *err)
{
	int rc = auth_of_url(a, c->index_url, err);

	for (size_t i = 0; rc == 0 && i < c->extra_index_urls.n; i++)
		rc = auth_of_url(a, c->extra_index_urls.v[i], err);
	for (size_t i = 0; rc == 0 && i < c->find_links.n; i++)
		rc = auth_of_url(a, c->find_links.v[i], err);
	for (size_t i = 0; rc == 0 && i < req->n_lines; i++)
		rc = req->lines[i].kind == AP_DEP_URL ? auth_of_url(a, req->lines[i].req.url, err)
						      : 0;
	return rc;
}

/* Passwords of URLs, keyring and netrc; Google's tokens where the host is theirs. */
static int index_auth(struct ap_index_auth **out, const struct ap_run *r, struct ap_err *err)
{
	const struct ap_env *env = r->world->env;
	struct ap_index_config c = { 0 };
	ap_auto_buf netrc = AP_BUF_MAX(1 << 20);
	int rc;

	ap_index_auth_new(out, ap_world_gcp(r->world));
	ap_index_config_read(&c, &r->plan.deps.index, ap_env_lookup);
	use_keyring(*out, &c);
	rc = auth_of_urls(*out, &c, &r->plan.deps, err);
	ap_index_config_release(&c);
	if (rc < 0 || !env->netrc || !ap_fs_is_file(env->netrc))
		return rc;
	if (ap_fs_read(&netrc, env->netrc, err) < 0 ||
		ap_index_auth_add_netrc(*out, netrc.p, netrc.len, err) < 0)
		return ap_err_wrap(err, "%s", env->netrc);
	return 0;
}

int ap_wheels_index_token(void *ctx, char **token, const char *url, struct ap_err *err)
{
	const struct ap_run *r = ctx;
	struct ap_index_auth *a = NULL;
	ap_auto_free char *value = NULL;
	int rc = 0;

	if (!ap_gcp_url_allowed(url))
		return 0;
	rc = index_auth(&a, r, err);
	if (rc == 0)
		rc = ap_index_auth_get(&value, a, url, err);
	ap_index_auth_free(a);
	if (rc == 0 && value && ap_starts_with(value, "Bearer "))
		*token = ap_xstrdup(value + strlen("Bearer "));
	return rc;
}

/* Fetch these files, in the order of the lock. */
static int fetch(struct ap_run *r, struct ap_strv *paths, const struct ap_lock *lock,
	int (*on_wheel)(void *ctx, size_t i, const char *path, struct ap_err *err), void *ctx,
	struct ap_err *err)
{
	struct ap_fetch_opts o = {
		.cache_dir = r->ask.cache_dir,
		.http = ap_world_http(r->world),
		.progress = r->progress,
		.on_wheel = on_wheel,
		.ctx = ctx,
	};
	int rc = index_auth(&o.auth, r, err);

	if (rc == 0)
		rc = ap_fetch_wheels(paths, lock, &o, err);
	ap_index_auth_free(o.auth);
	return rc;
}

int ap_wheels_fetch_sources(
	void *ctx, struct ap_strv *paths, const struct ap_lock *lock, struct ap_err *err)
{
	return fetch(ctx, paths, lock, NULL, NULL, err);
}

/* An index that tells no sizes: those wheels come first, for the grouping needs them. */
static int fetch_unsized(struct ap_run *r, struct ap_err *err)
{
	struct ap_lock some = { 0 };
	ap_auto_strv paths = { 0 };
	int rc = 0;

	some.v = ap_xcalloc(r->lock.n + 1, sizeof(*some.v));
	for (size_t i = 0; i < r->lock.n; i++)
		if (!size_of(r, &r->lock.v[i]))
			some.v[some.n++] = r->lock.v[i];
	if (some.n)
		rc = fetch(r, &paths, &some, NULL, NULL, err);
	free(some.v);
	return rc;
}

int ap_wheels_plan(struct ap_wheels **out, size_t *n, struct ap_run *r, struct ap_err *err)
{
	size_t others = r->base.n_layers + r->plan.n_parts + 1;
	size_t room = others < AP_LAYERS_MAX ? AP_LAYERS_MAX - others : 0;
	struct ap_wheels *w;
	uint64_t *sizes;
	int rc;

	if (fetch_unsized(r, err) < 0)
		return -1;
	sizes = ap_xcalloc(r->lock.n + 1, sizeof(*sizes));
	/* Kept in the lock: with --lock-out another machine can group without the wheels. */
	for (size_t i = 0; i < r->lock.n; i++)
		sizes[i] = r->lock.v[i].size = size_of(r, &r->lock.v[i]);
	w = ap_xcalloc(1, sizeof(*w));
	w->run = r;
	pthread_mutex_init(&w->lock, NULL);
	rc = ap_groups_make(&w->groups, &r->lock, sizes, room, err);
	free(sizes);
	if (rc < 0) {
		ap_wheels_free(w);
		return -1;
	}
	w->removes = r->plan.whiteouts.n || replaces(r);
	w->v = ap_xcalloc(r->lock.n + 1, sizeof(*w->v));
	w->left = ap_xcalloc(w->groups.n + 1, sizeof(*w->left));
	r->layer_of = ap_xcalloc(r->lock.n + 1, sizeof(*r->layer_of));
	w->wanted = ap_xcalloc(r->lock.n + 1, sizeof(*w->wanted));
	for (size_t g = 0; g < w->groups.n; g++) {
		w->left[g] = w->groups.v[g].n;
		for (size_t k = 0; k < w->groups.v[g].n; k++) {
			size_t i = w->groups.v[g].members[k];

			w->v[i] = (struct wheel){ .all = w, .i = i, .group = g };
			r->layer_of[i] = g + (w->removes ? 1 : 0);
		}
	}
	*n = w->groups.n + (w->removes ? 1 : 0);
	*out = w;
	return 0;
}

void ap_wheels_free(struct ap_wheels *w)
{
	if (!w)
		return;
	for (size_t i = 0; w->v && i < w->run->lock.n; i++) {
		ap_tree_release(&w->v[i].tree);
		free(w->v[i].path);
	}
	ap_compile_free(w->compile);
	ap_strv_release(&w->extra);
	free(w->v);
	free(w->left);
	free(w->wanted);
	ap_groups_release(&w->groups);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

static void set_key(
	const struct ap_wheels *w, struct ap_slot *s, const char *kind, const struct ap_group *g)
{
	struct ap_run *r = s->run;
	struct ap_layer_inputs in = {
		.kind = kind,
		.lock = &r->lock,
		.members = g ? g->members : NULL,
		.n = g ? g->n : 0,
		.inventory = r->inventory,
		.extra = &w->extra,
		.base = &r->base,
		.compression = (int)r->ask.image.compression,
		.epoch = r->plan.epoch,
	};

	ap_layer_key(&s->key, &in);
	s->has_key = true;
}

/* Titles and keys, then a look at each, once: is it known? */
static int look(struct ap_wheels *w, struct ap_slot *slots, struct ap_err *err)
{
	struct ap_pool *pool = NULL;
	size_t n = w->groups.n + (w->removes ? 1 : 0);
	int rc;

	if (w->looked)
		return 0;
	w->looked = true;
	w->slots = slots + (w->removes ? 1 : 0);
	if (w->removes) {
		ap_auto_free char *also = ap_strv_join(&w->run->plan.whiteouts, " ");
		ap_auto_free char *kind = ap_xasprintf("removed %s", also);

		slots[0].title = ap_xstrdup("removed");
		if (replaces(w->run))
			set_key(w, &slots[0], kind, NULL);
	}
	for (size_t g = 0; g < w->groups.n; g++) {
		w->slots[g].title = ap_xstrdup(w->groups.v[g].title);
		set_key(w, &w->slots[g], "wheels", &w->groups.v[g]);
	}
	ap_pool_new(&pool, (unsigned)AP_MIN(n + 1, 8));
	for (size_t i = 0; i < n; i++)
		ap_pool_submit(pool, ap_slot_look, &slots[i]);
	rc = ap_pool_wait(pool, err);
	ap_pool_free(pool);
	return rc;
}

/* The wheels' trees as one; within a group no two may fill one path differently. */
static int join_group(struct ap_wheels *w, size_t g, struct ap_err *err)
{
	const struct ap_group *group = &w->groups.v[g];
	struct ap_slot *s = &w->slots[g];
	const struct ap_tree **trees = ap_xcalloc(group->n + 1, sizeof(const struct ap_tree *));
	const char **names = ap_xcalloc(group->n + 1, sizeof(const char *));
	int rc;

	for (size_t k = 0; k < group->n; k++) {
		trees[k] = &w->v[group->members[k]].tree;
		names[k] = w->run->lock.v[group->members[k]].filename;
	}
	rc = ap_install_conflicts(trees, names, group->n, err);
	free(trees);
	free(names);
	if (rc < 0)
		return -1;
	for (size_t k = 0; k < group->n; k++)
		ap_tree_move(&s->tree, &w->v[group->members[k]].tree);
	ap_tree_sort(&s->tree);
	ap_tree_unique(&s->tree);
	if (!s->known)
		ap_pool_submit(s->pool, ap_slot_make, s);
	return 0;
}

/* A wheel's tree is there; with the last of a group its layer can be made. */
static int install(
	struct wheel *one, const char *path, const struct ap_parcels *bytecode, struct ap_err *err)
{
	struct ap_wheels *w = one->all;
	bool last;

	if (ap_install_wheel(&one->tree, path, &w->run->lock.v[one->i], w->run->inventory, bytecode,
		    err) < 0)
		return -1;
	pthread_mutex_lock(&w->lock);
	last = --w->left[one->group] == 0;
	pthread_mutex_unlock(&w->lock);
	return last ? join_group(w, one->group, err) : 0;
}

static int on_wheel(void *ctx, size_t fetched, const char *path, struct ap_err *err)
{
	struct ap_wheels *w = ctx;
	struct wheel *one = &w->v[w->wanted[fetched]];
	const struct ap_locked *l = &w->run->lock.v[one->i];
	AP_CLEANUP(ap_parcels_release) struct ap_parcels kept = { 0 };

	if (!w->compile)
		return install(one, path, NULL, err);
	if (!w->run->ask.pack->verify_cache && ap_compile_get(&kept, w->compile, l))
		return install(one, path, &kept, err);
	one->path = ap_xstrdup(path);
	return ap_compile_add(w->compile, path, l, err);
}

/* The wheels that waited for their bytecode, compiled together. */
static int compile_rest(struct ap_wheels *w, struct ap_err *err)
{
	size_t n = 0;

	for (size_t i = 0; i < w->run->lock.n; i++)
		n += w->v[i].path != NULL;
	if (!n)
		return 0;
	ap_emit_note(w->run->progress, AP_STEP_LAYER, "compiling %zu package%s to bytecode", n,
		n == 1 ? "" : "s");
	if (ap_compile_run(w->compile, err) < 0)
		return -1;
	for (size_t i = 0; i < w->run->lock.n; i++) {
		AP_CLEANUP(ap_parcels_release) struct ap_parcels made = { 0 };

		if (!w->v[i].path)
			continue;
		if (!ap_compile_get(&made, w->compile, &w->run->lock.v[i]))
			return ap_err_set(err, AP_E_IO, "the bytecode of %s is gone",
				w->run->lock.v[i].filename);
		if (install(&w->v[i], w->v[i].path, &made, err) < 0)
			return -1;
	}
	return 0;
}

/* All wheels, when one layer has to be made: what collides and what is removed depends on all. */
static int fetch_all(struct ap_wheels *w, struct ap_err *err)
{
	for (size_t i = 0; i < w->run->lock.n; i++)
		w->wanted[i] = i;
	ap_auto_strv paths = { 0 };

	if (fetch(w->run, &paths, &w->run->lock, on_wheel, w, err) < 0)
		return -1;
	return w->compile ? compile_rest(w, err) : 0;
}

static int check_groups(struct ap_wheels *w, const struct ap_tree **trees, struct ap_err *err)
{
	const char **names = ap_xcalloc(w->groups.n + 1, sizeof(const char *));
	int rc;

	for (size_t g = 0; g < w->groups.n; g++)
		names[g] = w->groups.v[g].title;
	rc = ap_install_conflicts(trees, names, w->groups.n, err);
	free(names);
	return rc;
}

static int fill_removed(
	struct ap_wheels *w, struct ap_slot *s, const struct ap_tree **trees, struct ap_err *err)
{
	ap_auto_strv removed = { 0 };
	struct ap_run *r = w->run;

	if (ap_install_removals(&removed, &r->lock, r->inventory, trees, w->groups.n, err) < 0 ||
		ap_slot_whiteouts(s, &removed, err) < 0)
		return -1;
	ap_pool_submit(s->pool, ap_slot_make, s);
	return 0;
}

static bool all_known(const struct ap_wheels *w, const struct ap_slot *slots)
{
	if (w->removes && slots[0].has_key && !slots[0].known)
		return false;
	for (size_t g = 0; g < w->groups.n; g++)
		if (!w->slots[g].known)
			return false;
	return true;
}

int ap_wheels_ready(struct ap_wheels *w, struct ap_slot *slots, struct ap_err *err)
{
	struct ap_run *r = w->run;

	if (!r->ask.image.compile || !r->lock.n)
		return 0;
	ap_strv_addf(&w->extra, "bytecode by %s", r->inside->base);
	if (look(w, slots, err) < 0 ||
		ap_compile_new(&w->compile, r->inside, r->inventory, r->ask.cache_dir, err) < 0)
		return -1;
	for (size_t i = 0; i < r->lock.n && !all_known(w, slots); i++) {
		AP_CLEANUP(ap_parcels_release) struct ap_parcels kept = { 0 };

		if (r->ask.pack->verify_cache || !ap_compile_get(&kept, w->compile, &r->lock.v[i]))
			return r->inside->ready(r->inside, err) < 0 ? ap_err_wrap(err, "--compile")
								    : 0;
	}
	return 0;
}

int ap_wheels_fill(struct ap_wheels *w, struct ap_slot *slots, struct ap_err *err)
{
	const struct ap_tree **trees;
	int rc = 0;

	if (look(w, slots, err) < 0)
		return -1;
	trees = ap_xcalloc(w->groups.n + 1, sizeof(const struct ap_tree *));
	for (size_t g = 0; g < w->groups.n; g++)
		trees[g] = &w->slots[g].tree;
	if (!all_known(w, slots)) {
		rc = fetch_all(w, err);
		if (rc == 0)
			rc = check_groups(w, trees, err);
	}
	if (rc == 0 && w->removes && !slots[0].known)
		rc = fill_removed(w, &slots[0], trees, err);
	free(trees);
	return rc;
}
