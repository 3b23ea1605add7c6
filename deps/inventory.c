#include "deps/inventory.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/base_pip.h"
#include "deps/dists.h"
#include "deps/inputs.h"
#include "deps/layer_scan.h"
#include "deps/names.h"
#include "deps/paths.h"
#include "deps/pip_conf.h"
#include "deps/python.h"
#include "deps/site_path.h"
#include "deps/toc.h"

#define MAX_RECORD_FILE (1u << 30)
#define NOTED_READ      UINT64_C(1000000)
#define BIG_READ        (500ull << 20) /* from here on the user is warned */

static struct ap_paths *paths_of(const struct ap_inventory *i)
{
	return i->paths;
}

void ap_inventory_free(struct ap_inventory *i)
{
	if (!i)
		return;
	free(i->os);
	free(i->arch);
	free(i->libc);
	free(i->python_at);
	free(i->python3_at);
	free(i->python_path);
	free(i->implementation);
	free(i->sys_prefix);
	ap_base_pip_release(&i->pip);
	free(i->scheme.prefix);
	free(i->scheme.purelib);
	free(i->scheme.platlib);
	free(i->scheme.scripts);
	free(i->scheme.data);
	free(i->scheme.headers);
	free(i->scheme.interpreter);
	ap_strv_release(&i->site_dirs);
	ap_strv_release(&i->added_dirs);
	ap_dists_release(i);
	ap_paths_free(paths_of(i));
	free(i);
}

static void inventory_freep(struct ap_inventory **i)
{
	ap_inventory_free(*i);
}

/* ---- layers ---- */

struct merge {
	struct ap_paths *paths;
	struct ap_buf *record; /* NULL: nothing is written down */
	uint16_t fill; /* the layer of that number is merged already, without some contents */
};

static int merge_op(void *ctx, const struct ap_path_op *op, struct ap_err *err)
{
	struct merge *m = ctx;

	if (m->record)
		ap_layer_record_add(m->record, op);
	if (m->fill) {
		ap_paths_fill(m->paths, m->fill, op);
		return 0;
	}
	return ap_paths_apply(m->paths, op, err);
}

/* Counts the compressed bytes for the display. */
struct counter {
	struct ap_reader base;
	struct ap_reader *inner;
	struct ap_progress *progress;
	const char *id;
	uint64_t done, told, total;
};

static int counter_read(struct ap_reader *r, void *p, size_t n, size_t *got, struct ap_err *err)
{
	struct counter *c = AP_CONTAINER(r, struct counter, base);

	if (ap_read(c->inner, p, n, got, err) < 0)
		return -1;
	c->done += *got;
	if (c->done - c->told >= AP_MIN(c->total / 100, UINT64_C(1) << 20)) {
		c->told = c->done;
		ap_emit(c->progress, &(struct ap_event){ .step = AP_STEP_INVENTORY,
					     .kind = AP_EV_BYTES,
					     .id = c->id,
					     .done = c->done,
					     .total = c->total });
	}
	return 0;
}

static void counter_free(struct ap_reader *r)
{
	struct counter *c = AP_CONTAINER(r, struct counter, base);

	ap_reader_free(c->inner);
	free(c);
}

static const struct ap_reader_ops counter_ops = { counter_read, NULL, counter_free };

static struct ap_reader *counted(
	struct ap_reader *inner, const struct ap_layer_stream *l, struct ap_progress *progress)
{
	struct counter *c = ap_xcalloc(1, sizeof(*c));

	c->base.ops = &counter_ops;
	c->inner = inner;
	c->progress = progress;
	c->id = l->digest;
	c->total = l->size;
	return &c->base;
}

static char *record_path(const char *cache_dir, const char *digest)
{
	struct ap_digest d;
	struct ap_err err = AP_ERR_INIT;

	/* Only a digest becomes part of a path. */
	if (!cache_dir || ap_digest_parse(&d, digest, &err) < 0)
		return NULL;
	return ap_xasprintf("%s/inventory/1/%s", cache_dir, ap_digest_hex(&d));
}

bool ap_inventory_has_record(const char *cache_dir, const char *digest)
{
	ap_auto_free char *file = record_path(cache_dir, digest);

	return file && ap_fs_is_file(file);
}

/* A record file is the record and, at its end, its digest. */
static bool load_record(struct ap_buf *out, const char *path)
{
	struct ap_err err = AP_ERR_INIT;
	struct ap_digest d;

	ap_buf_init(out, MAX_RECORD_FILE);
	if (!path || ap_fs_read(out, path, &err) < 0 || out->len < AP_DIGEST_LEN) {
		ap_buf_reset(out);
		return false;
	}
	ap_sha256_of(&d, out->p, out->len - AP_DIGEST_LEN);
	if (memcmp(d.s, out->p + out->len - AP_DIGEST_LEN, AP_DIGEST_LEN) != 0) {
		ap_buf_reset(out);
		return false;
	}
	ap_buf_truncate(out, out->len - AP_DIGEST_LEN);
	return true;
}

bool ap_inventory_load_record(struct ap_buf *out, const char *cache_dir, const char *digest)
{
	ap_auto_free char *file = record_path(cache_dir, digest);

	return load_record(out, file);
}

/* Appends the digest that load_record() wants. */
static int save_record(struct ap_buf *record, const char *path, struct ap_err *err)
{
	ap_auto_free char *dir = ap_xstrdup(path);
	struct ap_digest d;

	ap_sha256_of(&d, record->p, record->len);
	ap_buf_add(record, d.s, AP_DIGEST_LEN);
	*strrchr(dir, '/') = '\0';
	if (ap_buf_check(record, "record", err) < 0 || ap_fs_mkdirs(dir, 0700, err) < 0)
		return -1;
	return ap_fs_write(path, record->p, record->len, 0600, err);
}

static int look_at_op(
	void *ctx AP_UNUSED, const struct ap_path_op *op AP_UNUSED, struct ap_err *err AP_UNUSED)
{
	return 0;
}

int ap_inventory_keep_record(
	struct ap_buf *record, const char *cache_dir, const char *digest, struct ap_err *err)
{
	ap_auto_free char *file = record_path(cache_dir, digest);

	if (!file)
		return ap_err_set(err, AP_E_IO, "no cache to keep a record in");
	if (ap_layer_record_replay(record->p, record->len, look_at_op, NULL, err) < 0)
		return -1;
	return save_record(record, file, err);
}

/* A cache that cannot be written costs time next time, nothing else. */
static void try_save(struct ap_buf *record, const char *path, struct ap_progress *progress)
{
	struct ap_err err = AP_ERR_INIT;

	if (save_record(record, path, &err) < 0)
		ap_emit_debug(
			progress, AP_STEP_INVENTORY, "the layer's record is not kept: %s", err.msg);
}

static int read_layer(struct merge *m, const struct ap_layer_stream *l, const char *which,
	const char *record_file, struct ap_progress *progress, struct ap_err *err)
{
	ap_auto_buf record = AP_BUF_MAX(MAX_RECORD_FILE);
	struct ap_reader *r;

	ap_emit(progress, &(struct ap_event){ .step = AP_STEP_INVENTORY,
				  .kind = AP_EV_START,
				  .id = l->digest,
				  .note = which,
				  .total = l->size });
	if (ap_toc_open(&r, l, progress, err) < 0)
		return ap_err_wrap(err, "layer %.19s", l->digest);
	if (r)
		ap_emit_debug(progress, AP_STEP_INVENTORY,
			"%.19s: its table of contents is read instead", l->digest);
	else if (l->open(l->ctx, &r, err) < 0)
		return ap_err_wrap(err, "layer %.19s", l->digest);
	ap_layer_record_begin(&record);
	m->record = record_file ? &record : NULL;
	if (ap_layer_scan(counted(r, l, progress), l->also, merge_op, m, err) < 0)
		return ap_err_wrap(err, "layer %.19s", l->digest);
	if (record_file)
		try_save(&record, record_file, progress);
	ap_emit(progress, &(struct ap_event){ .step = AP_STEP_INVENTORY,
				  .kind = AP_EV_DONE,
				  .id = l->digest,
				  .note = which,
				  .done = l->size });
	return 0;
}

static int one_layer(struct ap_paths *paths, const struct ap_layer_stream *l, const char *which,
	const struct ap_inventory_opts *o, struct ap_err *err)
{
	ap_auto_free char *file = record_path(o->cache_dir, l->digest);
	ap_auto_buf record = AP_BUF_INIT;
	struct merge m = { .paths = paths };

	ap_paths_next_layer(paths);
	if (!load_record(&record, file))
		return read_layer(&m, l, which, file, o->progress, err);
	ap_emit(o->progress, &(struct ap_event){ .step = AP_STEP_INVENTORY,
				     .kind = AP_EV_SKIP,
				     .id = l->digest,
				     .note = "known" });
	if (ap_layer_record_replay(record.p, record.len, merge_op, &m, err) < 0)
		return ap_err_wrap(err, "%s", file);
	return 0;
}

/* A reading is a download like a pull: say so before a big one. */
static void announce(
	const struct ap_layer_stream *layers, size_t n, const struct ap_inventory_opts *o)
{
	uint64_t bytes = 0;
	size_t unknown = 0;

	for (size_t i = 0; i < n; i++) {
		if (!ap_inventory_has_record(o->cache_dir, layers[i].digest)) {
			bytes += layers[i].size;
			unknown++;
		}
	}
	if (bytes >= BIG_READ)
		ap_emit_warn(o->progress, AP_STEP_INVENTORY,
			"%zu layers of the base, %" PRIu64
			" MB, are read once to learn what it has (inspect --inventory-out and "
			"--inventory avoid this)",
			unknown, bytes / 1000000);
	else if (bytes >= NOTED_READ)
		ap_emit_note(o->progress, AP_STEP_INVENTORY,
			"reading %zu layer%s to learn what is in there, %.1f MB", unknown,
			unknown == 1 ? "" : "s", (double)bytes / 1e6);
}

/* Read layer number `layer` for the contents of files that its record lacks. */
static int fill_layer(struct ap_paths *paths, const struct ap_layer_stream *layers, uint16_t layer,
	const struct ap_strv *files, const struct ap_inventory_opts *o, struct ap_err *err)
{
	struct ap_layer_stream l = layers[layer - 1];
	ap_auto_free char *record = record_path(o->cache_dir, l.digest);
	ap_auto_free char *which =
		ap_xasprintf("layer %u, for pip's configuration and .pth files", layer);
	struct merge m = { .paths = paths, .fill = layer };

	l.also = files;
	return read_layer(&m, &l, which, record, o->progress, err);
}

/*
 * Where pip there looks and what it is told.  A record of an earlier version,
 * or made of a table of contents, may lack what is in some file: its layer is
 * read for it, once.
 */
static int find_pip(struct ap_inventory *inv, const struct ap_layer_stream *layers, size_t n,
	const struct ap_inventory_opts *o, struct ap_err *err)
{
	ap_auto_free bool *filled = ap_xcalloc(n + 1, sizeof(*filled));
	struct ap_paths *paths = paths_of(inv);
	ap_auto_strv own = { 0 };
	bool again = true;

	ap_strv_copy(&own, &inv->site_dirs);
	while (again) {
		ap_auto_strv lacks = { 0 };
		ap_auto_strv files = { 0 };
		struct ap_pip_place at = {
			.vars = o->env, .paths = paths, .prefix = inv->sys_prefix, .lacks = &lacks
		};

		ap_site_path_find(
			inv, paths, &own, o->env ? ap_pip_env(&at, "PYTHONPATH") : NULL, &lacks);
		if (o->env)
			ap_base_pip_find(&inv->pip, &at);
		again = false;
		for (size_t i = 0; i < lacks.n; i++)
			ap_strv_add(&files, lacks.v[i] + 1);
		for (size_t i = 0; i < lacks.n; i++) {
			uint16_t layer = ap_paths_layer(paths, ap_paths_find(paths, lacks.v[i], 0));

			if (filled[layer])
				continue;
			filled[layer] = again = true;
			if (fill_layer(paths, layers, layer, &files, o, err) < 0)
				return -1;
		}
	}
	return 0;
}

int ap_inventory_read(struct ap_inventory **out, const struct ap_layer_stream *layers, size_t n,
	const struct ap_inventory_opts *o, struct ap_err *err)
{
	AP_CLEANUP(inventory_freep) struct ap_inventory *inv = ap_xcalloc(1, sizeof(*inv));
	struct ap_paths *paths = ap_paths_new();

	inv->paths = paths;
	inv->os = ap_xstrdup(o->os ? o->os : "linux");
	inv->arch = ap_xstrdup(o->arch ? o->arch : "amd64");
	announce(layers, n, o);
	for (size_t i = 0; i < n; i++) {
		ap_auto_free char *which = ap_xasprintf("layer %zu of %zu", i + 1, n);

		if (one_layer(paths, &layers[i], which, o, err) < 0)
			return ap_err_wrap(err, "read the base");
	}
	ap_python_find(inv, paths, o->env_path, o->interpreter);
	if (inv->python_path && find_pip(inv, layers, n, o, err) < 0)
		return ap_err_wrap(err, "read the base");
	if (inv->python_path)
		ap_dists_find(inv, paths);
	*out = AP_STEAL(inv);
	return 0;
}

/* ---- questions ---- */

int ap_inventory_need_python(const struct ap_inventory *i, struct ap_err *err)
{
	if (!i->has_python && !i->has_python3)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"the executor image has neither python nor python3 on its PATH");
	if (!ap_streq(i->implementation, "cpython"))
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"the executor image's %s is %s; dependencies can be installed for CPython "
			"only",
			i->python_path, i->implementation);
	if (i->py_major != 3 || i->py_minor < 6)
		return ap_err_set(err, AP_E_UNSUPPORTED,
			"the executor image's %s is of version %u.%u; want 3.6 or newer",
			i->python_path, i->py_major, i->py_minor);
	return 0;
}

int ap_inventory_use_word(struct ap_inventory *i, const char *word, struct ap_err *err)
{
	const char *want = strcmp(word, "python3") == 0 ? i->python3_at : i->python_at;
	const char *have = i->scheme.interpreter;
	const struct ap_paths *p = paths_of(i);
	size_t dir;

	if (!want || !have || strcmp(want, have) == 0)
		return 0;
	dir = (size_t)(strrchr(have, '/') - have);
	/* In one directory, and one file: one prefix, one version, one virtual environment. */
	if (strncmp(want, have, dir + 1) != 0 || strchr(want + dir + 1, '/') ||
		ap_paths_find(p, want, AP_FOLLOW) != ap_paths_find(p, have, AP_FOLLOW))
		return ap_err_set(err, AP_E_INPUT,
			"the inventory is of %s, the entry point's \"%s\" is %s, another Python",
			have, word, want);
	free(i->scheme.interpreter);
	i->scheme.interpreter = ap_xstrdup(want);
	return 0;
}

enum ap_path_kind ap_inventory_lookup(const struct ap_inventory *i, const char *path)
{
	const struct ap_paths *p = paths_of(i);

	return ap_paths_kind(p, ap_paths_find(p, path, 0));
}

char *ap_inventory_real_parent(const struct ap_inventory *i, const char *path)
{
	return ap_paths_real_parent(paths_of(i), path);
}

const struct ap_dist *ap_inventory_dist(const struct ap_inventory *i, const char *normalized)
{
	size_t lo = 0;
	size_t hi = i->n_dists;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int c = strcmp(normalized, i->dists[mid].normalized);

		if (c == 0)
			return &i->dists[mid];
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

struct visitor {
	const struct ap_paths *p;
	bool (*visit)(void *ctx, const char *path, enum ap_path_kind kind);
	void *ctx;
};

static bool walk(const struct visitor *v, ap_path_id dir, const char *prefix)
{
	for (ap_path_id id = ap_paths_first(v->p, dir); id; id = ap_paths_next(v->p, id)) {
		ap_auto_free char *path = ap_xasprintf("%s/%s", prefix, ap_paths_name(v->p, id));

		if (!v->visit(v->ctx, path, ap_paths_kind(v->p, id)))
			return false;
		if (ap_paths_kind(v->p, id) == AP_PATH_DIR && !walk(v, id, path))
			return false;
	}
	return true;
}

bool ap_inventory_walk(const struct ap_inventory *i, const char *dir,
	bool (*visit)(void *ctx, const char *path, enum ap_path_kind kind), void *ctx)
{
	struct visitor v = { paths_of(i), visit, ctx };
	ap_path_id id = ap_paths_find(v.p, dir, 0);

	if (ap_paths_kind(v.p, id) != AP_PATH_DIR)
		return true;
	return walk(&v, id, strcmp(dir, "/") == 0 ? "" : dir);
}
