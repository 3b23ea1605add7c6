#include "pack/tag.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "pack/secret.h"

#define LARGE UINT64_C(100000000)

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

/* Where the path shows up to the user: below the working directory. */
static const char *short_path(const char *image)
{
	return ap_starts_with(image, "usr/app/") ? image + 8 : image;
}

static int digest_file(struct ap_digest *out, const struct ap_entry *e,
	struct ap_progress *progress, struct ap_err *err)
{
	ap_auto_reader r = NULL;
	AP_CLEANUP(ap_sha256_release) struct ap_sha256 h;
	char chunk[65536];
	bool first = true;
	size_t got;

	ap_sha256_init(&h);
	if (e->content && e->content->ops->open(e->content, &r, err) < 0)
		return -1;
	do {
		size_t have = 0;

		got = 0;
		if (r && ap_read(r, chunk, sizeof(chunk), &got, err) < 0)
			return -1;
		have = got;
		if (first) {
			const char *what = ap_secret_look(e->path, chunk, have);

			if (what)
				ap_emit_warn(progress, AP_STEP_PLAN,
					"%s looks like %s and goes into the image; name it in .dockerignore to leave it out",
					short_path(e->path), what);
		}
		first = false;
		ap_sha256_update(&h, chunk, have);
	} while (got);
	ap_sha256_final(&h, out);
	return 0;
}

static int put_tree(struct ap_sha256 *h, const struct ap_tree *t, struct ap_progress *progress,
	struct ap_err *err)
{
	put_u64(h, "entries", t->n);
	for (size_t i = 0; i < t->n; i++) {
		const struct ap_entry *e = &t->v[i];
		struct ap_digest d = { "" };

		if (ap_interrupted())
			return ap_err_set(err, AP_E_CANCELLED, "interrupted");
		if (e->type == AP_ENTRY_FILE && e->size > LARGE)
			ap_emit_warn(progress, AP_STEP_PLAN,
				"%s is large: %" PRIu64
				" MB; name it in .dockerignore if it is not needed",
				short_path(e->path), e->size / 1000000);
		if (e->type == AP_ENTRY_FILE && digest_file(&d, e, progress, err) < 0)
			return -1;
		put_str(h, "path", e->path);
		put_u64(h, "type", (uint64_t)e->type);
		put_u64(h, "mode", e->mode);
		put_str(h, e->type == AP_ENTRY_SYMLINK ? "target" : "content",
			e->type == AP_ENTRY_SYMLINK ? e->target : d.s);
	}
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

static void put_deps(struct ap_sha256 *h, const struct ap_dep_request *d)
{
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
	put_list(h, "index", &r->index_urls);
	put_list(h, "allow-build", &r->allow_build);
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
	put_deps(&h, &p->deps);
	put_u64(&h, "parts", p->n_parts);
	for (size_t i = 0; i < p->n_parts; i++) {
		if (put_tree(&h, &p->parts[i].tree, progress, err) < 0)
			return -1;
	}
	ap_sha256_final(&h, &d);
	snprintf(p->tag, sizeof(p->tag), "ap-%.40s", ap_digest_hex(&d));
	return 0;
}
