/* Dependencies: what the base holds, what is to be added, and the wheels as layers. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/url.h"
#include "cli/inside.h"
#include "cli/inventory_of.h"
#include "cli/outfile.h"
#include "cli/run_deps.h"
#include "deps/warm.h"
#include "pack/remote_inventory.h"

#define SLOW_BASE (UINT64_C(8) << 20) /* bytes; smaller ones are read before uv has started */

/* A layer whose record may be in the repository. */
struct bringing {
	struct ap_run *run;
	size_t i;
};

static int bring_record(void *arg, struct ap_err *err AP_UNUSED)
{
	const struct bringing *b = arg;
	struct ap_run *r = b->run;
	struct ap_remote_cache c = ap_run_remote_cache(r);

	if (ap_remote_inventory_get(&c, r->ask.cache_dir, &r->base.layers[b->i]))
		ap_emit_debug(r->progress, AP_STEP_INVENTORY, "%.19s: known to the repository",
			r->base.layers[b->i].digest.s);
	return 0;
}

static int bring_records(struct ap_run *r, struct ap_err *err)
{
	struct bringing *jobs = ap_xcalloc(r->base.n_layers + 1, sizeof(*jobs));
	struct ap_pool *pool = NULL;
	int rc;

	ap_pool_new(&pool, 8);
	for (size_t i = 0; i < r->base.n_layers; i++) {
		jobs[i] = (struct bringing){ r, i };
		if (!ap_inventory_has_record(r->ask.cache_dir, r->base.layers[i].digest.s))
			ap_pool_submit(pool, bring_record, &jobs[i]);
	}
	rc = ap_pool_wait(pool, err);
	ap_pool_free(pool);
	free(jobs);
	return rc;
}

/*
 * Is there so much to be read of the base that the index can be asked
 * meanwhile?  Not where the base names another: what is wanted of that one is
 * not this one's business.
 */
static bool reads_slowly(const struct ap_run *r)
{
	uint64_t bytes = 0;

	if (ap_base_env(&r->base, "PIP_INDEX_URL") || ap_base_env(&r->base, "PIP_NO_INDEX"))
		return false;
	for (size_t i = 0; i < r->base.n_layers && !r->plan.deps.lock_file; i++)
		if (!ap_inventory_has_record(r->ask.cache_dir, r->base.layers[i].digest.s))
			bytes += r->base.layers[i].size;
	return bytes >= SLOW_BASE;
}

/* Known here, else from the repository, else read: then it is for others, too. */
static int read_inventory(
	struct ap_run *r, const char *word, const struct ap_resolve_opts *o, struct ap_err *err)
{
	struct ap_warm *warm = NULL;
	int rc;

	if (!r->ask.pack->verify_cache && bring_records(r, err) < 0)
		return -1;
	r->inventory_is_new = !ap_inventory_is_cached(&r->base, r->ask.cache_dir);
	if (reads_slowly(r) && ap_warm_begin(&warm, &r->plan.deps, o, err) < 0)
		return -1;
	rc = ap_inventory_of(
		&r->inventory, r->source, &r->base, word, r->ask.cache_dir, r->progress, err);
	ap_warm_end(warm);
	if (rc < 0)
		return ap_err_wrap(err, "inventory of %s", r->ask.image.executor_image);
	return 0;
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

/* Nothing is started by this. */
static void make_inside(struct ap_run *r)
{
	const struct ap_inside_opts o = {
		.world = r->world,
		.source = r->source,
		.base = &r->base,
		.platform = r->ask.image.platform,
		.cache_dir = r->ask.cache_dir,
		.progress = r->progress,
	};

	ap_inside_new(&r->inside, &o);
	r->inside->python = ap_xstrdup(r->inventory->python_path);
}

/* pip inspect, and we before we looked, do not tell what pip in the base is told. */
static void warn_of_unknown_pip(struct ap_run *r)
{
	static const char *const names[] = { "PIP_CONSTRAINT", "PIP_CONFIG_FILE", "PIP_INDEX_URL",
		"PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_PRE" };

	for (size_t i = 0; i < AP_LEN(names) && !r->inventory->pip.known; i++) {
		const char *value = ap_base_env(&r->base, names[i]);

		if (value && *value) {
			ap_emit_warn(r->progress, AP_STEP_INVENTORY,
				"--inventory does not say what pip in the base is told, and %s is set "
				"there: that has no effect; make the inventory with \"autopack inspect "
				"--inventory-out\"",
				names[i]);
			return;
		}
	}
}

/* Is the base's registry this machine's neighbour? */
static bool is_private(const struct ap_ref *ref)
{
	ap_auto_free char *host = NULL;
	unsigned port;

	return ref->transport == AP_DOCKER && ap_host_split(ref->registry, &host, &port) &&
	       ap_host_is_private(host);
}

static int take_inventory(struct ap_run *r, const char *word, struct ap_err *err)
{
	r->inventory = AP_STEAL(r->ask.inventory);
	return ap_inventory_use_word(r->inventory, word, err) < 0
		       ? ap_err_wrap(err, "--inventory=%s", r->ask.pack->inventory)
		       : 0;
}

int ap_run_deps_resolve(struct ap_run *r, struct ap_err *err)
{
	const struct ap_pack_opts *p = r->ask.pack;
	const char *word = r->plan.runs_python ? r->plan.entrypoint.v[0] : "python3";
	struct ap_resolve_opts o = {
		.cache_dir = r->ask.cache_dir,
		.allow_build = &r->ask.image.allow_build,
		.progress = r->progress,
		.private_base = is_private(&r->base.ref),
		.refresh = p->refresh,
		.fetch = ap_wheels_fetch_sources,
		.fetch_ctx = r,
		.token = ap_wheels_index_token,
		.token_ctx = r,
	};

	if ((r->ask.inventory ? take_inventory(r, word, err) : read_inventory(r, word, &o, err)) <
		0)
		return -1;
	warn_of_unknown_pip(r);
	if (choose_python(r, err) < 0)
		return -1;
	make_inside(r);
	o.inside = r->inside;
	return ap_resolve(&r->lock, &r->plan.deps, r->inventory, &o, err);
}

void ap_run_deps_digest(struct ap_digest *out, const struct ap_run *r)
{
	ap_lock_digest(out, &r->lock);
}

int ap_run_deps_write_lock(const struct ap_run *r, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_INIT;

	ap_lock_print(&text, &r->lock);
	return ap_outfile_write("--lock-out", path, text.p, text.len, err);
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
	ap_inside_free(r->inside);
	r->inside = NULL;
	ap_inventory_free(r->inventory);
	r->inventory = NULL;
}
