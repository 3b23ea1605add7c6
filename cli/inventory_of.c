#include "cli/inventory_of.h"

#include <errno.h>
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "deps/unpack.h"

#define LAYER_MAX (UINT64_C(64) << 30)

struct stream {
	struct ap_source *source;
	const struct ap_descriptor *desc;
};

static int open_layer(void *ctx, struct ap_reader **out, struct ap_err *err)
{
	struct stream *s = ctx;

	return s->source->ops->open_blob(s->source, s->desc, out, err);
}

static int open_range(
	void *ctx, uint64_t from, uint64_t size, struct ap_reader **out, struct ap_err *err)
{
	struct stream *s = ctx;

	return s->source->ops->open_range(s->source, s->desc, from, size, out, err);
}

/* What a container's processes get of the image's configuration: HOME is its user's. */
static void read_env(struct ap_strv *out, const struct ap_base *base)
{
	const cJSON *config = ap_json_get(base->config, "config");
	const cJSON *env = ap_json_get(config, "Env");
	const char *user = ap_json_str(config, "User");
	struct ap_str name = ap_str_n(user ? user : "", user ? strcspn(user, ":") : 0);
	const cJSON *v;

	cJSON_ArrayForEach(v, env)
	{
		if (cJSON_IsString(v))
			ap_strv_add(out, v->valuestring);
	}
	if (ap_base_env(base, "HOME"))
		return;
	if (!name.n || ap_str_eq(name, "root") || ap_str_eq(name, "0"))
		ap_strv_add(out, "HOME=/root");
	else
		ap_strv_addf(out, "HOME=/home/%.*s", (int)name.n, name.p);
}

int ap_inventory_of(struct ap_inventory **out, struct ap_source *source, const struct ap_base *base,
	const char *word, const char *cache_dir, struct ap_progress *progress, struct ap_err *err)
{
	struct ap_layer_stream *layers = ap_xcalloc(base->n_layers + 1, sizeof(*layers));
	struct stream *streams = ap_xcalloc(base->n_layers + 1, sizeof(*streams));
	ap_auto_strv env = { 0 };
	struct ap_inventory_opts o = {
		.env_path = ap_base_env(base, "PATH"),
		.interpreter = word,
		.os = ap_json_str(base->config, "os"),
		.arch = ap_json_str(base->config, "architecture"),
		.env = &env,
		.cache_dir = cache_dir,
		.progress = progress,
	};
	int rc;

	read_env(&env, base);
	for (size_t i = 0; i < base->n_layers; i++) {
		streams[i] = (struct stream){ source, &base->layers[i] };
		layers[i] = (struct ap_layer_stream){
			.digest = base->layers[i].digest.s,
			.media_type = base->layers[i].media_type,
			.size = base->layers[i].size,
			.open = open_layer,
			.open_range = source->ops->open_range ? open_range : NULL,
			.annotations = base->layers[i].annotations,
			.ctx = &streams[i],
		};
	}
	rc = ap_inventory_read(out, layers, base->n_layers, &o, err);
	free(layers);
	free(streams);
	return rc;
}

bool ap_inventory_is_cached(const struct ap_base *base, const char *cache_dir)
{
	for (size_t i = 0; i < base->n_layers; i++)
		if (!ap_inventory_has_record(cache_dir, base->layers[i].digest.s))
			return false;
	return true;
}

int ap_inventory_file(struct ap_inventory **out, const char *path, struct ap_err *err)
{
	ap_auto_buf text = AP_BUF_MAX(256 << 20);
	ap_auto_json j = NULL;

	if (ap_fs_read(&text, path, err) == 0 && ap_json_parse(&j, text.p, text.len, err) == 0 &&
		ap_inventory_from_json(out, j, err) == 0)
		return 0;
	if (err->code == AP_E_PROTO || err->code == AP_E_LIMIT || err->sys)
		err->code = AP_E_INPUT;
	if (err->sys == ENOENT)
		(void)!ap_fs_suggest(err, path);
	return ap_err_wrap(err, "--inventory=%s", path);
}

/* Which distribution a path belongs to: sorted by path. */
struct owner {
	const char *path;
	const struct ap_dist *dist;
};

struct owners {
	struct owner *v;
	size_t n;
};

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct owner *)a)->path, ((const struct owner *)b)->path);
}

static void owners_make(struct owners *o, const struct ap_inventory *inv)
{
	size_t n = 0;

	for (size_t i = 0; inv && i < inv->n_dists; i++)
		n += inv->dists[i].files.n;
	o->v = ap_xcalloc(n + 1, sizeof(*o->v));
	for (size_t i = 0; inv && i < inv->n_dists; i++)
		for (size_t k = 0; k < inv->dists[i].files.n; k++)
			o->v[o->n++] = (struct owner){ inv->dists[i].files.v[k], &inv->dists[i] };
	if (o->n)
		qsort(o->v, o->n, sizeof(*o->v), by_path);
}

static const struct ap_dist *owner_of(const struct owners *o, const char *path)
{
	struct owner key = { path, NULL };
	const struct owner *found = o->n ? bsearch(&key, o->v, o->n, sizeof(*o->v), by_path) : NULL;

	return found ? found->dist : NULL;
}

/* "/usr/lib/x/y" -> "/usr/lib": enough to see what is big. */
static char *directory_of(const char *path)
{
	const char *second = strchr(path + 1, '/');
	const char *end = second ? strchr(second + 1, '/') : NULL;

	if (!second)
		return ap_xstrdup("/");
	return end ? ap_xstrndup(path, (size_t)(end - path))
		   : ap_xstrndup(path, (size_t)(second - path));
}

static void add_share(struct ap_shares *s, char *name, bool is_dist, uint64_t bytes)
{
	struct ap_share *share = NULL;

	for (size_t i = 0; i < s->n && !share; i++)
		if (strcmp(s->v[i].name, name) == 0)
			share = &s->v[i];
	if (share) {
		free(name);
	} else {
		AP_GROW(s->v, s->n, s->cap);
		share = &s->v[s->n++];
		*share = (struct ap_share){ name, is_dist, 0, 0 };
	}
	share->files++;
	share->bytes += bytes;
	s->files++;
	s->bytes += bytes;
}

struct feed {
	struct ap_reader *r;
	struct ap_err *err;
	char bytes[64 << 10];
};

static la_ssize_t feed_read(struct archive *a, void *ctx, const void **p)
{
	struct feed *f = ctx;
	size_t got = 0;

	*p = f->bytes;
	if (f->err->code || ap_read(f->r, f->bytes, sizeof(f->bytes), &got, f->err) < 0) {
		archive_set_error(a, ARCHIVE_FATAL, "read");
		return -1;
	}
	return (la_ssize_t)got;
}

static void take_entry(struct ap_shares *s, const struct owners *o, struct archive_entry *e)
{
	const char *given = archive_entry_pathname(e);
	ap_auto_free char *path = NULL;
	const struct ap_dist *d;
	uint64_t size;

	if (!given || archive_entry_filetype(e) != AE_IFREG || archive_entry_hardlink(e))
		return;
	while (ap_starts_with(given, "./"))
		given += 2;
	path = ap_xasprintf("/%s", given[0] == '/' ? given + 1 : given);
	size = archive_entry_size(e) > 0 ? (uint64_t)archive_entry_size(e) : 0;
	d = owner_of(o, path);
	add_share(s, d ? ap_xasprintf("%s %s", d->name, d->version) : directory_of(path), d != NULL,
		size);
}

static int larger_first(const void *a, const void *b)
{
	const struct ap_share *x = a;
	const struct ap_share *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return strcmp(x->name, y->name);
}

static int read_entries(struct ap_shares *out, struct archive *a, const struct owners *o,
	struct feed *f, struct ap_err *err)
{
	struct archive_entry *e;
	int rc;

	archive_read_support_format_tar(a);
	rc = archive_read_open(a, f, NULL, feed_read, NULL);
	while (rc == ARCHIVE_OK || rc == ARCHIVE_WARN) {
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "stopped by a signal");
		rc = archive_read_next_header(a, &e);
		if (rc == ARCHIVE_OK || rc == ARCHIVE_WARN)
			take_entry(out, o, e);
	}
	if (rc == ARCHIVE_EOF || err->code)
		return err->code ? -1 : 0;
	return ap_err_set(err, AP_E_PROTO, "a layer is no tar: %s", archive_error_string(a));
}

int ap_shares_of(struct ap_shares *out, struct ap_source *source, const struct ap_descriptor *layer,
	const struct ap_inventory *inv, struct ap_err *err)
{
	ap_auto_reader plain = NULL;
	struct ap_reader *packed = NULL;
	struct owners owners = { 0 };
	struct feed *f;
	struct archive *a;
	int rc;

	if (source->ops->open_blob(source, layer, &packed, err) < 0 ||
		ap_unpack_reader(&plain, packed, LAYER_MAX, err) < 0)
		return ap_err_wrap(err, "layer %.19s", layer->digest.s);
	owners_make(&owners, inv);
	f = ap_xcalloc(1, sizeof(*f));
	f->r = plain;
	f->err = err;
	a = archive_read_new();
	if (!a)
		ap_oom();
	rc = read_entries(out, a, &owners, f, err);
	archive_read_free(a);
	free(f);
	free(owners.v);
	if (rc < 0)
		return ap_err_wrap(err, "layer %.19s", layer->digest.s);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), larger_first);
	return 0;
}

void ap_shares_release(struct ap_shares *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].name);
	free(s->v);
	*s = (struct ap_shares){ 0 };
}
