#include "pack/scan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "pack/secret.h"

/* Fewer files, or less to read, are done before threads are started. */
#define ALONE_FILES 256
#define ALONE_BYTES (UINT64_C(4) << 20)
#define BATCH       128
#define LISTED      5 /* of files that look like credentials */

/* Some entries of a tree, for one job. */
struct batch {
	struct ap_scanned *out;
	const struct ap_entry *entries;
	size_t n;
};

static int scan_file(struct ap_scanned *out, const struct ap_entry *e, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h;
	char chunk[65536];
	const char *look = NULL;
	bool first = true;
	size_t got = 0;

	ap_sha256_init(&h);
	if (e->content && e->content->ops->open(e->content, &r, err) < 0)
		return -1;
	do {
		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "interrupted");
		if (r && ap_read(r, chunk, sizeof(chunk), &got, err) < 0)
			return -1;
		if (first)
			look = ap_secret_look(e->path, chunk, got);
		first = false;
		ap_sha256_update(&h, chunk, got);
	} while (got);
	ap_sha256_final(&h, &out->digest);
	out->look = ap_xstrdup(look ? look : "");
	return 0;
}

static int scan_batch(void *arg, struct ap_err *err)
{
	const struct batch *b = arg;

	for (size_t i = 0; i < b->n; i++) {
		if (b->entries[i].type != AP_ENTRY_FILE || b->out[i].look)
			continue;
		if (scan_file(&b->out[i], &b->entries[i], err) < 0)
			return -1;
	}
	return 0;
}

/* What the cache knows is filled in; the rest is counted. */
static uint64_t look_up(struct ap_scan *s, const struct ap_tree *t, const struct ap_stat_cache *c,
	uint64_t *n_files)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->n; i++) {
		const struct ap_entry *e = &t->v[i];
		struct ap_local_stat st;

		if (e->type != AP_ENTRY_FILE)
			continue;
		if (c && ap_local_content_stat(e->content, &st) &&
			ap_stat_cache_find(&s->v[i].digest, &s->v[i].look, c,
				ap_local_content_path(e->content), &st))
			continue;
		++*n_files;
		bytes += e->size;
	}
	return bytes;
}

static int scan_in_threads(struct ap_scan *s, const struct ap_tree *t, struct ap_err *err)
{
	size_t n = (t->n + BATCH - 1) / BATCH;
	ap_auto_free struct batch *batches = ap_xcalloc(n, sizeof(*batches));
	AP_CLEANUP(ap_pool_freep) struct ap_pool *pool = NULL;

	ap_pool_new(&pool, 0);
	for (size_t i = 0; i < n; i++) {
		size_t at = i * BATCH;

		batches[i] = (struct batch){ s->v + at, t->v + at, AP_MIN(t->n - at, BATCH) };
		ap_pool_submit(pool, scan_batch, &batches[i]);
	}
	return ap_pool_wait(pool, err);
}

static void remember(
	struct ap_scan *s, const struct ap_tree *t, struct ap_stat_cache *c, int64_t began)
{
	s->settled = true;
	for (size_t i = 0; i < t->n; i++) {
		struct ap_local_stat st;

		if (t->v[i].type != AP_ENTRY_FILE || !t->v[i].content)
			continue;
		if (!ap_local_content_stat(t->v[i].content, &st) ||
			!ap_stat_cache_put(c, ap_local_content_path(t->v[i].content), &st,
				&s->v[i].digest, s->v[i].look, began))
			s->settled = false;
	}
}

int ap_scan_tree(struct ap_scan *out, const struct ap_tree *tree, struct ap_stat_cache *cache,
	struct ap_err *err)
{
	AP_CLEANUP(ap_scan_release)
	struct ap_scan s = { ap_xcalloc(tree->n + 1, sizeof(*s.v)), tree->n, false };
	int64_t began = ap_stat_cache_now();
	uint64_t n_files = 0;
	uint64_t bytes = look_up(&s, tree, cache, &n_files);
	struct batch all = { s.v, tree->v, tree->n };

	if (n_files > 1 && (n_files > ALONE_FILES || bytes > ALONE_BYTES)) {
		if (scan_in_threads(&s, tree, err) < 0)
			return -1;
	} else if (scan_batch(&all, err) < 0) {
		return -1;
	}
	if (cache)
		remember(&s, tree, cache, began);
	*out = s;
	s = (struct ap_scan){ 0 };
	return 0;
}

void ap_scan_release(struct ap_scan *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->v[i].look);
	free(s->v);
	*s = (struct ap_scan){ 0 };
}

const char *ap_scan_shown(const struct ap_entry *e)
{
	const char *rest = ap_below(e->path, "usr/app");

	return rest ? rest : e->path;
}

static void warn_secrets(
	const struct ap_scan *s, const struct ap_tree *tree, struct ap_progress *progress)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++) {
		if (tree->v[i].type != AP_ENTRY_FILE || !*s->v[i].look || ++n > LISTED)
			continue;
		ap_emit_warn(progress, AP_STEP_PLAN,
			"%s looks like %s and goes into the image; name it in .dockerignore to leave it out",
			ap_scan_shown(&tree->v[i]), s->v[i].look);
	}
	if (n > LISTED)
		ap_emit_warn(progress, AP_STEP_PLAN, "%zu more file%s like these", n - LISTED,
			n == LISTED + 1 ? "" : "s");
}

void ap_scan_warn(const struct ap_scan *s, const struct ap_tree *tree, struct ap_progress *progress)
{
	warn_secrets(s, tree, progress);
	for (size_t i = 0; i < s->n; i++) {
		const struct ap_entry *e = &tree->v[i];

		if (e->type == AP_ENTRY_FILE && e->size > AP_LARGE)
			ap_emit_warn(progress, AP_STEP_PLAN,
				"%s is large: %" PRIu64
				" MB; name it in .dockerignore if it is not needed",
				ap_scan_shown(e), e->size / 1000000);
	}
}
