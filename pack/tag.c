#include "pack/tag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pack/scan.h"
#include "pack/weight.h"

#define HASH_CHUNK (32u << 10)

/* Each field goes in with its length before it, so that no two inputs make the same bytes. */
static void put(struct ap_sha256 *h, const char *name, const void *p, size_t n)
{
	char head[96];
	int k = snprintf(head, sizeof(head), "%s:%zu:", name, n);

	ap_sha256_update(h, head, (size_t)k);
	ap_sha256_update(h, p, n);
	ap_sha256_update(h, "\n", 1);
}

static void put_str(struct ap_sha256 *h, const char *name, const char *s)
{
	if (s)
		put(h, name, s, strlen(s));
	else
		put(h, name, "", 0);
}

static void put_u64(struct ap_sha256 *h, const char *name, uint64_t v)
{
	char s[24];

	snprintf(s, sizeof(s), "%" PRIu64, v);
	put_str(h, name, s);
}

static void put_list(struct ap_sha256 *h, const char *name, const struct ap_strv *l)
{
	put_u64(h, name, l->n);
	for (size_t i = 0; i < l->n; i++)
		put_str(h, name, l->v[i]);
}

/* Neither paths nor targets nor digests have a NUL in them. */
static void hash_tree(struct ap_digest *out, const struct ap_tree *t, const struct ap_scan *scan)
{
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h;
	ap_auto_buf b = AP_BUF_INIT;

	ap_sha256_init(&h);
	for (size_t i = 0; i < t->n; i++) {
		const struct ap_entry *e = &t->v[i];
		const char *what = e->type == AP_ENTRY_SYMLINK ? e->target : scan->v[i].digest.s;

		ap_buf_addf(&b, "%d %" PRIo32 " ", (int)e->type, e->mode);
		ap_buf_add(&b, e->path, strlen(e->path) + 1);
		ap_buf_add(&b, what, strlen(what) + 1);
		if (b.len > HASH_CHUNK || i + 1 == t->n) {
			ap_sha256_update(&h, b.p, b.len);
			ap_buf_reset(&b);
		}
	}
	ap_sha256_final(&h, out);
}

static int put_parts(struct ap_sha256 *h, struct ap_plan *p, const struct ap_image_request *req,
	struct ap_progress *progress, struct ap_err *err)
{
	AP_CLEANUP(ap_stat_cache_freep) struct ap_stat_cache *cache = NULL;

	if (req->cache_dir)
		ap_stat_cache_open(&cache, req->cache_dir, p->workdir);
	put_u64(h, "parts", p->n_parts);
	for (size_t i = 0; i < p->n_parts; i++) {
		AP_CLEANUP(ap_scan_release) struct ap_scan scan = { 0 };
		struct ap_plan_part *part = &p->parts[i];

		if (ap_scan_tree(&scan, &part->tree, cache, err) < 0)
			return -1;
		ap_scan_warn(&scan, &part->tree, progress);
		hash_tree(&part->content, &part->tree, &scan);
		part->settled = scan.settled;
		put_str(h, "part", part->content.s);
	}
	ap_weight_warn(p, progress);
	if (cache && !req->cache_read_only)
		ap_stat_cache_save(cache);
	return 0;
}

/* A path outside the working directory differs from machine to machine; its content does not. */
static const char *portable(const char *path)
{
	const char *slash = path[0] == '/' ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

static void put_portable(struct ap_sha256 *h, const char *name, const struct ap_strv *l)
{
	put_u64(h, name, l->n);
	for (size_t i = 0; i < l->n; i++)
		put_str(h, name, portable(l->v[i]));
}

/* Where packages come from means nothing, and differs from machine to machine, where there are none. */
static void put_deps(
	struct ap_sha256 *h, const struct ap_dep_request *d, const struct ap_image_request *r)
{
	if (!d->any)
		return;
	put_list(h, "index", &r->index_urls);
	put_list(h, "allow-build", &r->allow_build);
	put_u64(h, "project", (uint64_t)d->project);
	put_u64(h, "requirements.txt", d->has_requirements_txt);
	put_list(h, "requirement", &d->requirements);
	put_portable(h, "package", &d->packages);
	put_u64(h, "files", d->n_files);
	for (size_t i = 0; i < d->n_files; i++) {
		put_str(h, "file", portable(d->files[i].path));
		put_str(h, "digest", d->files[i].digest.s);
	}
}

static void put_request(struct ap_sha256 *h, const struct ap_image_request *r)
{
	put_str(h, "base", r->executor_image);
	put_str(h, "platform", r->platform ? r->platform : "linux/amd64");
	put_str(h, "compression", r->compression == AP_ZSTD ? "zstd" : "gzip");
}

/* Where packages come from says nothing of an image of code alone. */
static void put_sources(struct ap_sha256 *h, const struct ap_image_request *r)
{
	put_u64(h, "compile", r->compile);
}

int ap_plan_tag(struct ap_plan *p, const struct ap_image_request *req, struct ap_progress *progress,
	struct ap_err *err)
{
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h;
	struct ap_digest d;

	ap_sha256_init(&h);
	put_str(&h, "layout", AP_LAYOUT_VERSION);
	put_request(&h, req);
	put_list(&h, "entrypoint", &p->entrypoint);
	put_list(&h, "env", &p->env);
	put_list(&h, "label", &p->labels);
	put_list(&h, "whiteout", &p->whiteouts);
	put_u64(&h, "epoch", (uint64_t)p->epoch);
	put_deps(&h, &p->deps, req);
	if (p->deps.any)
		put_sources(&h, req);
	if (put_parts(&h, p, req, progress, err) < 0)
		return -1;
	ap_sha256_final(&h, &d);
	snprintf(p->tag, sizeof(p->tag), "ap-%.40s", ap_digest_hex(&d));
	return 0;
}
